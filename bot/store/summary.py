"""Summarises a database for an operator, even while the bot runs. It only reads, through its own connection."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bot.runtime.errors import DatabaseUnusable
from bot.runtime.server_url import ServerUrl
from bot.store.backend import Location, incomplete_copy
from bot.store.opening import check_integrity, inspect, is_missing, reading_uri
from bot.store.schema import COPYING, key_values, outbox, papers, subscriptions
from bot.store.server_schema import connected, inspect_server

_CHANNELS: Final = sa.select(subscriptions.c.channel_id).distinct().order_by(subscriptions.c.channel_id)
_KEYWORDS: Final = sa.select(sa.func.count(subscriptions.c.keyword_id.distinct()))
_PAPERS: Final = sa.select(sa.func.count()).select_from(papers)
_COPYING: Final = sa.select(key_values.c.name).where(key_values.c.name == COPYING)
_WAITING: Final = sa.select(sa.func.count()).where(outbox.c.state == "waiting")


@dataclass(frozen=True, slots=True)
class DatabaseSummary:
    """The channels with subscriptions, and the numbers of keywords, papers and queued papers."""

    channels: tuple[int, ...]
    keywords: int
    papers: int
    waiting: int


def summarise(location: Location) -> DatabaseSummary | None:
    """Returns a summary; None if there is no database yet, or no table. Raises DatabaseUnusable if it cannot be used.

    A file is read as a whole, and searched for damage.
    """
    if isinstance(location, ServerUrl):
        with connected(location) as connection:
            return _summary(connection, location) if inspect_server(connection, location) else None
    inspect(location)
    if is_missing(location):
        return None
    check_integrity(location)
    with _connected_to_file(location) as connection:
        return _summary(connection, location)


def _summary(connection: sa.Connection, location: Location) -> DatabaseSummary:
    # Files of the first releases have another table for these values.
    if sa.inspect(connection).has_table(key_values.name) and connection.execute(_COPYING).first() is not None:
        raise incomplete_copy(location)
    return DatabaseSummary(
        channels=tuple(connection.execute(_CHANNELS).scalars()),
        keywords=connection.execute(_KEYWORDS).scalar_one(),
        papers=connection.execute(_PAPERS).scalar_one(),
        waiting=connection.execute(_WAITING).scalar_one(),
    )


@contextlib.contextmanager
def _connected_to_file(path: Path) -> Iterator[sa.Connection]:
    engine = sa.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(reading_uri(path), uri=True), poolclass=sa.NullPool
    )
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        raise DatabaseUnusable(f"The database {path} cannot be read: {error.orig}.") from error
