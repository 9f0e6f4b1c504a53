"""A clock that the test moves."""

import asyncio
import heapq
import itertools
import random
import selectors
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest

GIVE_WAY_S = 0.001
_AHEAD = (timedelta(days=2), timedelta(seconds=90), timedelta(hours=1), timedelta(days=30))
START = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday


def _parametrized(jumps: Iterable[timedelta]) -> pytest.MarkDecorator:
    """Runs a test with each jump of the wall clock; those after the first only with the slow tests."""
    first, *others = jumps
    slow = (pytest.param(jump, marks=pytest.mark.slow, id=f"{jump.total_seconds():+.0f}s") for jump in others)
    return pytest.mark.parametrize("jump", [pytest.param(first, id=f"{first.total_seconds():+.0f}s"), *slow])


jumps_ahead = _parametrized(_AHEAD)
every_jump = _parametrized((*_AHEAD, *(-jump for jump in _AHEAD)))


class NoJitter(random.Random):
    """A random generator that adds no jitter."""

    def random(self) -> float:
        return 0.0


class FakeClock:
    """A sleeping task wakes when `advance` moves the clock past its time; tasks wake in the order of their times."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._start = start
        self._elapsed_s = 0.0
        self._order = itertools.count()
        self._sleeping_tasks: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def server_now(self) -> datetime:
        """The time by a server's clock, which neither `jump` nor `set_wall_clock` changes."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def set_wall_clock(self, ahead: timedelta) -> None:
        """Sets the wall clock ahead of the server's time, or behind it if negative."""
        self._now = self.server_now() + ahead

    def monotonic(self) -> float:
        return self._elapsed_s

    def jump(self, by: timedelta) -> None:
        """Moves the wall clock alone, as an administrator or a time server does; no task wakes."""
        self._now += by

    async def sleep(self, delay_s: float) -> None:
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleeping_tasks, (self._elapsed_s + delay_s, next(self._order), waiter))
        await waiter

    async def advance(self, delay_s: float) -> None:
        """Moves the clock; every task whose time comes wakes and runs until it waits again."""
        target_s = self._elapsed_s + delay_s
        await settle()
        while self._sleeping_tasks and self._sleeping_tasks[0][0] <= target_s:
            wakes_at_s, _, waiter = heapq.heappop(self._sleeping_tasks)
            self._move_to(wakes_at_s)
            if not waiter.done():
                waiter.set_result(None)
            await settle()
        self._move_to(target_s)

    async def advance_in_steps(self, delay_s: float, until_quiet: Callable[[], Awaitable[None]]) -> None:
        """Moves the clock from one sleep to the next, then awaits `until_quiet`: for work in threads."""
        end_s = self.monotonic() + delay_s
        while (next_in_s := self.next_in_s) is not None and self.monotonic() + next_in_s <= end_s:
            await self.advance(next_in_s)
            await until_quiet()
        await self.advance(max(0.0, end_s - self.monotonic()))
        await until_quiet()

    def _move_to(self, elapsed_s: float) -> None:
        self._now += timedelta(seconds=elapsed_s - self._elapsed_s)
        self._elapsed_s = elapsed_s

    @property
    def next_in_s(self) -> float | None:
        """The seconds until the next task wakes; None when none sleeps."""
        times = [wakes_at_s for wakes_at_s, _, waiter in self._sleeping_tasks if not waiter.done()]
        return min(times) - self._elapsed_s if times else None

    @property
    def sleeping(self) -> int:
        """The number of sleeping tasks."""
        return sum(not waiter.done() for _, _, waiter in self._sleeping_tasks)


class SettlingLoop(asyncio.SelectorEventLoop):
    """The event loop of the tests: it knows when no task can run."""

    def __init__(self) -> None:
        self._selector_of_settling = _SettlingSelector()
        super().__init__(self._selector_of_settling)

    def settled(self) -> asyncio.Future[None]:
        """Returns a future that is done once the loop would wait for I/O, a timer or a thread."""
        waiter: asyncio.Future[None] = self.create_future()
        self._selector_of_settling.waiters.append(waiter)
        return waiter


class _SettlingSelector(selectors.DefaultSelector):
    """Tells the waiters when the loop would block."""

    def __init__(self) -> None:
        super().__init__()
        self.waiters: list[asyncio.Future[None]] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not self.waiters or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        events = super().select(0)
        if not events:
            for waiter in self.waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self.waiters.clear()
        return events


async def settle() -> None:
    """Lets every task that can run do so until it waits for something."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SettlingLoop)
    await loop.settled()


async def give_way() -> None:
    """Sleeps a millisecond of real time, so that threads and sockets make progress without a busy loop."""
    await asyncio.sleep(GIVE_WAY_S)
