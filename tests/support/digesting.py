"""The loop that posts days' lists, at work on a real store and a stand-in for Discord."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from bot.metrics import Metrics
from bot.pipeline.digesting import Digesting
from bot.pipeline.pausing import Pausing
from bot.pipeline.sending import Sending
from tests.support.clock import FakeClock, give_way, settle
from tests.support.delivery import DEADLINE_S, PACE_S, FakeDelivery, WatchedAlarm
from tests.support.store import Store


class DigestLoop:
    """The loop, run by a test."""

    def __init__(self, store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
        self._clock = clock
        self._alarm = WatchedAlarm(clock)
        self.pauses = 0
        metrics = Metrics()
        digesting = Digesting(
            digests=store.digests,
            listings=store.listings,
            subscriptions=store.subscriptions,
            papers=store.papers,
            sending=Sending(delivery, clock, metrics),
            pausing=Pausing(store.channels, clock, Random(1), metrics, self._paused),
            clock=clock,
            metrics=metrics,
            alarm=self._alarm,
        )
        self._run = asyncio.create_task(digesting.run())

    def _paused(self) -> None:
        self.pauses += 1

    async def until_quiet(self) -> None:
        """Wait until the loop sleeps; the pace of sending is let pass."""
        async with asyncio.timeout(DEADLINE_S):
            while not await self._stays_quiet():
                next_in_s = self._clock.next_in_s
                if next_in_s is not None and next_in_s <= PACE_S:
                    await self._clock.advance(next_in_s)
                await give_way()

    async def _stays_quiet(self) -> bool:
        if not self._is_quiet():
            return False
        await settle()
        return self._is_quiet()

    def _is_quiet(self) -> bool:
        if self._run.done():
            self._run.result()  # raises what ended it
        return self._alarm.is_slept_on

    async def ring(self) -> None:
        """Say that a list was read, and wait for what comes of it."""
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
async def digesting(store: Store, delivery: FakeDelivery, clock: FakeClock) -> AsyncIterator[DigestLoop]:
    """The loop at work; what is due has been tried."""
    loop = DigestLoop(store, delivery, clock)
    try:
        await loop.until_quiet()
        yield loop
    finally:
        await loop.end()
