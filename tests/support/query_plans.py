"""Records the statements that the store's public methods run, and explains how SQLite runs them."""

import contextlib
import inspect
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from bot.store.schema import metadata

_Result = TypeVar("_Result")
# The tables that grow with the history.
LARGE_TABLES: Final = (
    "papers",
    "matches",
    "outbox",
    "outbox_keywords",
    "posts",
    "backfilled_papers",
    "author_keys",
    "author_matches",
    "search_documents",
    "excluded_papers",
    "questions",
    "withheld",
    "discussions",
)
# The full-text index, of which SQLite reads only what a query finds.
_SEARCHED: Final = "search_index"
_LARGE: Final = "|".join(sorted((*LARGE_TABLES, _SEARCHED), key=len, reverse=True))
# A table's name, or the alias that SQLAlchemy gives it.
_SCAN: Final = re.compile(rf"SCAN ({_LARGE})(?:_\d+)?(?: USING (?:COVERING )?INDEX (\w+))?$")
# An index that SQLite builds for one execution, from all rows.
_AUTOMATIC: Final = re.compile(rf"SEARCH ({_LARGE})(?:_\d+)? USING AUTOMATIC")
_ACCESS: Final = re.compile(rf"(?:SCAN|SEARCH) ({_LARGE})(?:_\d+)?\b")
_INSERT: Final = re.compile(r"INSERT INTO (\w+)")
_PARTIAL_INDEXES: Final = frozenset(
    index.name
    for table in metadata.sorted_tables
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with the parameters of its first execution."""

    sql: str
    parameters: Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Step:
    """A row of a query plan."""

    parent: int
    detail: str


@dataclass
class StatementRecorder:
    """The statements by public method, in the order in which they ran."""

    by_method: dict[str, list[Statement]] = field(default_factory=dict)
    _running: list[Statement] | None = None

    @classmethod
    @contextlib.contextmanager
    def recording(cls) -> Iterator["StatementRecorder"]:
        """Records until the block ends."""
        recorder = cls()
        sa.event.listen(sa.Engine, "before_cursor_execute", recorder._record)
        try:
            yield recorder
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", recorder._record)

    async def run(self, call: Awaitable[_Result]) -> _Result:
        """Returns what a method returns, and records its statements under the name of its class and its own."""
        self._running = self.by_method.setdefault(_name(call), [])
        try:
            return await call
        finally:
            self._running = None

    async def collect(self, name: str, items: AsyncIterator[_Result]) -> list[_Result]:
        """Returns what a method yields, and records its statements under this name."""
        self._running = self.by_method.setdefault(name, [])
        try:
            return [item async for item in items]
        finally:
            self._running = None

    def _record(
        self, _connection: object, _cursor: object, sql: str, parameters: Any, _context: object, executemany: bool
    ) -> None:
        if self._running is not None:
            self._running.append(Statement(sql, parameters[0] if executemany else parameters))


def _name(call: Awaitable[object]) -> str:
    assert inspect.iscoroutine(call)
    return call.__qualname__


def _explain(connection: sqlite3.Connection, statement: Statement) -> dict[int, _Step]:
    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.parameters)
    return {step: _Step(parent, detail) for step, parent, _, detail in rows}


def problems(connection: sqlite3.Connection, statement: Statement) -> list[str]:
    """Returns the steps that read a large table as a whole, or sort rows of one."""
    plan = _explain(connection, statement)
    return [step.detail for step in plan.values() if _is_full_scan(statement, step) or _sorts_large_table(plan, step)]


def _is_full_scan(statement: Statement, step: _Step) -> bool:
    if _AUTOMATIC.match(step.detail):
        return True
    scan = _SCAN.match(step.detail)
    if scan is None or scan[2] in _PARTIAL_INDEXES:
        return False
    return not _is_check_of_references(statement, scan[1])


def _is_check_of_references(statement: Statement, table: str) -> bool:
    """Whether the step looks for rows that refer to an inserted row: it runs only while a reference is violated.

    A statement that does not name the table reads it for this check only (`fkScanChildren` in sqlite.org/src).
    """
    inserted = _INSERT.search(statement.sql)
    if inserted is None or re.search(rf"\b{table}\b", statement.sql):
        return False
    return any(key.column.table.name == inserted[1] for key in metadata.tables[table].foreign_keys)


def _sorts_large_table(plan: dict[int, _Step], step: _Step) -> bool:
    if not step.detail.startswith("USE TEMP B-TREE"):
        return False
    return any(_ACCESS.match(other.detail) for other in plan.values() if other.parent == step.parent)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Yields a connection that only reads the file."""
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")  # else no plan has the checks of references
        yield connection
