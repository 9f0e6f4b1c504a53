"""An open database: one connection that writes, one transaction at a time, and several that read.

The other modules of `store/` use `transaction()` and `reading()`. A transaction never stays open after its task is
cancelled or a statement fails.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.runtime.errors import StoreUnavailable
from bot.store.connection import Connection
from bot.store.disk import Disk
from bot.store.engines import readers_of_file, writer_of_file
from bot.store.migrate import APPLICATION_ID
from bot.store.opening import prepare_exclusive, prepare_shared

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
    """The open file: one connection that writes, and several that read."""

    def __init__(
        self, disk: Disk, writer: AsyncEngine, readers: AsyncEngine, closing: contextlib.AsyncExitStack
    ) -> None:
        self._disk = disk
        self._last_write_failed = False
        self._writer = writer
        self._readers = readers
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
        writer, readers = writer_of_file(path), readers_of_file(path)
        # The writer is closed last: a reader cannot remove the -wal file.
        closing.push_async_callback(writer.dispose)
        closing.push_async_callback(readers.dispose)
        disk = Disk(path)
        closing.callback(disk.close)
        for engine in (writer, readers):
            async with engine.connect():  # a file that cannot be opened is reported now
                pass
        return cls(disk, writer, readers, closing.pop_all())

    async def close(self) -> None:
        """Waits for the current transaction, then closes the file and releases its lock."""
        async with self._writing:
            await self._closing.aclose()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Writes everything inside the block or nothing. Raises StoreUnavailable if it cannot be written now."""
        async with self._writing:
            try:
                with _translated_errors():
                    async with self._writer.connect() as connection, _transaction(connection) as begun:
                        yield begun
            except StoreUnavailable:
                self._last_write_failed = True
                raise
            self._last_write_failed = False

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
                    await connection.run(f"PRAGMA application_id = {APPLICATION_ID}")  # the value that it has
            except StoreUnavailable as error:
                return str(error)
        return None

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Yields a connection for single SELECTs, each of which sees the last commit."""
        with _translated_errors():
            async with self._readers.connect() as connection:
                yield Connection(connection)


@contextlib.asynccontextmanager
async def _transaction(core: AsyncConnection) -> AsyncIterator[Connection]:
    connection = Connection(core)
    try:
        await connection.run("BEGIN IMMEDIATE")
        yield connection
        await connection.run("COMMIT")
    except BaseException:
        await connection.roll_back()
        raise


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        cause = error.orig if isinstance(error.orig, Exception) else error
        raise (_unavailable(cause) or error) from error
    except sa.exc.TimeoutError as error:
        raise StoreUnavailable("too many commands read the database at the moment") from error
    except sqlite3.DatabaseError as error:
        raise (_unavailable(error) or error) from error


def _unavailable(error: Exception) -> StoreUnavailable | None:
    """Returns the error that says why the database cannot be used now; None for a bug."""
    if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in _TRANSIENT:
        return StoreUnavailable(f"the database cannot be used at the moment: {error}")
    # The subclasses of DatabaseError are about statements, and some have no error code.
    if type(error) is sqlite3.DatabaseError and error.sqlite_errorcode & 0xFF in _DAMAGED:
        return StoreUnavailable(f"the database is damaged ({error}): stop the bot and replace the file with a backup")
    return None
