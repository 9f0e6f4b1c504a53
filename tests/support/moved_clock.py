"""A clock whose wall-clock time another process moves at any time, and the file with which it does.

The monotonic clock is the machine's: only the wall clock jumps, as it does when a machine's clock is set.
"""

import mmap
import struct
from datetime import datetime, timedelta
from pathlib import Path

from bot.runtime.clock import SystemClock

_SECONDS = struct.Struct("d")


class ClockFile:
    """A file with the number of seconds by which the clocks that follow it are ahead."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ahead_s = 0.0
        path.write_bytes(_SECONDS.pack(0.0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SECONDS.size)

    @property
    def ahead_s(self) -> float:
        """How far the clocks are ahead; negative if they are behind. Setting it moves them at once."""
        return self._ahead_s

    @ahead_s.setter
    def ahead_s(self, seconds: float) -> None:
        self._ahead_s = seconds
        _SECONDS.pack_into(self._memory, 0, seconds)


class MovedClock(SystemClock):
    """The machine's clock, moved by what a `ClockFile` contains at the moment."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        with path.open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), _SECONDS.size, access=mmap.ACCESS_READ)

    def now(self) -> datetime:
        (ahead_s,) = _SECONDS.unpack_from(self._memory)
        return super().now() + timedelta(seconds=ahead_s)
