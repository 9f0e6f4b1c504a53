"""Copies a database file for an operator, even while the bot runs.

It only reads the database, through its own connections, so that a running bot is not disturbed.
"""

import contextlib
import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from bot.runtime.errors import DatabaseUnusable
from bot.store.opening import check_integrity, create_private, inspect, is_missing, uri

# Pages copied between two progress reports: 4 MB at SQLite's default page size of 4 kB.
_PAGES_PER_STEP = 1000


def back_up(path: Path, target: Path, on_progress: Callable[[int, int], None]) -> None:
    """Copies the database to `target`, completely or not at all, even while a bot runs. Raises DatabaseUnusable.

    The copy can be read by those who can read the database, and if it replaces a file, by those of them who can read
    that file. `on_progress` receives the number of pages still to be copied, and of all pages.
    """
    if is_missing(path):
        raise DatabaseUnusable(
            f"There is no database {path} yet: start the bot first, which creates it, or set `database`."
        )
    inspect(path)
    if target.is_dir():
        raise DatabaseUnusable(f"{target} is a folder: choose a file for the copy.")
    if not target.parent.is_dir():
        raise DatabaseUnusable(f"The folder of {target} does not exist.")
    if target.exists() and target.samefile(path):
        raise DatabaseUnusable(f"{target} is the database itself: choose another file.")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            copy = Path(folder) / target.name
            _copy(path, copy, on_progress)
            copy.chmod(_mode(path, target))
            copy.replace(target)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error  # without the names of temporary files
        raise DatabaseUnusable(f"{target} cannot be written: {reason}. No copy was made.") from error


def _mode(path: Path, target: Path) -> int:
    """Returns the permissions of the copy: those of the database, for others only where a replaced file has them."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return mode & (stat.S_IMODE(target.stat().st_mode) | stat.S_IRWXU) if target.exists() else mode


def _copy(path: Path, copy: Path, on_progress: Callable[[int, int], None]) -> None:
    create_private(copy)
    with (
        contextlib.closing(sqlite3.connect(uri(path, "ro"), uri=True)) as source,
        contextlib.closing(sqlite3.connect(copy)) as destination,
    ):
        source.backup(destination, pages=_PAGES_PER_STEP, progress=lambda _, left, total: on_progress(left, total))
        # A single file, without a -wal file next to it.
        destination.execute("PRAGMA journal_mode = DELETE")
    check_integrity(copy)
    with copy.open("rb+") as file:
        os.fsync(file.fileno())
