"""What is trending: a day's list, for whoever asks.

A day enters; its papers leave, most votes first. From the store while that is fresh, else from Hugging Face; when it is
down, what the store holds, with the words why it may be old.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.parsing import is_fresh
from bot.ingest.trending import TrendingFetcher
from bot.runtime.clock import Clock
from bot.runtime.errors import HuggingFaceError, TrendingDayUnavailable
from bot.store.trending_entries import TrendingEntries

# How old a list may be that is shown to somebody who asks for it, and to somebody who turns its pages.
TRENDING_FRESH_FOR: Final = timedelta(minutes=10)
# Weekends have no lists; with a holiday beside them that makes three days.
TRENDING_LOOKBACK_DAYS: Final = 4


@dataclass(frozen=True, slots=True)
class TrendingList:
    """A day's papers, most votes first, and when they were read; `trouble` says why that was not just now."""

    day: date
    papers: tuple[TrendingEntry, ...]
    read_at: datetime
    problem: str | None = None


class TrendingService:
    """Answers who wants to know."""

    def __init__(self, reader: TrendingFetcher, trending_entries: TrendingEntries, clock: Clock) -> None:
        self._reader = reader
        self._trending_entries = trending_entries
        self._clock = clock
        # Two who ask for a day at once ask Hugging Face once.
        self._asking = asyncio.Lock()

    def today(self) -> date:
        """Hugging Face's day, which is UTC's."""
        return self._clock.now().date()

    async def of(self, day: date, *, fresh_for: timedelta = TRENDING_FRESH_FOR) -> TrendingList:
        """A day's list, read no longer ago than that if possible; raises HuggingFaceError when nothing is known."""
        problem = None
        if not await self._is_good(day, fresh_for):
            async with self._asking:
                if not await self._is_good(day, fresh_for):
                    problem = await self._read(day)
        read_at = await self._trending_entries.fetched_at(day)
        return TrendingList(day, await self._trending_entries.of_day(day), read_at or self._clock.now(), problem)

    async def _is_good(self, day: date, fresh_for: timedelta) -> bool:
        return is_fresh(day, await self._trending_entries.fetched_at(day), self._clock.now(), fresh_for)

    async def _read(self, day: date) -> str | None:
        """Returns why the day could not be read, if something older is known of it."""
        try:
            await self._reader.read(day)
        except HuggingFaceError as error:
            if await self._trending_entries.fetched_at(day) is None:
                raise
            return str(error)
        return None

    async def newest(self) -> TrendingList:
        """The newest day that has papers, or today without any; raises HuggingFaceError when no day is known."""
        failure: HuggingFaceError | None = None
        for ago in range(TRENDING_LOOKBACK_DAYS + 1):
            try:
                found = await self.of(self.today() - timedelta(days=ago))
            except TrendingDayUnavailable:  # it has no such day yet: Hugging Face's clock need not be ours
                continue
            except HuggingFaceError as error:
                failure = failure or error
                continue
            if found.papers:
                return found if failure is None else replace(found, problem=found.problem or str(failure))
        if failure is not None:
            raise failure
        return TrendingList(self.today(), (), self._clock.now())
