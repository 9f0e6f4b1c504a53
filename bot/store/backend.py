"""What the two kinds of databases have in common: how they are opened, what a transaction begins with, error texts."""

from pathlib import Path
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.runtime.errors import DatabaseUnusable, StoreUnavailable
from bot.runtime.server_url import ServerUrl

Location = Path | ServerUrl
UNCHANGED: Final = "Nothing was changed."


class Backend(Protocol):
    """An open database."""

    @property
    def writer(self) -> AsyncEngine:
        """The connection for transactions."""
        ...

    @property
    def readers(self) -> AsyncEngine:
        """Connections for queries."""
        ...

    @property
    def begin(self) -> tuple[str, ...]:
        """The statements that begin a transaction, which waits until no other one is open."""
        ...

    async def verify(self) -> None:
        """Raises StoreUnavailable if another process may have opened the database exclusively since."""
        ...

    async def problem(self, *, is_urgent: bool) -> str | None:
        """Returns why nothing can be written now, without writing to the database; None if nothing is known."""
        ...

    async def free_bytes(self) -> int | None:
        """Returns the free space of its disk; None if that is unknown, as on a server."""
        ...

    def unavailable(self, error: Exception) -> StoreUnavailable | None:
        """Returns the error that says why the database cannot be used now; None for a bug."""
        ...


def explain_errors(engine: sa.Engine, location: Location, remedy: str) -> None:
    """Replaces every error of the engine's database by DatabaseUnusable, whose last sentence is `remedy`."""

    def explain(context: sa.ExceptionContext) -> DatabaseUnusable | None:
        error = context.sqlalchemy_exception
        return unusable(location, error, remedy) if isinstance(error, sa.exc.DBAPIError) else None

    sa.event.listen(engine, "handle_error", explain, retval=True)


def unusable(location: Location, error: sa.exc.DBAPIError, remedy: str) -> DatabaseUnusable:
    """Returns the error with what the database or its driver says; `remedy` is the last sentence."""
    return DatabaseUnusable(f"The database {location} cannot be used: {first_line(error.orig or error)}. {remedy}")


def incomplete_copy(location: Location) -> DatabaseUnusable:
    """Returns the error of a database that `daily-papers copy` has not completed."""
    return DatabaseUnusable(
        f"The database {location} is an incomplete copy: run `daily-papers copy` again to complete it."
    )


def first_line(error: BaseException) -> str:
    """Returns what an error of the server or the driver says, on one line."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return line.removeprefix("FATAL:").strip().removesuffix(".")
