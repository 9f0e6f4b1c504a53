"""The polite gate: what lets one request at a time through to arXiv, with a pause after each.

In come those who want to ask arXiv, with their urgency; out they go one by one, people before passes. The lock
file beside the database is shared by every command of the program, so that the manners hold between processes and
over restarts. The gate knows nothing of HTTP, and never waits out a backoff: it says at once until when it lasts.
"""

import asyncio
import bisect
import fcntl
import itertools
import json
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Final

from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivBackoff, ArxivThrottled, StoreUnavailable

# A stored mark further ahead than this is a clock gone wrong, not arXiv's wish.
ARXIV_BACKOFF_MAX: Final = timedelta(hours=24)

# How often another process's lock is tried; short beside the interval, long for a processor.
_LOCK_TRIED_EVERY_S: Final = 0.1
# The record has one length, so that a write never leaves the end of an older one behind.
_RECORD_BYTES: Final = 256


class Priority(IntEnum):
    """Who goes first: somebody who waits, then the pass, then what charts and backfills ask of the past."""

    INTERACTIVE = 0
    POLL = 1
    BACKGROUND = 2


@dataclass(frozen=True, slots=True, order=True)
class _Ticket:
    priority: Priority
    arrival: int


class RequestSlot:
    """The right to make one request now; it ends with the `async with` that gave it."""

    def __init__(self, shut: Callable[[ArxivBackoff], None]) -> None:
        self._shut = shut

    def close_gate(self, wait: ArxivBackoff) -> None:
        """Nobody asks before `wait.not_before`: no process, and over restarts (at most 24 h are believed)."""
        self._shut(wait)


class Gate:
    """One request at a time over all commands of the program, `interval_s` from the end of one to the next."""

    def __init__(self, path: Path, clock: Clock, interval_s: float) -> None:
        self._lock = _LockFile(path)
        self._clock = clock
        self._interval_s = interval_s
        self._arrivals = itertools.count()
        self._waiting: list[_Ticket] = []
        self._idle = asyncio.Event()
        self._idle.set()
        self._ready_at_s = clock.monotonic()
        self._shut_by: ArxivBackoff | None = None

    def not_before(self) -> datetime | None:
        """Until when the gate is shut by a backoff; None when it is open."""
        now = self._clock.now()
        key_values = (self._shut_by.not_before if self._shut_by else None, self._lock.read().not_before)
        # A mark further ahead is a clock gone wrong, not arXiv's wish.
        latest = now + ARXIV_BACKOFF_MAX
        return max((mark for mark in key_values if mark is not None and now < mark <= latest), default=None)

    @asynccontextmanager
    async def turn(self, priority: Priority) -> AsyncIterator[RequestSlot]:
        """Wait for the turn, then hold it; raises ArxivBackoff at once while a backoff shuts the gate."""
        await self._called(_Ticket(priority, next(self._arrivals)))
        self._idle.clear()
        try:
            yield RequestSlot(self._shut)
        finally:
            self._ready_at_s = self._clock.monotonic() + self._interval_s
            self._lock.release()
            self._idle.set()

    def _shut(self, wait: ArxivBackoff) -> None:
        self._shut_by = wait  # in memory too: it holds even when the file cannot be written
        self._lock.write(wait.not_before)

    def _check_open(self) -> None:
        moment = self.not_before()
        if moment is None:
            return
        if self._shut_by is not None and self._shut_by.not_before == moment:
            raise type(self._shut_by)(str(self._shut_by), moment)
        raise ArxivThrottled("arXiv asks us to wait", moment)  # another process knows the details

    async def _called(self, ticket: _Ticket) -> None:
        bisect.insort(self._waiting, ticket)
        called = False
        try:
            while (delay_s := self._delay_s(ticket)) > 0:
                await self._clock.sleep(delay_s)
                await self._idle.wait()
            called = True
        finally:
            self._waiting.remove(ticket)
            if not called and not self._waiting and self._idle.is_set():
                self._lock.release()  # taken for one who gave up: nobody is left to use it

    def _delay_s(self, ticket: _Ticket) -> float:
        """Zero when the turn is this ticket's, else when to ask again. No await in here: nothing comes between."""
        self._check_open()
        if (pause_s := self._ready_at_s - self._clock.monotonic()) > 0:
            return pause_s
        if not self._idle.is_set() or self._waiting[0] != ticket or not self._lock.try_acquire():
            return _LOCK_TRIED_EVERY_S
        if self._lock.passed_from_another():
            # When the other process's request ended is not known: a whole interval from now is safe.
            self._ready_at_s = self._clock.monotonic() + self._interval_s
            return self._interval_s
        return 0.0


@dataclass(frozen=True, slots=True)
class _Record:
    holder: str | None = None
    not_before: datetime | None = None


class _LockFile:
    """The file between processes: its flock says who may ask, its text who asked last and what was stored."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = secrets.token_hex(8)
        self._file: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock, or say that another process has it; ours already counts as taken."""
        if self._file is None:
            self._file = self._open_locked()
        return self._file is not None

    def _open_locked(self) -> int | None:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _unusable(error) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            if isinstance(error, BlockingIOError):
                return None
            raise _unusable(error) from error
        return file

    def passed_from_another(self) -> bool:
        """Whether the last to hold the lock was not this process, whose name stands in the file from now on."""
        record = self.read()
        if record.holder == self._token:
            return False
        self.write(record.not_before)
        return True

    def read(self) -> _Record:
        """What the file says; a file that is missing, torn or somebody else's says nothing."""
        try:
            if self._file is not None:  # the one that we hold, even when its name was taken away meanwhile
                return _parse(os.pread(self._file, _RECORD_BYTES, 0))
            with self._path.open("rb") as file:
                return _parse(file.read(_RECORD_BYTES))
        except OSError:
            return _Record()

    def write(self, not_before: datetime | None) -> None:
        """Put our name and `not_before` into the file; only its holder may."""
        if self._file is None:
            raise RuntimeError("the lock file is written only by who holds it")
        kept = None if not_before is None else not_before.isoformat()
        text = json.dumps({"holder": self._token, "not_before": kept})
        try:
            os.pwrite(self._file, text.ljust(_RECORD_BYTES - 1).encode() + b"\n", 0)
            os.ftruncate(self._file, _RECORD_BYTES)
        except OSError as error:
            self.release()
            raise _unusable(error) from error

    def release(self) -> None:
        """Let another process have the lock; nothing happens when it is not ours."""
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
    return _Record(holder if isinstance(holder, str) else None, _moment(record.get("not_before")))


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if moment is None or moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: beyond the year 9999 in UTC
        return None


def _unusable(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"the lock file beside the database cannot be written: {error.strerror}")
