"""Texts of the replies to `/channel exclude` and `limit`. It reads nothing: the cogs pass what they say."""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.domain.channel_settings import ChannelSettings
from bot.domain.exclusions import ChannelExclusion
from bot.domain.expressions.explanation import explain
from bot.domain.keyword import Keyword
from bot.domain.layout.parts import title_of
from bot.domain.text import cut, escape_label, plural
from bot.services.exclusions import ExclusionAdded, ExclusionEffect, HeldBack, QuotaReached
from cogs.replies import bold

_SHOWN_MAX: Final = 200
_TITLE_MAX: Final = 120


def exclusion_name(keyword: Keyword) -> str:
    """An exclusion in bold."""
    return bold(cut(keyword.shown, _SHOWN_MAX))


def added_lines(added: ExclusionAdded, effect: ExclusionEffect, channel: str) -> list[str]:
    """What a new exclusion changes."""
    keyword = added.exclusion.keyword
    explained = "" if keyword.expression is None else explain(keyword.expression.node)
    meaning = f" ({explained})" if 0 < len(explained) <= _SHOWN_MAX else ""
    lines = [
        f"Papers that match {exclusion_name(keyword)}{meaning} are no longer posted in {channel}.",
        *_effect(effect),
    ]
    if added.withheld:
        lines.append(f"{plural(added.withheld, 'paper')} that waited to be posted left the queue.")
    return lines


def _effect(effect: ExclusionEffect) -> list[str]:
    if not effect.papers:
        return ["No other papers of the last 30 days are known for this channel."]
    period = "in 30 days" if effect.is_complete else "(the newest of the last 30 days)"
    papers = f"{plural(effect.papers, 'paper')} {period}"
    if not effect.removed:
        return [f"{papers}; none of them matches this exclusion."]
    if effect.removed == effect.papers:
        return [f"⚠️ {papers}; this exclusion matches all of them.", *_examples(effect)]
    return [f"{papers}; {effect.removed:,} fewer with this exclusion, such as:", *_examples(effect)]


def _examples(effect: ExclusionEffect) -> list[str]:
    return [
        f"- [{cut(escape_label(title_of(paper)), _TITLE_MAX)}](<{paper.arxiv_id.abs_url}>)" for paper in effect.examples
    ]


def quota_text(reached: QuotaReached, channel: str) -> str:
    """Which quota allows no other exclusion, and what to do."""
    where = "This server" if reached.is_of_server else channel
    return (
        f"{where} has {plural(reached.limit, 'exclusion')}, which is the most. Remove one with "
        "`/channel exclude remove`, or join several with `OR`."
    )


def list_lines(exclusions: Sequence[ChannelExclusion], counts: Mapping[int, int], channel: str) -> list[str]:
    """The exclusions of a channel, and how many papers each withheld."""
    if not exclusions:
        return [f"{channel} has no exclusions. Add one with `/channel exclude add`."]
    return [f"Not posted in {channel}:", *(_line(each, counts.get(each.id, 0)) for each in exclusions)]


def _line(exclusion: ChannelExclusion, count: int) -> str:
    added_by = "" if exclusion.added_by is None else f" · added by <@{exclusion.added_by}>"
    return f"- {exclusion_name(exclusion.keyword)} · held back {plural(count, 'paper')} in 30 days{added_by}"


def limit_text(channel: str, papers: int | None) -> str:
    """What a new limit means."""
    if papers is None:
        return f"Each posting in {channel} contains all new papers."
    return (
        f"Each posting in {channel} contains at most {plural(papers, 'paper')}. Its last message says how many more "
        "there are, and **Show the rest** lists them."
    )


def rule_lines(settings: ChannelSettings, exclusions: int, held_back: HeldBack) -> list[str]:
    """The limit and the exclusions of a channel, for `/channel show`; nothing about those that it lacks."""
    lines = []
    if settings.papers_per_posting is not None or held_back.by_limit:
        lines.append(f"- Limit: {limit_state(settings, held_back)}")
    if exclusions or held_back.by_exclusions:
        lines.append(f"- Exclusions: {exclusions_state(exclusions, held_back)}")
    return lines


def limit_state(settings: ChannelSettings, held_back: HeldBack) -> str:
    """The limit of a channel, and what it withheld."""
    limit = settings.papers_per_posting
    if limit is None and not held_back.by_limit:
        return "none"
    shown = "none" if limit is None else f"{plural(limit, 'paper')} per posting"
    return f"{shown}; {held_back.by_limit:,} more in 30 days were not posted"


def exclusions_state(exclusions: int, held_back: HeldBack) -> str:
    """How many exclusions a channel has, and how many papers they withheld."""
    if not exclusions and not held_back.by_exclusions:
        return "none"
    return f"{exclusions:,}; {plural(held_back.by_exclusions, 'paper')} in 30 days excluded"
