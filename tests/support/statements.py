"""Counts the statements and transactions that this process runs on a database, a bot inside the test included.

Counts are the same on every machine. Statements of triggers do not count.
"""

import gc
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import aiosqlite

# SQLite reports a statement of a trigger as a comment (sqlite.org/c3ref/trace_v2.html).
_NOT_COUNTED: Final = ("PRAGMA", "COMMIT", "ROLLBACK", "--")
_VALUE: Final = re.compile(r"'(?:[^']|'')*'|\bNULL\b|\b\d+(?:\.\d+)?\b")


class StatementCount:
    """What has run so far, without values; connections add to it from their threads."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.transactions = 0

    def record(self, statement: str) -> None:
        """Adds a statement, as SQLite reports it; one that writes several rows is reported for each of them."""
        if statement.startswith("BEGIN"):
            self.transactions += 1
        elif not statement.startswith(_NOT_COUNTED):
            without_values = _VALUE.sub("?", statement)
            if statement.startswith("SELECT") or self.statements[-1:] != [without_values]:
                self.statements.append(without_values)

    def clear(self) -> None:
        """Starts over."""
        self.statements.clear()
        self.transactions = 0

    def __len__(self) -> int:
        return len(self.statements)


@asynccontextmanager
async def counting_statements(database: Path) -> AsyncIterator[StatementCount]:
    """Counts what runs on the open connections to a file until the block ends."""
    count = StatementCount()
    connections = [connection async for connection in _open_connections(database)]
    assert connections, f"no open connection to {database}"
    for connection in connections:
        await connection.set_trace_callback(count.record)
    try:
        yield count
    finally:
        for connection in connections:
            with suppress(ValueError):  # it was closed in the meantime
                await connection.set_trace_callback(_ignored)


async def _open_connections(database: Path) -> AsyncIterator[aiosqlite.Connection]:
    """Yields the connections of whoever has opened the file: a bot that runs inside the test gives no access to it."""
    for connection in gc.get_objects():
        if isinstance(connection, aiosqlite.Connection):
            with suppress(ValueError):  # it is closed, and not yet collected
                files = await connection.execute_fetchall("PRAGMA database_list")
                if any(Path(row[2]) == database for row in files):
                    yield connection


def _ignored(_: str) -> None:
    """The callback of connections that no test counts."""
