"""What an operator does with the file beside the running bot: look at it, and copy it.

Paths in; a copy or a summary out. The file itself is only read, through connections of its own, so that a running
bot goes on undisturbed.
"""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.runtime.errors import DatabaseUnusable
from bot.store.opening import inspect, uri

# How many pages are copied between two reports of progress: about 4 MB at SQLite's usual page of 4 kB.
_PAGES_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands in a database: the channels that have subscriptions, and how many of the rest there are."""

    channels: tuple[int, ...]
    keywords: int
    papers: int
    waiting: int


def summarise(path: Path) -> Summary | None:
    """Look at the file as the start does, and count; None when there is none yet. Raises DatabaseUnusable."""
    inspect(path)
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        with contextlib.closing(sqlite3.connect(uri(path, "ro"), uri=True)) as connection:
            channels = connection.execute("SELECT DISTINCT channel_id FROM subscriptions ORDER BY channel_id")
            return Summary(
                channels=tuple(row[0] for row in channels),
                keywords=_count(connection, "SELECT count(DISTINCT keyword_id) FROM subscriptions"),
                papers=_count(connection, "SELECT count(*) FROM papers"),
                waiting=_count(connection, "SELECT count(*) FROM outbox WHERE state = 'waiting'"),
            )
    except sqlite3.Error as error:
        raise DatabaseUnusable(f"The database {path} cannot be read: {error}.") from error


def _count(connection: sqlite3.Connection, question: str) -> int:
    return int(connection.execute(question).fetchone()[0])


def back_up(path: Path, target: Path, on_progress: Callable[[int, int], None]) -> None:
    """Copy the database to `target`, whole or not at all, while a bot may be running; DatabaseUnusable says why not.

    `on_progress` hears how many of how many pages are still to be copied.
    """
    if not path.exists():
        raise DatabaseUnusable(f"There is no database {path} to copy.")
    inspect(path)
    if not target.parent.is_dir():
        raise DatabaseUnusable(f"The folder of {target} does not exist.")
    if target.exists() and target.samefile(path):
        raise DatabaseUnusable(f"{target} is the database itself: name another file.")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            copy = Path(folder) / target.name
            _copy(path, copy, on_progress)
            copy.replace(target)
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error  # without the names of files that nobody knows
        raise DatabaseUnusable(f"{target} cannot be written: {why}. No copy was made.") from error


def _copy(path: Path, copy: Path, on_progress: Callable[[int, int], None]) -> None:
    with (
        contextlib.closing(sqlite3.connect(uri(path, "ro"), uri=True)) as source,
        contextlib.closing(sqlite3.connect(copy)) as destination,
    ):
        source.backup(destination, pages=_PAGES_AT_ONCE, progress=lambda _, left, total: on_progress(left, total))
        # One file that stands alone: no -wal beside it.
        destination.execute("PRAGMA journal_mode = DELETE")
    with copy.open("rb+") as file:
        os.fsync(file.fileno())
