"""Prepares the database on a PostgreSQL server: checks that it can be used, and creates or migrates the tables.

A database that cannot be used is left unchanged, and DatabaseUnusable gives the reason, without the password.
"""

import contextlib
from collections.abc import Collection, Iterator
from typing import Final

import sqlalchemy as sa

from bot.runtime.errors import DatabaseUnusable
from bot.runtime.server_url import SECRET_OPTIONS, ServerUrl
from bot.store.backend import UNCHANGED, explain_errors
from bot.store.migrate import APPLICATION_ID, create_or_upgrade, is_known_revision
from bot.store.schema import metadata

# For each address of the server.
CONNECT_TIMEOUT_S: Final = 5.0
# A network that loses packets: a connection ends after this. In milliseconds and seconds (libpq-connect.html).
NETWORK_TIMEOUTS: Final = {
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
# The oldest version that the documentation promises; the statements use nothing that is newer.
_OLDEST_VERSION: Final = 15
# The keys of advisory locks, beside the application id: of a running bot, of a transaction, of a migration.
RUNNING: Final = 1
WRITING: Final = 2
_MIGRATING: Final = 3
# What the bot does with each table.
_RIGHTS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


def server_engine_url(url: ServerUrl) -> sa.URL:
    """Returns the URL for SQLAlchemy, without the passwords: `secret_arguments` has them."""
    made = sa.make_url(url.secret)
    shown = {name: each for name, each in made.query.items() if name not in SECRET_OPTIONS}
    return sa.URL.create(
        "postgresql+psycopg", made.username, host=made.host, port=made.port, database=made.database, query=shown
    )


def connect_arguments(url: ServerUrl) -> dict[str, str | int]:
    """Returns the driver's arguments beside the URL: the passwords, and values for what the URL does not set."""
    own: dict[str, str | int] = {"application_name": "daily-papers", "connect_timeout": int(CONNECT_TIMEOUT_S)}
    given = sa.make_url(url.secret).query
    defaults = own | NETWORK_TIMEOUTS
    return {name: value for name, value in defaults.items() if name not in given} | secret_arguments(url)


def secret_arguments(url: ServerUrl) -> dict[str, str]:
    """Returns the passwords as arguments of the driver."""
    made = sa.make_url(url.secret)
    options = {name: each for name in SECRET_OPTIONS if isinstance(each := made.query.get(name), str)}
    return options if made.password is None else {"password": made.password, **options}


def prepare_server(url: ServerUrl, *, creates: bool) -> None:
    """Checks the database and migrates its tables; creates them only with `creates`. Raises DatabaseUnusable."""
    with connected(url) as connection:
        _check_server(connection, url)
        # Two processes that start at the same time migrate one after the other.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(APPLICATION_ID, _MIGRATING)))
        tables = _check_tables(connection, url)
        if creates:
            _check_rights(connection, url, tables)
        elif not tables:
            raise DatabaseUnusable(f"The database {url} is empty: start the bot first, which creates the tables.")
        create_or_upgrade(connection, is_new=not tables)


def inspect_server(connection: sa.Connection, url: ServerUrl) -> bool:
    """Raises DatabaseUnusable if a bot could not use the database; returns whether it has tables. Changes nothing."""
    _check_server(connection, url)
    tables = _check_tables(connection, url)
    _check_rights(connection, url, tables)
    return bool(tables)


@contextlib.contextmanager
def connected(url: ServerUrl, *, autocommit: bool = False, remedy: str = UNCHANGED) -> Iterator[sa.Connection]:
    """Yields a connection for one transaction, or in autocommit mode.

    Every error of the server or the driver becomes DatabaseUnusable, whose last sentence is `remedy`.
    """
    engine = sa.create_engine(
        server_engine_url(url),
        connect_args=connect_arguments(url),
        poolclass=sa.NullPool,
        isolation_level="AUTOCOMMIT" if autocommit else "READ COMMITTED",
        skip_autocommit_rollback=True,
    )
    explain_errors(engine, url, remedy)
    try:
        with engine.begin() as connection:
            # A limit of the user or the database is for queries: a migration or a copy may take minutes.
            connection.execute(sa.select(sa.func.set_config("statement_timeout", "0", False)))
            yield connection
    finally:
        engine.dispose()


@contextlib.contextmanager
def exclusive_connection(url: ServerUrl, remedy: str, *, creates: bool) -> Iterator[sa.Connection]:
    """Yields a connection in autocommit mode, and keeps a bot away meanwhile. Raises DatabaseUnusable."""
    prepare_server(url, creates=creates)
    with connected(url, autocommit=True, remedy=remedy) as connection:
        if not connection.execute(sa.select(sa.func.pg_try_advisory_lock(APPLICATION_ID, RUNNING))).scalar_one():
            raise DatabaseUnusable(in_use(url))
        yield connection


def in_use(url: ServerUrl) -> str:
    """Returns what to do about another bot."""
    return f"Another Daily Papers already runs with the database {url}: stop it first, or set another `database`."


def check_version(number: int, url: ServerUrl) -> None:
    """Raises DatabaseUnusable if the server is too old; `number` is its `server_version_num`."""
    version = number // 10_000
    if version < _OLDEST_VERSION:
        raise DatabaseUnusable(
            f"The server of the database {url} has PostgreSQL {version}; Daily Papers needs {_OLDEST_VERSION} or newer."
        )


def _check_server(connection: sa.Connection, url: ServerUrl) -> None:
    setting = sa.func.current_setting
    check_version(int(connection.execute(sa.select(setting("server_version_num"))).scalar_one()), url)
    if connection.execute(sa.select(setting("transaction_read_only"))).scalar_one() == "on":
        raise DatabaseUnusable(
            f"The database {url} is read-only: set `database` to the primary server, or allow the user to write."
        )
    encoding = connection.execute(sa.select(setting("server_encoding"))).scalar_one()
    if encoding != "UTF8":
        raise DatabaseUnusable(f"The database {url} has the encoding {encoding}: create it with the encoding UTF8.")


def _check_tables(connection: sa.Connection, url: ServerUrl) -> Collection[str]:
    """Raises DatabaseUnusable if the tables are not this program's; returns those that exist."""
    tables = set(sa.inspect(connection).get_table_names())
    own = tables & set(metadata.tables)
    if not tables:
        return own
    if not own >= {"papers", "outbox", "key_values"} or "alembic_version" not in tables:
        raise DatabaseUnusable(f"The database {url} belongs to another program: set `database` to an empty one.")
    revision = connection.execute(sa.select(sa.column("version_num")).select_from(sa.table("alembic_version"))).scalar()
    if not is_known_revision(revision):
        raise DatabaseUnusable(
            f"The database {url} was written by a newer Daily Papers (revision {revision}): update the program."
        )
    return own


def _check_rights(connection: sa.Connection, url: ServerUrl, tables: Collection[str]) -> None:
    """Raises DatabaseUnusable if the user cannot write to these tables, or without any, cannot create them."""
    if not tables:
        may_create = sa.func.has_schema_privilege(sa.func.current_schema(), "CREATE")
        match connection.execute(sa.select(may_create)).scalar_one():
            case None:
                raise DatabaseUnusable(f"The database {url} has no schema of the search_path: create the schema first.")
            case False:
                raise DatabaseUnusable(
                    f"The user may not create tables in the database {url}: make this user the owner of the database."
                )
        return
    rights = [sa.func.has_table_privilege(table, right) for table in tables for right in _RIGHTS]
    if not connection.execute(sa.select(sa.and_(*rights))).scalar_one():
        raise DatabaseUnusable(
            f"The user may not write to the database {url}: set `database` to a URL with the user who owns its tables."
        )
