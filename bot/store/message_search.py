"""Statements about the search for a message that was sent; posts and trending posts share them."""

from datetime import datetime
from typing import Literal

import aiosqlite

from bot.store.codecs import to_text, to_text_or_none

MessageTable = Literal["posts", "trending_posts"]


async def record_attempt(
    connection: aiosqlite.Connection, table: MessageTable, key: str, now: datetime, attempted_at: datetime | None
) -> None:
    """Records another attempt, within the caller's transaction; `attempted_at` is the time by Discord's clock."""
    await connection.execute(
        f"UPDATE {table} SET last_attempt = ?, attempted_at = ? WHERE key = ?",
        (to_text(now), to_text_or_none(attempted_at), key),
    )


async def record_search(connection: aiosqlite.Connection, table: MessageTable, key: str, after: int) -> None:
    """Moves the start of the search up, within the caller's transaction; never down."""
    await connection.execute(
        f"UPDATE {table} SET search_after = max(coalesce(search_after, 0), ?) WHERE key = ?",
        (after, key),
    )
