"""The schema of a file of SQLite: what its tables, keys and indexes mean, not how their statements are written."""

import sqlite3
from contextlib import closing
from pathlib import Path


def schema_of(path: Path) -> dict[str, dict[str, object]]:
    """Returns the columns, kind, foreign keys, indexes and triggers of each table."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
        return {name: _table(connection, name) for (name,) in tables}


def _table(connection: sqlite3.Connection, name: str) -> dict[str, object]:
    columns = connection.execute(f"PRAGMA table_xinfo({name})").fetchall()
    without_rowid, is_strict = connection.execute(
        "SELECT wr, strict FROM pragma_table_list WHERE name = ?", (name,)
    ).fetchone()
    return {
        # A rowid is never NULL, whether its column says it or not.
        "columns": {
            column: (kind, bool(not_null or key), default, key)
            for _, column, kind, not_null, default, key, _ in columns
        },
        "kind": (bool(without_rowid), bool(is_strict)),
        "foreign keys": {row[2:7] for row in connection.execute(f"PRAGMA foreign_key_list({name})")},
        "indexes": _indexes(connection, name),
        "triggers": connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?", (name,)
        ).fetchall(),
    }


def _indexes(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    """Returns each index: its name unless SQLite chose it, its columns, whether it is unique, and its condition."""
    found = []
    for _, name, is_unique, origin, is_partial in connection.execute(f"PRAGMA index_list({table})").fetchall():
        columns = tuple(row[2] for row in connection.execute(f"PRAGMA index_info({name})"))
        condition = ""
        if is_partial:
            (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
            condition = " ".join(sql.split()).partition(" WHERE ")[2]
        found.append((name if origin == "c" else origin, columns, is_unique, condition))
    return sorted(found)
