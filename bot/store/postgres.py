"""A database on a PostgreSQL server.

Two advisory locks order what processes do: one is held while the bot runs, the other by each transaction, so that
transactions follow one another as they do on SQLite.
"""

import asyncio
import contextlib
import math
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.runtime.errors import DatabaseUnusable, StoreUnavailable
from bot.runtime.server_url import ServerUrl
from bot.store.connection import completed
from bot.store.migrate import APPLICATION_ID
from bot.store.server_schema import (
    CONNECT_TIMEOUT_S,
    RUNNING,
    WRITING,
    first_line,
    in_use,
    prepare_server,
    server_engine_url,
)

READERS: Final = 4
POOL_TIMEOUT_S: Final = 10.0
# A server or a network that stops answering: TCP gives up after this, and the server ends a statement after that.
TCP_TIMEOUT_S: Final = 10.0
STATEMENT_TIMEOUT_S: Final = 30.0
# A server that neither answers nor ends the statement, such as a suspended one: the connection is closed.
ANSWER_TIMEOUT_S: Final = STATEMENT_TIMEOUT_S + 5.0
# How long the lock of a running bot counts as held after it was verified.
LOCK_CHECK_INTERVAL_S: Final = 1.0

_UNAVAILABLE: Final = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)


class TimedConnection(psycopg.AsyncConnection[Any]):
    """A connection that fails with OperationalError if the server does not answer in time."""

    answer_timeout_s = ANSWER_TIMEOUT_S

    async def wait(self, *arguments: Any, **options: Any) -> Any:
        """Waits for the server's answer; psycopg calls it for each exchange of messages."""
        timer = asyncio.get_running_loop().call_later(self.answer_timeout_s, self._abandon)
        try:
            return await super().wait(*arguments, **options)
        finally:
            timer.cancel()

    def _abandon(self) -> None:
        """Ends the wait: psycopg finds the connection closed. Cancelling the statement would wait for the server."""
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self.fileno())) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)


class PostgresServer:
    """An open database on a server."""

    # The lock ends with the transaction (postgresql.org/docs/current/explicit-locking.html, advisory locks).
    begin = ("BEGIN", f"SELECT pg_advisory_xact_lock({APPLICATION_ID}, {WRITING})")

    def __init__(self, url: ServerUrl, *, exclusive: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.writer = _engine(url, 1)
        self.readers = _engine(url, READERS, read_only=True)
        self._lock = _engine(url, 1) if exclusive else None
        self._locked: AsyncConnection | None = None
        self._monotonic = monotonic
        self._verified_at_s = -math.inf

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, url: ServerUrl, *, exclusive: bool) -> AsyncIterator["PostgresServer"]:
        """Connects until the block ends; with `exclusive`, no other process can do so, and tables are created."""
        await asyncio.to_thread(prepare_server, url, creates=exclusive)
        server = cls(url, exclusive=exclusive)
        try:
            if exclusive and not await server._acquire_lock():
                raise DatabaseUnusable(in_use(url))
            yield server
        finally:
            await server._close()

    async def _close(self) -> None:
        if self._locked is not None:
            await self._locked.close()
        for engine in (self.readers, self.writer, self._lock):
            if engine is not None:
                await engine.dispose()

    async def _acquire_lock(self) -> bool:
        """Acquires the lock of a running bot on a connection of its own; returns False if another process has it."""
        if self._lock is None:
            return True
        self._locked = await self._lock.connect()
        statement = sa.select(sa.func.pg_try_advisory_lock(APPLICATION_ID, RUNNING))
        try:
            return bool((await completed(self._locked.execute(statement))).scalar_one())
        except BaseException:  # otherwise `verify` would take this connection for one that has the lock
            await self._leave()
            raise

    async def verify(self) -> None:
        """Raises StoreUnavailable if the connection with the lock was lost and another process has the lock now."""
        if self._lock is None or self._monotonic() - self._verified_at_s < LOCK_CHECK_INTERVAL_S:
            return
        if self._locked is not None:
            try:
                await completed(self._locked.execute(sa.select(1)))
            except sa.exc.DBAPIError:
                await self._leave()
        if self._locked is None and not await self._acquire_lock():
            await self._leave()
            raise StoreUnavailable("another Daily Papers runs with the database now")
        self._verified_at_s = self._monotonic()

    async def _leave(self) -> None:
        if self._locked is not None:
            await self._locked.invalidate()
            await self._locked.close()
            self._locked = None

    async def problem(self, *, is_urgent: bool) -> str | None:
        """Returns None: a transaction shows whether the server can be reached."""
        del is_urgent
        return None

    def unavailable(self, error: Exception) -> StoreUnavailable | None:
        """Returns the error that says why the server cannot be used now; None for a bug."""
        if isinstance(error, _UNAVAILABLE):
            self._verified_at_s = -math.inf
            return StoreUnavailable(f"the database cannot be used at the moment: {first_line(error)}")
        return None


def _engine(url: ServerUrl, size: int, *, read_only: bool = False) -> AsyncEngine:
    options = f"-c statement_timeout={STATEMENT_TIMEOUT_S:.0f}s -c timezone=UTC"
    if read_only:
        # Plans for the values of each execution: how many rows a prepared query reads depends on its times and limits.
        # While writing, the server would also plan the check of each reference again: 0.5 s for 20,000 outbox rows.
        options += " -c default_transaction_read_only=on -c plan_cache_mode=force_custom_plan"
    arguments: dict[str, Any] = {
        "application_name": "daily-papers",
        "async_creator_fn": TimedConnection.connect,
        "connect_timeout": int(CONNECT_TIMEOUT_S),
        "tcp_user_timeout": int(TCP_TIMEOUT_S * 1000),
        "keepalives_idle": int(TCP_TIMEOUT_S),
        "options": options,
    }
    return create_async_engine(
        server_engine_url(url),
        connect_args=arguments,
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,  # a connection that the server closed meanwhile is replaced
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,
    )
