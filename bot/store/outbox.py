"""The outbox: the papers to be posted, bound to one message before it is sent, settled by Discord's answer.

`bind` creates a `Post` from entries. Every attempt sends exactly these entries, until the post is delivered, rejected,
or released because the message certainly does not exist.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import filterfalse, islice

from bot.domain.channel_settings import Layout
from bot.domain.history import UNKNOWN_START, SearchStart
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.domain.post import NO_HEADER, Due, MessageHeader, OutboxEntry, Post
from bot.domain.withdrawal import is_withdrawn
from bot.store.channel_settings import NOT_PAUSED
from bot.store.clock_repair import MAY_SEND, times_of_waits
from bot.store.codecs import (
    PAPER_COLUMNS,
    row_to_paper,
    spelling,
    to_datetime,
    to_datetime_or_none,
    to_text,
)
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.message_search import record_attempt, record_search
from bot.store.papers import skip_withdrawn
from bot.store.posts import insert_post, read_entries, read_post


class Outbox:
    """The papers that wait to be posted, and those that were."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due_channels(self, now: datetime) -> tuple[int, ...]:
        """Returns the channels with a paper that is due or bound and no reason to wait, the longest due first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id FROM outbox JOIN channels USING (channel_id)
                   WHERE state = 'waiting' AND (due_at <= :now OR channel_id IN (
                       SELECT channel_id FROM posts WHERE settled_at IS NULL)) AND {MAY_SEND} AND {NOT_PAUSED}
                   GROUP BY channel_id ORDER BY min(due_at), channel_id""",
                times_of_waits(now),
            )
        return tuple(row["channel_id"] for row in rows)

    async def next_due(self, excluding: Collection[int] = ()) -> datetime | None:
        """Returns when the next paper of another channel than `excluding` can be posted; None if none waits."""
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
        """Returns a channel's due entries that are not bound, oldest paper first; none if it is paused."""
        async with self._database.reading() as connection:
            return await read_entries(
                connection,
                f"channel_id = ? AND state = 'waiting' AND post_key IS NULL AND due_at <= ? AND {NOT_PAUSED}",
                (channel_id, to_text(now)),
                limit,
            )

    async def due_now(self, channel_id: int, now: datetime) -> Due:
        """Returns how many papers of a channel are due, for which keywords, and when the first arrived."""
        async with self._database.reading() as connection:
            counted = await connection.execute_fetchall(
                """SELECT count(*) AS papers, min(arrived_at) AS arrived FROM outbox
                   WHERE channel_id = ? AND state = 'waiting' AND post_key IS NULL AND due_at <= ?""",
                (channel_id, to_text(now)),
            )
            keywords = await connection.execute_fetchall(
                f"""SELECT {spelling(":channel")} AS shown FROM keywords WHERE id IN (
                        SELECT keyword_id FROM outbox_keywords JOIN outbox ON outbox.id = outbox_id
                        WHERE channel_id = :channel AND state = 'waiting' AND post_key IS NULL AND due_at <= :now)
                    ORDER BY id""",
                {"channel": channel_id, "now": to_text(now)},
            )
        row = next(iter(counted))
        return Due(row["papers"], tuple(keyword["shown"] for keyword in keywords), to_datetime_or_none(row["arrived"]))

    async def partly_posted(self, channel_id: int, now: datetime) -> MessageHeader | None:
        """Returns the layout and thread of the messages that already contain part of the due batch, if any do."""
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
        search: SearchStart = UNKNOWN_START,
    ) -> Post | None:
        """Binds entries to a new message; returns None if one was removed or bound in the meantime."""
        post = Post(
            key=key,
            channel_id=channel_id,
            nonce=nonce,
            first_attempt=now,
            last_attempt=now,
            entries=tuple(entries),
            header=header,
            search=search,
        )
        async with self._database.transaction() as connection:
            is_bound = await _bind(connection, post)
        return post if is_bound else None

    async def unsettled_post(self, channel_id: int) -> Post | None:
        """Returns the channel's message that may have been sent and is not settled, if there is one."""
        async with self._database.reading() as connection:
            posts = await connection.execute_fetchall(
                "SELECT * FROM posts WHERE channel_id = ? AND settled_at IS NULL ORDER BY first_attempt LIMIT 1",
                (channel_id,),
            )
            for post in posts:
                return await read_post(connection, post)
        return None

    async def has_found_papers(self, post: Post) -> bool:
        """Whether another message with a paper of this one was found in the channel."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT EXISTS (SELECT * FROM outbox JOIN found_papers USING (channel_id, arxiv_id)
                                  WHERE outbox.post_key = ?) AS found""",
                (post.key,),
            )
        return bool(next(iter(rows))["found"])

    async def record_attempt(self, post: Post, now: datetime, attempted_at: datetime | None = None) -> None:
        """Records that the message is about to be sent again; `attempted_at` is the time by Discord's clock."""
        async with self._database.transaction() as connection:
            await record_attempt(connection, "posts", post.key, now, attempted_at)

    async def record_search(self, post: Post, after: int) -> None:
        """Records that the history up to this message id does not contain the message."""
        async with self._database.transaction() as connection:
            await record_search(connection, "posts", post.key, after)

    async def delivered(self, post: Post, delivered: Delivered, now: datetime, *, publish: bool = False) -> None:
        """Settles the post as delivered; with `publish`, the message is published to the channel's followers."""
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE outbox SET state = 'delivered' WHERE post_key = ?", (post.key,))
            await _settle(connection, post, now, delivered.message_id)
            await connection.execute(
                """UPDATE posts SET thread_id = coalesce(?, thread_id), publish_at = ? WHERE key = ?""",
                (delivered.thread_id, to_text(now) if publish and delivered.message_id is not None else None, post.key),
            )

    async def rejected(self, post: Post, reason: str, now: datetime) -> None:
        """Settles the post as rejected by Discord for this reason; its papers are never sent again."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE outbox SET state = 'refused', rejection_reason = ? WHERE post_key = ?", (reason, post.key)
            )
            await _settle(connection, post, now, None)

    async def release(self, post: Post, *, alone: bool = False) -> None:
        """Releases the entries of a message that certainly does not exist; `alone`: each gets its own message."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE outbox SET post_key = NULL, alone = max(alone, ?) WHERE post_key = ?",
                (int(alone), post.key),
            )
            await connection.execute("DELETE FROM posts WHERE key = ?", (post.key,))
            # A subscription that ended while the message was bound kept these entries.
            await drop_unmatched(connection, post.channel_id)
            await skip_withdrawn(connection, [entry.paper.arxiv_id for entry in post.entries])

    async def add_newest(self, channel_id: int, keywords: Collection[Keyword], limit: int, now: datetime) -> int:
        """Queues the newest papers that matched these keywords, due now; returns how many were added.

        Papers that the channel has already had, and withdrawn papers, are not added.
        """
        canonical = json.dumps([keyword.canonical for keyword in keywords])
        async with self._database.transaction() as connection:
            newest = await _newest_ids(connection, channel_id, canonical, limit)
            cursor = await connection.execute(
                """INSERT INTO outbox (channel_id, arxiv_id, due_at)
                   SELECT ?, value, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING RETURNING id""",
                (channel_id, to_text(now), json.dumps(newest)),
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
        """Returns the earliest due time in channels that are neither blocked nor paused; None if none waits."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT min(due_at) AS due FROM outbox JOIN channels USING (channel_id)
                    WHERE state = 'waiting' AND blocked_reason IS NULL AND {NOT_PAUSED}"""
            )
        due = next(iter(rows))["due"]
        return None if due is None else to_datetime(due)

    async def waiting(self) -> dict[int, int]:
        """Returns how many papers wait to be posted, by channel."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                "SELECT channel_id, count(*) AS papers FROM outbox WHERE state = 'waiting' GROUP BY channel_id"
            )
        return {row["channel_id"]: row["papers"] for row in rows}


async def _bind(connection: Connection, post: Post) -> bool:
    """Binds the message's entries to it; returns False if one was removed or bound in the meantime."""
    ids = json.dumps([entry.id for entry in post.entries])
    rows = await connection.execute_fetchall(
        """SELECT count(*) AS unbound FROM outbox
           WHERE id IN (SELECT value FROM json_each(?)) AND state = 'waiting' AND post_key IS NULL""",
        (ids,),
    )
    if next(iter(rows))["unbound"] != len(post.entries):
        return False
    await insert_post(connection, post)
    await connection.execute(
        "UPDATE outbox SET post_key = ? WHERE id IN (SELECT value FROM json_each(?))", (post.key, ids)
    )
    return True


