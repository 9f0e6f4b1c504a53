"""The replies to a command that exceeds a quota: what was not added, how many keywords there are, what to do.

It counts nothing and decides nothing.
"""

from collections.abc import Sequence
from typing import Final

from bot.domain.keyword import Keyword
from bot.domain.text import cut, plural
from bot.services.subscriptions import Added, AddResult, QuotaExceeded, QuotaScope
from cogs.replies import bold

# How many keywords are named, and with how many characters.
_NAMED_MAX: Final = 5
_NAME_MAX: Final = 60


def exceeded_lines(results: Sequence[str | AddResult], channel: str) -> list[str]:
    """One line for each quota that left keywords out; none if all fit."""
    added = sum(isinstance(result, Added) for result in results)
    exceeded = [result for result in results if isinstance(result, QuotaExceeded)]
    lines = []
    for scope in QuotaScope:
        of_scope = [each for each in exceeded if each.scope is scope]
        if of_scope:
            fit = f", so only {added} of {plural(added + len(exceeded), 'new keyword')} fit" if added else ""
            lines.append(
                f"Not added: {_named([each.keyword.shown for each in of_scope])}. {_quota(of_scope[0], channel, fit)}"
            )
    return lines


def _quota(exceeded: QuotaExceeded, channel: str, fit: str) -> str:
    numbers = f"{exceeded.used:,} keywords of at most {exceeded.limit:,}{fit}"
    match exceeded.scope:
        case QuotaScope.CHANNEL:
            return (
                f"{channel} has {numbers}. Remove some with `/unsubscribe`, or choose another channel in the "
                "`channel` option."
            )
        case QuotaScope.SERVER:
            return f"This server has {numbers}. Remove some with `/unsubscribe`; `/keywords` lists them."


def command_quota_line(command: str, typed: int, left_out: Sequence[Keyword | str]) -> str:
    """What to do with keywords beyond the quota of a command; empty if there are none."""
    if not left_out:
        return ""
    limit = typed - len(left_out)
    names = [part.shown for part in left_out if isinstance(part, Keyword)]
    invalid = f" {plural(len(left_out) - len(names), 'invalid one')}" if len(names) < len(left_out) else ""
    listed = " and".join(filter(None, (_named(names), invalid))) if names else invalid.strip()
    return (
        f"Left out: {listed}. One command takes up to {plural(limit, 'keyword')}, and you gave {typed:,}. "
        f"Run `/{command}` again for the others."
    )


def _named(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    named = ", ".join(bold(cut(name, _NAME_MAX)) for name in names[:_NAMED_MAX])
    more = len(names) - _NAMED_MAX
    return f"{named} and {more:,} more" if more > 0 else named
