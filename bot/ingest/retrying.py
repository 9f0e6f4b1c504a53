"""arXiv for those whom nobody waits for: its backoffs are waited out, page by page, and every answer is told of.

Queries enter; pages leave, however long they take. Only after hours of nothing but trouble its error comes through.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from bot.arxiv.client import PageSource
from bot.arxiv.gate import Priority
from bot.domain.feed import FeedPage
from bot.domain.queries import Query
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivBackoff

# Nothing but trouble with arXiv for so long ends it; the next start goes on.
BACKFILL_PATIENCE: Final = timedelta(hours=2)


class RetryingArxivClient:
    """A source of pages that asks again when a backoff is over."""

    def __init__(
        self,
        arxiv: PageSource,
        clock: Clock,
        *,
        on_page: Callable[[FeedPage, int], None],
        on_wait: Callable[[ArxivBackoff], None],
    ) -> None:
        self._arxiv = arxiv
        self._clock = clock
        self._on_page = on_page
        self._on_wait = on_wait
        self._trouble_since: datetime | None = None

    async def fetch(self, query: Query, *, start: int, size: int, priority: Priority) -> FeedPage:
        """One page; raises ArxivBackoff when the next attempt is hours after the last answer, QueryRejected at once."""
        while True:
            try:
                page = await self._arxiv.fetch(query, start=start, size=size, priority=priority)
            except ArxivBackoff as error:
                await self._wait_out(error)
                continue
            self._trouble_since = None
            self._on_page(page, start)
            return page

    async def _wait_out(self, error: ArxivBackoff) -> None:
        now = self._clock.now()
        self._trouble_since = self._trouble_since or now
        if error.not_before > self._trouble_since + BACKFILL_PATIENCE:
            raise error
        self._on_wait(error)
        await self._clock.sleep((error.not_before - now).total_seconds())
