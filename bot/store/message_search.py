"""Statements about the search for a message that was sent; posts and trending posts share them."""

from datetime import datetime
from typing import Final, Literal

from bot.domain.found import HistoryPage
from bot.store.codecs import to_text, to_text_or_none
from bot.store.connection import Connection

MessageTable = Literal["posts", "trending_posts"]
MESSAGE_TABLES: Final[tuple[MessageTable, ...]] = ("posts", "trending_posts")


async def record_attempt(
    connection: Connection, table: MessageTable, key: str, now: datetime, attempted_at: datetime | None
) -> None:
    """Records another attempt, within the caller's transaction; `attempted_at` is the time by Discord's clock."""
    await connection.execute(
        f"UPDATE {table} SET last_attempt = ?, attempted_at = ? WHERE key = ?",
        (to_text(now), to_text_or_none(attempted_at), key),
    )


async def record_page(
    connection: Connection, table: MessageTable, channel_id: int, page: HistoryPage, start: int
) -> None:
    """Moves the searches for a channel's unsettled messages up to what a page of the channel's history shows.

    The page begins after `start`. It counts for the searches that begin in it, except in a forum, whose threads contain
    messages with higher ids than the next threads do. Within the caller's transaction.
    """
    if page.rest is not None and not page.rest.thread_id:
        await connection.execute(
            f"""UPDATE {table} SET search_after = ?1
                WHERE channel_id = ?2 AND settled_at IS NULL AND search_after BETWEEN ?3 AND ?1""",
            (page.rest.safe_after, channel_id, start),
        )
    await connection.executemany(
        f"UPDATE {table} SET search_after = ? WHERE key = ? AND settled_at IS NULL",
        [(message.message_id - 1, message.key) for message in page.messages],
    )


async def record_search(connection: Connection, table: MessageTable, key: str, after: int) -> None:
    """Moves the start of the search up, within the caller's transaction; never down."""
    await connection.execute(
        f"UPDATE {table} SET search_after = max(coalesce(search_after, 0), ?) WHERE key = ?",
        (after, key),
    )
