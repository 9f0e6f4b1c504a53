"""A stand-in for Discord at our own protocol `Retoucher`, and the loop at work on it."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.domain.post import Delivered, Outcome, Post
from bot.pipeline.retouch import Retouch
from tests.support.clock import FakeClock, give_way, settle
from tests.support.delivery import DEADLINE_S, WatchedAlarm
from tests.support.store import Store


class FakeRetoucher:
    """Messages in memory: they are drawn anew and published, or it is said why not."""

    def __init__(self) -> None:
        self.online = asyncio.Event()
        self.online.set()
        # What is answered next of a post, by its key; it is done when nothing is said.
        self.answers: defaultdict[str, deque[Outcome]] = defaultdict(deque)
        # Set by a test that wants to do something while an edit is on its way.
        self.held: asyncio.Event | None = None
        # Whether an edit was tried.
        self.at_work = asyncio.Event()
        self.edited: list[Post] = []
        self.published: list[Post] = []

    @property
    def edits(self) -> list[str]:
        """The keys of the messages whose edit was tried."""
        return [post.key for post in self.edited]

    @property
    def publications(self) -> list[str]:
        """The keys of the messages whose publishing was tried."""
        return [post.key for post in self.published]

    async def ready(self) -> None:
        await self.online.wait()

    async def edit(self, post: Post) -> Outcome:
        self.edited.append(post)
        self.at_work.set()
        if self.held is not None:
            await self.held.wait()
        return self._answer(post)

    async def publish(self, post: Post) -> Outcome:
        self.published.append(post)
        return self._answer(post)

    def _answer(self, post: Post) -> Outcome:
        answers = self.answers[post.key]
        return answers.popleft() if answers else Delivered(post.message_id)


class Retouching:
    """The loop, run by a test."""

    def __init__(self, store: Store, retoucher: FakeRetoucher, clock: FakeClock) -> None:
        self._clock = clock
        self._alarm = WatchedAlarm(clock)
        self._run = asyncio.create_task(Retouch(store.edits, retoucher, clock, self._alarm).run())

    async def until_quiet(self) -> None:
        """Wait until the loop sleeps."""
        async with asyncio.timeout(DEADLINE_S):
            while not await self._stays_quiet():
                await give_way()

    async def _stays_quiet(self) -> bool:
        """Whether the loop sleeps, and did not merely lie down: its alarm is set a moment later."""
        if not self._alarm.is_slept_on:
            return False
        await settle()
        return self._alarm.is_slept_on

    async def ring(self) -> None:
        """Say that there is something to do, and wait until it is done."""
        self._alarm.ring()
        await self.until_quiet()

    async def advance(self, delay_s: float) -> None:
        """Let time pass; whatever is due on the way happens at its moment."""
        await self._clock.advance_resting(delay_s, self.until_quiet)

    async def end(self) -> None:
        """Break off, as a killed process would."""
        self._run.cancel()
        await asyncio.wait([self._run])


@asynccontextmanager
async def retouching(store: Store, retoucher: FakeRetoucher, clock: FakeClock) -> AsyncIterator[Retouching]:
    """The loop at work; what is to be done has been tried."""
    loop = Retouching(store, retoucher, clock)
    try:
        await loop.until_quiet()
        yield loop
    finally:
        await loop.end()
