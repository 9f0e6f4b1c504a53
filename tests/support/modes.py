"""Permissions of files, and the umask under which a test creates them."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def mode_of(path: Path) -> int:
    """Returns the permission bits of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Sets the umask until the block ends; 0 lets files have every permission that the program asks for."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
