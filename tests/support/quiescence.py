"""Waits until a bot has no work left, according to its database: all that tests of crashes read from there."""

import asyncio
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path

_POLL_INTERVAL_S = 0.05
_UNSYNCED = """
    SELECT (SELECT count(*) FROM subscriptions WHERE {chosen}) = 0
        OR EXISTS (
            SELECT * FROM keywords
            WHERE synced_until IS NULL AND id IN (SELECT keyword_id FROM subscriptions WHERE {chosen})
        )
"""
_UNSETTLED = """
    SELECT EXISTS (SELECT * FROM outbox WHERE state = 'waiting' AND {chosen})
        OR EXISTS (SELECT * FROM posts WHERE settled_at IS NULL AND {chosen})
        OR EXISTS (SELECT * FROM trending_posts WHERE settled_at IS NULL AND {chosen})
"""


def is_synced(database: Path, channels: Collection[int] | None = None) -> bool:
    """Whether there are subscriptions, and every keyword had its initial sync; of all channels, or only of these."""
    return not _is_true(database, _UNSYNCED, channels)


async def wait_until_synced(database: Path, timeout_s: float) -> None:
    """Waits until every subscribed keyword had its initial sync."""
    await wait_until(lambda: is_synced(database), timeout_s)


async def wait_until_settled(database: Path, timeout_s: float, channels: Collection[int] | None = None) -> None:
    """Waits until no paper is queued and every message is settled, in all channels or only in these."""
    await wait_until(lambda: not _is_true(database, _UNSETTLED, channels), timeout_s)


async def wait_until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Checks a condition repeatedly: no event reports what another process does."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - nobody sets an Event in another process
            await asyncio.sleep(_POLL_INTERVAL_S)


def _is_true(database: Path, query: str, channels: Collection[int] | None) -> bool:
    """Runs a query; true also while the database does not exist or has no tables yet."""
    chosen = "true" if channels is None else f"channel_id IN ({', '.join(map(str, channels))})"
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute(query.format(chosen=chosen)).fetchone()[0])
    except sqlite3.OperationalError:
        return True
