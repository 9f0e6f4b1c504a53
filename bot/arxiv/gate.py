"""The request gate: lets one request at a time through to arXiv, with an interval after each.

The scheduler decides which request is next. A lock file next to the database is shared by every command of the program,
so that the interval and a backoff hold between processes and over restarts. The gate never sends a request, and never
waits out a backoff: it raises at once, with the time at which the backoff ends.
"""

import asyncio
import fcntl
import json
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.arxiv.scheduler import Priority, Scheduler, Ticket, Waiters
from bot.runtime.clock import Clock, Stopwatch
from bot.runtime.errors import ArxivBackoff, ArxivThrottled, StoreUnavailable

__all__ = ["ARXIV_BACKOFF_MAX", "Gate", "Priority", "RequestSlot"]

# A stored backoff that ends later than this comes from a wrong clock, not from arXiv.
ARXIV_BACKOFF_MAX: Final = timedelta(hours=24)

# How often a lock that another process holds is tried: short compared with the interval, cheap for the processor.
_LOCK_POLL_S: Final = 0.1
# The record has a fixed length, so that a write never leaves the end of a longer one behind.
_RECORD_BYTES: Final = 256


class RequestSlot:
    """The right to send one request now; it ends with the `async with` that granted it."""

    def __init__(self, close: Callable[[ArxivBackoff], None]) -> None:
        self._close = close

    def close_gate(self, backoff: ArxivBackoff) -> None:
        """Lets no process send a request before `backoff.not_before`, not even after a restart (for up to 24 h)."""
        self._close(backoff)


class Gate:
    """One request at a time over all commands of the program, `interval_s` from the end of one to the next.

    With `ignores_backoff`, requests are sent during a backoff, too: to find out whether arXiv has recovered.
    """

    def __init__(self, path: Path, clock: Clock, interval_s: float, *, ignores_backoff: bool = False) -> None:
        self._lock = _LockFile(path)
        self._clock = clock
        self._interval_s = interval_s
        self._ignores_backoff = ignores_backoff
        self._scheduler = Scheduler()
        self._idle = asyncio.Event()
        self._idle.set()
        self._ready_at_s = clock.monotonic()
        self._backoff: ArxivBackoff | None = None
        self._since_backoff = Stopwatch(clock)
        self._is_recorded = False  # whether the file has the end of `_backoff`

    def closed_until(self) -> datetime | None:
        """Returns when the current backoff ends; None while the gate is open."""
        now = self._clock.now()
        ends = (self._own_end(), self._lock.recorded_end(now, ignore_own=self._backoff is not None))
        latest = now + ARXIV_BACKOFF_MAX
        return max((end for end in ends if end is not None and now < end <= latest), default=None)

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
        try:
            yield RequestSlot(self._close)
        finally:
            self._ready_at_s = self._clock.monotonic() + self._interval_s
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
            if self.closed_until() != until:
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
        self._lock.write(_Backoff(self._since_backoff.started_at, until))
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


@dataclass(frozen=True, slots=True)
class _Backoff:
    """A recorded backoff; `since` is None in a file of an earlier release."""

    since: datetime | None
    not_before: datetime

    def end(self, now: datetime) -> datetime | None:
        """Returns when it ends; None if it was recorded by a clock that was ahead of `now`."""
        return None if self.since is not None and self.since > now else self.not_before


@dataclass(frozen=True, slots=True)
class _Record:
    holder: str | None = None
    backoff: _Backoff | None = None


class _LockFile:
    """The file that all processes share: its flock grants the request, its text names the last holder and a backoff."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = secrets.token_hex(8)
        self._file: int | None = None

    def try_acquire(self) -> bool:
        """Returns whether this process holds the lock now: False while another process does."""
        if self._file is None:
            self._file = self._open_locked()
        return self._file is not None

    def _open_locked(self) -> int | None:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unavailable(error) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            if isinstance(error, BlockingIOError):
                return None
            raise _unavailable(error) from error
        if not self._is_current(file):  # its holder removed it after this process opened it: the name is free again
            os.close(file)
            return None
        return file

    def _is_current(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self._path.stat())
        except FileNotFoundError:
            return False

    def take_over(self) -> bool:
        """Records this process as the holder; returns whether the last holder was another one."""
        record = self.read()
        if record.holder == self._token:
            return False
        self.write(record.backoff)
        return True

    def recorded_end(self, now: datetime, *, ignore_own: bool) -> datetime | None:
        """Returns when the recorded backoff ends; None also for one of this process with `ignore_own`."""
        record = self.read()
        if record.backoff is None or (ignore_own and record.holder == self._token):
            return None
        return record.backoff.end(now)

    def read(self) -> _Record:
        """Returns the record; an empty one if the file is missing, torn or not a record."""
        try:
            if self._file is not None:  # the file that is locked, even if its name was removed in the meantime
                return _parse(os.pread(self._file, _RECORD_BYTES, 0))
            with self._path.open("rb") as file:
                return _parse(file.read(_RECORD_BYTES))
        except OSError:
            return _Record()

    def write(self, backoff: _Backoff | None) -> None:
        """Records this process as the holder, and a backoff; only the holder of the lock may write."""
        if self._file is None:
            raise RuntimeError("only the holder of the lock may write the file")
        since, not_before = (None, None) if backoff is None else (backoff.since, backoff.not_before)
        record = {"holder": self._token, "not_before": _to_text(not_before), "since": _to_text(since)}
        try:
            os.pwrite(self._file, json.dumps(record).ljust(_RECORD_BYTES - 1).encode() + b"\n", 0)
            os.ftruncate(self._file, _RECORD_BYTES)
        except OSError as error:
            self.release()
            raise _unavailable(error) from error

    def was_cleared(self) -> bool:
        """Returns whether another process cleared the backoff: without that, it keeps the one that it finds."""
        record = self.read()
        return record.holder not in (None, self._token) and record.backoff is None

    def remove(self) -> None:
        """Removes the file, unless another process holds the lock or held it last."""
        if not self._path.exists() or not self.try_acquire():
            return
        try:
            if self.read().holder == self._token:
                self._path.unlink(missing_ok=True)
        finally:
            self.release()

    def release(self) -> None:
        """Releases the lock, if this process holds it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _parse(text: bytes) -> _Record:
    try:
        record = json.loads(text)
    except ValueError:
        return _Record()
    if not isinstance(record, dict):
        return _Record()
    holder = record.get("holder")
    not_before = _parse_time(record.get("not_before"))
    backoff = None if not_before is None else _Backoff(_parse_time(record.get("since")), not_before)
    return _Record(holder if isinstance(holder, str) else None, backoff)


def _to_text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _parse_time(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if time is None or time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: beyond the year 9999 in UTC
        return None


def _unavailable(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"the lock file next to the database cannot be written: {error.strerror}")
