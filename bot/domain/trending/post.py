"""Trending posts: which days' lists are due, when a channel gets them, and which papers they contain.

Days are UTC, as on Hugging Face. A list is posted after its day has ended and it was read completely after that, so
that nothing is missing and votes have been cast. A newer list replaces an older one that is not posted yet, so that an
outage is not followed by a flood of posts. This module reads no clock and sends nothing.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from bot.domain.channel_schedule import ChannelSchedule, Immediate, next_daily_time
from bot.domain.channel_settings import Layout
from bot.domain.history import UNKNOWN_START, SearchStart
from bot.domain.matching import Match
from bot.domain.paper import ArxivId
from bot.domain.post import MessageHeader
from bot.domain.text import plural
from bot.domain.trending.days import shown_day
from bot.domain.trending.entry import TrendingEntry

# How long a list can be posted after it is due: Friday's until Tuesday, if a long weekend has no lists.
TRENDING_POST_WINDOW: Final = timedelta(days=4)
# A channel with a weekly schedule gets the lists of a whole week on its day.
_SCHEDULE_MAX: Final = timedelta(days=7)

# A list that was recorded further in the future may have been fetched long before its day ended. An hour less of votes
# changes little.
FETCHED_AHEAD_MAX: Final = timedelta(hours=1)

_HEADLINE: Final = re.compile(r"\*\*Trending on [A-Z][a-z]+, (\d{1,2} [A-Z][a-z]+ \d{4})\*\*")
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TrendingDay:
    """A day whose list was read completely at `fetched_at`, and its number of papers."""

    day: date
    fetched_at: datetime
    papers: int

    @property
    def is_finished(self) -> bool:
        """Whether the list was read after the day ended."""
        return self.fetched_at >= ended_at(self.day)


@dataclass(frozen=True, slots=True)
class TrendingSubscription:
    """A channel that gets each day's list since `since`: papers with at least `min_votes` votes, by its schedule."""

    channel_id: int
    min_votes: int
    since: datetime
    schedule: ChannelSchedule

    def due_at(self, day: date) -> datetime | None:
        """Returns when the channel gets the day's list; None for a day that ended before the subscription."""
        end = ended_at(day)
        if end <= self.since:
            return None
        return end if isinstance(self.schedule, Immediate) else next_daily_time(self.schedule, end - _TICK)

    def post_time(self, day: date, newest: date, now: datetime) -> datetime | None:
        """Returns when the channel gets the day's list; None if the newest list replaces it, or it is too late for it.

        Lists of several days can be due at the same time, after days without posts.
        """
        due_at = self.due_at(day)
        if due_at is None or now >= due_at + TRENDING_POST_WINDOW:
            return None
        return due_at if day == newest or due_at == self.due_at(newest) else None


@dataclass(frozen=True, slots=True)
class RankedEntry:
    """A trending entry with the channel's keywords that it matches."""

    trending_entry: TrendingEntry
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrendingPost:
    """One Discord message with a day's list, bound to its channel and day before it is sent.

    `papers` are the current entries with at least `min_votes` votes. They may change between attempts; the message is
    recognized by its key.
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
    search: SearchStart = UNKNOWN_START

    @property
    def header(self) -> MessageHeader:
        """The headline, which is also the name of the forum post that the message starts; it pings no role."""
        return MessageHeader(Layout.COMPACT, _heading(self.day, self.papers), thread_id=self.thread_id)


def ended_at(day: date) -> datetime:
    """Returns the end of the day."""
    return datetime.combine(day + _DAY, time(), tzinfo=UTC)


def days_to_post(lists: Iterable[TrendingDay], now: datetime) -> tuple[date, ...]:
    """Returns the recent days with papers, newest last; none until the newest one was read completely.

    A list from the future does not count: the clock was ahead.
    Weekends have no lists: Friday's list is the newest one until Monday's is complete.
    """
    yesterday = now.astimezone(UTC).date() - _DAY
    recent = {
        each.day: each
        for each in lists
        if yesterday - TRENDING_POST_WINDOW - _SCHEDULE_MAX < each.day <= yesterday
        and each.fetched_at <= now + FETCHED_AHEAD_MAX
    }
    if yesterday not in recent or not recent[yesterday].is_finished:
        return ()
    listed = sorted((each for each in recent.values() if each.papers), key=lambda each: each.day)
    if not listed or not listed[-1].is_finished:
        return ()
    return tuple(each.day for each in listed if each.is_finished)


def select_entries(
    trending_entries: Iterable[TrendingEntry], matches: Iterable[Match], min_votes: int
) -> tuple[RankedEntry, ...]:
    """Returns the papers with enough votes: first those that match keywords, then by votes."""
    keywords: dict[ArxivId, list[str]] = {}
    for match in matches:
        keywords.setdefault(match.arxiv_id, []).append(match.keyword.label)
    ranked = [
        RankedEntry(trending_entry, tuple(keywords.get(trending_entry.arxiv_id, ())))
        for trending_entry in trending_entries
        if trending_entry.votes >= min_votes
    ]
    return tuple(
        sorted(ranked, key=lambda each: (not each.keywords, -each.trending_entry.votes, each.trending_entry.arxiv_id))
    )


def day_in_headline(text: str) -> date | None:
    """Returns the day of the trending post with this headline; None if it is no trending post."""
    found = _HEADLINE.match(text)
    try:
        return None if found is None else datetime.strptime(found[1], "%d %B %Y").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def _heading(day: date, papers: Sequence[RankedEntry]) -> str:
    matching = sum(bool(each.keywords) for each in papers)
    for_keywords = f", {matching:,} for this channel's keywords" if matching else ""
    return f"**Trending on {shown_day(day)}**: {plural(len(papers), 'paper')}{for_keywords}"
