"""One SQLite file, open: written by one connection, a transaction at a time.

A path that `opening` finds fit enters; a `Database` leaves, whose `transaction()` and `reading()` the other rooms of
`store/` use. It never holds a transaction open when a task is cancelled or a statement fails.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Final

import aiosqlite

from bot.runtime.errors import StoreUnavailable
from bot.store.opening import DATABASE_BUSY_TIMEOUT_S, prepare_exclusive, prepare_shared, uri

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
    async def open_exclusive(cls, path: Path) -> "Database":
        """Open or create the file at `path` for the bot; DatabaseUnusable says why it cannot be used."""
        async with contextlib.AsyncExitStack() as closing:
            closing.callback(os.close, await asyncio.to_thread(prepare_exclusive, path))
            return await cls._connected(path, closing)

    @classmethod
    async def open_shared(cls, path: Path) -> "Database":
        """Open the file at `path` for another command, beside a bot that may be running or be started meanwhile.

        Both may write: a transaction waits for the other's. DatabaseUnusable where there is no file to visit.
        """
        async with contextlib.AsyncExitStack() as closing:
            await asyncio.to_thread(prepare_shared, path)
            return await cls._connected(path, closing)

    @classmethod
    async def _connected(cls, path: Path, closing: contextlib.AsyncExitStack) -> "Database":
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
