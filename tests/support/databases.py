"""The databases of tests: files of SQLite, or databases on a PostgreSQL server with TEST_DATABASE=postgresql.

Tests name a database by a path in their temporary folder. On PostgreSQL, the path identifies a database with a name
that is computed from it. The server is the one of DAILY_PAPERS_TEST_POSTGRES, or a private one of this process.
"""

import contextlib
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.runtime.server_url import ServerUrl
from bot.store.backend import Location
from bot.store.opening import prepare_exclusive
from bot.store.schema import metadata
from tests.support.private_server import PrivateServer, administering

Rows = dict[str, list[tuple[Any, ...]]]
IS_POSTGRESQL = os.environ.get("TEST_DATABASE") == "postgresql"
_STARTING = Lock()
_DERIVED = "search_"
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
        with administering(_server()) as connection:
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
        with administering(_server()) as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {_name(path)} RENAME TO {_name(target)}")
    else:
        path.rename(target)


def drop(path: Path) -> None:
    """Deletes a database if it exists."""
    if IS_POSTGRESQL:
        with administering(_server()) as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {_name(path)} WITH (FORCE)")
    else:
        for file in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", ".lock"))):
            file.unlink(missing_ok=True)


def _names() -> Sequence[str]:
    with administering(_server()) as connection:
        return connection.exec_driver_sql("SELECT datname FROM pg_database").scalars().all()


@contextlib.asynccontextmanager
async def async_reader(path: Path) -> AsyncIterator[AsyncEngine]:
    """Yields an engine that keeps one connection, which sees what is committed at each statement."""
    engine = create_async_engine(
        _reading_url(path, "sqlite+aiosqlite"),
        pool_size=1,
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
    )
    try:
        yield engine
    finally:
        await engine.dispose()


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sa.Connection]:
    """Yields a connection that sees what is committed, as another program would."""
    engine = sa.create_engine(_reading_url(path, "sqlite"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[sa.Connection]:
    """Yields a connection in a transaction, which is committed at the end of the block."""
    engine = sa.create_engine(_url(_name(path)) if IS_POSTGRESQL else f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def _reading_url(path: Path, driver: str) -> sa.URL:
    if IS_POSTGRESQL:
        return _url(_name(path))
    return sa.make_url(f"{driver}:///file:{path.absolute()}?mode=ro&uri=true")


def rows(path: Path) -> Rows:
    """Returns every row of every table, as another connection sees them; of a file, also of an earlier release.

    The full-text index follows from the papers, and is left out.
    """
    if not IS_POSTGRESQL:
        return _file_rows(path)
    with reading(path) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*list(table.c)[:2]))]
            for table in metadata.sorted_tables
            if not table.name.startswith(_DERIVED)
        }


def _file_rows(path: Path) -> Rows:
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608 -- names from the schema
            for table in tables
            if table != "alembic_version" and not table.startswith(_DERIVED)
        }


def faults(path: Path) -> str:
    """Returns "ok", or what is damaged in a database that no bot uses."""
    if not IS_POSTGRESQL:
        return _file_faults(path)
    try:
        with administering(_url(_name(path)).render_as_string(hide_password=False)) as connection:
            connection.exec_driver_sql(f"REINDEX DATABASE {_name(path)}")  # fails if a unique key has two rows
            dangling = [key.parent.table.name for key in _foreign_keys() if connection.execute(_dangling(key)).first()]
    except sa.exc.DBAPIError as error:
        return str(error.orig)
    return ", ".join(f"dangling row in {table}" for table in dangling) or "ok"


def _foreign_keys() -> Iterator[sa.ForeignKey]:
    return (key for table in metadata.sorted_tables for column in table.c for key in column.foreign_keys)


def _dangling(key: sa.ForeignKey) -> sa.Select[int]:
    """Selects the rows whose foreign key does not exist."""
    column = key.parent
    assert isinstance(column, sa.Column)
    return sa.select(sa.literal(1)).where(column.is_not(None), ~sa.exists().where(key.column == column)).limit(1)


def _file_faults(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    return ", ".join([*found, *(f"dangling row in {row[0]}" for row in dangling)])


def terminate_connections(path: Path) -> int:
    """Ends the connections of the bot, as an administrator or a proxy does; returns how many."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND datname = %s"
    with administering(_server()) as connection:
        return len(connection.exec_driver_sql(others, ("daily-papers", _name(path))).all())


def with_dates(content: Rows) -> Rows:
    """Returns the rows of an earlier release with the dates that the migration copies from the papers."""
    dates = {row[0]: (row[7], row[8]) for row in content["papers"]}
    backfilled = content.get("backfilled_papers", [])
    return content | {
        "matches": sorted(
            (row[0], dates[row[1]][0], row[1], dates[row[1]][1], row[2], None) for row in content["matches"]
        ),
        "outbox": [(*row[:3], dates[row[2]][0], *row[3:], 0) for row in content["outbox"]],
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
            with administering(_server()) as connection:
                for name in databases.names:
                    connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def empty(self, encoding: str = "UTF8") -> ServerUrl:
        """Returns the URL of a new database without tables."""
        name = f"t{uuid4().hex}"
        _create_on_server(name, "template0", encoding)
        self.names.append(name)
        return ServerUrl(_url(name).render_as_string(hide_password=False))


def _server() -> str:
    """Returns the URL of the server; a private one is started unless one is set."""
    with _STARTING:  # threads create databases at the same time
        return _started_server()


@cache
def _started_server() -> str:
    if url := os.environ.get("DAILY_PAPERS_TEST_POSTGRES"):
        return url
    return private_server().url().secret


@cache
def private_server() -> PrivateServer:
    """Returns the server of this process, which is started the first time."""
    return PrivateServer.of_this_process(_SERVER_SETTINGS)


def _create_on_server(name: str, template: str, encoding: str = "UTF8") -> None:
    with administering(_server()) as connection:
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
