"""Brings a database to the present schema: a new one at once, an older one by the scripts and revisions that it lacks.

SQLite's databases of releases before SQLAlchemy have the number of their last SQL script as `user_version`. Alembic's
revisions continue these numbers, so that an older program recognises a newer database.
"""

import contextlib
import importlib.resources
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bot.domain.keyword import keyword_key
from bot.runtime.errors import DatabaseUnusable
from bot.store.progress import MigrationProgress
from bot.store.schema import metadata
from bot.store.schema.search import CREATE_INDEX

if TYPE_CHECKING:
    from alembic.config import Config

log = logging.getLogger(__name__)

# "DPap" in PRAGMA application_id, which distinguishes this program's files from others.
APPLICATION_ID: Final = 0x44506170
# The number of SQL scripts and revisions.
FORMAT: Final = 22
# Copied tables and the -wal file need space next to the old tables, in multiples of the file's size (measured: 1.1).
_SPACE_FACTOR: Final = 1.3
# Since this format, migrations only create indexes, in the file and the -wal file.
_COPIED_FORMAT: Final = 11
_INDEX_SPACE_FACTOR: Final = 0.2


@cache
def migrations() -> tuple[str, ...]:
    """Returns the SQL scripts in order; number n migrates from user_version n-1 to n."""
    folder = importlib.resources.files("bot.store") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(file.read_text(encoding="utf-8") for file in files)


def check_space(path: Path) -> None:
    """Raises DatabaseUnusable if the file has to be migrated and the disk has no space for that."""
    factor = _SPACE_FACTOR if _format(path) < _COPIED_FORMAT else _INDEX_SPACE_FACTOR
    needed, free = path.stat().st_size * factor, shutil.disk_usage(path.parent).free
    if free < needed:
        raise DatabaseUnusable(
            f"The database {path} has to be migrated, which needs {_gigabytes(needed)} of free disk "
            f"space; {_gigabytes(free)} are free. Nothing was changed."
        )


def _format(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def run_migrations(connection: sqlite3.Connection) -> None:
    """Migrates a file of SQLite in one transaction; the connection must be in autocommit mode."""
    # SQL cannot compute a keyword's canonical form.
    connection.create_function("keyword_key", 1, keyword_key, deterministic=True)
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: connection,
        poolclass=sa.StaticPool,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,
    )
    # Before the transaction: setting the isolation level of the driver would commit it.
    with engine.connect() as wrapped:
        wrapped.begin()  # Alembic neither begins nor commits a transaction of its own then
        connection.execute("BEGIN IMMEDIATE")
        _run_missing(connection, wrapped)
        # Written even without new migrations: SQLite also opens a read-only file, and would fail only hours later.
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")


def _run_missing(connection: sqlite3.Connection, wrapped: sa.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == FORMAT:
        return
    is_new = not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not is_new:
        log.info("database migration", extra={"step": f"format {version} to {FORMAT}", "rows": 0})
        for script in migrations()[version:]:
            for statement in _statements(script):
                connection.execute(statement)
    create_or_upgrade(wrapped, is_new=is_new)


def is_known_revision(revision: str | None) -> bool:
    """Whether this program has the revision; otherwise a newer one wrote the database."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as below

    return revision in {each.revision for each in ScriptDirectory.from_config(_configuration()).walk_revisions()}


def create_or_upgrade(connection: sa.Connection, *, is_new: bool) -> None:
    """Creates every table in a new database, or runs Alembic's missing revisions, within the caller's transaction."""
    from alembic import command  # noqa: PLC0415 - most starts migrate nothing, and importing Alembic takes time

    config = _configuration()
    config.attributes["connection"] = connection
    config.attributes["progress"] = MigrationProgress()
    if is_new:
        _create_tables(connection)
        command.stamp(config, "head")
    else:
        command.upgrade(config, "head")


def _create_tables(connection: sa.Connection) -> None:
    """Creates the tables, each with its indexes by name: SQLAlchemy's own order of these differs between processes.

    Where two indexes suit a query, the databases choose by that order.
    """
    for table in metadata.sorted_tables:
        connection.execute(sa.schema.CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(sa.schema.CreateIndex(index))
    for statement in CREATE_INDEX[connection.dialect.name]:
        connection.exec_driver_sql(statement)


def _configuration() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", "bot.store:revisions")
    return config


def _statements(script: str) -> Iterator[str]:
    """Yields the statements of a script; `executescript` would commit the transaction before it runs."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
