"""What a backfill has to read, month by month, and how much of it is left.

Watched keywords, what was read already, and the time enter; readings in their order and forecasts leave.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from bot.domain.months import Month, months_since
from bot.domain.queries import POLL_OVERLAP, Window, keyword_groups
from bot.domain.subscription import WatchedKeyword
from bot.domain.window_scan import ARXIV_PAGE_SIZE

# `daily-papers backfill`: a month read so long after its end has all its papers (moderation: see above); one that was
# read earlier is read again, but not twice a day (the result of a query changes once), by a daily timer's clock.
ARCHIVE_FINAL_AFTER: Final = timedelta(days=14)
ARCHIVE_FRESH_FOR: Final = timedelta(hours=20)

# arXiv opened on 14 August 1991 (info.arxiv.org/about).
ARXIV_FIRST_MONTH: Final = Month(1991, 8)


@dataclass(frozen=True, slots=True)
class MonthTask:
    """One month, to be read for keywords that fit one query."""

    month: Month
    keywords: tuple[WatchedKeyword, ...]


def month_of(text: str, now: datetime) -> Month:
    """The month of a day (`2026-01-15`) or of itself (`2026-01`); ValueError says in words why it cannot be read."""
    try:
        month = Month.parse(text) if len(text) == len("2026-01") else _month_of_day(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day: write it like 2026-01-31") from None
    if month < ARXIV_FIRST_MONTH:
        raise ValueError(f"{text} is before arXiv, which began in August 1991")
    if month > Month.of(now):
        raise ValueError(f"{text} is in the future")
    return month


def _month_of_day(text: str) -> Month:
    day = date.fromisoformat(text)
    return Month(day.year, day.month)


def months_to_read(first: Month, now: datetime) -> tuple[Month, ...]:
    """The months from `first` to now, newest first: a reading that is cut short has the page's papers."""
    months = months_since(first, Month.of(now))
    # In its first minute there is nothing to ask of a month.
    return tuple(month for month in reversed(months) if now - month.start >= timedelta(minutes=1))


def pending_months(
    watched: Collection[WatchedKeyword],
    read: Mapping[tuple[int, Month], datetime],
    months: Collection[Month],
    now: datetime,
) -> tuple[MonthTask, ...]:
    """Each month with the keywords that lack it, in groups; `read` says when a month was read for a keyword's id."""
    return tuple(
        MonthTask(month, group)
        for month in months
        for group in keyword_groups([each for each in watched if _lacks(month, read.get((each.id, month)), now)])
    )


def _lacks(month: Month, read_at: datetime | None, now: datetime) -> bool:
    """Papers come late, so a month that was read early is read again, but not twice a day."""
    if read_at is None or read_at > now:  # from the future: a clock gone wrong
        return True
    return read_at < month.end + ARCHIVE_FINAL_AFTER and now - read_at >= ARCHIVE_FRESH_FOR


def month_window(month: Month, now: datetime) -> Window:
    """What there is to read of a month: to its end, or to now while it lasts."""
    return Window(month.start, min(month.window.end, now))


def months_probe(window: Window) -> Window:
    """A window in which arXiv surely shows papers, if it shows any: a month's first days may be a long weekend."""
    return Window(min(window.start, window.end - POLL_OVERLAP), window.end)


@dataclass(frozen=True, slots=True)
class RequestForecast:
    """How many requests were answered, and about how many there will be.

    A month's pages are known from its first one; until then it is taken for as long as those before it.
    """

    tasks_left: int
    counts_left: int
    requests: int = 0
    # Of the readings that are over.
    tasks_done: int = 0
    pages_done: int = 0
    # Of the one in hand, its slices together.
    pages: int = 0
    pages_expected: int = 0

    @property
    def expected(self) -> int:
        """All requests, those answered included."""
        return (
            self.requests
            + max(0, self.pages_expected - self.pages)
            + math.ceil(self.tasks_left * self._mean)
            + self.counts_left
        )

    @property
    def _mean(self) -> float:
        if self.tasks_done:
            return self.pages_done / self.tasks_done
        return max(1, self.pages_expected)

    def task_started(self) -> "RequestForecast":
        """The next month is in hand."""
        expected = math.ceil(self._mean)
        return replace(self, tasks_left=self.tasks_left - 1, pages=0, pages_expected=expected)

    def page_received(self, total: int, seen_to: int) -> "RequestForecast":
        """A page of the month in hand came: arXiv counts `total`, and this was the page up to `seen_to`."""
        pages = self.pages + 1
        of_slice = pages + _pages(max(0, total - seen_to))
        known = max(of_slice, _pages(total), self.pages_expected if self.pages else 0)
        return replace(self, requests=self.requests + 1, pages=pages, pages_expected=known)

    def task_finished(self) -> "RequestForecast":
        """The month in hand is read, or left."""
        return replace(
            self,
            tasks_done=self.tasks_done + 1,
            pages_done=self.pages_done + self.pages,
            pages=0,
            pages_expected=0,
        )

    def count_finished(self) -> "RequestForecast":
        """A count is there, or left."""
        return replace(self, counts_left=self.counts_left - 1)

    def probe_finished(self) -> "RequestForecast":
        """A request was answered that belongs to no month's pages."""
        return replace(self, requests=self.requests + 1)


def _pages(papers: int) -> int:
    return math.ceil(papers / ARXIV_PAGE_SIZE)


@dataclass(frozen=True, slots=True)
class BackfillRate:
    """How fast it goes, and for how long it will."""

    requests: int
    expected: int
    elapsed_s: float

    @property
    def per_minute(self) -> float | None:
        """Pages a minute; None before there is one."""
        return 60 * self.requests / self.elapsed_s if self.requests and self.elapsed_s > 0 else None

    @property
    def left_s(self) -> float | None:
        """The seconds that are left if it goes on so; None before there is a rate."""
        rate = self.per_minute
        return None if rate is None else 60 * (self.expected - self.requests) / rate
