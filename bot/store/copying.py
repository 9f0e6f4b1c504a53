"""Copies a database to another one, between SQLite and PostgreSQL in either direction.

Tables are copied in the order of their references, in parts, each in one transaction with its position. An interrupted
copy therefore continues after the last part, and until it is complete and verified no bot opens the target.
"""

import contextlib
import hashlib
import itertools
import json
import os
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.runtime.errors import DatabaseUnusable
from bot.runtime.server_url import ServerUrl
from bot.store.backend import Location, explain_errors
from bot.store.column_types import Utc
from bot.store.opening import DATABASE_BUSY_TIMEOUT_S, is_missing, prepare_exclusive, uri
from bot.store.schema import COPYING, key_values, metadata
from bot.store.server_schema import exclusive_connection

_ROWS_AT_ONCE: Final = 2000
# After an error of a database.
_REMEDY: Final = "Parts that were copied are kept: run the same command again to continue."
# A bot derives the other tables from these again.
_TABLES: Final = tuple(table for table in metadata.sorted_tables if not table.info)
# One row of `key_values` is the position of the copy itself.
_Position = dict[str, Any]
OnProgress = Callable[[str, int, int], None]


def copy_database(
    source: Location, target: Location, on_progress: OnProgress, *, rows_at_once: int = _ROWS_AT_ONCE
) -> Mapping[str, int]:
    """Copies every row of `source` to `target` and verifies them; returns the number of rows of each table.

    Neither may be in use by a bot. Raises DatabaseUnusable, also if the target has rows that are not of this copy.
    """
    if _is_same(source, target):
        raise DatabaseUnusable("The copy would have the same place as the database: set another target.")
    if isinstance(source, Path) and is_missing(source):
        raise DatabaseUnusable(f"There is no database {source} yet: start the bot first, which creates it.")
    with _opened(source, creates=False) as old, _opened(target, creates=True) as new:
        counts = {table.name: _count(old, table) for table in _TABLES}
        position = _begin(old, new, target)
        for table in _TABLES:
            for rows in _copied(old, new, table, position, rows_at_once):
                on_progress(table.name, rows, counts[table.name])
        for rows in itertools.accumulate(_compared(old, new, target)):
            on_progress("comparing", rows, 2 * sum(counts.values()))
        _finish(new)
    return counts


def _is_same(source: Location, target: Location) -> bool:
    if isinstance(source, Path) and isinstance(target, Path):
        return source.resolve() == target.resolve()
    return str(source) == str(target)


@contextlib.contextmanager
def _opened(location: Location, *, creates: bool) -> Iterator[sa.Connection]:
    """Yields a connection in autocommit mode to a database that no bot uses; `creates` applies to a server's tables."""
    with contextlib.ExitStack() as closing:
        if isinstance(location, ServerUrl):
            yield closing.enter_context(exclusive_connection(location, _REMEDY, creates=creates))
            return
        closing.callback(os.close, prepare_exclusive(location))
        engine = sa.create_engine(
            "sqlite://", creator=lambda: _connected(location), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
        )
        explain_errors(engine, location, _REMEDY)
        closing.callback(engine.dispose)
        yield closing.enter_context(engine.connect())


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(uri(path, "rw"), uri=True, isolation_level=None, timeout=DATABASE_BUSY_TIMEOUT_S)


@contextlib.contextmanager
def _transaction(connection: sa.Connection) -> Iterator[None]:
    connection.exec_driver_sql("BEGIN")
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:  # also Ctrl-C
        # The first error is the one to report; a connection that is lost has no transaction.
        with contextlib.suppress(DatabaseUnusable, sa.exc.InvalidRequestError):
            connection.exec_driver_sql("ROLLBACK")
        raise


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _begin(old: sa.Connection, new: sa.Connection, target: Location) -> _Position:
    """Returns the position of an interrupted copy, or begins one in an empty database."""
    stored = new.execute(sa.select(key_values.c.value).where(key_values.c.name == COPYING)).scalar()
    if stored is not None:
        return dict(json.loads(stored))
    if any(_count(new, table) for table in _TABLES):
        raise DatabaseUnusable(f"The database {target} is not empty: choose an empty target. Nothing was changed.")
    if old.execute(sa.select(key_values.c.name).where(key_values.c.name == COPYING)).first() is not None:
        raise DatabaseUnusable("The database is itself an incomplete copy: complete it first.")
    return {}


