"""What the two kinds of databases have in common: how they are opened, and what a transaction begins with."""

from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.runtime.errors import StoreUnavailable
from bot.runtime.server_url import ServerUrl

Location = Path | ServerUrl


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

    def unavailable(self, error: Exception) -> StoreUnavailable | None:
        """Returns the error that says why the database cannot be used now; None for a bug."""
        ...
