"""Ingest over the local arXiv: the test moves the clock of the gate, the HTTP requests are real."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, TypeVar

import sqlalchemy as sa
from aiohttp import TraceConfig

from bot.arxiv.client import ArxivClient
from bot.arxiv.gate import Gate
from bot.domain.poll_schedule import PollKind, PollResult
from bot.domain.window_scan import ARXIV_PAGE_SIZE
from bot.ingest.initial_sync import InitialSync
from bot.ingest.poller import Poller
from bot.ingest.window_reader import WindowReader
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from bot.runtime.server_time import CorrectedClock
from bot.store.schema import outbox
from sandbox.arxiv import ArxivRequest, Corpus, LocalArxiv, SandboxPaper
from tests.support.clock import FakeClock, give_way, settle
from tests.support.local_arxiv import serving
from tests.support.store import CHANNEL, Store

_Result = TypeVar("_Result")
DEADLINE_S: Final = 150.0
# A Thursday noon in UTC: Wednesday night's batch is there.
MORNING: Final = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
# The newest paper of every night's batch: it shows that the batch is there, and matches no keyword.
FILLER: Final = "A paper about something else"


class IngestLoops:
    """The poller and the initial sync over one store; counts what they notify other loops of."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        client: ArxivClient,
        poll_interval_s: float | None,
        *,
        page_size: int = ARXIV_PAGE_SIZE,
    ) -> None:
        self.new_posts_notified = 0
        self.edits_notified = 0
        self.poller_wakeup = Wakeup(clock)
        reader = WindowReader(client, Metrics(), page_size=page_size)
        self.initial_sync = InitialSync(
            store.subscriptions, store.ingest_store, reader, clock, Metrics(), on_synced=self.poller_wakeup.notify
        )
        self.poller = Poller(
            client=client,
            reader=reader,
            subscriptions=store.subscriptions,
            ingest_store=store.ingest_store,
            polls=store.polls,
            key_values=store.key_values,
            clock=clock,
            metrics=Metrics(),
            poll_interval_s=poll_interval_s,
            wakeup=self.poller_wakeup,
            on_new_posts=self._notify_new_posts,
            on_edits=self._notify_edits,
        )

    def _notify_new_posts(self) -> None:
        self.new_posts_notified += 1

    def _notify_edits(self) -> None:
        self.edits_notified += 1


class Ingest(IngestLoops):
    """The loops, and the local arXiv that they read."""

    def __init__(
        self,
        store: Store,
        arxiv: LocalArxiv,
        fake_clock: FakeClock,
        clock: Clock,
        client: ArxivClient,
        poll_interval_s: float | None,
        page_size: int,
    ) -> None:
        super().__init__(store, clock, client, poll_interval_s, page_size=page_size)
        self.store = store
        self.arxiv = arxiv
        self.clock = fake_clock
        self.client = client
        self._papers = 0

    def add_paper(self, title: str, *, days_ago: float = 0.5, arxiv_id: str | None = None) -> str:
        """Adds a paper to arXiv that was submitted `days_ago`; returns its id."""
        self._papers += 1
        paper = SandboxPaper(
            title=title,
            arxiv_id=arxiv_id or f"2611.{self._papers:05}",
            published=self.clock.server_now() - timedelta(days=days_ago),
        )
        return self.arxiv.add_paper(paper).arxiv_id

    async def poll(self, kind: PollKind = PollKind.READ) -> PollResult:
        """Polls arXiv once; the clock moves only while the gate delays a request."""
        result = await self.run(self.poller.poll(kind))
        # The local arXiv notices in real time that a client gave up: wait for it before the clock moves on.
        while any(request.ended_at_s is None for request in self.arxiv.requests):
            await give_way()
        return result

    async def watch(self, *keywords: str, channel_id: int = CHANNEL) -> None:
        """Subscribes a channel and runs the initial sync."""
        for keyword in keywords:
            await self.store.subscribe(keyword, channel_id)
        await self.run(self.initial_sync.sync_pending())

    async def run(self, operation: Coroutine[object, object, _Result]) -> _Result:
        """Returns the result of an operation; whenever it sleeps, the clock moves to the time at which it wakes."""
        task = asyncio.ensure_future(operation)
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._advance_until(task.done)
        finally:
            task.cancel()
            await asyncio.wait([task])
        return task.result()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Lets background tasks run until the condition holds; the clock moves as in `run`."""
        async with asyncio.timeout(DEADLINE_S):
            await self._advance_until(condition)

    async def _advance_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await settle()
            if condition():  # checked before the clock moves: this happened at the current time
                return
            next_in_s = self.clock.next_in_s
            if next_in_s is not None:
                await self.clock.advance(next_in_s)
            else:
                await give_way()

    def take_requests(self) -> list[ArxivRequest]:
        """Returns the requests since the last call."""
        requests = list(self.arxiv.requests)
        self.arxiv.requests.clear()
        return requests

    def take_queries(self) -> list[str]:
        """Returns the search queries of the requests since the last call."""
        return [request.search_query for request in self.take_requests()]

    async def due(self, channel_id: int = CHANNEL) -> list[str]:
        """Returns the arXiv ids of the papers that wait to be posted, oldest first."""
        statement = (
            sa.select(outbox.c.arxiv_id)
            .where(outbox.c.channel_id == channel_id, outbox.c.state == "waiting", outbox.c.due_at <= self.clock.now())
            .order_by(outbox.c.published, outbox.c.arxiv_id)
        )
        async with self.store.database.reading() as connection:
            return list(await connection.scalars(statement))


@asynccontextmanager
async def ingest_over(
    store: Store,
    *,
    now: datetime = MORNING,
    poll_interval_s: float | None = None,
    timeout_s: float = DEADLINE_S,
    corrected: bool = False,
    page_size: int = ARXIV_PAGE_SIZE,
) -> AsyncIterator[Ingest]:
    """Runs ingest over an arXiv that has one batch with the filler; `timeout_s` is in real time.

    `corrected`: with the clock that arXiv's responses correct, as in the program.
    """
    fake_clock = FakeClock(now)
    corrected_clock = CorrectedClock(fake_clock)
    clock: Clock = corrected_clock if corrected else fake_clock
    arxiv = LocalArxiv(Corpus(), now=fake_clock.server_now, monotonic=fake_clock.monotonic)
    gate = Gate(store.path.with_name("papers.sqlite3.gate"), clock, arxiv.interval_s)
    trace = corrected_clock.observe_responses(TraceConfig())
    async with serving(arxiv, fake_clock.server_now) as url, open_session(trace) as session:
        client = ArxivClient(session, gate, clock, url, "tests", Random(1), Metrics(), timeout_s=timeout_s)
        ingest = Ingest(store, arxiv, fake_clock, clock, client, poll_interval_s, page_size)
        ingest.add_paper(FILLER)
        yield ingest
        assert arxiv.violations == []


@asynccontextmanager
async def running(loop: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Runs a loop in the background until the block ends; raises what it failed with."""
    task = asyncio.ensure_future(loop)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
