"""Messages of the bot that were found in a channel and that the database does not have: their papers count as posted.

How far each channel's history was read is stored with them.
"""

import json
from collections.abc import Collection
from datetime import datetime

from bot.domain.found import FoundMessage, HistoryPage
from bot.store.codecs import to_datetime_or_none, to_text
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.message_search import MESSAGE_TABLES, record_page


class FoundMessages:
    """What is known about the messages in the channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_until(self, channel_id: int) -> int | None:
        """Returns the last message id of the channel that is known; None if none is.

        Of the messages that were found, `histories` knows better: in a forum, older ones may still be unread.
        """
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT max(id) AS id FROM (
                       SELECT read_until AS id FROM histories WHERE channel_id = :channel
                       UNION ALL SELECT max(message_id) FROM posts
                       WHERE channel_id = :channel AND message_id IS NOT NULL AND nonce <> key
                       UNION ALL SELECT message_id FROM trending_posts
                       WHERE channel_id = :channel AND nonce <> key)""",
                {"channel": channel_id},
            )
        found: int | None = next(iter(rows))["id"]
        return found

    async def subscribed_since(self, channel_id: int) -> datetime | None:
        """Returns since when the channel has had subscriptions or trending lists; None if it has none."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT min(since) AS since FROM (
                       SELECT added_at AS since FROM subscriptions WHERE channel_id = :channel
                       UNION ALL SELECT trending_since FROM channel_settings WHERE channel_id = :channel)""",
                {"channel": channel_id},
            )
        return to_datetime_or_none(next(iter(rows))["since"])

    async def unknown(self, messages: Collection[FoundMessage]) -> tuple[FoundMessage, ...]:
        """Returns those of the messages that the database does not have."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT value AS key FROM json_each(?)
                   WHERE value NOT IN (SELECT key FROM posts) AND value NOT IN (SELECT key FROM trending_posts)""",
                (json.dumps([message.key for message in messages]),),
            )
        keys = {row["key"] for row in rows}
        return tuple(message for message in messages if message.key in keys)

    async def record(self, channel_id: int, page: HistoryPage, start: int, unknown: Collection[FoundMessage]) -> None:
        """Records the page of the history after `start`, and the unknown messages in it as delivered."""
        async with self._database.transaction() as connection:
            for table in MESSAGE_TABLES:
                await record_page(connection, table, channel_id, page, start)
            for message in unknown:
                if message.day is None:
                    await _record_post(connection, channel_id, message)
                else:
                    await _record_trending_post(connection, channel_id, message)
            await connection.execute(
                """INSERT INTO histories (channel_id, read_until) VALUES (?, ?)
                   ON CONFLICT DO UPDATE SET read_until = max(read_until, excluded.read_until)""",
                (channel_id, page.read_until),
            )


async def _record_post(connection: Connection, channel_id: int, message: FoundMessage) -> None:
    """Records a post; triggers settle the outbox rows of its papers, those that are added later too.

    Its nonce is unknown, so that its key is stored as the nonce; no message of this bot has such a nonce.
    """
    await connection.execute(
        """INSERT INTO posts (key, channel_id, nonce, layout, heading, mention_role, thread_id,
                              first_attempt, last_attempt, message_id, settled_at)
           VALUES (?1, ?2, ?1, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?7) ON CONFLICT DO NOTHING""",
        (
            message.key,
            channel_id,
            message.layout.value,
            message.headline,
            message.mention_role,
            message.thread_id,
            to_text(message.sent_at),
            message.message_id,
        ),
    )
    await connection.executemany(
        "INSERT INTO found_papers (channel_id, arxiv_id, post_key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(channel_id, arxiv_id, message.key) for arxiv_id in message.arxiv_ids],
    )


async def _record_trending_post(connection: Connection, channel_id: int, message: FoundMessage) -> None:
    """Records a trending post; it replaces an unsettled one of the same day, which was released since."""
    await connection.execute(
        """INSERT INTO trending_posts (channel_id, day, min_votes, key, nonce, first_attempt, last_attempt,
                                       message_id, thread_id, settled_at)
           VALUES (?1, ?2, 0, ?3, ?3, ?4, ?4, ?5, ?6, ?4)
           ON CONFLICT (channel_id, day) DO UPDATE SET key = excluded.key, nonce = excluded.nonce,
               message_id = excluded.message_id, thread_id = excluded.thread_id, settled_at = excluded.settled_at
           WHERE settled_at IS NULL""",
        (
            channel_id,
            None if message.day is None else message.day.isoformat(),
            message.key,
            to_text(message.sent_at),
            message.message_id,
            message.thread_id,
        ),
    )
