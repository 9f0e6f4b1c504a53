"""Checks whether the file system of the database can be written. It never opens the database."""

import asyncio
import errno
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

# Free space below which the disk counts as full; a transaction needs less.
FREE_BYTES_MIN: Final = 64 * 1024
# How often the check really writes while nothing fails.
WRITE_INTERVAL_S: Final = 60.0


class Disk:
    """The file system of a file, which may be missing."""

    def __init__(self, file: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._monotonic = monotonic
        self._written_at_s: float | None = None
        # Its own thread: a health check must not wait for those that render a page, and a disk that hangs must not
        # stop them.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="disk")

    def close(self) -> None:
        """Ends the thread; does not wait for a disk that hangs."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def problem(self, *, is_urgent: bool) -> str | None:
        """Returns why a file cannot be written now; None if it can be.

        The free space is checked each time. A file is written if that worked more than a minute ago, if it failed the
        last time, or if it is urgent.
        """
        is_due = self._written_at_s is None or self._monotonic() - self._written_at_s >= WRITE_INTERVAL_S
        check = partial(_problem, self._file, writes=is_due or is_urgent)
        reason = await asyncio.get_running_loop().run_in_executor(self._thread, check)
        if reason is not None:
            self._written_at_s = None
        elif is_due or is_urgent:
            self._written_at_s = self._monotonic()
        return reason

    async def free_bytes(self) -> int | None:
        """Returns the free space; None for a file system that does not know its size."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _free_bytes, self._file)


def _free_bytes(file: Path) -> int | None:
    free = os.statvfs(file.resolve().parent)
    return free.f_bavail * free.f_frsize if free.f_blocks else None


def _problem(file: Path, *, writes: bool) -> str | None:
    try:
        _check(file.resolve().parent, writes=writes)
    except OSError as error:
        return str(error.strerror).lower()
    return None


def _check(folder: Path, *, writes: bool) -> None:
    """Raises OSError if a file in the folder cannot be written."""
    free = os.statvfs(folder)
    # Some file systems do not know their size.
    if free.f_blocks and free.f_bavail * free.f_frsize < FREE_BYTES_MIN:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if writes:
        # Without a name where the system supports it, and removed in any case.
        with tempfile.TemporaryFile(dir=folder, prefix=".daily-papers-") as file:
            file.write(bytes(FREE_BYTES_MIN))
            file.flush()
            os.fsync(file.fileno())
