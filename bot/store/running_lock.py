"""The lock of a running bot on a database of a PostgreSQL server: no second bot opens the database meanwhile.

The lock ends with the connection that holds it, for example when the server restarts. It is then acquired again; if
another bot was faster, this one writes nothing more.
"""

import math
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.runtime.errors import StoreUnavailable
from bot.store.connection import completed
from bot.store.migrate import APPLICATION_ID
from bot.store.server_connections import PING_TIMEOUT_S, set_answer_timeout
from bot.store.server_schema import RUNNING

# How long the lock of a running bot counts as held after it was verified.
LOCK_CHECK_INTERVAL_S: Final = 1.0


class RunningLock:
    """The lock of a running bot, which is held by a connection of its own."""

    def __init__(self, engine: AsyncEngine, monotonic: Callable[[], float]) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._monotonic = monotonic
        self._verified_at_s = -math.inf

    async def acquire(self) -> bool:
        """Acquires the lock; returns False if another process has it."""
        connection = await self._engine.connect()
        try:
            set_answer_timeout((await connection.get_raw_connection()).dbapi_connection, PING_TIMEOUT_S)
            statement = sa.select(sa.func.pg_try_advisory_lock(APPLICATION_ID, RUNNING))
            is_acquired = bool((await completed(connection.execute(statement))).scalar_one())
        except BaseException:  # also if the task is cancelled: the pool has no other connection
            await _drop(connection)
            raise
        if is_acquired:
            self._connection = connection
        else:
            await _drop(connection)
        return is_acquired

    async def verify(self) -> None:
        """Raises StoreUnavailable if the connection was lost and another process has the lock now."""
        if self._monotonic() - self._verified_at_s < LOCK_CHECK_INTERVAL_S:
            return
        if self._connection is not None:
            try:
                await completed(self._connection.execute(sa.select(1)))
            except sa.exc.DBAPIError:
                await self._release()
        if self._connection is None and not await self.acquire():
            raise StoreUnavailable("another Daily Papers runs with the database now")
        self._verified_at_s = self._monotonic()

    def doubt(self) -> None:
        """Has the lock verified by the next transaction."""
        self._verified_at_s = -math.inf

    async def _release(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await _drop(connection)

    async def close(self) -> None:
        """Releases the lock."""
        await self._release()
        await self._engine.dispose()


async def _drop(connection: AsyncConnection) -> None:
    """Closes a connection, which releases its locks; the pool opens another one."""
    await connection.invalidate()
    await connection.close()
