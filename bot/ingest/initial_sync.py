"""First readings: the past of keywords that somebody began to watch, read silently and together.

Keywords whose past is unread come from the store; their papers and matches go back to it, and no post ever comes of
it. They are read before a pass, between its pages, since a person waits for the answer.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from enum import Enum

from bot.arxiv.client import ARXIV_BACKOFF_FLOOR_S
from bot.arxiv.gate import Priority
from bot.domain.keyword import Keyword
from bot.domain.queries import initial_sync_window, keyword_groups
from bot.domain.subscription import WatchedKeyword
from bot.ingest.window_reader import WindowReader
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.errors import ArxivBackoff, ArxivError
from bot.runtime.metrics import Metrics, Step
from bot.store.ingest import IngestStore
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)


class SyncStatus(Enum):
    """How far the first reading of some keywords has come."""

    SYNCED = "synced"
    QUEUED = "queued"
    ARXIV_UNAVAILABLE = "arXiv unavailable"


class InitialSync:
    """Reads the past of new keywords, and tells those who wait for it."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        ingest_store: IngestStore,
        reader: WindowReader,
        clock: Clock,
        metrics: Metrics,
        on_read: Callable[[], None],
    ) -> None:
        self._subscriptions = subscriptions
        self._ingest_store = ingest_store
        self._reader = reader
        self._clock = clock
        self._metrics = metrics
        self._on_read = on_read
        self._wakeup = Wakeup(clock)
        self._changed = asyncio.Condition()
        self._problem: str | None = None

    @property
    def problem(self) -> str | None:
        """Why reading does not come forward, in words; None when nothing is in its way."""
        return self._problem

    def wake(self) -> None:
        """Somebody began to watch a keyword."""
        self._wakeup.notify()

    async def run(self) -> None:
        """Read whatever waits, for ever."""
        while True:
            delay_s = await self._read_all()
            await self._wakeup.wait(delay_s)

    async def _read_all(self) -> float | None:
        """Read what waits; returns how long to wait before another try, None when nothing is left."""
        while unread := await self._unread():
            group = keyword_groups(unread)[0]
            try:
                await self._read(group)
            except ArxivError as error:
                log.warning("first reading postponed", extra={"keywords": len(unread), "why": str(error)})
                await self._tell(str(error))
                return self._delay_s(error)
            await self._tell(None)
            self._on_read()
        await self._tell(None)  # who had waited in vain may have unsubscribed meanwhile
        return None

    async def _unread(self) -> tuple[WatchedKeyword, ...]:
        return tuple(watched for watched in await self._subscriptions.watched() if watched.synced_until is None)

    async def _read(self, group: tuple[WatchedKeyword, ...]) -> None:
        began = self._clock.now()
        window = initial_sync_window(began)
        papers = 0
        async for complete in self._reader.read(
            [watched.keyword for watched in group], window, Priority.INTERACTIVE, trust_zero=False
        ):
            with self._metrics.step(Step.COMMIT):
                await self._ingest_store.record_seen(group, complete.papers, complete.matches, began)
            papers += len(complete.matches)
        with self._metrics.step(Step.COMMIT):
            await self._ingest_store.finish_initial_sync(group, window.start, began)
        log.info("first reading finished", extra={"keywords": len(group), "matches": papers})

    def _delay_s(self, error: ArxivError) -> float:
        if isinstance(error, ArxivBackoff):
            return max(1.0, (error.not_before - self._clock.now()).total_seconds())
        return ARXIV_BACKOFF_FLOOR_S

    async def _tell(self, problem: str | None) -> None:
        async with self._changed:
            self._problem = problem
            self._changed.notify_all()

    async def count(self) -> int:
        """How many keywords wait for their first reading."""
        return len(await self._unread())

    async def wait(self, keywords: Collection[Keyword], timeout_s: float, *, keep_waiting: bool) -> SyncStatus:
        """Wait until the past of all `keywords` is read, at most `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                while not await self._are_read(keywords):
                    if self._problem is not None and not keep_waiting:
                        return SyncStatus.ARXIV_UNAVAILABLE
                    await self._changed.wait()
        except TimeoutError:
            return SyncStatus.QUEUED
        return SyncStatus.SYNCED

    async def _are_read(self, keywords: Collection[Keyword]) -> bool:
        return all(watched.keyword not in keywords for watched in await self._unread())
