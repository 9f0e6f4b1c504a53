"""Waits until a bot has no work left, according to its database: all that tests of crashes read from there."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

_POLL_INTERVAL_S = 0.05
_UNSYNCED = """
    SELECT (SELECT count(*) FROM subscriptions) = 0
        OR EXISTS (SELECT * FROM keywords WHERE synced_until IS NULL AND id IN (SELECT keyword_id FROM subscriptions))
"""
_UNSETTLED = """
    SELECT EXISTS (SELECT * FROM outbox WHERE state = 'waiting')
        OR EXISTS (SELECT * FROM posts WHERE settled_at IS NULL)
        OR EXISTS (SELECT * FROM trending_posts WHERE settled_at IS NULL)
"""


def is_synced(database: Path) -> bool:
    """Whether there are subscriptions, and every keyword had its initial sync."""
    return not _is_true(database, _UNSYNCED)


async def wait_until_synced(database: Path, timeout_s: float) -> None:
    """Waits until every subscribed keyword had its initial sync."""
    await wait_until(lambda: is_synced(database), timeout_s)


async def wait_until_settled(database: Path, timeout_s: float) -> None:
    """Waits until no paper is queued and every message is settled."""
    await wait_until(lambda: not _is_true(database, _UNSETTLED), timeout_s)


async def wait_until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Checks a condition repeatedly: no event reports what another process does."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - nobody sets an Event in another process
            await asyncio.sleep(_POLL_INTERVAL_S)


def _is_true(database: Path, query: str) -> bool:
    """Runs a query; true also while the database does not exist or has no tables yet."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute(query).fetchone()[0])
    except sqlite3.OperationalError:
        return True
