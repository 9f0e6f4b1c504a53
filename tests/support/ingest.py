"""The upper half over a local arXiv: the gate lives by a clock that the test moves, the requests are real."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, TypeVar

from bot.arxiv.client import ArxivClient
from bot.arxiv.gate import Gate
from bot.domain.poll_schedule import PollKind, PollResult
from bot.ingest.initial_sync import InitialSync
from bot.ingest.poller import Poller
from bot.ingest.window_reader import WindowReader
from bot.runtime.clock import Wakeup
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from sandbox.arxiv import ArxivRequest, Corpus, LocalArxiv, SandboxPaper
from tests.support.clock import FakeClock, give_way, settle
from tests.support.local_arxiv import serving
from tests.support.store import CHANNEL, Store

_Result = TypeVar("_Result")
DEADLINE_S: Final = 40.0
# A Thursday noon in UTC: Wednesday night's batch is there.
MORNING: Final = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
# The newest paper of every night's batch: it shows that the batch is there, and matches nothing.
FILLER: Final = "A paper about something else"


class Reading:
    """The upper half, and the arXiv that it reads."""

    def __init__(
        self, store: Store, arxiv: LocalArxiv, clock: FakeClock, client: ArxivClient, poll_interval_s: float | None
    ) -> None:
        self.store = store
        self.arxiv = arxiv
        self.clock = clock
        self.client = client
        self.new_posts_rung = 0
        self.edits_rung = 0
        self.pass_alarm = Wakeup(clock)
        self._papers = 0
        reader = WindowReader(client, Metrics())
        self.initial_sync = InitialSync(
            store.subscriptions, store.ingest_store, reader, clock, Metrics(), on_read=self.pass_alarm.notify
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
            wakeup=self.pass_alarm,
            on_new_posts=self._notify,
            on_edits=self._ring_for_edits,
        )

    def _notify(self) -> None:
        self.new_posts_rung += 1

    def _ring_for_edits(self) -> None:
        self.edits_rung += 1

    def show(self, title: str, *, days_ago: float = 0.5, arxiv_id: str | None = None) -> str:
        """Let arXiv show a paper that was submitted so long ago; returns its id."""
        self._papers += 1
        paper = SandboxPaper(
            title=title,
            arxiv_id=arxiv_id or f"2611.{self._papers:05}",
            published=self.clock.now() - timedelta(days=days_ago),
        )
        return self.arxiv.add_paper(paper).arxiv_id

    async def poll(self, kind: PollKind = PollKind.READ) -> PollResult:
        """Look at arXiv once; time passes only where the gate makes us wait."""
        result = await self.pumped(self.poller.poll(kind))
        # arXiv notices in real time that somebody did not wait for its answer: before the clock goes on.
        while any(request.ended is None for request in self.arxiv.requests):
            await give_way()
        return result

    async def watch(self, *keywords: str, channel_id: int = CHANNEL) -> None:
        """Subscribe a channel, and wait for the first readings."""
        for keyword in keywords:
            await self.store.subscribe(keyword, channel_id)
        await self.pumped(self.initial_sync._read_all())

    async def pumped(self, operation: Coroutine[object, object, _Result]) -> _Result:
        """What an operation returns; whenever it waits for the clock, the clock moves to that moment."""
        task = asyncio.ensure_future(operation)
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._go_on_until(task.done)
        finally:
            task.cancel()
            await asyncio.wait([task])
        return task.result()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let what runs in the background go on until the condition holds; time passes as in `pumped`."""
        async with asyncio.timeout(DEADLINE_S):
            await self._go_on_until(condition)

    async def _go_on_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await settle()
            if condition():  # before the clock goes on: what came of the last moment happened at that moment
                return
            next_in_s = self.clock.next_in_s
            if next_in_s is not None:
                await self.clock.advance(next_in_s)
            else:
                await give_way()

    def asked(self) -> list[ArxivRequest]:
        """The requests since this was asked last."""
        requests = list(self.arxiv.requests)
        self.arxiv.requests.clear()
        return requests

    def queries(self) -> list[str]:
        """The search queries since the requests were asked for last."""
        return [request.search_query for request in self.asked()]

    async def due(self, channel_id: int = CHANNEL) -> list[str]:
        """The arXiv ids that wait to be posted, oldest first."""
        entries = await self.store.outbox.due(channel_id, self.clock.now(), 10_000)
        return [entry.paper.arxiv_id.value for entry in entries]


@asynccontextmanager
async def reading(
    store: Store, *, now: datetime = MORNING, poll_interval_s: float | None = None, timeout_s: float = DEADLINE_S
) -> AsyncIterator[Reading]:
    """The upper half over an arXiv that shows a batch and nothing else; `timeout_s` is real time."""
    clock = FakeClock(now)
    arxiv = LocalArxiv(Corpus(), now=clock.now, monotonic=clock.monotonic)
    gate = Gate(store.path.with_name("papers.sqlite3.gate"), clock, arxiv.interval_s)
    async with serving(arxiv) as url, open_session() as session:
        client = ArxivClient(session, gate, clock, url, "tests", Random(1), Metrics(), timeout_s=timeout_s)
        upper = Reading(store, arxiv, clock, client, poll_interval_s)
        upper.show(FILLER)
        yield upper
        assert arxiv.violations == []


@asynccontextmanager
async def running(loop: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """A loop at work beside the test, cancelled in the end; it fails the test when it has failed."""
    task = asyncio.ensure_future(loop)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
