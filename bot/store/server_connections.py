"""Connections to a PostgreSQL server that may be unreachable, or stop answering at any time.

While it is unreachable, one task tries to connect again and again, and everything else fails at once: no command waits
for a server that is known to be down.
"""

import asyncio
import contextlib
import logging
import os
import socket
import weakref
from collections.abc import Callable
from typing import Any, Final

import psycopg
from sqlalchemy.engine.interfaces import DBAPIConnection

from bot.store.backend import first_line

log = logging.getLogger(__name__)

# A server ends a statement after this.
STATEMENT_TIMEOUT_S: Final = 30.0
# A server that neither answers nor ends the statement, such as a suspended one: the connection is closed.
ANSWER_TIMEOUT_S: Final = STATEMENT_TIMEOUT_S + 5.0
# The same for statements that a working server answers at once.
PING_TIMEOUT_S: Final = 3.0
# How long to wait between two attempts to reach the server; it doubles.
_RECONNECT_FLOOR_S: Final = 0.5
_RECONNECT_CEILING_S: Final = 5.0


class TimedConnection(psycopg.AsyncConnection[Any]):
    """A connection that fails with OperationalError if the server does not answer in time."""

    answer_timeout_s = ANSWER_TIMEOUT_S

    async def wait(self, *arguments: Any, **options: Any) -> Any:
        """Waits for the server's answer; psycopg calls it for each exchange of messages."""
        timer = asyncio.get_running_loop().call_later(self.answer_timeout_s, self.abandon)
        try:
            return await super().wait(*arguments, **options)
        finally:
            timer.cancel()

    def abandon(self) -> None:
        """Ends the wait: psycopg finds the connection closed. Cancelling the statement would wait for the server."""
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.fileno())) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)


def set_answer_timeout(connection: DBAPIConnection | None, timeout_s: float) -> None:
    """Sets how long a connection of SQLAlchemy waits for the server's answers."""
    driver = getattr(connection, "driver_connection", None)
    if isinstance(driver, TimedConnection):
        driver.answer_timeout_s = timeout_s


class ServerConnections:
    """Opens the connections to one server."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._open: weakref.WeakSet[TimedConnection] = weakref.WeakSet()
        self._failure: str | None = None
        self._reconnecting: asyncio.Task[None] | None = None

    async def connect(self, *arguments: Any, **options: Any) -> TimedConnection:
        """Opens a connection. Raises OperationalError, at once while the server is known to be unreachable."""
        if self._failure is not None:
            await asyncio.sleep(0)  # the attempts continue even if a caller repeats this without a pause
            raise psycopg.OperationalError(self._failure)
        try:
            connection = await TimedConnection.connect(*arguments, **options)
        except psycopg.OperationalError as error:
            if self._failure is None:  # otherwise another attempt has failed in the meantime
                self._failure = first_line(error)
                log.warning("database unreachable", extra={"reason": self._failure})
                self._reconnecting = asyncio.create_task(self._reconnect(arguments, options))
            if isinstance(error, psycopg.errors.ConnectionTimeout):
                self._abandon_all()
            raise
        self._open.add(connection)
        return connection

    def _abandon_all(self) -> None:
        """Ends all waits: a server that lets no client connect does not answer the connected ones either."""
        for connection in self._open:
            connection.abandon()

    async def _reconnect(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Tries to connect until it succeeds."""
        started_at_s, delay_s = self._monotonic(), _RECONNECT_FLOOR_S
        while self._failure is not None:
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _RECONNECT_CEILING_S)
            try:
                await (await TimedConnection.connect(*arguments, **options)).close()
            except psycopg.Error as error:
                self._failure = first_line(error)
            else:
                self._failure = None
        log.info("database reachable", extra={"outage_s": round(self._monotonic() - started_at_s, 1)})

    async def close(self) -> None:
        """Ends the attempts to connect."""
        if self._reconnecting is not None:
            self._reconnecting.cancel()
            await asyncio.wait([self._reconnecting])
