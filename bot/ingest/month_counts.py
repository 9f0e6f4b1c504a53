"""How many papers arXiv counts for a keyword in a month, asked politely and kept.

A keyword and a month enter; arXiv's totalResults leaves, from the store while it is good. What is asked here goes
behind people's look-ups and passes. Counts are for charts alone: they never decide what is new.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Final
from weakref import WeakValueDictionary

from bot.arxiv.client import PageSource
from bot.arxiv.gate import Priority
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.domain.queries import Query, keywords_query, probe_query
from bot.runtime.clock import Clock
from bot.runtime.errors import IncompleteResults
from bot.store.month_counts import MonthCounts

log = logging.getLogger(__name__)

# How many results a count asks for: arXiv's total comes with any page.
_ONE: Final = 1


class MonthCounter:
    """Counts a keyword's papers month by month."""

    def __init__(self, client: PageSource, month_counts: MonthCounts, clock: Clock) -> None:
        self._client = client
        self._month_counts = month_counts
        self._clock = clock
        self._asking: WeakValueDictionary[tuple[Keyword, Month], asyncio.Lock] = WeakValueDictionary()
        self._months_with_papers: set[Month] = set()

    async def known(
        self, keywords: Collection[Keyword], months: Collection[Month]
    ) -> Mapping[tuple[Keyword, Month], int]:
        """The counts that are good now, without a question to arXiv."""
        now = self._clock.now()
        stored = await self._month_counts.known(keywords, months)
        return {key: each.total for key, each in stored.items() if each.is_fresh(key[1], now)}

    async def count(self, keyword: Keyword, month: Month) -> int:
        """The papers of a month; who asks for the same at the same time shares the request. Raises ArxivError."""
        asking = self._asking.setdefault((keyword, month), asyncio.Lock())
        async with asking:
            known = await self.known([keyword], [month])
            if (keyword, month) in known:
                return known[keyword, month]
            counted_at = self._clock.now()
            total = await self._ask(keyword, month)
            await self._month_counts.write(keyword, month, total, counted_at)
            log.debug("counted", extra={"keyword": keyword.shown, "month": str(month), "papers": total})
            return total

    async def _ask(self, keyword: Keyword, month: Month) -> int:
        """What arXiv counts; a zero, which it says for minutes at times, only after it showed the month's papers."""
        query = keywords_query([keyword], month.window)
        total = await self._total(query)
        if total == 0:
            await self._check_that_papers_are_shown(month)
            total = await self._total(query)
        return total

    async def _check_that_papers_are_shown(self, month: Month) -> None:
        if month in self._months_with_papers:
            return
        if await self._total(probe_query(month.window)) == 0:
            raise IncompleteResults(f"arXiv returns no papers at all for {month}")
        self._months_with_papers.add(month)

    async def _total(self, query: Query) -> int:
        return (await self._client.fetch(query, start=0, size=_ONE, priority=Priority.BACKGROUND)).total
