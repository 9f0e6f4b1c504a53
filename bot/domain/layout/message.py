"""Decides how a batch is laid out: cards or compact list, which papers share a message, and its headline.

Uses as few messages as Discord's limits allow. It never sends anything, and never decides which papers are posted
where or when.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, assert_never

from bot.domain.channel_settings import Layout, Style
from bot.domain.layout.card import Card, lay_out_cards, papers_that_fit
from bot.domain.layout.compact import PaperList, lay_out_list
from bot.domain.layout.followed import NO_MATCHED_AUTHORS, MatchedAuthors
from bot.domain.layout.parts import listed
from bot.domain.months import MONTH_NAMES
from bot.domain.paper import ArxivId, Paper
from bot.domain.post import OutboxEntry, one_message
from bot.domain.text import defuse_mentions, escape_markdown, plural
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.runtime import limits

# Above these, papers are posted as a compact list: in channels with style `auto`, and a backlog in any channel.
AUTO_CARDS_MAX: Final = 5
BACKLOG_CARDS_MAX: Final = 50

# With more, the titles, links and keywords of a compact list would no longer fit.
COMPACT_PER_MESSAGE: Final = 20

# Leaves space in the message for the mentions of roles in front of the headline.
_KEYWORDS_MAX: Final = 400
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class BatchKind(StrEnum):
    """What a headline announces: a batch, the rest of one, the backlog of a pause, or papers known before."""

    NEW = "new"
    REST = "rest"
    BACKLOG = "backlog"
    PAST = "past"


def layout_of(style: Style, papers: int, *, backlog: bool = False) -> Layout:
    """Returns the layout of a batch of `papers` papers; a long backlog is a compact list in any style."""
    if backlog and papers > BACKLOG_CARDS_MAX:
        return Layout.COMPACT
    if style is Style.AUTO:
        return Layout.CARDS if papers <= AUTO_CARDS_MAX else Layout.COMPACT
    return Layout(style.value)


def papers_per_message(layout: Layout) -> int:
    """Returns the maximum: each card is an embed, and the papers of a list stay readable."""
    match layout:
        case Layout.CARDS:
            return limits.EMBEDS_PER_MESSAGE
        case Layout.COMPACT:
            return COMPACT_PER_MESSAGE
    assert_never(layout)


def next_message(due: Sequence[OutboxEntry], layout: Layout) -> tuple[OutboxEntry, ...]:
    """Returns the first due entries that fit in one message: no entry marked `alone` among others, no paper twice."""
    together = one_message(due[: papers_per_message(layout)])
    return together[: papers_that_fit([entry.paper for entry in together], len(together))]


def lay_out_message(
    papers: Sequence[tuple[Paper, Sequence[str]]],
    layout: Layout,
    trending_entries: Mapping[ArxivId, TrendingEntry] = NO_TRENDING_ENTRIES,
    matched_authors: MatchedAuthors = NO_MATCHED_AUTHORS,
) -> tuple[Card, ...] | PaperList:
    """Returns the contents of one message; each paper comes with the keywords that it matches.

    Raises ValueError if the papers do not fit in one message.
    """
    match layout:
        case Layout.CARDS:
            return lay_out_cards(papers, trending_entries, matched_authors)
        case Layout.COMPACT:
            return lay_out_list(papers, trending_entries, matched_authors)
    assert_never(layout)


def headline(papers: int, keywords: Sequence[str], announced: datetime | None, batch: BatchKind = BatchKind.NEW) -> str:
    """Returns a batch's headline in Markdown: `**7 new papers** for reward model, RLHF · announced Thu 20 Nov`."""
    names = tuple(dict.fromkeys(escape_markdown(name) for name in map(defuse_mentions, keywords) if name))
    reason = f" for {listed(names, len(names), _KEYWORDS_MAX)}" if names else ""
    when = f" · announced {_day(announced)}" if announced is not None else ""
    match batch:
        case BatchKind.NEW:
            return f"**{plural(papers, 'new paper')}**{reason}{when}"
        case BatchKind.REST:
            return f"**{plural(papers, 'more paper')}**{reason}{when}"
        case BatchKind.PAST:
            return f"**{plural(papers, 'earlier paper')}**{reason}"
        case BatchKind.BACKLOG:
            compact = ", as a compact list" if papers > BACKLOG_CARDS_MAX else ""
            held = f"{reason}, held" if reason else " held"
            return f"**{plural(papers, 'paper')}**{held} while this channel was paused (oldest first{compact})"
    assert_never(batch)


def _day(announced: datetime) -> str:
    """Returns `Thu 20 Nov`, the date of arXiv's listing: the UTC date of 20:00 US Eastern."""
    day = announced.astimezone(UTC)
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {MONTH_NAMES[day.month - 1]}"
