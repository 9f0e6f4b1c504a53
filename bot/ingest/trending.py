"""Keeps Hugging Face's lists of the last days fresh, while anybody would see them.

Days enter the store as they are listed, and once more when they are over, however late; who shows votes is rung. When
Hugging Face is down it says so in `/status` and tries again: nothing else depends on it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.post import TRENDING_POST_WINDOW, ended_at
from bot.runtime import limits
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.errors import HuggingFaceBackoff, HuggingFaceError, InvalidTrendingList, TrendingDayUnavailable
from bot.store.trending_entries import TrendingEntries

log = logging.getLogger(__name__)

# How often the lists of today and the two days before are read, and how often is looked whether one is due.
TRENDING_POLL_INTERVAL: Final = timedelta(hours=3)
TRENDING_CHECK_INTERVAL_S: Final = 300.0
TRENDING_POLL_DAYS: Final = 3


class TrendingSource(Protocol):
    """Who is asked for a day's list."""

    async def day(self, day: date) -> tuple[TrendingEntry, ...]:
        """The whole list; raises HuggingFaceError."""
        ...


class TrendingFetcher:
    """Reads a day's list into the store."""

    def __init__(
        self, client: TrendingSource, trending_entries: TrendingEntries, clock: Clock, on_listed: Callable[[], None]
    ) -> None:
        self._client = client
        self._trending_entries = trending_entries
        self._clock = clock
        self._on_listed = on_listed

    async def read(self, day: date) -> None:
        """Bring what is kept of the day up to date; raises HuggingFaceError, and what is kept stays."""
        # What comes while it is read may be missing: papers of a day's last moments, too.
        asked_at = self._clock.now()
        listed = await self._client.day(day)
        if not listed and await self._trending_entries.of_day(day):
            raise InvalidTrendingList("Hugging Face returned an empty list for a day that had papers")
        await self._trending_entries.record_day(day, listed, asked_at)
        log.debug("list read", extra={"day": day.isoformat(), "papers": len(listed)})
        self._on_listed()


@dataclass(frozen=True, slots=True)
class TrendingProblem:
    """Why votes are not up to date, and when they are read again."""

    words: str
    again_at: datetime


class TrendingPoller:
    """Reads the lists of today and the days before every few hours; rung when somebody may need them sooner."""

    def __init__(
        self,
        reader: TrendingFetcher,
        trending_entries: TrendingEntries,
        clock: Clock,
        wakeup: Wakeup,
        *,
        every: timedelta = TRENDING_POLL_INTERVAL,
    ) -> None:
        self._reader = reader
        self._trending_entries = trending_entries
        self._clock = clock
        self._wakeup = wakeup
        self._every = every
        self._check_interval_s: Final = min(TRENDING_CHECK_INTERVAL_S, every.total_seconds())
        self.problem: TrendingProblem | None = None

    async def run(self) -> None:
        """Read what is due, for ever."""
        while True:
            await self._wakeup.wait(await self._read_what_is_due())

    async def _read_what_is_due(self) -> float:
        """Returns the seconds until the next look. A day that cannot be read keeps no other from being read."""
        due = await self._due()
        failures = [error for day in due if (error := await self._read(day)) is not None]
        if failures:
            return self._told(failures[-1])  # the last one knows of a backoff that another began
        if due:
            log.info("lists read", extra={"days": len(due)})
        self.problem = None
        return self._check_interval_s

    async def _read(self, day: date) -> HuggingFaceError | None:
        try:
            await self._reader.read(day)
        except TrendingDayUnavailable:  # it has no such day yet: Hugging Face's clock need not be ours
            return None
        except HuggingFaceError as error:
            return error
        return None

    async def _due(self) -> list[date]:
        """The days to be read now, the newest first."""
        now = self._clock.now()
        if not await self._trending_entries.are_needed(now, limits.TRENDING_MAX_PAPER_AGE):
            return []
        days = [now.date() - timedelta(days=ago) for ago in range(1 + TRENDING_POST_WINDOW.days)]
        read_at = {day: await self._trending_entries.fetched_at(day) for day in days}
        last_days = days[:TRENDING_POLL_DAYS]
        return [day for day in days if self._is_due(day, read_at[day], now, votes_grow=day in last_days)]

    def _is_due(self, day: date, read_at: datetime | None, now: datetime, *, votes_grow: bool) -> bool:
        """Whether a list has to be read: one that is over since it was read as long as it may be posted."""
        if read_at is None or read_at < ended_at(day) <= now:
            return True
        return votes_grow and now - read_at >= self._every

    def _told(self, error: HuggingFaceError) -> float:
        now = self._clock.now()
        own = now + timedelta(seconds=self._check_interval_s)
        again_at = max(own, error.not_before) if isinstance(error, HuggingFaceBackoff) else own
        self.problem = TrendingProblem(str(error), again_at)
        log.warning("votes not up to date", extra={"words": str(error), "again_at": again_at.isoformat()})
        return (again_at - now).total_seconds()
