"""Counts the statements and transactions that this process runs on databases, a bot inside the test included.

Counts are the same on every machine and for both databases. Many rows that are written at once are one statement.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


class StatementCount:
    """What has run so far, without values."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.transactions = 0

    def record(self, statement: str) -> None:
        """Adds a statement; those that begin and end transactions count apart."""
        if statement.startswith("BEGIN"):
            self.transactions += 1
        elif statement not in ("COMMIT", "ROLLBACK") and "pg_advisory" not in statement:
            self.statements.append(statement)

    def clear(self) -> None:
        """Starts over."""
        self.statements.clear()
        self.transactions = 0

    def __len__(self) -> int:
        return len(self.statements)


@contextmanager
def counting_statements() -> Iterator[StatementCount]:
    """Counts until the block ends."""
    count = StatementCount()

    def record(*arguments: object) -> None:
        count.record(str(arguments[2]))

    sa.event.listen(sa.Engine, "before_cursor_execute", record)
    try:
        yield count
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", record)
