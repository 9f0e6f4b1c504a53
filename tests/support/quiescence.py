"""Waits until a bot has no work left, according to its database: all that tests of crashes read from there."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.schema import keywords, outbox, posts, subscriptions, trending_posts
from tests.support.databases import async_reader, reading

_POLL_INTERVAL_S = 0.05


def is_synced(database: Path, channels: Collection[int] | None = None) -> bool:
    """Whether there are subscriptions, and every keyword had its initial sync; of all channels, or only of these."""
    return not _is_true(database, _unsynced(channels))


async def wait_until_synced(database: Path, timeout_s: float) -> None:
    """Waits until every subscribed keyword had its initial sync."""
    await wait_until_true(database, ~_unsynced(None), timeout_s)


async def wait_until_settled(database: Path, timeout_s: float, channels: Collection[int] | None = None) -> None:
    """Waits until no paper is queued and every message is settled, in all channels or only in these."""
    await wait_until_true(database, ~_unsettled(channels), timeout_s)


async def wait_until_true(database: Path, condition: sa.ColumnElement[bool], timeout_s: float) -> None:
    """Evaluates a condition repeatedly, without blocking the event loop, which also serves the bot's requests.

    It is false while the database does not exist, has no tables or cannot be reached.
    """
    async with asyncio.timeout(timeout_s), async_reader(database) as engine:
        while not await _holds(engine, condition):  # noqa: ASYNC110 -- no event reports another process's commit
            await asyncio.sleep(_POLL_INTERVAL_S)


async def wait_until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Checks a condition repeatedly: no event reports what another process does."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - nobody sets an Event in another process
            await asyncio.sleep(_POLL_INTERVAL_S)


async def _holds(engine: AsyncEngine, condition: sa.ColumnElement[bool]) -> bool:
    try:
        async with engine.connect() as connection:
            return bool((await connection.execute(sa.select(condition))).scalar_one())
    except sa.exc.DBAPIError:
        return False


def _chosen(channel_id: sa.Column[int], channels: Collection[int] | None) -> sa.ColumnElement[bool]:
    return sa.true() if channels is None else channel_id.in_(channels)


def _unsynced(channels: Collection[int] | None) -> sa.ColumnElement[bool]:
    """Whether nothing is subscribed to, or a keyword waits for its initial sync."""
    chosen = sa.select(subscriptions.c.keyword_id).where(_chosen(subscriptions.c.channel_id, channels))
    unsynced = sa.select(keywords.c.id).where(keywords.c.synced_until.is_(None), keywords.c.id.in_(chosen))
    return ~chosen.exists() | unsynced.exists()


def _unsettled(channels: Collection[int] | None) -> sa.ColumnElement[bool]:
    """Whether a paper is queued, or a message is not settled."""
    return sa.or_(
        sa.select(outbox.c.id).where(outbox.c.state == "waiting", _chosen(outbox.c.channel_id, channels)).exists(),
        *(
            sa.select(table.c.key).where(table.c.settled_at.is_(None), _chosen(table.c.channel_id, channels)).exists()
            for table in (posts, trending_posts)
        ),
    )


def _is_true(database: Path, condition: sa.ColumnElement[bool]) -> bool:
    """Evaluates a condition; true also while the database does not exist or has no tables yet."""
    try:
        with reading(database) as connection:
            return bool(connection.execute(sa.select(condition)).scalar_one())
    except sa.exc.DBAPIError:
        return True
