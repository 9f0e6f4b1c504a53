"""Shows Hugging Face's trending list of a day, or of the newest day that has one.

A list comes from the store if it is fresh, otherwise from Hugging Face. If Hugging Face fails, a stored list is shown
with the reason why it may be old. Where `huggingface.enabled` is false, `DisabledTrending` replaces the service.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, NoReturn, Protocol

from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.parsing import is_fresh
from bot.ingest.trending import TrendingFetcher
from bot.runtime.clock import Clock
from bot.runtime.errors import DailyPapersError, HuggingFaceError, TrendingDayUnavailable
from bot.store.trending_entries import TrendingEntries

# The maximum age of a list that a command shows.
TRENDING_FRESH_FOR: Final = timedelta(minutes=10)
# Weekends have no lists; a holiday next to one makes three days without.
TRENDING_LOOKBACK_DAYS: Final = 4


class TrendingDisabled(DailyPapersError):
    """Trending lists are switched off by `huggingface.enabled`."""

    def __init__(self) -> None:
        super().__init__("Trending papers are switched off here.")


@dataclass(frozen=True, slots=True)
class TrendingList:
    """A day's papers, most votes first, and when they were read; `problem` is why no newer list could be read."""

    day: date
    papers: tuple[TrendingEntry, ...]
    fetched_at: datetime
    problem: str | None = None


class TrendingLists(Protocol):
    """Trending lists as the cogs use them."""

    @property
    def is_enabled(self) -> bool:
        """Whether lists are read and posted."""
        ...

    def check_enabled(self) -> None:
        """Raises TrendingDisabled if lists are switched off."""
        ...

    async def list_of(self, day: date, /, *, fresh_for: timedelta = ...) -> TrendingList:
        """A day's list, read within `fresh_for` if possible; raises HuggingFaceError if none can be shown."""
        ...


class DisabledTrending:
    """Stands in for `TrendingService` where Hugging Face is switched off."""

    is_enabled: Final = False

    def check_enabled(self) -> NoReturn:
        raise TrendingDisabled

    async def list_of(self, _day: date, /, **_options: object) -> TrendingList:
        raise TrendingDisabled


class TrendingService:
    """Reads trending lists from the store and from Hugging Face."""

    is_enabled: Final = True

    def __init__(self, fetcher: TrendingFetcher, trending_entries: TrendingEntries, clock: Clock) -> None:
        self._fetcher = fetcher
        self._trending_entries = trending_entries
        self._clock = clock
        # Concurrent requests for a day share one request to Hugging Face.
        self._lock = asyncio.Lock()

    def check_enabled(self) -> None:
        """Returns: lists are switched on."""

    def today(self) -> date:
        """The current day of Hugging Face, which is in UTC."""
        return self._clock.now().date()

    async def list_of(self, day: date, *, fresh_for: timedelta = TRENDING_FRESH_FOR) -> TrendingList:
        """A day's list, read within `fresh_for` if possible; raises HuggingFaceError if none can be shown."""
        problem = None
        if not await self._is_fresh(day, fresh_for):
            async with self._lock:
                if not await self._is_fresh(day, fresh_for):
                    problem = await self._fetch(day)
        fetched_at = await self._trending_entries.fetched_at(day)
        return TrendingList(day, await self._trending_entries.of_day(day), fetched_at or self._clock.now(), problem)

    async def _is_fresh(self, day: date, fresh_for: timedelta) -> bool:
        return is_fresh(day, await self._trending_entries.fetched_at(day), self._clock.now(), fresh_for)

    async def _fetch(self, day: date) -> str | None:
        """Returns why the day could not be read if an older list of it is stored; raises HuggingFaceError if not."""
        try:
            await self._fetcher.fetch(day)
        except HuggingFaceError as error:
            if await self._trending_entries.fetched_at(day) is None:
                raise
            return str(error)
        return None

    async def newest(self) -> TrendingList:
        """The newest list that has papers, or today's empty one; raises HuggingFaceError if no day can be shown."""
        failure: HuggingFaceError | None = None
        for days_ago in range(TRENDING_LOOKBACK_DAYS + 1):
            try:
                found = await self.list_of(self.today() - timedelta(days=days_ago))
            except TrendingDayUnavailable:  # Hugging Face's clock may differ: it has no such day yet
                continue
            except HuggingFaceError as error:
                failure = failure or error
                continue
            if found.papers:
                return found if failure is None else replace(found, problem=found.problem or str(failure))
        if failure is not None:
            raise failure
        return TrendingList(self.today(), (), self._clock.now())
