"""The only room that reads the time or sleeps. Everybody else is handed a `Clock`."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time, as the program sees it; tests hand in one that they move themselves."""

    def now(self) -> datetime:
        """The wall clock: aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean anything."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Wait `delay_s` seconds; zero or less gives way to others once."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(max(0.0, delay_s))


class Wakeup:
    """Lets a loop sleep until its time has come or somebody rings."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._notified = asyncio.Event()

    def notify(self) -> None:
        """Wake the sleeper; a ring that comes before it sleeps is not lost."""
        self._notified.set()

    async def wait(self, delay_s: float | None) -> None:
        """Sleep `delay_s` seconds, or until rung; None: only until rung."""
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(self._notified.wait())]
        if delay_s is not None:
            waits.append(asyncio.ensure_future(self._clock.sleep(delay_s)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._notified.clear()
