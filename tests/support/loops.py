"""A harness for one of the bot's loops, with a clock that the test moves and a wake-up that shows who sleeps on it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Final, Self

from bot.runtime.clock import Wakeup
from tests.support.clock import FakeClock, give_way, settle

DEADLINE_S: Final = 40.0
# Sleeps up to this length are the interval between messages; a loop that waits for something sleeps longer.
PACE_S: Final = 0.1


class WatchedWakeup(Wakeup):
    """A wake-up that shows whether a loop sleeps on it."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._sleeping = False
        self._pending = False

    @property
    def is_slept_on(self) -> bool:
        """Whether the loop sleeps and has not been notified."""
        return self._sleeping and not self._pending

    def notify(self) -> None:
        self._pending = True
        super().notify()

    async def wait(self, delay_s: float | None) -> None:
        self._sleeping = True
        try:
            await super().wait(delay_s)
            self._pending = False
        finally:
            self._sleeping = False


class LoopUnderTest(ABC):
    """A loop that sleeps on `wakeup`; subclasses define what it runs, and what else it may wait for."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.wakeup = WatchedWakeup(clock)
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    def run(self) -> Coroutine[object, object, None]:
        """Returns the loop, which runs forever."""

    def is_quiet(self) -> bool:
        """Whether the loop sleeps now; raises what it failed with."""
        if self._task is not None and self._task.done():
            self._task.result()
        return self.wakeup.is_slept_on

    def start(self) -> asyncio.Task[None]:
        """Starts the loop."""
        self._task = asyncio.ensure_future(self.run())
        return self._task

    async def until_quiet(self) -> None:
        """Waits until the loop does nothing more by itself; the clock moves past the interval between messages."""
        async with asyncio.timeout(DEADLINE_S):
            while not await self._stays_quiet():
                next_in_s = self.clock.next_in_s
                if next_in_s is not None and next_in_s <= PACE_S:
                    await self.clock.advance(next_in_s)
                else:
                    await give_way()

    async def _stays_quiet(self) -> bool:
        """Whether the loop sleeps and keeps sleeping: it may be notified a moment later."""
        if not self.is_quiet():
            return False
        await settle()
        return self.is_quiet()

    async def notify(self) -> None:
        """Notifies the loop and waits until it is quiet again."""
        self.wakeup.notify()
        await self.until_quiet()

    async def advance(self, delay_s: float) -> None:
        """Moves the clock; whatever is due in between happens at its time."""
        await self.clock.advance_in_steps(delay_s, self.until_quiet)

    async def end(self) -> None:
        """Cancels the loop, as a killed process would; what it raised is ignored."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Runs the loop until the block ends; what was due before the block has been tried."""
        self.start()
        try:
            await self.until_quiet()
            yield self
        finally:
            await self.end()
