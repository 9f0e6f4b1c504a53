"""Creates a large database for benchmarks and keeps it in the cache, until the generator or the schema changes.

The same code always generates the same rows, except that they end on the Monday before: commands ask for the newest
papers. A benchmark that writes works on a copy.
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

import benchmarks
from benchmarks.generated_tables import FULL, REDUCED, GeneratedTables, Row, TableRows
from benchmarks.results import Run
from bot.store.opening import prepare_exclusive

_PARTS: Final = ("generated_papers.py", "generated_tables.py", "database.py")
# Measured for the full size, and rounded up: a paper with its matches, post and outbox row, indexes included.
_BYTES_PER_PAPER: Final = 7_000
_BATCH: Final = 5_000


def generated(run: Run) -> tuple[Path, GeneratedTables]:
    """Returns the cached database of the size of this run, and what it contains; creates it if necessary."""
    size = FULL if run.is_full else REDUCED
    tables = GeneratedTables(size, _last_monday())
    path = run.cache / f"generated-{'full' if run.is_full else 'reduced'}-{_version(tables)}.sqlite3"
    if not path.exists():
        for outdated in run.cache.glob(f"generated-{'full' if run.is_full else 'reduced'}-*"):
            outdated.unlink()
        create(path, tables)
    return path, tables


@contextmanager
def copied(path: Path) -> Iterator[Path]:
    """Copies a database into a folder next to it, until the block ends."""
    check_free_space(path.parent, path.stat().st_size * 2)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="copy-") as folder:
        yield Path(shutil.copyfile(path, Path(folder, path.name)))


def create(path: Path, tables: GeneratedTables) -> None:
    """Creates the database; a file that is not complete has another name."""
    check_free_space(path.parent, tables.size.papers * _BYTES_PER_PAPER)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    os.close(prepare_exclusive(partial))
    with closing(sqlite3.connect(partial, isolation_level=None)) as connection:
        _fill(connection, tables)
    for suffix in ("-wal", "-shm", ".lock"):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)
    partial.rename(path)


def check_free_space(folder: Path, needed: int) -> None:
    """Ends the program with a sentence if the disk has less than `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SystemExit(
            f"The generated database needs {needed / 1e9:.1f} GB in {folder}, which has {free / 1e9:.1f} GB: "
            "choose another folder with --cache."
        )


def _fill(connection: sqlite3.Connection, tables: GeneratedTables) -> None:
    """Fills all tables; indexes and triggers follow at the end, so that no row updates them one by one."""
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", "cache_size = -200000"):
        connection.execute(f"PRAGMA {pragma}")
    query = "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
    derived = connection.execute(query).fetchall()
    for kind, name, _ in derived:
        connection.execute(f'DROP {kind} "{name}"')
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns) as progress:
        for table in tables.tables():
            task = progress.add_task(table.table, total=table.expected)
            for count in insert(connection, table):
                progress.advance(task, count)
            progress.update(task, completed=table.expected)
        task = progress.add_task("indexes", total=len(derived))
        for _, _, sql in derived:
            connection.execute(sql)
            progress.advance(task)
    connection.execute("PRAGMA journal_mode = WAL")


def insert(connection: sqlite3.Connection, table: TableRows) -> Iterator[int]:
    """Inserts the rows, without the columns that the database does not have; yields the sizes of the batches."""
    existing = {name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table.table,))}
    places = [place for place, column in enumerate(table.columns) if column in existing]
    names, marks = ", ".join(table.columns[place] for place in places), ", ".join("?" * len(places))
    statement = f"INSERT INTO {table.table} ({names}) VALUES ({marks})"  # noqa: S608 -- the names are constants
    all_exist = len(places) == len(table.columns)
    batch: list[Row] = []
    connection.execute("BEGIN")
    for row in table.rows:
        batch.append(row if all_exist else tuple(row[place] for place in places))
        if len(batch) == _BATCH:
            connection.executemany(statement, batch)
            yield len(batch)
            batch.clear()
    connection.executemany(statement, batch)
    connection.execute("COMMIT")
    yield len(batch)


def _last_monday() -> datetime:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday())


def _version(tables: GeneratedTables) -> str:
    """A hash of everything that decides about the contents: the generator, the schema, the size and the end."""
    with tempfile.TemporaryDirectory() as temporary:
        empty = Path(temporary, "empty.sqlite3")
        os.close(prepare_exclusive(empty))
        with closing(sqlite3.connect(empty)) as connection:
            schema = "".join(
                sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
            )
    folder = Path(benchmarks.__path__[0])
    parts = [folder.joinpath(part).read_text(encoding="utf-8") for part in _PARTS]
    return hashlib.sha256("\0".join([*parts, schema, repr(tables.size), tables.end.isoformat()]).encode()).hexdigest()[
        :16
    ]
