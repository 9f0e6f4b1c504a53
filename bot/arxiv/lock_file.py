"""The lock file of the gate, shared by all processes: its flock grants a request, its text records a backoff.

It decides nothing about when a request is sent.
"""

import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.runtime.errors import StoreUnavailable

# The record has a fixed length, so that a write never leaves the end of a longer one behind.
_RECORD_BYTES: Final = 256


@dataclass(frozen=True, slots=True)
class RecordedBackoff:
    """A recorded backoff; `since` is None in a file of an earlier release."""

    since: datetime | None
    not_before: datetime

    def end(self, now: datetime) -> datetime | None:
        """Returns when it ends; None if it was recorded by a clock that was ahead of `now`."""
        return None if self.since is not None and self.since > now else self.not_before


@dataclass(frozen=True, slots=True)
class _Record:
    holder: str | None = None
    backoff: RecordedBackoff | None = None


class LockFile:
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

    def write(self, backoff: RecordedBackoff | None) -> None:
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
    backoff = None if not_before is None else RecordedBackoff(_parse_time(record.get("since")), not_before)
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
