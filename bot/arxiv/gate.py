"""The request gate: lets one request at a time through to arXiv, with an interval after each.

The scheduler decides which request is next. A lock file next to the database is shared by every command of the program,
so that the interval and a backoff hold between processes and over restarts. The gate never sends a request, and never
waits out a backoff: it raises at once, with the time at which the backoff ends.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bot.arxiv.lock_file import LockFile, RecordedBackoff
from bot.arxiv.scheduler import Priority, Scheduler, Ticket, Waiters
from bot.runtime.clock import Clock, Stopwatch
from bot.runtime.errors import ArxivBackoff, ArxivThrottled

__all__ = ["ARXIV_BACKOFF_MAX", "Gate", "Priority", "RequestSlot"]

# A stored backoff that ends later than this comes from a wrong clock, not from arXiv.
ARXIV_BACKOFF_MAX: Final = timedelta(hours=24)

# How often a lock that another process holds is tried: short compared with the interval, cheap for the processor.
_LOCK_POLL_S: Final = 0.1


class RequestSlot:
    """The right to send one request now; it ends with the `async with` that granted it.

    The holder keeps it until it knows whether the gate has to close. So no other request can leave while a response is
    being parsed, but the interval runs in the meantime.
    """

    def __init__(self, clock: Clock, close: Callable[[ArxivBackoff], None]) -> None:
        self._clock = clock
        self._close = close
        self._ended_at_s: float | None = None

    def request_ended(self) -> None:
        """Starts the interval before the next request: the response has been received completely."""
        self._ended_at_s = self._clock.monotonic()

    @property
    def ended_at_s(self) -> float:
        """When the request ended, on the monotonic clock; now, if it did not end with a response."""
        return self._clock.monotonic() if self._ended_at_s is None else self._ended_at_s

    def close_gate(self, backoff: ArxivBackoff) -> None:
        """Lets no process send a request before `backoff.not_before`, not even after a restart (for up to 24 h)."""
        self._close(backoff)


class Gate:
    """One request at a time over all commands of the program, `interval_s` from the end of one to the next.

    With `ignores_backoff`, requests are sent during a backoff, too: to find out whether arXiv has recovered.
    """

    def __init__(self, path: Path, clock: Clock, interval_s: float, *, ignores_backoff: bool = False) -> None:
        self._lock = LockFile(path)
        self._clock = clock
        self._interval_s = interval_s
        self._ignores_backoff = ignores_backoff
        self._scheduler = Scheduler()
        self._idle = asyncio.Event()
        self._idle.set()
        self._ready_at_s = clock.monotonic()
        self._backoff: ArxivBackoff | None = None
        self._is_recorded = False  # whether the file has the end of `_backoff`
        self._since_backoff = Stopwatch(clock)

    def closed_until(self) -> datetime | None:
        """Returns when the current backoff ends; None while the gate is open."""
        now = self._clock.now()
        ends = (self._own_end(), self._lock.recorded_end(now, ignore_own=self._backoff is not None))
        latest = now + ARXIV_BACKOFF_MAX
        return max((end for end in ends if end is not None and now < end <= latest), default=None)

    def recorded_until(self) -> datetime | None:
        """Returns when the recorded backoff ends, even if the gate ignores it; None if it is certainly over."""
        backoff, now = self._lock.read().backoff, self._clock.now()
        is_over = backoff is not None and max(backoff.since or backoff.not_before, backoff.not_before) <= now
        return None if backoff is None or is_over else backoff.not_before

    def _own_end(self) -> datetime | None:
        """Returns when the last backoff of this process ends, by the clock as it is now."""
        return None if self._backoff is None else self._backoff.not_before + self._since_backoff.jump

    @asynccontextmanager
    async def request_slot(self, priority: Priority, waiters: Waiters | None = None) -> AsyncIterator[RequestSlot]:
        """Waits for a slot and holds it; `waiters` are the people who wait for the result, if any.

        Raises ArxivBackoff at once while a backoff closes the gate, and ArxivBusy if too many requests of people wait,
        or if this one waited longer than the people.
        """
        await self._wait_for_slot(self._scheduler.add(priority, self._clock.monotonic(), waiters))
        self._idle.clear()
        slot = RequestSlot(self._clock, self._close)
        try:
            yield slot
        finally:
            self._ready_at_s = slot.ended_at_s + self._interval_s
            self._lock.release()
            self._idle.set()

    def poll_wait_s(self) -> float:
        """Returns for how long a poll has waited for its slot; 0 if none waits."""
        return self._scheduler.longest_wait_s(Priority.POLL, self._clock.monotonic())

    async def remove_file(self) -> None:
        """Removes the lock file, one interval after the last request; keeps it if another process needs it.

        Another process needs it if it sent the last request, if it holds the lock, or while a backoff is recorded.
        """
        while (pause_s := self._ready_at_s - self._clock.monotonic()) > 0:
            await self._clock.sleep(pause_s)
        if self.closed_until() is None:
            self._lock.remove()

    async def clear_backoff(self, until: datetime) -> bool:
        """Clears the recorded backoff for all processes if it still ends at `until`; returns whether it did."""
        while not self._lock.try_acquire():
            await self._clock.sleep(_LOCK_POLL_S)
        try:
            recorded = self._lock.read().backoff
            if recorded is None or recorded.not_before != until:
                return False
            self._lock.write(None)
            return True
        finally:
            self._lock.release()

    def _close(self, backoff: ArxivBackoff) -> None:
        # Never shortens a backoff of another process.
        until = max(backoff.not_before, self.closed_until() or backoff.not_before)
        # In memory too: it holds even if the file cannot be written, or the clock is set.
        self._backoff = type(backoff)(str(backoff), until)
        self._since_backoff.restart()
        self._is_recorded = False
        self._lock.write(RecordedBackoff(self._since_backoff.started_at, until))
        self._is_recorded = True

    def _check_open(self) -> None:
        if self._ignores_backoff:
            return
        if self._is_recorded and self._lock.was_cleared():
            self._backoff = None
        until = self.closed_until()
        if until is None:
            return
        if self._backoff is not None and self._own_end() == until:
            raise type(self._backoff)(str(self._backoff), until)
        # Only the other process knows whether arXiv asked to wait or was unreachable.
        raise ArxivThrottled("waiting, because an earlier request failed", until)

    async def _wait_for_slot(self, ticket: Ticket) -> None:
        granted = False
        try:
            while (delay_s := self._delay_s(ticket)) > 0:
                await self._clock.sleep(delay_s)
                await self._idle.wait()
            granted = True
            self._scheduler.grant(ticket)
        finally:
            self._scheduler.withdraw(ticket)
            if not granted and not self._scheduler and self._idle.is_set():
                self._lock.release()  # acquired for a request that was cancelled: nothing else here needs it

    def _delay_s(self, ticket: Ticket) -> float:
        """Returns 0 if this ticket may send now, otherwise the delay before the next check.

        It must not await: between the check and the grant nothing else may run.
        """
        self._check_open()
        now_s = self._clock.monotonic()
        self._scheduler.check(ticket, now_s)
        if (pause_s := self._ready_at_s - now_s) > 0:
            return pause_s
        if not self._idle.is_set() or self._scheduler.next(now_s) is not ticket or not self._lock.try_acquire():
            return _LOCK_POLL_S
        if self._lock.take_over():
            # When the other process's request ended is unknown: a whole interval from now is safe.
            self._ready_at_s = self._clock.monotonic() + self._interval_s
            return self._interval_s
        return 0.0
