"""A day's list for a channel: which day's turn it is, when it is posted, and which papers stand in it.

Lists that were read, wishes and matches enter; a `Digest`, one message, leaves. It reads no clock, and sends nothing.

A day is UTC's, as Hugging Face counts them. Its list is posted once the day is over and was read to its end after that:
then nothing is missing, and votes have gathered. A newer list takes an older one's turn: after an outage nobody is
flooded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from bot.domain.channel_schedule import ChannelSchedule, Immediate, next_daily_time
from bot.domain.channel_settings import Layout
from bot.domain.matching import Match
from bot.domain.paper import ArxivId
from bot.domain.post import MessageHeader
from bot.domain.text import plural
from bot.domain.trending.days import shown_day
from bot.domain.trending.entry import TrendingEntry

# How long a day's list can be posted to channels: Friday's until Tuesday, where a long weekend has no lists.
TRENDING_POST_WINDOW: Final = timedelta(days=4)

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TrendingDay:
    """A day whose list was read to its end at `read_at`, and how many papers stand on it."""

    day: date
    read_at: datetime
    papers: int

    @property
    def is_finished(self) -> bool:
        """Whether it was read after the day was over."""
        return self.read_at >= ended_at(self.day)


@dataclass(frozen=True, slots=True)
class TrendingSubscription:
    """A channel that asked at `since` for each day's list: the papers with so many votes at least, by its timetable."""

    channel_id: int
    min_votes: int
    since: datetime
    schedule: ChannelSchedule

    def due_at(self, day: date) -> datetime | None:
        """When the channel gets the day's list; None for a day that was over when it asked."""
        over = ended_at(day)
        if over <= self.since:
            return None
        return over if isinstance(self.schedule, Immediate) else next_daily_time(self.schedule, over - _MOMENT)

    def turn(self, day: date, newest: date) -> datetime | None:
        """When the channel gets the day's list beside the newest one; None where that is due later, in its stead.

        Lists of several days can be due at one moment, where a weekend without posts lies between.
        """
        at = self.due_at(day)
        return at if day == newest or at == self.due_at(newest) else None


@dataclass(frozen=True, slots=True)
class RankedEntry:
    """A listed paper, and the keywords of the channel that it matches."""

    trending_entry: TrendingEntry
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrendingPost:
    """One Discord message of ours with a day's list, bound to its channel and day before it leaves.

    `papers` are those with `min_votes` so many votes as they are listed now: the key says which message it is, whatever
    becomes of them.
    """

    key: str
    channel_id: int
    day: date
    min_votes: int
    nonce: str
    first_attempt: datetime
    last_attempt: datetime
    papers: tuple[RankedEntry, ...] = ()
    thread_id: int | None = None
    message_id: int | None = None

    @property
    def header(self) -> MessageHeader:
        """Its first line, which in a forum is the name of the post that it begins; it pings nobody."""
        return MessageHeader(Layout.COMPACT, _heading(self.day, self.papers), thread_id=self.thread_id)


def ended_at(day: date) -> datetime:
    """The moment at which the day is over."""
    return datetime.combine(day + _DAY, time(), tzinfo=UTC)


def days_to_post(lists: Iterable[TrendingDay], now: datetime) -> tuple[date, ...]:
    """The last days before today that have papers, the newest at the end; none until that is known to its end.

    A weekend has no lists: until Monday's is there, the newest is Friday's.
    """
    yesterday = now.astimezone(UTC).date() - _DAY
    recent = {each.day: each for each in lists if yesterday - TRENDING_POST_WINDOW < each.day <= yesterday}
    if yesterday not in recent or not recent[yesterday].is_finished:
        return ()
    listed = sorted((each for each in recent.values() if each.papers), key=lambda each: each.day)
    if not listed or not listed[-1].is_finished:
        return ()
    return tuple(each.day for each in listed if each.is_finished)


def select_entries(
    trending_entries: Iterable[TrendingEntry], matches: Iterable[Match], min_votes: int
) -> tuple[RankedEntry, ...]:
    """The papers with so many votes at least: those that match first, then by votes."""
    keywords: dict[ArxivId, list[str]] = {}
    for match in matches:
        keywords.setdefault(match.arxiv_id, []).append(match.keyword.shown)
    ranked = [
        RankedEntry(trending_entry, tuple(keywords.get(trending_entry.arxiv_id, ())))
        for trending_entry in trending_entries
        if trending_entry.votes >= min_votes
    ]
    return tuple(
        sorted(ranked, key=lambda each: (not each.keywords, -each.trending_entry.votes, each.trending_entry.arxiv_id))
    )


def _heading(day: date, papers: Sequence[RankedEntry]) -> str:
    matching = sum(bool(each.keywords) for each in papers)
    for_keywords = f", {matching:,} for this channel's keywords" if matching else ""
    return f"**Trending on {shown_day(day)}**: {plural(len(papers), 'paper')}{for_keywords}"
