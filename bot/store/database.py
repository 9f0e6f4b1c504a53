"""One SQLite file: opened with care, migrated, and written by one connection, a transaction at a time.

Path in; a `Database` out, whose `transaction()` and `reader` the other rooms of `store/` use. It never holds a
transaction open when a task is cancelled or a statement fails, and it never changes a file that it refuses.
"""

import asyncio
import contextlib
import fcntl
import importlib.resources
import os
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Final

import aiosqlite

from bot.errors import DatabaseRefused, StoreUnavailable
from bot.limits import DATABASE_BUSY_TIMEOUT_S

# "DPap" in PRAGMA application_id: tells our files from other programs'.
APPLICATION_ID: Final = 0x44506170
# What passes by itself: somebody else's lock, a full or failing disk. Anything else is a fault of ours.
_PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    }
)
# What a file that was sound at the start says when its disk or somebody else has changed it since.
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Database:
    """The open file: one writer, one reader, each on a thread of its own."""

    def __init__(
        self, writer: aiosqlite.Connection, reader: aiosqlite.Connection, closing: contextlib.AsyncExitStack
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._closing = closing
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Open or create the file at `path`; DatabaseRefused says in one sentence why it cannot be used."""
        async with contextlib.AsyncExitStack() as closing:
            closing.callback(os.close, await asyncio.to_thread(_prepare, path))
            writer = await closing.enter_async_context(_connection(path, "rw"))
            reader = await closing.enter_async_context(_connection(path, "ro"))
            return cls(writer, reader, closing.pop_all())

    async def close(self) -> None:
        """Wait for the transaction in hand, then close; the file may be opened by others afterwards."""
        async with self._writing:
            await self._closing.aclose()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """Everything inside is written at once or not at all; StoreUnavailable when it cannot be written now."""
        async with self._writing:
            with _passing_faults():
                try:
                    await self._writer.execute("BEGIN IMMEDIATE")
                    yield self._writer
                    await self._writer.commit()
                finally:
                    await _uncancelled(self._roll_back_what_is_open())

    async def _roll_back_what_is_open(self) -> None:
        # Queued behind a COMMIT that was cancelled but still runs on the connection's thread: it may have succeeded.
        await self._writer.execute_fetchall("SELECT 1")
        if self._writer.in_transaction:
            await self._writer.rollback()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """The reader, for single SELECTs; it sees what was committed last."""
        with _passing_faults():
            yield self._reader


@contextlib.contextmanager
def _passing_faults() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in _PASSING:
            raise StoreUnavailable(f"the database cannot be used at the moment: {error}") from error
        raise
    except sqlite3.DatabaseError as error:
        # Its subclasses are about statements, and some of them have no code.
        if type(error) is sqlite3.DatabaseError and error.sqlite_errorcode & 0xFF in _DAMAGED:
            raise StoreUnavailable(
                f"the database is damaged ({error}): end the bot, and put a backup in its place"
            ) from error
        raise


async def _uncancelled(work: Coroutine[None, None, None]) -> None:
    """Finish `work` however often the caller is cancelled meanwhile, then let the cancellation through."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


@contextlib.asynccontextmanager
async def _connection(path: Path, mode: str) -> AsyncIterator[aiosqlite.Connection]:
    async with aiosqlite.connect(
        uri(path, mode), uri=True, isolation_level=None, timeout=DATABASE_BUSY_TIMEOUT_S
    ) as connection:
        connection.row_factory = sqlite3.Row
        await connection.execute_fetchall("PRAGMA foreign_keys = ON")
        # In WAL mode only FULL survives a power cut right after a commit (sqlite.org/pragma.html#pragma_synchronous).
        await connection.execute_fetchall("PRAGMA synchronous = FULL")
        yield connection


def uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


# STRICT tables (sqlite.org/stricttables.html).
_OLDEST_SQLITE: Final = (3, 37)


def _prepare(path: Path) -> int:
    """Look at the file, claim it and bring it up to date; returns the claim's file descriptor."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:  # pragma: no cover - needs another SQLite
        raise DatabaseRefused(f"This Python has SQLite {sqlite3.sqlite_version}; Daily Papers needs 3.37 or newer.")
    try:
        if not path.parent.is_dir():
            raise DatabaseRefused(f"The folder of the database {path} does not exist: create it, or set `database`.")
        if path.is_dir():
            raise DatabaseRefused(f"The database {path} is a folder: set `database` to a file.")
        inspect(path)
        lock_file = _claim(path)
    except OSError as error:
        raise DatabaseRefused(f"The database {path} cannot be used: {error.strerror}.") from error
    try:
        _migrate(path)
    except sqlite3.Error as error:
        os.close(lock_file)
        raise DatabaseRefused(
            f"The database {path} cannot be written: {error}. Nothing was changed; see to its disk and permissions."
        ) from error
    return lock_file


def _claim(path: Path) -> int:
    """Hold the file for this process alone; the kernel lets go of it however the process ends."""
    lock_file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock_file)
        raise DatabaseRefused(
            f"Another Daily Papers already runs with the database {path}: end it first, or set another `database`."
        ) from None
    return lock_file


def inspect(path: Path) -> None:
    """Refuse a file that is not ours, damaged, or newer than this program, through a read-only connection."""
    if not path.exists() or path.stat().st_size == 0:
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
        raise DatabaseRefused(f"The database {path} cannot be opened: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise DatabaseRefused(
            f"The file {path} is not a database or is damaged ({error}); it was left as it is. "
            "Move it away, or put a backup in its place."
        ) from error
    if application_id != APPLICATION_ID and tables:
        raise DatabaseRefused(f"The database {path} belongs to another program: set `database` to another file.")
    if version > len(migrations()):
        raise DatabaseRefused(
            f"The database {path} was written by a newer Daily Papers (format {version}, "
            f"this program knows up to {len(migrations())}): update the program."
        )
    if state != "ok":
        raise DatabaseRefused(
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
