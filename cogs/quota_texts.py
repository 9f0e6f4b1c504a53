"""The replies to a command that exceeds a quota: what was not added, how many keywords there are, what to do.

It counts nothing and decides nothing.
"""

from collections.abc import Sequence

from bot.domain.text import plural
from bot.services.subscriptions import Added, QuotaExceeded, QuotaScope
from cogs.input import named


def exceeded_lines(results: Sequence[object], channel: str) -> list[str]:
    """One line for each quota that left keywords out; none if all fit."""
    added = sum(isinstance(result, Added) for result in results)
    exceeded = [result for result in results if isinstance(result, QuotaExceeded)]
    lines = []
    for scope in QuotaScope:
        of_scope = [each for each in exceeded if each.scope is scope]
        if of_scope:
            fit = f", so only {added} of {plural(added + len(exceeded), 'new keyword')} fit" if added else ""
            lines.append(
                f"Not added: {named([each.keyword.label for each in of_scope])}. {_quota(of_scope[0], channel, fit)}"
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


def command_quota_line(command: str, typed: int, names: Sequence[str], invalid_ones: int = 0) -> str:
    """What to do with keywords beyond the quota of a command, some of them invalid; empty if there are none."""
    left_out = len(names) + invalid_ones
    if not left_out:
        return ""
    limit = typed - left_out
    invalid = f" {plural(invalid_ones, 'invalid one')}" if invalid_ones else ""
    listed = " and".join(filter(None, (named(names), invalid))) if names else invalid.strip()
    return (
        f"Left out: {listed}. One command takes up to {plural(limit, 'keyword')}, and you gave {typed:,}. "
        f"Run `/{command}` again for the others."
    )
