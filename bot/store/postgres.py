"""A database on a PostgreSQL server.

Each transaction holds an advisory lock, so that transactions follow one another as they do on SQLite.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.runtime.errors import DatabaseUnusable, StoreUnavailable
from bot.runtime.server_url import ServerUrl
from bot.store.backend import UNCHANGED, first_line, unusable
from bot.store.migrate import APPLICATION_ID
from bot.store.running_lock import RunningLock
from bot.store.server_connections import (
    ANSWER_TIMEOUT_S,
    PING_TIMEOUT_S,
    STATEMENT_TIMEOUT_S,
    ServerConnections,
    set_answer_timeout,
)
from bot.store.server_schema import (
    NETWORK_TIMEOUTS,
    WRITING,
    connect_arguments,
    in_use,
    prepare_server,
    server_engine_url,
)

READERS: Final = 4
POOL_TIMEOUT_S: Final = 10.0
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
        self._running = RunningLock(_engine(url, self._connections, 1), monotonic) if exclusive else None

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, url: ServerUrl, *, exclusive: bool) -> AsyncIterator["PostgresServer"]:
        """Connects until the block ends; with `exclusive`, no other process can do so, and tables are created."""
        await asyncio.to_thread(prepare_server, url, creates=exclusive)
        server = cls(url, exclusive=exclusive)
        try:
            await server._acquire_lock(url)
            yield server
        finally:
            await server._close()

    async def _acquire_lock(self, url: ServerUrl) -> None:
        try:
            if self._running is not None and not await self._running.acquire():
                raise DatabaseUnusable(in_use(url))
        except sa.exc.DBAPIError as error:
            raise unusable(url, error, UNCHANGED) from None

    async def _close(self) -> None:
        await self._connections.close()
        if self._running is not None:
            await self._running.close()
        for engine in (self.readers, self.writer):
            await engine.dispose()

    async def verify(self) -> None:
        """Raises StoreUnavailable if the connection with the lock was lost and another process has the lock now."""
        if self._running is not None:
            await self._running.verify()

    async def problem(self, *, is_urgent: bool) -> str | None:
        """Returns None: a transaction shows whether the server can be reached."""
        del is_urgent
        return None

    async def free_bytes(self) -> int | None:
        """Returns None: only the server knows its disk."""
        return None

    def unavailable(self, error: Exception) -> StoreUnavailable | None:
        """Returns the error that says why the server cannot be used now; None for a bug."""
        if isinstance(error, _UNAVAILABLE):
            if self._running is not None:
                self._running.doubt()
            return StoreUnavailable(f"the database cannot be used at the moment: {_reason(error)}")
        return None


def _reason(error: psycopg.Error) -> str:
    """Returns a reason that everyone may read: the driver's own texts contain addresses and the user's name."""
    if error.sqlstate is not None:
        return error.diag.message_primary or first_line(error)
    return "the server rejects connections" if "FATAL:" in str(error) else "the server cannot be reached"


def _engine(url: ServerUrl, connections: ServerConnections, size: int, *, read_only: bool = False) -> AsyncEngine:
    engine = create_async_engine(
        server_engine_url(url),
        connect_args={"async_creator_fn": connections.connect, **connect_arguments(url)},
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,  # a connection that the server closed meanwhile is replaced
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,
    )
    settings = _settings(read_only=read_only)
    sa.event.listen(engine.sync_engine, "connect", lambda connection, _: _configure(connection, settings))
    # The ping of an idle connection comes before `checkout`.
    sa.event.listen(engine.sync_engine, "checkin", lambda connection, _: set_answer_timeout(connection, PING_TIMEOUT_S))
    sa.event.listen(
        engine.sync_engine, "checkout", lambda connection, *_: set_answer_timeout(connection, ANSWER_TIMEOUT_S)
    )
    sa.event.listen(engine.sync_engine, "handle_error", _replace_read_only_connection)
    return engine


def _settings(*, read_only: bool) -> Mapping[str, str]:
    """Returns the server's settings for a connection."""
    settings = {
        "statement_timeout": f"{STATEMENT_TIMEOUT_S:.0f}s",
        "timezone": "UTC",
        # The server notices the loss, too: otherwise it would keep the lock of this process for hours.
        "tcp_user_timeout": str(NETWORK_TIMEOUTS["tcp_user_timeout"]),
        "tcp_keepalives_idle": str(NETWORK_TIMEOUTS["keepalives_idle"]),
        "tcp_keepalives_interval": str(NETWORK_TIMEOUTS["keepalives_interval"]),
        "tcp_keepalives_count": str(NETWORK_TIMEOUTS["keepalives_count"]),
    }
    if read_only:
        # Plans for the values of each execution: how many rows a prepared query reads depends on its times and limits.
        # While writing, the server would also plan the check of each reference again: 0.5 s for 20,000 outbox rows.
        settings["plan_cache_mode"] = "force_custom_plan"
        settings["default_transaction_read_only"] = "on"
    return settings


def _configure(connection: DBAPIConnection, settings: Mapping[str, str]) -> None:
    """Applies settings to a new connection.

    As options of the connection, they would replace those of the URL, the service file and PGOPTIONS, and the read-only
    one would prevent `target_session_attrs=read-write`.
    """
    set_answer_timeout(connection, PING_TIMEOUT_S)
    statement = f"SELECT {', '.join(['set_config(%s, %s, false)'] * len(settings))}"
    connection.cursor().execute(statement, [text for setting in settings.items() for text in setting])


def _replace_read_only_connection(context: sa.ExceptionContext) -> None:
    """Has a connection closed that is read-only since it was opened: a new one may not be."""
    if isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction):
        context.is_disconnect = True
