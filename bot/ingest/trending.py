"""The trending poller: keeps Hugging Face's lists of the last days up to date while any channel shows votes.

A list is fetched every few hours on its day and the days after, and once more after its day has ended. A failure is
shown in `/status` and retried; nothing else depends on Hugging Face. It never posts: it notifies the loops that use
the lists.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.post import TRENDING_POST_WINDOW, ended_at
from bot.runtime import limits
from bot.runtime.clock import Clock, Stopwatch, Wakeup
from bot.runtime.errors import HuggingFaceBackoff, HuggingFaceError, InvalidTrendingList, TrendingDayUnavailable
from bot.store.trending_entries import TrendingEntries

log = logging.getLogger(__name__)

# How often the lists of today and the two days before are fetched, and how often the poller checks whether one is due.
TRENDING_POLL_INTERVAL: Final = timedelta(hours=3)
TRENDING_CHECK_INTERVAL_S: Final = 300.0
TRENDING_POLL_DAYS: Final = 3


class TrendingSource(Protocol):
    """A source of trending lists."""

    async def fetch_list(self, day: date) -> tuple[TrendingEntry, ...]:
        """Returns the whole list of a day; raises HuggingFaceError."""
        ...


class TrendingFetcher:
    """Fetches a day's list and stores it."""

    def __init__(
        self, client: TrendingSource, trending_entries: TrendingEntries, clock: Clock, on_stored: Callable[[], None]
    ) -> None:
        self._client = client
        self._trending_entries = trending_entries
        self._clock = clock
        self._on_stored = on_stored

    async def fetch(self, day: date) -> None:
        """Updates the stored list of a day; raises HuggingFaceError, and the stored list stays as it is."""
        # The time before the request: papers that are listed during it may be missing.
        stopwatch = Stopwatch(self._clock)
        entries = await self._client.fetch_list(day)
        fetched_at = stopwatch.started_at + stopwatch.jump
        if not entries and await self._trending_entries.of_day(day):
            raise InvalidTrendingList("Hugging Face returned an empty list for a day that had papers")
        await self._trending_entries.record_day(day, entries, fetched_at)
        log.debug("trending list fetched", extra={"day": day.isoformat(), "papers": len(entries)})
        self._on_stored()


@dataclass(frozen=True, slots=True)
class TrendingProblem:
    """Why votes are not up to date, and when they are fetched again."""

    reason: str
    retry_at: datetime


class TrendingPoller:
    """Fetches the lists of the last days every few hours; `wakeup` is notified when one may be needed sooner."""

    def __init__(
        self,
        fetcher: TrendingFetcher,
        trending_entries: TrendingEntries,
        clock: Clock,
        wakeup: Wakeup,
        *,
        interval: timedelta = TRENDING_POLL_INTERVAL,
    ) -> None:
        self._fetcher = fetcher
        self._trending_entries = trending_entries
        self._clock = clock
        self._wakeup = wakeup
        self._interval = interval
        self._check_interval_s: Final = min(TRENDING_CHECK_INTERVAL_S, interval.total_seconds())
        self.problem: TrendingProblem | None = None

    async def run(self) -> None:
        """Fetches the lists that are due, forever."""
        while True:
            await self._wakeup.wait(await self._fetch_due())

    async def _fetch_due(self) -> float:
        """Fetches every list that is due; returns the delay before the next check. One failure does not stop others."""
        due = await self._due()
        failures = [error for day in due if (error := await self._fetch(day)) is not None]
        if failures:
            return self._set_problem(failures[-1])  # a failure may have started a backoff: the last error has its end
        if due:
            log.info("trending lists fetched", extra={"days": len(due)})
        self.problem = None
        return self._check_interval_s

    async def _fetch(self, day: date) -> HuggingFaceError | None:
        try:
            await self._fetcher.fetch(day)
        except TrendingDayUnavailable:  # Hugging Face has no such day yet: its clock may be behind
            return None
        except HuggingFaceError as error:
            return error
        return None

    async def _due(self) -> list[date]:
        """Returns the days whose lists are due, newest first."""
        now = self._clock.now()
        if not await self._trending_entries.are_needed(now, limits.TRENDING_MAX_PAPER_AGE):
            return []
        days = [now.date() - timedelta(days=ago) for ago in range(1 + TRENDING_POST_WINDOW.days)]
        fetched_at = {day: await self._trending_entries.fetched_at(day) for day in days}
        last_days = days[:TRENDING_POLL_DAYS]
        return [day for day in days if self._is_due(day, fetched_at[day], now, votes_change=day in last_days)]

    def _is_due(self, day: date, fetched_at: datetime | None, now: datetime, *, votes_change: bool) -> bool:
        """Whether to fetch a list: always after its day has ended, and at the interval while votes change.

        A time in the future is due to a wrong clock.
        """
        if fetched_at is None or fetched_at > now or fetched_at < ended_at(day) <= now:
            return True
        return votes_change and now - fetched_at >= self._interval

    def _set_problem(self, error: HuggingFaceError) -> float:
        now = self._clock.now()
        next_check = now + timedelta(seconds=self._check_interval_s)
        retry_at = max(next_check, error.not_before) if isinstance(error, HuggingFaceBackoff) else next_check
        self.problem = TrendingProblem(str(error), retry_at)
        log.warning("trending poll failed", extra={"reason": str(error), "retry_at": retry_at.isoformat()})
        return (retry_at - now).total_seconds()
