"""Month counts: how many papers arXiv counts for a keyword in one month, stored and reused.

A count is requested with background priority, after interactive requests and polls. Counts are for charts only: they
never decide what is new.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from weakref import WeakValueDictionary

from bot.arxiv.client import PageSource
from bot.arxiv.gate import Priority
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.domain.queries import Query, keywords_query
from bot.ingest.window_reader import has_papers
from bot.runtime.clock import Clock, Stopwatch
from bot.runtime.errors import IncompleteResults
from bot.store.month_counts import MonthCounts

log = logging.getLogger(__name__)


class MonthCounter:
    """Counts a keyword's papers month by month."""

    def __init__(self, client: PageSource, month_counts: MonthCounts, clock: Clock) -> None:
        self._client = client
        self._month_counts = month_counts
        self._clock = clock
        self._locks: WeakValueDictionary[tuple[Keyword, Month], asyncio.Lock] = WeakValueDictionary()
        self._months_with_papers: set[Month] = set()

    async def known(
        self, keywords: Collection[Keyword], months: Collection[Month]
    ) -> Mapping[tuple[Keyword, Month], int]:
        """Returns the stored counts that are still fresh, without a request to arXiv."""
        now = self._clock.now()
        stored = await self._month_counts.known(keywords, months)
        return {key: count.total for key, count in stored.items() if count.is_fresh(key[1], now)}

    async def count(self, keyword: Keyword, month: Month) -> int:
        """Returns the count of a month; concurrent calls for the same one share a request. Raises ArxivError."""
        lock = self._locks.setdefault((keyword, month), asyncio.Lock())
        async with lock:
            known = await self.known([keyword], [month])
            if (keyword, month) in known:
                return known[keyword, month]
            stopwatch = Stopwatch(self._clock)
            total = await self._request(keyword, month)
            counted_at = stopwatch.started_at + stopwatch.jump
            await self._month_counts.write(keyword, month, total, counted_at)
            log.debug("month counted", extra={"keyword": keyword.shown, "month": str(month), "papers": total})
            return total

    async def _request(self, keyword: Keyword, month: Month) -> int:
        """Returns arXiv's total; a zero only after arXiv returned other papers of the month."""
        query = keywords_query([keyword], month.window)
        total = await self._total(query)
        if total == 0:
            await self._check_that_arxiv_returns_papers(month)
            total = await self._total(query)
        return total

    async def _check_that_arxiv_returns_papers(self, month: Month) -> None:
        if month in self._months_with_papers:
            return
        if not await has_papers(self._client, month.window, Priority.BACKGROUND):
            raise IncompleteResults(f"arXiv returns no papers at all for {month}")
        self._months_with_papers.add(month)

    async def _total(self, query: Query) -> int:
        page = await self._client.fetch(query, start=0, size=1, priority=Priority.BACKGROUND)  # any page has the total
        return page.total
