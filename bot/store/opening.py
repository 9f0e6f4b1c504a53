"""What is done with the file before it is opened: looked at, claimed by the bot that runs on it, brought up to date.

A path in; it returns where the file may be opened, or raises DatabaseUnusable with one sentence; the file is untouched.
The claim is a lock on a file beside it. The bot holds it while it runs; a visitor (another command of the program) does
without, but for the moment in which it brings an older file up to date.
"""

import contextlib
import fcntl
import importlib.resources
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.runtime.errors import DatabaseUnusable

# How long a statement waits for another process's lock before it counts as unavailable for now.
DATABASE_BUSY_TIMEOUT_S: Final = 5.0
# How long the claim of a file is tried for; bringing it up to date takes another command some milliseconds.
DATABASE_LOCK_TIMEOUT_S: Final = 0.5

# "DPap" in PRAGMA application_id: tells our files from other programs'.
APPLICATION_ID: Final = 0x44506170
_CLAIM_TRIED_EVERY_S: Final = 0.05


def uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


# STRICT tables (sqlite.org/stricttables.html).
_OLDEST_SQLITE: Final = (3, 37)


def prepare_exclusive(path: Path) -> int:
    """Claim the file for the bot, made where there is none, and bring it up to date.

    Returns the claim's file descriptor: whoever closes it lets go of the file.
    """
    with _in_words(path):
        _check_place(path)
        inspect(path)
        with contextlib.ExitStack() as letting_go:
            lock_file = _claim(path)
            letting_go.callback(os.close, lock_file)
            _migrate(path)
            letting_go.pop_all()
        return lock_file


def prepare_shared(path: Path) -> None:
    """Make sure that another command can use the file as it is, whether a bot runs on it or not."""
    with _in_words(path):
        _check_place(path)
        if _is_missing(path):
            raise DatabaseUnusable(
                f"There is no database {path} yet: start the bot first, which makes it, or set `database`."
            )
        inspect(path)
        if _is_older(path):
            _bring_up_to_date(path)


def _bring_up_to_date(path: Path) -> None:
    """For a visitor: never under the feet of a bot that knows the older form alone."""
    try:
        lock_file = _claim(path)
    except DatabaseUnusable:
        if not _is_older(path):  # the bot that holds it has just done so
            return
        raise DatabaseUnusable(
            f"A bot of an older version runs with the database {path}: start it again with this version first."
        ) from None
    try:
        _migrate(path)
    finally:
        os.close(lock_file)


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatabaseUnusable(f"The database {path} cannot be used: {error.strerror}.") from error
    except sqlite3.Error as error:
        raise DatabaseUnusable(
            f"The database {path} cannot be written: {error}. Nothing was changed; see to its disk and permissions."
        ) from error


def _check_place(path: Path) -> None:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:  # pragma: no cover - needs another SQLite
        raise DatabaseUnusable(f"This Python has SQLite {sqlite3.sqlite_version}; Daily Papers needs 3.37 or newer.")
    if not path.parent.is_dir():
        raise DatabaseUnusable(f"The folder of the database {path} does not exist: create it, or set `database`.")
    if path.is_dir():
        raise DatabaseUnusable(f"The database {path} is a folder: set `database` to a file.")


def _is_missing(path: Path) -> bool:
    return not path.exists() or path.stat().st_size == 0


def _is_older(path: Path) -> bool:
    with contextlib.closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=DATABASE_BUSY_TIMEOUT_S)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0]) < len(migrations())


def _claim(path: Path) -> int:
    """Hold the file for this process alone; the kernel lets go of it however the process ends."""
    lock_file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # A visitor that brings the file up to date lets go of it at once.
    deadline_s = time.monotonic() + DATABASE_LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline_s:
                time.sleep(_CLAIM_TRIED_EVERY_S)
                continue
            os.close(lock_file)
            raise DatabaseUnusable(
                f"Another Daily Papers already runs with the database {path}: end it first, or set another `database`."
            ) from None
        return lock_file


def inspect(path: Path) -> None:
    """Refuse a file that is not ours, damaged, or newer than this program, through a read-only connection."""
    if _is_missing(path):
        return
    try:
        with contextlib.closing(sqlite3.connect(uri(path, "ro"), uri=True)) as connection:
            version, application_id = (
                connection.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("user_version", "application_id")
            )
            # A file of ours whose first migration did not commit has no tables and no version yet.
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            state = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise DatabaseUnusable(f"The database {path} cannot be opened: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise DatabaseUnusable(
            f"The file {path} is not a database or is damaged ({error}); it was left as it is. "
            "Move it away, or put a backup in its place."
        ) from error
    if application_id != APPLICATION_ID and tables:
        raise DatabaseUnusable(f"The database {path} belongs to another program: set `database` to another file.")
    if version > len(migrations()):
        raise DatabaseUnusable(
            f"The database {path} was written by a newer Daily Papers (format {version}, "
            f"this program knows up to {len(migrations())}): update the program."
        )
    if state != "ok":
        raise DatabaseUnusable(
            f"The database {path} is damaged ({state}); it was left as it is. Put a backup in its place, "
            "or move it away: subscriptions made by command are lost then."
        )


def migrations() -> tuple[str, ...]:
    """The SQL of each migration, in order; number n brings a file from user_version n-1 to n."""
    folder = importlib.resources.files("bot.store") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(file.read_text(encoding="utf-8") for file in files)


def _migrate(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None, timeout=DATABASE_BUSY_TIMEOUT_S)
    with contextlib.closing(connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for script in migrations()[version:]:
            for statement in _statements(script):
                connection.execute(statement)
        # Written even where nothing is new: SQLite opens what it may only read, and would say so hours later.
        connection.execute(f"PRAGMA user_version = {len(migrations())}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    """Split a script where SQLite says that a statement is complete: executescript would commit in between."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
