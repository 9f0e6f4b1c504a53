"""A database on a PostgreSQL server.

Two advisory locks order what processes do: one is held while the bot runs, the other by each transaction, so that
transactions follow one another as they do on SQLite.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.runtime.errors import DatabaseUnusable, StoreUnavailable
from bot.runtime.server_url import ServerUrl
from bot.store.backend import UNCHANGED, first_line, unusable
from bot.store.connection import completed
from bot.store.migrate import APPLICATION_ID
from bot.store.server_connections import (
    ANSWER_TIMEOUT_S,
    PING_TIMEOUT_S,
    STATEMENT_TIMEOUT_S,
    ServerConnections,
    TimedConnection,
)
from bot.store.server_schema import (
    CONNECT_TIMEOUT_S,
    RUNNING,
    WRITING,
    in_use,
    prepare_server,
    server_engine_url,
)

READERS: Final = 4
POOL_TIMEOUT_S: Final = 10.0
# A network that loses packets: both ends close the connection after this, so that the server releases the locks.
TCP_TIMEOUT_S: Final = 10.0
_KEEPALIVES: Final = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}
# How long the lock of a running bot counts as held after it was verified.
LOCK_CHECK_INTERVAL_S: Final = 1.0

# Errors that may pass: an unreachable or full server, or one that became a standby; permissions that were revoked.
_UNAVAILABLE: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.InsufficientPrivilege,
)


class PostgresServer:
    """An open database on a server."""

    # The lock ends with the transaction (postgresql.org/docs/current/explicit-locking.html, advisory locks).
    begin = ("BEGIN", f"SELECT pg_advisory_xact_lock({APPLICATION_ID}, {WRITING})")

    def __init__(self, url: ServerUrl, *, exclusive: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._connections = ServerConnections(monotonic)
        self.writer = _engine(url, self._connections, 1)
        self.readers = _engine(url, self._connections, READERS, read_only=True)
        self._lock = _engine(url, self._connections, 1) if exclusive else None
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
            if exclusive and not await server._acquire_first_lock(url):
                raise DatabaseUnusable(in_use(url))
            yield server
        finally:
            await server._close()

    async def _acquire_first_lock(self, url: ServerUrl) -> bool:
        try:
            return await self._acquire_lock()
        except sa.exc.DBAPIError as error:
            raise unusable(url, error, UNCHANGED) from None

    async def _close(self) -> None:
        await self._connections.close()
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
        await _expect_quick_answers(self._locked)
        statement = sa.select(sa.func.pg_try_advisory_lock(APPLICATION_ID, RUNNING))
        try:
            return bool((await completed(self._locked.execute(statement))).scalar_one())
        except BaseException:  # also if cancelled; otherwise `verify` would take this connection for one with the lock
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
            return StoreUnavailable(f"the database cannot be used at the moment: {_reason(error)}")
        return None


def _reason(error: psycopg.Error) -> str:
    """Returns a reason that everyone may read: the driver's own texts contain addresses and the user's name."""
    if error.sqlstate is not None:
        return error.diag.message_primary or first_line(error)
    return "the server rejects connections" if "FATAL:" in str(error) else "the server cannot be reached"


def _engine(url: ServerUrl, connections: ServerConnections, size: int, *, read_only: bool = False) -> AsyncEngine:
    settings = {
        "statement_timeout": f"{STATEMENT_TIMEOUT_S:.0f}s",
        "timezone": "UTC",
        "tcp_user_timeout": f"{TCP_TIMEOUT_S:.0f}s",
        **{f"tcp_{name}": str(value) for name, value in _KEEPALIVES.items()},
        **({"default_transaction_read_only": "on"} if read_only else {}),
    }
    arguments: dict[str, Any] = {
        "application_name": "daily-papers",
        "async_creator_fn": connections.connect,
        "connect_timeout": int(CONNECT_TIMEOUT_S),
        "tcp_user_timeout": int(TCP_TIMEOUT_S * 1000),
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        **_KEEPALIVES,
    }
    engine = create_async_engine(
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
    # The ping of an idle connection comes before `checkout`.
    sa.event.listen(engine.sync_engine, "checkin", lambda connection, _: _set_timeout(connection, PING_TIMEOUT_S))
    sa.event.listen(engine.sync_engine, "checkout", lambda connection, *_: _set_timeout(connection, ANSWER_TIMEOUT_S))
    sa.event.listen(engine.sync_engine, "handle_error", _replace_read_only_connection)
    return engine


def _set_timeout(connection: DBAPIConnection | None, timeout_s: float) -> None:
    driver = getattr(connection, "driver_connection", None)
    if isinstance(driver, TimedConnection):
        driver.answer_timeout_s = timeout_s


async def _expect_quick_answers(connection: AsyncConnection) -> None:
    """Sets the timeout of a connection whose statements a working server answers at once."""
    _set_timeout((await connection.get_raw_connection()).dbapi_connection, PING_TIMEOUT_S)


def _replace_read_only_connection(context: sa.ExceptionContext) -> None:
    """Has a connection closed that is read-only since it was opened: a new one may not be."""
    if isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction):
        context.is_disconnect = True
