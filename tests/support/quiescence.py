"""Whether a bot has come to rest, as its database says: the only thing that tests of crashes ask of it."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

_ASKED_EVERY_S = 0.05
_UNREAD = """
    SELECT (SELECT count(*) FROM subscriptions) = 0
        OR EXISTS (SELECT * FROM keywords WHERE synced_until IS NULL AND id IN (SELECT keyword_id FROM subscriptions))
"""
_UNSETTLED = """
    SELECT EXISTS (SELECT * FROM outbox WHERE state = 'waiting')
        OR EXISTS (SELECT * FROM posts WHERE settled_at IS NULL)
        OR EXISTS (SELECT * FROM trending_posts WHERE settled_at IS NULL)
"""


def is_read(database: Path) -> bool:
    """Whether there are subscriptions, and the past of every keyword was read."""
    return not _answers_yes(database, _UNREAD)


async def until_read(database: Path, timeout_s: float) -> None:
    """Wait until the past of every subscribed keyword is read."""
    await until(lambda: is_read(database), timeout_s)


async def until_settled(database: Path, timeout_s: float) -> None:
    """Wait until nothing waits to be posted, and of every message it is known what became of it."""
    await until(lambda: not _answers_yes(database, _UNSETTLED), timeout_s)


async def until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Ask again and again: no event tells of what another process writes."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - nobody sets an Event in another process
            await asyncio.sleep(_ASKED_EVERY_S)


def _answers_yes(database: Path, question: str) -> bool:
    """What the database says; yes while it is not there or not made yet."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute(question).fetchone()[0])
    except sqlite3.OperationalError:
        return True
