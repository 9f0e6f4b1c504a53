"""How a batch is laid out: as cards or as a list, which papers go in the next message, and what its first line says.

Due entries and a channel's style enter; the entries of one message, its layout and its words leave. As few messages
are used as Discord's limits allow. It never sends, and never decides which papers go to whom, nor when.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, assert_never

from bot.domain.channel_settings import Layout, Style
from bot.domain.layout.card import Card, how_many, lay_out
from bot.domain.layout.compact import PaperList, lay_out_list
from bot.domain.layout.parts import listed
from bot.domain.months import MONTH_NAMES
from bot.domain.paper import ArxivId, Paper
from bot.domain.post import OutboxEntry, one_message
from bot.domain.text import escape_markdown, harmless, plural
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.runtime import limits

# More papers than this are a list where the channel leaves it to us, a backlog longer than that everywhere.
AUTO_CARDS_MAX: Final = 5
BACKLOG_CARDS_MAX: Final = 50

# With room for a role's mention before it, and far from the end of what is read at a glance.
HEADLINE_MAX: Final = 600
_KEYWORDS_MAX: Final = 400
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class BatchKind(StrEnum):
    """What the papers of a first line are: a batch, the rest of one, what waited in a pause, or what was long known."""

    NEW = "new"
    REST = "rest"
    BACKLOG = "backlog"
    PAST = "past"


def layout_of(style: Style, papers: int, *, backlog: bool = False) -> Layout:
    """The layout of a whole batch of so many papers; a long backlog is a list whatever the style."""
    if backlog and papers > BACKLOG_CARDS_MAX:
        return Layout.COMPACT
    if style is Style.AUTO:
        return Layout.CARDS if papers <= AUTO_CARDS_MAX else Layout.COMPACT
    return Layout(style.value)


def papers_per_message(layout: Layout) -> int:
    """The most papers that one message holds: a card is an embed, and a paper of a list an option of its menu."""
    match layout:
        case Layout.CARDS:
            return limits.EMBEDS_PER_MESSAGE
        case Layout.COMPACT:
            return limits.SELECT_OPTIONS_MAX
    assert_never(layout)


def next_message(due: Sequence[OutboxEntry], layout: Layout) -> tuple[OutboxEntry, ...]:
    """The first of the due entries that go in one message: as many as fit, none that goes alone, no paper twice."""
    together = one_message(due[: papers_per_message(layout)])
    return together[: how_many([entry.paper for entry in together], len(together))]


def lay_out_message(
    papers: Sequence[tuple[Paper, Sequence[str]]],
    layout: Layout,
    trending_entries: Mapping[ArxivId, TrendingEntry] = NO_TRENDING_ENTRIES,
) -> tuple[Card, ...] | PaperList:
    """What one message shows of its papers, with the keywords that each matched and what is listed of them.

    Raises ValueError when the papers are not those of one message.
    """
    match layout:
        case Layout.CARDS:
            return lay_out(papers, trending_entries)
        case Layout.COMPACT:
            return lay_out_list(papers, trending_entries)
    assert_never(layout)


def headline(papers: int, keywords: Sequence[str], announced: datetime | None, batch: BatchKind = BatchKind.NEW) -> str:
    """A batch's first line, as Markdown: `**7 new papers** for reward model, RLHF · announced Thu 20 Nov`."""
    shown = tuple(dict.fromkeys(escape_markdown(harmless(keyword)) for keyword in keywords if harmless(keyword)))
    why = f" for {listed(shown, len(shown), _KEYWORDS_MAX)}" if shown else ""
    when = f" · announced {_day(announced)}" if announced is not None else ""
    match batch:
        case BatchKind.NEW:
            return f"**{plural(papers, 'new paper')}**{why}{when}"
        case BatchKind.REST:
            return f"**{plural(papers, 'more paper')}**{why}{when}"
        case BatchKind.PAST:
            return f"**{plural(papers, 'earlier paper')}**{why}"
        case BatchKind.BACKLOG:
            short = ", as a short list" if papers > BACKLOG_CARDS_MAX else ""
            return f"**{plural(papers, 'paper')}**{why} waited while this channel was paused: oldest first{short}"
    assert_never(batch)


def _day(announced: datetime) -> str:
    """`Thu 20 Nov`: the day that arXiv's own listing has, which is that of 20:00 US Eastern in UTC."""
    day = announced.astimezone(UTC)
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {MONTH_NAMES[day.month - 1]}"
