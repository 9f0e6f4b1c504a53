"""A connection to the database, on which the other modules of `store/` run their statements.

A statement that has begun is always finished: if its task is cancelled meanwhile, the task ends after it. The
connection is therefore never left in the middle of a statement.
"""

import asyncio
import sqlite3
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

# Rows become Python values on the event loop: 500 of them take a few milliseconds.
_ROWS_AT_ONCE: Final = 500
# Else psycopg's number of inserted rows is lost.
_COUNTS_ROWS: Final = {"preserve_rowcount": True}
_Result = TypeVar("_Result")
Values = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


class Connection:
    """Runs statements, each of which is complete when its method returns."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self, statement: sa.Executable, values: Values = None) -> Sequence[sa.Row[Any]]:
        """Returns all rows."""
        result = await completed(self._connection.execute(statement, values))
        rows: list[sa.Row[Any]] = []
        for part in result.partitions(_ROWS_AT_ONCE):
            if rows:
                await asyncio.sleep(0)  # other tasks run
            rows += part
        return rows

    async def first(self, statement: sa.Executable, values: Values = None) -> sa.Row[Any] | None:
        """Returns the first row; None without rows."""
        return (await completed(self._connection.execute(statement, values))).first()

    async def scalar(self, statement: sa.Executable, values: Values = None) -> Any:
        """Returns the first column of the first row; None without rows."""
        return (await completed(self._connection.execute(statement, values))).scalar()

    async def scalars(self, statement: sa.Executable, values: Values = None) -> Sequence[Any]:
        """Returns the first column of each row."""
        return [row[0] for row in await self.all(statement, values)]

    async def write(self, statement: sa.Executable, values: Values = None) -> int:
        """Runs a statement without rows, once for each of several values; returns how many rows it changed."""
        if isinstance(values, Sequence) and not values:
            return 0
        work = self._connection.execute(statement, values, execution_options=_COUNTS_ROWS)
        return (await completed(work)).rowcount

    @property
    def is_sqlite(self) -> bool:
        return self._connection.dialect.name == "sqlite"

    async def run(self, sql: str) -> None:
        """Runs a statement that SQLAlchemy has no construct for."""
        await completed(self._connection.exec_driver_sql(sql))

    async def roll_back(self) -> None:
        """Ends the transaction without effect, if one is open; a connection that is lost has none."""
        if self._connection.invalidated:
            return
        try:
            driver = await self.driver()
            if isinstance(driver, aiosqlite.Connection):
                await completed(_finish(driver))
                if not driver.in_transaction:
                    return
            await self.run("ROLLBACK")
        except (sa.exc.DBAPIError, sqlite3.Error):  # the error that ended the transaction is the one to report
            await self._connection.invalidate()

    async def driver(self) -> object:
        """Returns the connection of the driver."""
        return (await self._connection.get_raw_connection()).driver_connection


async def _finish(driver: aiosqlite.Connection) -> None:
    """Waits for a cancelled statement that still runs on the connection's thread: a COMMIT may succeed."""
    await driver.execute_fetchall("SELECT 1")


async def completed(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Returns what `work` returns; if the caller is cancelled meanwhile, finishes `work` before the caller ends."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # it is not logged as never retrieved: the cancellation replaces it
    raise cancelled
