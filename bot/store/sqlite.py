"""A database in a file of SQLite: one connection that writes, and several that read."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import aiosqlite
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.runtime.errors import StoreUnavailable
from bot.store.disk import Disk
from bot.store.opening import DATABASE_BUSY_TIMEOUT_S, prepare_exclusive, prepare_shared, uri

# Queries of several commands run at the same time; each connection has a thread.
READERS: Final = 4
# How long a query waits for a connection.
POOL_TIMEOUT_S: Final = 10.0

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


class SqliteFile:
    """An open file."""

    begin = ("BEGIN IMMEDIATE",)

    def __init__(self, path: Path, disk: Disk) -> None:
        self._connections: list[aiosqlite.Connection] = []
        self.writer = _engine(path, "rw", 1, self._connections)
        self.readers = _engine(path, "ro", READERS, self._connections)
        self._disk = disk

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, path: Path, *, exclusive: bool) -> AsyncIterator["SqliteFile"]:
        """Opens the file until the block ends; with `exclusive`, locks it, and creates it if it is missing."""
        async with contextlib.AsyncExitStack() as closing:
            if exclusive:
                closing.callback(os.close, await asyncio.to_thread(prepare_exclusive, path))
            else:
                await asyncio.to_thread(prepare_shared, path)
            disk = Disk(path)
            closing.callback(disk.close)
            file = cls(path, disk)
            closing.push_async_callback(file.close_connections)
            # The writer is closed last: a reader cannot remove the -wal file.
            for engine in (file.writer, file.readers):
                closing.push_async_callback(engine.dispose)
                async with engine.connect():  # a file that cannot be opened is reported now
                    pass
            yield file

    async def close_connections(self) -> None:
        """Closes every connection: a pool loses one that is in use or being opened, whose thread would never end."""
        for connection in self._connections:
            await connection.close()

    async def verify(self) -> None:
        """Does nothing: the kernel keeps the lock of the file."""

    async def problem(self, *, is_urgent: bool) -> str | None:
        """Returns why the disk cannot be written; None if it can."""
        return await self._disk.problem(is_urgent=is_urgent)

    async def free_bytes(self) -> int | None:
        """Returns the free space of the disk."""
        return await self._disk.free_bytes()

    def unavailable(self, error: Exception) -> StoreUnavailable | None:
        """Returns the error that says why the file cannot be used now; None for a bug."""
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in _TRANSIENT:
            return StoreUnavailable(f"the database cannot be used at the moment: {error}")
        # The subclasses of DatabaseError are about statements, and some have no error code.
        if type(error) is sqlite3.DatabaseError and error.sqlite_errorcode & 0xFF in _DAMAGED:
            return StoreUnavailable(
                f"the database is damaged ({error}): stop the bot and replace the file with a backup"
            )
        return None


def _engine(path: Path, mode: str, size: int, opened: list[aiosqlite.Connection]) -> AsyncEngine:
    async def connect() -> aiosqlite.Connection:
        connection = aiosqlite.connect(uri(path, mode), uri=True, isolation_level=None, timeout=DATABASE_BUSY_TIMEOUT_S)
        opened.append(connection)
        await connection
        await connection.execute_fetchall("PRAGMA foreign_keys = ON")
        # In WAL mode only FULL survives a power cut right after a commit (sqlite.org/pragma.html#pragma_synchronous).
        await connection.execute_fetchall("PRAGMA synchronous = FULL")
        return connection

    return create_async_engine(
        "sqlite+aiosqlite://",
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        # Transactions are begun and ended by statements (`Database.transaction`), on both databases alike.
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,
    )