async def _newest_ids(connection: Connection, channel_id: int, canonical: str, limit: int) -> list[str]:
    """Returns the ids of the newest papers that match these keywords of the channel, without withdrawn ones."""
    rows = await connection.execute_fetchall(
        f"""SELECT {PAPER_COLUMNS} FROM papers WHERE arxiv_id IN (
                SELECT arxiv_id FROM matches JOIN subscriptions USING (keyword_id)
                JOIN keywords ON keywords.id = keyword_id
                WHERE channel_id = ? AND canonical IN (SELECT value FROM json_each(?)))
            ORDER BY published DESC, arxiv_id DESC""",
        (channel_id, canonical),
    )
    papers = (row_to_paper(row) for row in rows)
    return [paper.arxiv_id.value for paper in islice(filterfalse(is_withdrawn, papers), limit)]


async def drop_unmatched(connection: Connection, channel_id: int) -> None:
    """Removes a channel's unbound papers without a subscribed keyword, within the caller's transaction."""
    unbound = "SELECT id FROM outbox WHERE channel_id = :channel AND state = 'waiting' AND post_key IS NULL"
    for statement in (
        f"""DELETE FROM outbox_keywords WHERE outbox_id IN ({unbound})
            AND keyword_id NOT IN (SELECT keyword_id FROM subscriptions WHERE channel_id = :channel)""",
        f"DELETE FROM outbox WHERE id IN ({unbound}) AND id NOT IN (SELECT outbox_id FROM outbox_keywords)",
        # Nothing waits any more: the next batch is not the backlog.
        """UPDATE channel_settings SET backlog_pending = 0 WHERE channel_id = :channel
           AND channel_id NOT IN (SELECT channel_id FROM outbox WHERE state = 'waiting')""",
    ):
        await connection.execute(statement, {"channel": channel_id})


async def _settle(connection: Connection, post: Post, now: datetime, message_id: int | None) -> None:
    await connection.execute(
        "UPDATE posts SET message_id = ?, settled_at = ? WHERE key = ?", (message_id, to_text(now), post.key)
    )
