"""Plans a backfill month by month, and forecasts how many requests are left. It never sends a request."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from bot.domain.months import Month, months_since
from bot.domain.queries import POLL_OVERLAP, Window, keyword_groups
from bot.domain.subscription import WatchedKeyword
from bot.domain.window_scan import ARXIV_PAGE_SIZE

# A month that was read this long after its end has all its papers (moderation held one for 13 days). One that was read
# earlier is read again, but not twice per day, because results change once per day; 20 hours suit a daily timer.
BACKFILL_FINAL_AFTER: Final = timedelta(days=14)
BACKFILL_FRESH_FOR: Final = timedelta(hours=20)

# arXiv opened on 14 August 1991 (info.arxiv.org/about).
ARXIV_FIRST_MONTH: Final = Month(1991, 8)


@dataclass(frozen=True, slots=True)
class MonthTask:
    """One month to read, for keywords that fit in one query."""

    month: Month
    keywords: tuple[WatchedKeyword, ...]


def month_of(text: str, now: datetime) -> Month:
    """Parses `2026-01` or a day of it (`2026-01-15`); raises ValueError with a message for the operator."""
    try:
        month = Month.parse(text) if len(text) == len("2026-01") else _month_of_day(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date; use the format 2026-01-31") from None
    if month < ARXIV_FIRST_MONTH:
        raise ValueError(f"{text} is before arXiv started, in August 1991")
    if month > Month.of(now):
        raise ValueError(f"{text} is in the future")
    return month


def _month_of_day(text: str) -> Month:
    day = date.fromisoformat(text)
    return Month(day.year, day.month)


def months_to_read(first: Month, now: datetime) -> tuple[Month, ...]:
    """Returns the months from `first` until now, newest first: a backfill that is interrupted has the recent papers."""
    months = months_since(first, Month.of(now))
    # A window needs at least one minute.
    return tuple(month for month in reversed(months) if now - month.start >= timedelta(minutes=1))


def pending_months(
    watched: Collection[WatchedKeyword],
    read: Mapping[tuple[int, Month], datetime],
    months: Collection[Month],
    now: datetime,
) -> tuple[MonthTask, ...]:
    """Returns the months to read, in groups of keywords; `read` has the time by keyword id and month."""
    return tuple(
        MonthTask(month, group)
        for month in months
        for group in keyword_groups([each for each in watched if _must_be_read(month, read.get((each.id, month)), now)])
    )


def _must_be_read(month: Month, read_at: datetime | None, now: datetime) -> bool:
    """Whether the month was never read, or so early that papers may be missing."""
    if read_at is None or read_at > now:  # a time in the future is due to a wrong clock
        return True
    return read_at < month.end + BACKFILL_FINAL_AFTER and now - read_at >= BACKFILL_FRESH_FOR


def month_window(month: Month, now: datetime) -> Window:
    """Returns the month's window; that of the current month ends now."""
    return Window(month.start, min(month.window.end, now))


def months_probe(window: Window) -> Window:
    """Returns a window that certainly has papers: the first days of a month may be a long weekend."""
    return Window(min(window.start, window.end - POLL_OVERLAP), window.end)


@dataclass(frozen=True, slots=True)
class RequestForecast:
    """How many requests were answered, and an estimate of how many there will be.

    The first page of a month shows how many pages it has; until then, the mean of the earlier months is assumed.
    """

    tasks_left: int
    counts_left: int
    requests: int = 0
    # Of the finished months.
    tasks_done: int = 0
    pages_done: int = 0
    # Of the current month, in all its windows.
    pages: int = 0
    pages_expected: int = 0

    @property
    def expected(self) -> int:
        """The estimated number of all requests, including those already answered."""
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
        """Returns the forecast after the next month was started."""
        expected = math.ceil(self._mean)
        return replace(self, tasks_left=self.tasks_left - 1, pages=0, pages_expected=expected)

    def page_received(self, total: int, seen_to: int) -> "RequestForecast":
        """Returns the forecast after a page of the current month; `total` and `seen_to` are those of its window."""
        pages = self.pages + 1
        in_window = pages + _pages(max(0, total - seen_to))
        known = max(in_window, _pages(total), self.pages_expected if self.pages else 0)
        return replace(self, requests=self.requests + 1, pages=pages, pages_expected=known)

    def task_finished(self) -> "RequestForecast":
        """Returns the forecast after the current month was read or skipped."""
        return replace(
            self,
            tasks_done=self.tasks_done + 1,
            pages_done=self.pages_done + self.pages,
            pages=0,
            pages_expected=0,
        )

    def count_finished(self) -> "RequestForecast":
        """Returns the forecast after a month count was done or skipped."""
        return replace(self, counts_left=self.counts_left - 1)

    def probe_finished(self) -> "RequestForecast":
        """Returns the forecast after a request that is not a page of a month."""
        return replace(self, requests=self.requests + 1)


def _pages(papers: int) -> int:
    return math.ceil(papers / ARXIV_PAGE_SIZE)


@dataclass(frozen=True, slots=True)
class BackfillRate:
    """The speed of a backfill, and how long it still takes."""

    requests: int
    expected: int
    elapsed_s: float

    @property
    def per_minute(self) -> float | None:
        """Requests per minute; None before the first one."""
        return 60 * self.requests / self.elapsed_s if self.requests and self.elapsed_s > 0 else None

    @property
    def left_s(self) -> float | None:
        """The estimated seconds left; None before there is a rate."""
        rate = self.per_minute
        return None if rate is None else 60 * (self.expected - self.requests) / rate
