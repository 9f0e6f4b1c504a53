"""One of the bot's loops, run by a test: on a clock that the test moves, and an alarm of which one sees who sleeps."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Final, Self

from bot.runtime.clock import Wakeup
from tests.support.clock import FakeClock, give_way, settle

DEADLINE_S: Final = 40.0
# Sleeps as short as this are the pace of sending; whatever waits for something sleeps longer.
PACE_S: Final = 0.1


class WatchedWakeup(Wakeup):
    """An alarm of which one can see that somebody sleeps on it."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._sleeping = False

    @property
    def is_slept_on(self) -> bool:
        """Whether the loop sleeps and nobody has woken it."""
        return self._sleeping and not self._notified.is_set()

    async def wait(self, delay_s: float | None) -> None:
        self._sleeping = True
        try:
            await super().wait(delay_s)
        finally:
            self._sleeping = False


class LoopUnderTest(ABC):
    """A loop that sleeps on `alarm`; who inherits says what it runs, and what else it may be waiting for."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.wakeup = WatchedWakeup(clock)
        self._work: asyncio.Task[None] | None = None

    @abstractmethod
    def run(self) -> Coroutine[object, object, None]:
        """What the loop does, for ever."""

    def is_quiet(self) -> bool:
        """Whether the loop sleeps at this moment; raises what ended it."""
        if self._work is not None and self._work.done():
            self._work.result()
        return self.wakeup.is_slept_on

    def start(self) -> asyncio.Task[None]:
        """Begin to work."""
        self._work = asyncio.ensure_future(self.run())
        return self._work

    async def until_quiet(self) -> None:
        """Wait until nothing happens any more by itself; the pace of sending is let pass."""
        async with asyncio.timeout(DEADLINE_S):
            while not await self._stays_quiet():
                next_in_s = self.clock.next_in_s
                if next_in_s is not None and next_in_s <= PACE_S:
                    await self.clock.advance(next_in_s)
                else:
                    await give_way()

    async def _stays_quiet(self) -> bool:
        """Whether the loop sleeps, and did not merely lie down: its alarm is set a moment later."""
        if not self.is_quiet():
            return False
        await settle()
        return self.is_quiet()

    async def notify(self) -> None:
        """Say that there is something to do, and wait for what comes of it."""
        self.wakeup.notify()
        await self.until_quiet()

    async def advance(self, delay_s: float) -> None:
        """Let time pass; whatever is due on the way happens at its moment."""
        await self.clock.advance_resting(delay_s, self.until_quiet)

    async def end(self) -> None:
        """Break off, as a killed process would; what it raised is not asked for."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
            self._work = None

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Self]:
        """Work until the block ends; what was due at its beginning has been tried."""
        self.start()
        try:
            await self.until_quiet()
            yield self
        finally:
            await self.end()
