"""Time: the clock that all other modules take as an argument, and the wake-up that loops sleep on.

No other module reads the time or sleeps by itself; tests pass a clock that they move.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

# A wall clock that advances this much more or less than the monotonic clock was set, not adjusted.
CLOCK_JUMP_MIN: Final = timedelta(seconds=30)


class Clock(Protocol):
    """The current time, and sleeping."""

    def now(self) -> datetime:
        """Returns the wall-clock time, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Returns seconds that never run backwards; only differences are meaningful."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Sleeps `delay_s` seconds; with zero or less, yields to other tasks once."""
        ...


class SystemClock:
    """The clock of the machine; `ahead` moves the wall-clock time, for a bot in the sandbox."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(max(0.0, delay_s))


class Stopwatch:
    """Measures a period, and notices if the wall clock was set in it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        """Starts a new period."""
        self.started_at = self._clock.now()
        self._started_at_s = self._clock.monotonic()

    @property
    def elapsed(self) -> timedelta:
        """The length of the period, by the monotonic clock."""
        return timedelta(seconds=self._clock.monotonic() - self._started_at_s)

    @property
    def jump(self) -> timedelta:
        """How far the wall clock was set forward in the period (negative: back); 0 if it was not set."""
        jump = self._clock.now() - self.started_at - self.elapsed
        return jump if abs(jump) >= CLOCK_JUMP_MIN else timedelta()


class Wakeup:
    """Lets a loop sleep until a time, or until another loop notifies it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._notified = asyncio.Event()
        # How many notifications there have been.
        self.notifications = 0

    def notify(self) -> None:
        """Wakes the loop; a notification that arrives before it sleeps is not lost."""
        self.notifications += 1
        self._notified.set()

    async def wait(self, delay_s: float | None) -> None:
        """Sleeps `delay_s` seconds or until notified; with None, only until notified."""
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(self._notified.wait())]
        if delay_s is not None:
            waits.append(asyncio.ensure_future(self._clock.sleep(delay_s)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._notified.clear()