def _copied(
    old: sa.Connection, new: sa.Connection, table: sa.Table, position: _Position, rows_at_once: int
) -> Iterator[int]:
    """Copies the rows of a table after the stored position, in the order of its primary key; yields how many so far."""
    key = list(table.primary_key.columns)
    after = position.get(table.name)
    rows = 0 if after is None else _count(new, table)
    while part := old.execute(_part(table, key, after).limit(rows_at_once)).mappings().all():
        after = [_to_json(part[-1][column]) for column in key]
        position[table.name] = after
        with _transaction(new):
            new.execute(sa.insert(table), [dict(row) for row in part])
            _store(new, position)
        rows += len(part)
        yield rows


def _part(table: sa.Table, key: Sequence[sa.Column[Any]], after: Sequence[Any] | None) -> sa.Select[Any]:
    statement = sa.select(table).order_by(*key)
    if table is key_values:
        statement = statement.where(key_values.c.name != COPYING)
    if after is None:
        return statement
    values = [sa.literal(_from_json(value, column), column.type) for value, column in zip(after, key, strict=True)]
    return statement.where(sa.tuple_(*key) > sa.tuple_(*values))


def _to_json(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _from_json(value: Any, column: sa.Column[Any]) -> object:
    return datetime.fromisoformat(value) if isinstance(column.type, Utc) else value


def _store(connection: sa.Connection, position: _Position) -> None:
    value = json.dumps(position)
    statement = insert(key_values).values(name=COPYING, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def _compared(old: sa.Connection, new: sa.Connection, target: Location) -> Iterator[int]:
    """Yields how many further rows were compared; raises DatabaseUnusable if a table differs in its rows."""
    for table in _TABLES:
        expected = yield from _checksum(old, table)
        if expected != (yield from _checksum(new, table)):
            raise DatabaseUnusable(
                f"The copy in {target} differs in the table {table.name}: the database was changed since the copy "
                "began. Delete the copy, and begin again."
            )


def _checksum(connection: sa.Connection, table: sa.Table) -> Generator[int, None, tuple[int, int]]:
    """Returns the number of rows, and a sum of hashes of their contents, which does not depend on their order."""
    statement = sa.select(table)
    if table is key_values:
        statement = statement.where(key_values.c.name != COPYING)
    rows = total = 0
    with _transaction(connection):  # a server keeps a cursor only within one
        result = connection.execute(statement, execution_options={"yield_per": _ROWS_AT_ONCE})
        for part in result.partitions():
            for row in part:
                content = json.dumps([_to_json(value) for value in row], ensure_ascii=False).encode()
                total += int.from_bytes(hashlib.blake2b(content, digest_size=16).digest(), "big")
            rows += len(part)
            yield len(part)
    return rows, total % (1 << 128)


def _finish(connection: sa.Connection) -> None:
    """Ends the copy: new rows get ids after the copied ones, and a bot may open the database."""
    with _transaction(connection):
        if connection.dialect.name == "postgresql":
            for table in _TABLES:
                column = table.autoincrement_column
                if column is not None:
                    sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
                    last = sa.select(sa.func.coalesce(sa.func.max(column), 0) + 1).scalar_subquery()
                    connection.execute(sa.select(sa.func.setval(sequence, last, False)))
        connection.execute(sa.delete(key_values).where(key_values.c.name == COPYING))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE")  # the server itself would collect statistics some minutes later
