"""The outbox: durable intentions to post, bound to one message before it leaves, settled when Discord answered.

`bind` makes a `Post` of chosen entries; exactly these are sent, however often, until the post is settled: delivered,
refused, or released because the message is surely not there.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import islice

import aiosqlite

from bot.domain.channel_settings import Layout
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.domain.post import NO_HEADER, Due, MessageHeader, OutboxEntry, Post
from bot.domain.withdrawal import is_withdrawn
from bot.store.channel_settings import NOT_PAUSED
from bot.store.codecs import PAPER_COLUMNS, row_to_paper, to_datetime, to_datetime_or_none, to_text
from bot.store.database import Database
from bot.store.papers import skip_withdrawn
from bot.store.posts import read_entries, read_post


class Outbox:
    """What waits to be posted, and what was."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due_channels(self, now: datetime) -> tuple[int, ...]:
        """The channels that have something to post now, the longest waiting first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id FROM outbox JOIN channels USING (channel_id)
                   WHERE state = 'waiting' AND due_at <= :now AND coalesce(not_before, '') <= :now AND {NOT_PAUSED}
                   GROUP BY channel_id ORDER BY min(due_at), channel_id""",
                {"now": to_text(now)},
            )
        return tuple(row["channel_id"] for row in rows)

    async def next_due(self, excluding: Collection[int] = ()) -> datetime | None:
        """When the next channel, but for these, has something to post; None when nothing waits."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT min(max(due_at, coalesce(not_before, ''))) AS due
                   FROM outbox JOIN channels USING (channel_id)
                   WHERE state = 'waiting' AND channel_id NOT IN (SELECT value FROM json_each(?)) AND {NOT_PAUSED}""",
                (json.dumps(list(excluding)),),
            )
        due = next(iter(rows))["due"]
        return None if due is None else to_datetime(due)

    async def due(self, channel_id: int, now: datetime, limit: int) -> tuple[OutboxEntry, ...]:
        """A channel's free entries whose time has come, oldest paper first, at most `limit`; none of a held one."""
        async with self._database.reading() as connection:
            return await read_entries(
                connection,
                f"channel_id = ? AND state = 'waiting' AND post_key IS NULL AND due_at <= ? AND {NOT_PAUSED}",
                (channel_id, to_text(now)),
                limit,
            )

    async def due_now(self, channel_id: int, now: datetime) -> Due:
        """How many papers of a channel are due, for which keywords, and when the first of them came."""
        async with self._database.reading() as connection:
            counted = await connection.execute_fetchall(
                """SELECT count(*) AS papers, min(arrived_at) AS arrived FROM outbox
                   WHERE channel_id = ? AND state = 'waiting' AND post_key IS NULL AND due_at <= ?""",
                (channel_id, to_text(now)),
            )
            keywords = await connection.execute_fetchall(
                """SELECT shown FROM keywords WHERE id IN (
                       SELECT keyword_id FROM outbox_keywords JOIN outbox ON outbox.id = outbox_id
                       WHERE channel_id = ? AND state = 'waiting' AND post_key IS NULL AND due_at <= ?) ORDER BY id""",
                (channel_id, to_text(now)),
            )
        row = next(iter(counted))
        return Due(row["papers"], tuple(keyword["shown"] for keyword in keywords), to_datetime_or_none(row["arrived"]))

    async def partly_posted(self, channel_id: int, now: datetime) -> MessageHeader | None:
        """How what is due was begun to be posted: the layout and thread of messages that had a part of it."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT layout, thread_id FROM posts WHERE key IN (
                       SELECT post_key FROM outbox WHERE channel_id = :channel AND state = 'delivered' AND due_at IN (
                           SELECT due_at FROM outbox WHERE channel_id = :channel
                             AND state = 'waiting' AND post_key IS NULL AND due_at <= :now))
                   ORDER BY settled_at DESC LIMIT 1""",
                {"channel": channel_id, "now": to_text(now)},
            )
        return next((MessageHeader(Layout(row["layout"]), thread_id=row["thread_id"]) for row in rows), None)

    async def bind(
        self,
        channel_id: int,
        entries: Sequence[OutboxEntry],
        header: MessageHeader = NO_HEADER,
        *,
        key: str,
        nonce: str,
        now: datetime,
    ) -> Post | None:
        """Bind entries to a message that is about to leave; None when one of them is gone or bound meanwhile."""
        ids = json.dumps([entry.id for entry in entries])
        async with self._database.transaction() as connection:
            free = await connection.execute_fetchall(
                """SELECT count(*) AS free FROM outbox
                   WHERE id IN (SELECT value FROM json_each(?)) AND state = 'waiting' AND post_key IS NULL""",
                (ids,),
            )
            if next(iter(free))["free"] != len(entries):
                return None
            await connection.execute(
                """INSERT INTO posts
                   (key, channel_id, nonce, layout, heading, mention_role, thread_id, first_attempt, last_attempt)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)""",
                (
                    key,
                    channel_id,
                    nonce,
                    header.layout.value,
                    header.heading,
                    header.mention_role,
                    header.thread_id,
                    to_text(now),
                ),
            )
            await connection.execute(
                "UPDATE outbox SET post_key = ? WHERE id IN (SELECT value FROM json_each(?))", (key, ids)
            )
        return Post(
            key=key,
            channel_id=channel_id,
            nonce=nonce,
            first_attempt=now,
            last_attempt=now,
            entries=tuple(entries),
            header=header,
        )

    async def unsettled_post(self, channel_id: int) -> Post | None:
        """The channel's message that left, or was about to, and of which we do not know what became."""
        async with self._database.reading() as connection:
            posts = await connection.execute_fetchall(
                "SELECT * FROM posts WHERE channel_id = ? AND settled_at IS NULL ORDER BY first_attempt LIMIT 1",
                (channel_id,),
            )
            for post in posts:
                return await read_post(connection, post)
        return None

    async def record_attempt(self, post: Post, now: datetime) -> None:
        """The message is about to leave once more, as it is."""
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE posts SET last_attempt = ? WHERE key = ?", (to_text(now), post.key))

    async def delivered(self, post: Post, held: Delivered, now: datetime, *, publish: bool = False) -> None:
        """Discord holds the message: its papers are posted, for good; `publish`: its followers are to get it."""
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE outbox SET state = 'delivered' WHERE post_key = ?", (post.key,))
            await _settle(connection, post, now, held.message_id)
            await connection.execute(
                """UPDATE posts SET thread_id = coalesce(?, thread_id), publish_at = ? WHERE key = ?""",
                (held.thread_id, to_text(now) if publish and held.message_id is not None else None, post.key),
            )

    async def rejected(self, post: Post, reason: str, now: datetime) -> None:
        """Discord will never take this message: its papers are set aside with the reason."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE outbox SET state = 'refused', rejection_reason = ? WHERE post_key = ?", (reason, post.key)
            )
            await _settle(connection, post, now, None)

    async def release(self, post: Post, *, alone: bool = False) -> None:
        """The message is surely not there: its entries may be grouped anew; `alone`: each in its own message."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE outbox SET post_key = NULL, alone = max(alone, ?) WHERE post_key = ?",
                (int(alone), post.key),
            )
            await connection.execute("DELETE FROM posts WHERE key = ?", (post.key,))
            # A subscription that ended while the message was bound left its entries to the message.
            await drop_unmatched(connection, post.channel_id)
            await skip_withdrawn(connection, [entry.paper.arxiv_id for entry in post.entries])

    async def add_newest(self, channel_id: int, keywords: Collection[Keyword], limit: int, now: datetime) -> int:
        """Let the newest papers that matched these keywords be posted too, at once; returns how many are to come.

        Those that the channel has or had are not posted again, nor what was withdrawn.
        """
        canonical = json.dumps([keyword.canonical for keyword in keywords])
        async with self._database.transaction() as connection:
            past = await _newest_of(connection, channel_id, canonical, limit)
            cursor = await connection.execute(
                """INSERT INTO outbox (channel_id, arxiv_id, due_at)
                   SELECT ?, value, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING RETURNING id""",
                (channel_id, to_text(now), json.dumps(past)),
            )
            added = [row["id"] for row in await cursor.fetchall()]
            await connection.execute(
                """INSERT INTO outbox_keywords (outbox_id, keyword_id)
                   SELECT outbox.id, keyword_id FROM outbox JOIN matches USING (arxiv_id)
                   JOIN subscriptions USING (channel_id, keyword_id)
                   WHERE outbox.id IN (SELECT value FROM json_each(?))""",
                (json.dumps(added),),
            )
            return len(added)

    async def oldest_due(self) -> datetime | None:
        """Since when the paper that waits longest is due, in channels that can be posted in; None when none waits."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT min(due_at) AS due FROM outbox JOIN channels USING (channel_id)
                    WHERE state = 'waiting' AND blocked_reason IS NULL AND {NOT_PAUSED}"""
            )
        due = next(iter(rows))["due"]
        return None if due is None else to_datetime(due)

    async def waiting(self) -> dict[int, int]:
        """How many papers wait to be posted, by channel."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                "SELECT channel_id, count(*) AS papers FROM outbox WHERE state = 'waiting' GROUP BY channel_id"
            )
        return {row["channel_id"]: row["papers"] for row in rows}


async def _newest_of(connection: aiosqlite.Connection, channel_id: int, canonical: str, limit: int) -> list[str]:
    """The newest papers that matched those of the keywords that the channel has, without withdrawn ones."""
    rows = await connection.execute_fetchall(
        f"""SELECT {PAPER_COLUMNS} FROM papers WHERE arxiv_id IN (
                SELECT arxiv_id FROM matches JOIN subscriptions USING (keyword_id)
                JOIN keywords ON keywords.id = keyword_id
                WHERE channel_id = ? AND canonical IN (SELECT value FROM json_each(?)))
            ORDER BY published DESC, arxiv_id DESC""",
        (channel_id, canonical),
    )
    papers = (row_to_paper(row) for row in rows)
    return [paper.arxiv_id.value for paper in islice((each for each in papers if not is_withdrawn(each)), limit)]


async def drop_unmatched(connection: aiosqlite.Connection, channel_id: int) -> None:
    """Drop a channel's unsent papers that none of its keywords holds any more; part of the caller's transaction."""
    free = "SELECT id FROM outbox WHERE channel_id = :channel AND state = 'waiting' AND post_key IS NULL"
    for statement in (
        f"""DELETE FROM outbox_keywords WHERE outbox_id IN ({free})
            AND keyword_id NOT IN (SELECT keyword_id FROM subscriptions WHERE channel_id = :channel)""",
        f"DELETE FROM outbox WHERE id IN ({free}) AND id NOT IN (SELECT outbox_id FROM outbox_keywords)",
        # What waited while the channel was paused is gone: the next batch is not that.
        """UPDATE channel_settings SET backlog_pending = 0 WHERE channel_id = :channel
           AND channel_id NOT IN (SELECT channel_id FROM outbox WHERE state = 'waiting')""",
    ):
        await connection.execute(statement, {"channel": channel_id})


async def _settle(connection: aiosqlite.Connection, post: Post, now: datetime, message_id: int | None) -> None:
    await connection.execute(
        "UPDATE posts SET message_id = ?, settled_at = ? WHERE key = ?", (message_id, to_text(now), post.key)
    )
