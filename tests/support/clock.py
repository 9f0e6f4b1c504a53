"""A clock that a test moves by hand."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

A_MOMENT_S = 0.001
START = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday


class FakeClock:
    """Sleepers wake when `advance` moves time past their moment, in the order of their moments."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._elapsed_s = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed_s

    async def sleep(self, delay_s: float) -> None:
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_s + delay_s, next(self._order), waiter))
        await waiter

    async def advance(self, delay_s: float) -> None:
        """Move time forward; every sleeper on the way wakes and runs until it waits again."""
        target_s = self._elapsed_s + delay_s
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target_s:
            moment_s, _, waiter = heapq.heappop(self._sleepers)
            self._move_to(moment_s)
            if not waiter.done():
                waiter.set_result(None)
            await settle()
        self._move_to(target_s)

    async def advance_resting(self, delay_s: float, rest: Callable[[], Awaitable[None]]) -> None:
        """The same for work that threads take part in: whatever is due on the way comes to rest at its moment."""
        end_s = self.monotonic() + delay_s
        while (next_in_s := self.next_in_s) is not None and self.monotonic() + next_in_s <= end_s:
            await self.advance(next_in_s)
            await rest()
        await self.advance(max(0.0, end_s - self.monotonic()))
        await rest()

    def _move_to(self, moment_s: float) -> None:
        self._now += timedelta(seconds=moment_s - self._elapsed_s)
        self._elapsed_s = moment_s

    @property
    def next_in_s(self) -> float | None:
        """The seconds until the next sleeper wakes; None when nobody sleeps."""
        moments = [moment_s for moment_s, _, waiter in self._sleepers if not waiter.done()]
        return min(moments) - self._elapsed_s if moments else None

    @property
    def sleeping(self) -> int:
        """How many tasks sleep at the moment."""
        return sum(not waiter.done() for _, _, waiter in self._sleepers)


async def settle() -> None:
    """Let every task that can run do so until it waits for something."""
    for _ in range(20):
        await asyncio.sleep(0)


async def give_way() -> None:
    """Let threads and sockets get on, of which no event tells: a moment, where a mere turn would busy a processor."""
    await asyncio.sleep(A_MOMENT_S)
