"""Statements about the search for a message that was sent; posts and trending posts share them."""

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.domain.found import HistoryPage
from bot.store.columns import Id, Text
from bot.store.connection import Connection
from bot.store.schema import posts, trending_posts

MESSAGE_TABLES: Final = (posts, trending_posts)


async def record_attempt(
    connection: Connection, table: sa.Table, key: str, now: datetime, attempted_at: datetime | None
) -> None:
    """Records another attempt, within the caller's transaction; `attempted_at` is the time by Discord's clock."""
    await connection.write(
        sa.update(table).where(table.c.key == key).values(last_attempt=now, attempted_at=attempted_at)
    )


async def record_page(connection: Connection, table: sa.Table, channel_id: int, page: HistoryPage, start: int) -> None:
    """Moves the searches for a channel's unsettled messages up to what a page of the channel's history shows.

    The page begins after `start`. It counts for the searches that begin in it, except in a forum, whose threads contain
    messages with higher ids than the next threads do. Within the caller's transaction.
    """
    unsettled = sa.update(table).where(table.c.settled_at.is_(None))
    if page.rest is not None and not page.rest.thread_id:
        await connection.write(
            unsettled.where(
                table.c.channel_id == channel_id, table.c.search_after.between(start, page.rest.safe_after)
            ).values(search_after=page.rest.safe_after)
        )
    await connection.write(
        unsettled.where(table.c.key == sa.bindparam("of_key", type_=Text)).values(
            search_after=sa.bindparam("after", type_=Id)
        ),
        [{"of_key": message.key, "after": message.message_id - 1} for message in page.messages],
    )


async def record_search(connection: Connection, table: sa.Table, key: str, after: int) -> None:
    """Moves the start of the search up, within the caller's transaction; never down."""
    await connection.write(
        sa.update(table)
        .where(table.c.key == key)
        .values(search_after=sa.func.greatest(sa.func.coalesce(table.c.search_after, 0), after))
    )
