"""Creates a large database for benchmarks and keeps it in the cache, until the generator or the schema changes.

The same code always generates the same rows, except that they end on the Monday before: commands ask for the newest
papers. A benchmark that writes works on a copy.
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

import benchmarks
from benchmarks.generated_tables import FULL, PAPERS, REDUCED, GeneratedTables, Row, TableRows, paper_row
from benchmarks.results import Run
from bot.domain.paper import Paper
from bot.store.opening import prepare_exclusive
from tests.support import databases

_PARTS: Final = ("generated_papers.py", "generated_tables.py", "database.py")
# Measured for the full size, and rounded up: a paper with its matches, post and outbox row, indexes included.
_BYTES_PER_PAPER: Final = 7_000
_BATCH: Final = 5_000


def generated(run: Run) -> tuple[Path, GeneratedTables]:
    """Returns the cached database of the size of this run, and what it contains; creates it if necessary."""
    size = FULL if run.is_full else REDUCED
    tables = GeneratedTables(size, _last_monday())
    name = "full" if run.is_full else "reduced"
    path = run.cache / f"generated-{name}-{_version(tables)}.sqlite3"
    # The name of the newest one: a server has no folder in which outdated ones could be found.
    newest = run.cache / f"newest-{run.database}-{name}"
    if not databases.exists(path):
        if newest.exists():
            databases.drop(Path(newest.read_text(encoding="utf-8")))
        create(path, tables)
        newest.write_text(str(path), encoding="utf-8")
    return path, tables


@contextmanager
def copied(path: Path) -> Iterator[Path]:
    """Copies a database until the block ends."""
    if path.exists():  # a server has its own disk
        check_free_space(path.parent, path.stat().st_size * 2)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="copy-") as folder:
        copy = Path(folder, path.name)
        databases.copy(path, copy)
        try:
            yield copy
        finally:
            databases.drop(copy)


def create(path: Path, tables: GeneratedTables) -> None:
    """Creates the database; one that is not complete has another name."""
    incomplete = path.with_suffix(".partial")
    databases.drop(incomplete)
    if databases.IS_POSTGRESQL:
        databases.create_where_missing(incomplete)
        _fill_server(incomplete, tables)
    else:
        check_free_space(path.parent, tables.size.papers * _BYTES_PER_PAPER)
        os.close(prepare_exclusive(incomplete))
        with closing(sqlite3.connect(incomplete, isolation_level=None)) as connection:
            _fill(connection, tables)
    databases.rename(incomplete, path)
    databases.drop(incomplete)  # the lock file


def insert_papers(path: Path, papers: Iterable[Paper], count: int) -> None:
    """Inserts papers into a database without any."""
    rows = TableRows("papers", PAPERS, map(paper_row, papers), count)
    with Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()) as progress:
        task = progress.add_task(rows.table, total=count)
        if databases.IS_POSTGRESQL:
            with psycopg.connect(databases.setting(path).replace("+psycopg", "", 1)) as server:
                for inserted in copy_in(server, rows):
                    progress.advance(task, inserted)
            return
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            for inserted in insert(connection, rows):
                progress.advance(task, inserted)
            connection.execute("COMMIT")


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
    connection.execute("BEGIN")
    _fill_tables(tables, partial(insert, connection), [partial(connection.execute, text) for _, _, text in derived])
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")


def _fill_server(path: Path, tables: GeneratedTables) -> None:
    """Fills all tables by COPY; indexes follow at the end, and references are not checked for each row."""
    with psycopg.connect(databases.setting(path).replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        derived = connection.execute(
            """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND NOT EXISTS (
                   SELECT * FROM pg_constraint WHERE conname = indexname)"""
        ).fetchall()
        for name, _ in derived:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        indexes = [partial(connection.execute, statement) for _, statement in derived]
        _fill_tables(tables, partial(copy_in, connection), indexes)
        for table, column in (("keywords", "id"), ("outbox", "id"), ("polls", "id")):
            connection.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), (SELECT max({}) FROM {}))").format(
                    table, column, sql.Identifier(column), sql.Identifier(table)
                )
            )
        connection.execute("VACUUM ANALYZE")


def _fill_tables(
    tables: GeneratedTables,
    insert_rows: Callable[[TableRows], Iterator[int]],
    indexes: Sequence[Callable[[], object]],
) -> None:
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns) as progress:
        for table in tables.tables():
            task = progress.add_task(table.table, total=table.expected)
            for count in insert_rows(table):
                progress.advance(task, count)
            progress.update(task, completed=table.expected)
        task = progress.add_task("indexes", total=len(indexes))
        for create_index in indexes:
            create_index()
            progress.advance(task)


def insert(connection: sqlite3.Connection, table: TableRows) -> Iterator[int]:
    """Inserts the rows, without the columns that the database does not have; yields the sizes of the batches.

    The caller begins and ends the transaction.
    """
    existing = {name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table.table,))}
    names, rows = _existing(table, existing)
    marks = ", ".join("?" * len(names))
    statement = f"INSERT INTO {table.table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 -- the names are constants
    while batch := list(islice(rows, _BATCH)):
        connection.executemany(statement, batch)
        yield len(batch)


def copy_in(connection: psycopg.Connection, table: TableRows) -> Iterator[int]:
    """Copies the rows to a server, without the columns that it does not have; yields the sizes of the batches."""
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
    existing = {name for (name,) in connection.execute(query, (table.table,))}
    names, rows = _existing(table, existing)
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.table), columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        while batch := list(islice(rows, _BATCH)):
            for row in batch:
                copy.write_row(row)
            yield len(batch)


def _existing(table: TableRows, existing: Collection[str]) -> tuple[list[str], Iterator[Row]]:
    """Returns the columns that the database has, and the rows with only these."""
    places = [place for place, column in enumerate(table.columns) if column in existing]
    names = [table.columns[place] for place in places]
    if len(places) == len(table.columns):
        return names, iter(table.rows)
    return names, (tuple(row[place] for place in places) for row in table.rows)


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
                text for (text,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
            )
    folder = Path(benchmarks.__path__[0])
    parts = [folder.joinpath(part).read_text(encoding="utf-8") for part in _PARTS]
    return hashlib.sha256("\0".join([*parts, schema, repr(tables.size), tables.end.isoformat()]).encode()).hexdigest()[
        :16
    ]
