"""What is trending: a day's list, for whoever asks.

A day enters; its papers leave, most votes first. From the store while that is fresh, else from Hugging Face; when it is
down, what the store holds, with the words why it may be old.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bot.clock import Clock
from bot.domain.daily_list import is_good
from bot.domain.trending import Listing
from bot.errors import HuggingFaceError
from bot.limits import LIST_FRESH_FOR, LISTS_LOOKED_BACK_DAYS
from bot.pipeline.listing import ListReader
from bot.store.listings import Listings


@dataclass(frozen=True, slots=True)
class DayList:
    """A day's papers, most votes first, and when they were read; `trouble` says why that was not just now."""

    day: date
    papers: tuple[Listing, ...]
    read_at: datetime
    trouble: str | None = None


class Trending:
    """Answers who wants to know."""

    def __init__(self, reader: ListReader, listings: Listings, clock: Clock) -> None:
        self._reader = reader
        self._listings = listings
        self._clock = clock
        # Two who ask for a day at once ask Hugging Face once.
        self._asking = asyncio.Lock()

    def today(self) -> date:
        """Hugging Face's day, which is UTC's."""
        return self._clock.now().date()

    async def of(self, day: date, *, fresh_for: timedelta = LIST_FRESH_FOR) -> DayList:
        """A day's list, read no longer ago than that if possible; raises HuggingFaceError when nothing is known."""
        async with self._asking:
            read_at = await self._listings.read_at(day)
            trouble = None
            if not is_good(day, read_at, self._clock.now(), fresh_for):
                try:
                    await self._reader.read(day)
                except HuggingFaceError as error:
                    if read_at is None:
                        raise
                    trouble = str(error)
            known = await self._listings.read_at(day)
            return DayList(day, await self._listings.of_day(day), known or self._clock.now(), trouble)

    async def newest(self) -> DayList:
        """The newest day that has papers, or today without any; raises HuggingFaceError when no day is known."""
        failure: HuggingFaceError | None = None
        for ago in range(LISTS_LOOKED_BACK_DAYS + 1):
            try:
                found = await self.of(self.today() - timedelta(days=ago))
            except HuggingFaceError as error:
                failure = failure or error
                continue
            if found.papers:
                return found if failure is None else replace(found, trouble=found.trouble or str(failure))
        if failure is not None:
            raise failure
        return DayList(self.today(), (), self._clock.now())
