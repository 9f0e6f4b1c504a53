"""The poller, the initial sync and lookups over the local arXiv, on a clock that runs faster than real time.

With a clock that the test moves, the time that requests take would be lost: here, requests compete for slots.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from bot.arxiv.client import ArxivClient
from bot.arxiv.gate import Gate
from bot.domain.paper import ArxivId
from bot.domain.trending.entry import TrendingEntry
from bot.ingest.initial_sync import InitialSync
from bot.ingest.poller import Poller
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from bot.services.lookup import LookupService
from bot.services.search import SearchService
from bot.store.search import SearchIndex
from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from tests.support.clock import START
from tests.support.ingest import IngestLoops
from tests.support.local_arxiv import serving
from tests.support.store import Store

# An interval of 3 s takes 0.1 s: long compared with a request to the local arXiv.
SPEED: Final = 30.0


class FastClock:
    """A clock that runs `SPEED` times as fast as real time."""

    def __init__(self) -> None:
        self._started_at_s = time.monotonic()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._started_at_s) * SPEED

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(max(0.0, delay_s) / SPEED)


@dataclass(frozen=True, slots=True)
class ArxivLoad:
    """Everything that requests papers."""

    store: Store
    arxiv: LocalArxiv
    clock: FastClock
    gate: Gate
    client: ArxivClient
    poller: Poller
    initial_sync: InitialSync
    lookups: LookupService

    async def until_requested(self, count: int) -> None:
        """Waits until arXiv got this many requests."""
        while len(self.arxiv.requests) < count:
            await self.clock.sleep(1)


async def _no_entries(_: Collection[ArxivId]) -> Mapping[ArxivId, TrendingEntry]:
    return {}


@asynccontextmanager
async def arxiv_load(store: Store, *, poll_interval_s: float) -> AsyncIterator[ArxivLoad]:
    """Serves an arXiv with one paper about reward models, which the store's only keyword finds."""
    clock = FastClock()
    arxiv = LocalArxiv(Corpus(), now=clock.now, monotonic=clock.monotonic)
    arxiv.add_paper(SandboxPaper(title="A reward model", published=clock.now() - timedelta(days=1)))
    gate = Gate(store.path.with_name("papers.sqlite3.gate"), clock, arxiv.interval_s)
    async with serving(arxiv) as url, open_session() as session:
        client = ArxivClient(session, gate, clock, url, "tests", Random(1), Metrics())
        loops = IngestLoops(store, clock, client, poll_interval_s)
        lookups = LookupService(
            client=client,
            subscriptions=store.subscriptions,
            papers=store.papers,
            find_trending_entries=_no_entries,
            find_stored=SearchService(SearchIndex(store.database), _no_entries, clock).stored,
            poller=loops.poller,
            clock=clock,
        )
        await store.subscribe("reward model")
        await loops.initial_sync.sync_pending()
        arxiv.requests.clear()
        yield ArxivLoad(store, arxiv, clock, gate, client, loops.poller, loops.initial_sync, lookups)
        assert arxiv.violations == []
