"""Prepares the database file before it is opened: inspects it, locks it, and runs the migrations.

A file that cannot be used is left unchanged, and DatabaseUnusable says why. The lock is a file next to the database.
The bot holds it while it runs (exclusive). Other commands (shared) hold it only while they migrate an older database.
"""

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.runtime.errors import DatabaseUnusable
from bot.store.migrate import APPLICATION_ID, FORMAT, check_space, run_migrations

# How long a statement waits for another process's lock before it raises StoreUnavailable.
DATABASE_BUSY_TIMEOUT_S: Final = 5.0
# How long to wait for the lock file; another command holds it for some milliseconds while it migrates.
DATABASE_LOCK_TIMEOUT_S: Final = 0.5
# A bot that has just started may be migrating the file.
_MIGRATION_TIMEOUT_S: Final = 3.0

_LOCK_RETRY_INTERVAL_S: Final = 0.05
# A larger file is searched for damage only by `daily-papers check` and `backup`: 5 GB take 100 s from a cold disk.
_CHECKED_AT_START_BYTES: Final = 64 * 1024 * 1024


# The first version with STRICT tables (sqlite.org/stricttables.html).
_OLDEST_SQLITE: Final = (3, 37)


def uri(path: Path, mode: str) -> str:
    """Returns the URI of the file for `sqlite3.connect`; `mode` is `ro` or `rw`."""
    return f"{path.absolute().as_uri()}?mode={mode}"


def reading_uri(path: Path) -> str:
    """Returns the URI for a connection that only reads, and leaves no file behind that was not there before.

    The last connection in WAL mode removes the -wal and -shm files, but a read-only one creates them and cannot.
    """
    is_wal = False
    with contextlib.suppress(OSError), path.open("rb") as file:  # SQLite reports what makes a file unreadable
        is_wal = file.read(20)[18:] == b"\x02\x02"  # the file format's versions (sqlite.org/fileformat2.html, 1.3.3)
    is_idle = not path.with_name(f"{path.name}-wal").exists()
    return uri(path, "rw" if is_wal and is_idle else "ro")


def prepare_exclusive(path: Path) -> int:
    """Locks the file for the bot and migrates it; creates it if missing.

    Returns the descriptor of the lock file; closing it releases the lock.
    """
    with _explained_errors(path):
        _check_location(path)
        inspect(path)
        if not is_missing(path) and path.stat().st_size <= _CHECKED_AT_START_BYTES:
            check_integrity(path)
        with contextlib.ExitStack() as on_error:
            lock_file = _lock(path)
            on_error.callback(os.close, lock_file)
            _migrate(path)
            on_error.pop_all()
        return lock_file


def prepare_shared(path: Path) -> None:
    """Checks that another command can use the file, whether a bot runs on it or not; migrates an older one."""
    with _explained_errors(path):
        _check_location(path)
        if is_missing(path):
            raise DatabaseUnusable(
                f"There is no database {path} yet: start the bot first, which creates it, or set `database`."
            )
        inspect(path)
        if _is_older(path):
            _migrate_unless_in_use(path)


def _migrate_unless_in_use(path: Path) -> None:
    """Migrates the file, but never while a bot that knows only the older schema runs on it."""
    try:
        lock_file = _lock(path, _MIGRATION_TIMEOUT_S)
    except DatabaseUnusable:
        if not _is_older(path):  # the bot that holds the lock has just migrated it
            return
        raise DatabaseUnusable(
            f"A bot of an older version runs with the database {path}: restart it with this version first."
        ) from None
    try:
        _migrate(path)
    finally:
        os.close(lock_file)


@contextlib.contextmanager
def _explained_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatabaseUnusable(f"The database {path} cannot be used: {error.strerror}.") from error
    except sqlite3.Error as error:
        raise DatabaseUnusable(
            f"The database {path} cannot be written: {error}. Nothing was changed; check its disk and permissions."
        ) from error


def _check_location(path: Path) -> None:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:  # pragma: no cover - needs another SQLite
        raise DatabaseUnusable(f"This Python has SQLite {sqlite3.sqlite_version}; Daily Papers needs 3.37 or newer.")
    if not path.parent.is_dir():
        raise DatabaseUnusable(f"The folder of the database {path} does not exist: create it, or set `database`.")
    if path.is_dir():
        raise DatabaseUnusable(f"The database {path} is a folder: set `database` to a file.")


def is_missing(path: Path) -> bool:
    """Whether no database has been created at the path yet: an empty file is none."""
    return not path.exists() or path.stat().st_size == 0


def _is_older(path: Path) -> bool:
    with contextlib.closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=DATABASE_BUSY_TIMEOUT_S)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0]) < FORMAT


def _lock(path: Path, timeout_s: float = DATABASE_LOCK_TIMEOUT_S) -> int:
    """Locks the file for this process; the kernel releases the lock however the process ends."""
    lock_file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # A command that migrates the file releases the lock at once.
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline_s:
                time.sleep(_LOCK_RETRY_INTERVAL_S)
                continue
            os.close(lock_file)
            raise DatabaseUnusable(
                f"Another Daily Papers already runs with the database {path}: stop it first, or set another `database`."
            ) from None
        return lock_file


def inspect(path: Path) -> None:
    """Raises DatabaseUnusable if the file is another program's, damaged or too new; only reads it."""
    if is_missing(path):
        return
    try:
        with contextlib.closing(sqlite3.connect(reading_uri(path), uri=True)) as connection:
            version, application_id = (
                connection.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("user_version", "application_id")
            )
            # Without tables it may be this program's file, whose first migration did not commit.
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise DatabaseUnusable(f"The database {path} cannot be opened: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise DatabaseUnusable(
            f"The file {path} is not a database or is damaged ({error}); it was left unchanged. "
            "Move it away, or replace it with a backup."
        ) from error
    if application_id != APPLICATION_ID and tables:
        raise DatabaseUnusable(f"The database {path} belongs to another program: set `database` to another file.")
    if version > FORMAT:
        raise DatabaseUnusable(
            f"The database {path} was written by a newer Daily Papers (format {version}, "
            f"this program supports up to {FORMAT}): update the program."
        )


def check_integrity(path: Path) -> None:
    """Raises DatabaseUnusable if the file is damaged. It reads the whole file, which takes a minute for some GB."""
    try:
        with contextlib.closing(sqlite3.connect(reading_uri(path), uri=True)) as connection:
            state = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        state = str(error)
    if state != "ok":
        raise DatabaseUnusable(
            f"The database {path} is damaged ({state}); it was left unchanged. Replace it with a backup, "
            "or move it away, which loses subscriptions made by command."
        )


def create_private(path: Path) -> None:
    """Creates an empty file that only its owner can read, if there is none; SQLite would use the umask.

    SQLite gives the -wal, -shm and -journal files the mode of the database (sqlite.org/src, `findCreateFileMode`).
    """
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _migrate(path: Path) -> None:
    if not is_missing(path) and _is_older(path):
        check_space(path)
    create_private(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=DATABASE_BUSY_TIMEOUT_S)
    with contextlib.closing(connection):
        connection.execute("PRAGMA journal_mode = WAL")
        run_migrations(connection)
