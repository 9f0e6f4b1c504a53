"""An open database: one connection that writes, one transaction at a time, and several that read.

The other modules of `store/` use `transaction()` and `reading()`. A transaction never stays open after its task is
cancelled or a statement fails.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.runtime.errors import CommitUnanswered, StoreUnavailable
from bot.runtime.server_url import ServerUrl
from bot.runtime.shutdown import ended_within
from bot.store.backend import Backend, Location, first_line, incomplete_copy
from bot.store.column_types import Text
from bot.store.connection import Connection, completed
from bot.store.schema import COPYING, key_values
from bot.store.sqlite import SqliteFile

_COPYING: Final = sa.select(key_values.c.name).where(key_values.c.name == COPYING)
# How many transactions other commands committed: the bot does not see them otherwise.
_COMMANDS: Final = "transactions of commands"
_COMMANDS_COUNT: Final = sa.select(sa.cast(key_values.c.value, sa.BigInteger)).where(key_values.c.name == _COMMANDS)
_COUNT_COMMAND: Final = (
    insert(key_values)
    .values(name=_COMMANDS, value="1")
    .on_conflict_do_update(
        index_elements=["name"], set_={"value": sa.cast(sa.cast(key_values.c.value, sa.BigInteger) + 1, Text)}
    )
)
# Writes the value that it has.
_WRITE_CHECK: Final = (
    insert(key_values)
    .values(name="write check", value="")
    .on_conflict_do_update(index_elements=["name"], set_={"value": ""})
)


# How long closing waits for queries; a server that stopped answering must not delay a shutdown.
CLOSE_TIMEOUT_S: Final = 2.0


class Database:
    """The open database: one connection that writes, and several that read."""

    def __init__(self, backend: Backend, closing: contextlib.AsyncExitStack, *, exclusive: bool) -> None:
        self._backend = backend
        self._is_exclusive = exclusive
        # Whether a write failed, or a query since the last write.
        self._failed = False
        self._closing = closing
        self._writing = asyncio.Lock()
        self._queries = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._version = 0

    async def version(self) -> int:
        """Returns a number that grows with every transaction, also of other commands; cheap."""
        async with self.reading() as connection:
            commands = await connection.scalar(_COMMANDS_COUNT)
        return self._version + (commands or 0)

    @classmethod
    async def open_exclusive(cls, location: Location) -> "Database":
        """Opens the database for the bot, or creates it. Raises DatabaseUnusable.

        Until it is closed, no other process can open it exclusively.
        """
        return await cls._open(location, exclusive=True)

    @classmethod
    async def open_shared(cls, location: Location) -> "Database":
        """Opens the database for another command, whether a bot runs on it or not. Raises DatabaseUnusable.

        Both may write: a transaction waits for the other's. The database must exist.
        """
        return await cls._open(location, exclusive=False)

    @classmethod
    async def _open(cls, location: Location, *, exclusive: bool) -> "Database":
        async with contextlib.AsyncExitStack() as closing:
            backend = await closing.enter_async_context(_opened(location, exclusive=exclusive))
            database = cls(backend, closing, exclusive=exclusive)
            async with database.reading() as connection:
                if await connection.first(_COPYING) is not None:
                    raise incomplete_copy(location)
            database._closing = closing.pop_all()
            return database

    async def close(self) -> None:
        """Waits for the current transaction and for queries, then closes the file and releases its lock."""
        async with self._writing:
            await ended_within(self._idle.wait(), CLOSE_TIMEOUT_S)
            await self._closing.aclose()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Writes everything inside the block or nothing. Raises StoreUnavailable if it cannot be written now."""
        async with self._writing:
            try:
                with self._translated_errors():
                    await self._backend.verify()
                    async with self._backend.writer.connect() as connection, self._transaction(connection) as begun:
                        yield begun
            except StoreUnavailable:
                self._failed = True
                raise
            self._failed = False
            self._version += 1

    @contextlib.asynccontextmanager
    async def _transaction(self, core: AsyncConnection) -> AsyncIterator[Connection]:
        connection = Connection(core)
        try:
            for statement in self._backend.begin:
                await connection.run(statement)
            yield connection
            if not self._is_exclusive:
                await connection.write(_COUNT_COMMAND)
            await _commit(connection)
        except BaseException:  # also if the task is cancelled
            await completed(connection.roll_back())
            raise

    async def write_problem(self) -> str | None:
        """Returns why nothing can be written now; None if it can be.

        It is for frequent checks: as long as nothing fails, it writes to the disk at most once per minute, and nothing
        to the database.
        """
        problem = await self._backend.problem(is_urgent=self._failed)
        if problem is not None:
            return f"the database cannot be written: {problem}"
        if self._failed:
            try:
                async with self.transaction() as connection:
                    await connection.write(_WRITE_CHECK)
            except StoreUnavailable as error:
                return str(error)
            except sa.exc.DBAPIError as error:  # such as a table that is missing
                return f"the database cannot be written: {first_line(error.orig or error)}"
        return None

    async def free_bytes(self) -> int | None:
        """Returns the free space of the disk; None if that is unknown, as on a server."""
        return await self._backend.free_bytes()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Yields a connection for single SELECTs, each of which sees the last commit."""
        self._queries += 1
        self._idle.clear()
        try:
            with self._translated_errors():
                async with self._backend.readers.connect() as connection:
                    yield Connection(connection)
        except StoreUnavailable:
            self._failed = True
            raise
        finally:
            self._queries -= 1
            if not self._queries:
                self._idle.set()

    @contextlib.contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            cause = error.orig if isinstance(error.orig, Exception) else error
            raise (self._backend.unavailable(cause) or error) from error
        except sa.exc.TimeoutError as error:
            raise StoreUnavailable("the database is busy: too many queries wait for it") from error


async def _commit(connection: Connection) -> None:
    try:
        await connection.run("COMMIT")
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise CommitUnanswered("the database did not confirm that it is stored") from error
        raise


def _opened(location: Location, *, exclusive: bool) -> contextlib.AbstractAsyncContextManager[Backend]:
    if isinstance(location, ServerUrl):
        from bot.store.postgres import PostgresServer  # noqa: PLC0415 - its driver takes 0.1 s to import

        return PostgresServer.opened(location, exclusive=exclusive)
    return SqliteFile.opened(location, exclusive=exclusive)
