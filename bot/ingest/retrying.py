"""The retrying client: fetches pages for a backfill, waits out every backoff and repeats the request.

It reports each page and each wait. Only when arXiv has failed for hours it gives up and raises the last error.
"""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Final

from bot.arxiv.client import PageSource
from bot.arxiv.gate import Priority
from bot.arxiv.scheduler import Waiters
from bot.domain.feed import FeedPage
from bot.domain.queries import Query
from bot.runtime.clock import Clock, Stopwatch
from bot.runtime.errors import ArxivBackoff, ArxivTooLarge

# A backfill gives up when arXiv has failed for this long; the next run continues.
GIVE_UP_AFTER: Final = timedelta(hours=2)


class RetryingArxivClient:
    """A page source that repeats a failed request when the backoff is over."""

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
        self._outage: Stopwatch | None = None

    async def fetch(
        self,
        query: Query,
        *,
        start: int,
        size: int,
        priority: Priority,
        waiters: Waiters | None = None,
        known: Collection[int] = (),
    ) -> FeedPage:
        """Returns one page.

        Raises ArxivBackoff when the next attempt would be hours after the last response, and QueryRejected at once.
        """
        while True:
            try:
                page = await self._arxiv.fetch(
                    query, start=start, size=size, priority=priority, waiters=waiters, known=known
                )
            except ArxivTooLarge:
                raise  # the caller requests fewer entries, after the backoff
            except ArxivBackoff as error:
                await self._wait_out(error)
                continue
            self._outage = None
            self._on_page(page, start)
            return page

    async def _wait_out(self, error: ArxivBackoff) -> None:
        wait = error.not_before - self._clock.now()
        self._outage = self._outage or Stopwatch(self._clock)
        if self._outage.elapsed + wait > GIVE_UP_AFTER:
            raise error
        self._on_wait(error)
        await self._clock.sleep(wait.total_seconds())
