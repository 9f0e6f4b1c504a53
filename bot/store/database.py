"""An open SQLite file: one connection that writes, one transaction at a time, and one that reads.

The other modules of `store/` use `transaction()` and `reading()`. A transaction never stays open after its task is
cancelled or a statement fails.
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
from bot.store.disk import Disk
from bot.store.opening import APPLICATION_ID, DATABASE_BUSY_TIMEOUT_S, prepare_exclusive, prepare_shared, uri

# Errors that may pass: another process's lock, a full or failing disk. Any other is a bug.
_TRANSIENT: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    }
)
# Errors of a file that became damaged after the start.
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Database:
    """The open file: one writer and one reader, each on its own thread."""

    def __init__(
        self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection, closing: contextlib.AsyncExitStack
    ) -> None:
        self._disk = Disk(path.resolve().parent)
        self._last_write_failed = False
        self._writer = writer
        self._reader = reader
        self._closing = closing
        self._writing = asyncio.Lock()

    @classmethod
    async def open_exclusive(cls, path: Path) -> "Database":
        """Opens the file at `path` for the bot, or creates it. Raises DatabaseUnusable.

        Until it is closed, no other process can open it exclusively.
        """
        async with contextlib.AsyncExitStack() as closing:
            closing.callback(os.close, await asyncio.to_thread(prepare_exclusive, path))
            return await cls._connect(path, closing)

    @classmethod
    async def open_shared(cls, path: Path) -> "Database":
        """Opens the file at `path` for another command, whether a bot runs on it or not. Raises DatabaseUnusable.

        Both may write: a transaction waits for the other's. The file must exist.
        """
        async with contextlib.AsyncExitStack() as closing:
            await asyncio.to_thread(prepare_shared, path)
            return await cls._connect(path, closing)

    @classmethod
    async def _connect(cls, path: Path, closing: contextlib.AsyncExitStack) -> "Database":
        writer = await closing.enter_async_context(_connection(path, "rw"))
        reader = await closing.enter_async_context(_connection(path, "ro"))
        return cls(path, writer, reader, closing.pop_all())

    async def close(self) -> None:
        """Waits for the current transaction, then closes the file and releases its lock."""
        async with self._writing:
            await self._closing.aclose()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """Writes everything inside the block or nothing. Raises StoreUnavailable if it cannot be written now."""
        async with self._writing:
            try:
                async with self._transaction():
                    yield self._writer
            except StoreUnavailable:
                self._last_write_failed = True
                raise
            self._last_write_failed = False

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        with _translated_errors():
            try:
                await self._writer.execute("BEGIN IMMEDIATE")
                yield
                await self._writer.commit()
            finally:
                await _finish_despite_cancellation(self._roll_back())

    async def write_problem(self) -> str | None:
        """Returns why nothing can be written now; None if it can be.

        It is for frequent checks: as long as nothing fails, it writes to the disk at most once per minute, and nothing
        to the database.
        """
        problem = await self._disk.problem(is_urgent=self._last_write_failed)
        if problem is not None:
            return f"the database cannot be written: {problem}"
        if self._last_write_failed:
            try:
                async with self.transaction() as connection:
                    await connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")  # the value that it has
            except StoreUnavailable as error:
                return str(error)
        return None

    async def _roll_back(self) -> None:
        # Waits for a cancelled COMMIT that still runs on the connection's thread and may succeed.
        await self._writer.execute_fetchall("SELECT 1")
        if self._writer.in_transaction:
            await self._writer.rollback()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """Yields the reading connection, for single SELECTs; it sees the last commit."""
        with _translated_errors():
            yield self._reader


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in _TRANSIENT:
            raise StoreUnavailable(f"the database cannot be used at the moment: {error}") from error
        raise
    except sqlite3.DatabaseError as error:
        # Its subclasses are about statements, and some have no error code.
        if type(error) is sqlite3.DatabaseError and error.sqlite_errorcode & 0xFF in _DAMAGED:
            raise StoreUnavailable(
                f"the database is damaged ({error}): stop the bot and replace the file with a backup"
            ) from error
        raise


async def _finish_despite_cancellation(work: Coroutine[None, None, None]) -> None:
    """Finishes `work` even if the caller is cancelled, then raises the cancellation."""
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
