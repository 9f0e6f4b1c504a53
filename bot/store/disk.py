"""Checks whether the file system of the database can be written. It never opens the database."""

import asyncio
import errno
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

# Free space below which the disk counts as full; a transaction needs less.
FREE_BYTES_MIN: Final = 64 * 1024
# How often the check really writes while nothing fails.
WRITE_INTERVAL_S: Final = 60.0


class Disk:
    """The file system of a folder."""

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._monotonic = monotonic
        self._written_at_s: float | None = None

    async def problem(self, *, is_urgent: bool) -> str | None:
        """Returns why a file cannot be written now; None if it can be.

        The free space is checked each time. A file is written if that worked more than a minute ago, if it failed the
        last time, or if it is urgent.
        """
        is_due = self._written_at_s is None or self._monotonic() - self._written_at_s >= WRITE_INTERVAL_S
        reason = await asyncio.to_thread(_problem, self._folder, writes=is_due or is_urgent)
        if reason is not None:
            self._written_at_s = None
        elif is_due or is_urgent:
            self._written_at_s = self._monotonic()
        return reason


def _problem(folder: Path, *, writes: bool) -> str | None:
    try:
        _check(folder, writes=writes)
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
