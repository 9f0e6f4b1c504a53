"""Pools of connections to SQLite: one for the writer, one for readers."""

from pathlib import Path
from typing import Final

import aiosqlite
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.store.opening import DATABASE_BUSY_TIMEOUT_S, uri

# Questions of several commands are answered at the same time; each connection has a thread.
READERS: Final = 4
# How long a statement waits for a connection of the pool.
POOL_TIMEOUT_S: Final = 10.0


def writer_of_file(path: Path) -> AsyncEngine:
    """Returns the only connection of this process that writes the file."""
    return _engine(path, "rw", 1)


def readers_of_file(path: Path) -> AsyncEngine:
    """Returns connections that only read the file."""
    return _engine(path, "ro", READERS)


def _engine(path: Path, mode: str, size: int) -> AsyncEngine:
    async def connect() -> aiosqlite.Connection:
        connection = await aiosqlite.connect(
            uri(path, mode), uri=True, isolation_level=None, timeout=DATABASE_BUSY_TIMEOUT_S
        )
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
