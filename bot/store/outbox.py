"""The outbox: the papers to be posted, bound to one message before it is sent, settled by Discord's answer.

`bind` creates a `Post` from entries. Every attempt sends exactly these entries, until the post is delivered, rejected,
or released because the message certainly does not exist.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import filterfalse, islice
from typing import Final

import aiosqlite

from bot.domain.history import UNKNOWN_START, SearchStart
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.domain.post import NO_HEADER, MessageHeader, OutboxEntry, Post
from bot.domain.withdrawal import is_withdrawn
from bot.store.channel_settings import NOT_PAUSED
from bot.store.clock_repair import MAY_SEND, times_of_waits
from bot.store.codecs import (
    PAPER_COLUMNS,
    one_of,
    row_to_paper,
    to_datetime,
    to_datetime_or_none,
    to_text,
)
from bot.store.database import Database
from bot.store.group_commit import GroupCommit
from bot.store.message_search import record_attempt, record_search
from bot.store.papers import skip_withdrawn
from bot.store.posts import insert_posts, read_posts

# When the first waiting paper of a row's channel is due: one look into an index.
_FIRST_DUE: Final = (
    "(SELECT min(due_at) FROM outbox WHERE outbox.channel_id = channels.channel_id AND state = 'waiting')"
)


@dataclass(frozen=True, slots=True)
class _Settlement:
    """The outcome of a post that Discord stored."""

    post: Post
    delivered: Delivered
    now: datetime


class Outbox:
    """The papers that wait to be posted, and those that were.

    Messages of several channels are bound and settled in one transaction of `commits`.
    """

    def __init__(self, database: Database, commits: GroupCommit | None = None) -> None:
        self._database = database
        self._commits = commits or GroupCommit(database)

    async def due_channels(self, now: datetime) -> tuple[int, ...]:
        """Returns the channels with a paper that is due or bound and no reason to wait, the longest due first.

        It looks at one row per channel, however many papers wait.
        """
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id, due FROM (
                        SELECT channel_id, {_FIRST_DUE} AS due FROM channels WHERE {MAY_SEND} AND {NOT_PAUSED}
                    ) AS waiting
                    WHERE due <= :now OR due IS NOT NULL AND channel_id IN (
                        SELECT channel_id FROM posts WHERE settled_at IS NULL)
                    ORDER BY due, channel_id""",
                times_of_waits(now),
            )
        return tuple(row["channel_id"] for row in rows)

    async def next_due(self, after: datetime | None = None) -> datetime | None:
        """Returns when the next paper can be posted, later than `after`; None if none waits."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT min(CASE WHEN not_before > due THEN not_before ELSE due END) AS due FROM (
                        SELECT not_before, CASE WHEN not_before > :after THEN {_FIRST_DUE} ELSE (
                            SELECT min(due_at) FROM outbox WHERE outbox.channel_id = channels.channel_id
                              AND state = 'waiting' AND due_at > :after) END AS due
                        FROM channels WHERE {NOT_PAUSED}
                    ) AS waiting""",
                {"after": "" if after is None else to_text(after)},
            )
        return to_datetime_or_none(next(iter(rows))["due"])

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
        return await self._commits.write(_bind_all, post)

    async def unsettled_post(self, channel_id: int) -> Post | None:
        """Returns the channel's message that may have been sent and is not settled, if there is one."""
        async with self._database.reading() as connection:
            posts = await connection.execute_fetchall(
                "SELECT * FROM posts WHERE channel_id = ? AND settled_at IS NULL ORDER BY first_attempt LIMIT 1",
                (channel_id,),
            )
            return next(iter(await read_posts(connection, posts)), None)

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

    async def delivered(self, post: Post, delivered: Delivered, now: datetime) -> bool:
        """Settles the post as delivered; returns whether it is to be published to the channel's followers."""
        return await self._commits.write(_settle_all, _Settlement(post, delivered, now))

    async def rejected(self, post: Post, reason: str, now: datetime) -> None:
        """Settles the post as rejected by Discord for this reason; its papers are never sent again."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE outbox SET state = 'refused', rejection_reason = ? WHERE post_key = ?", (reason, post.key)
            )
            await connection.execute("UPDATE posts SET settled_at = ? WHERE key = ?", (to_text(now), post.key))

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


async def _bind_all(connection: aiosqlite.Connection, posts: Sequence[Post]) -> Sequence[Post | None]:
    """Binds each message's entries to it; returns None for those with an entry that was removed or bound."""
    ids = [entry.id for post in posts for entry in post.entries]
    rows = await connection.execute_fetchall(
        f"SELECT id FROM outbox WHERE state = 'waiting' AND post_key IS NULL AND id IN {one_of(ids)}", ids
    )
    unbound = {row["id"] for row in rows}
    bound: list[Post | None] = []
    for post in posts:
        own = {entry.id for entry in post.entries}
        bound.append(post if own <= unbound else None)
        unbound -= own
    await insert_posts(connection, [post for post in bound if post is not None])
    await connection.executemany(
        "UPDATE outbox SET post_key = ? WHERE id = ?",
        [(post.key, entry.id) for post in bound if post is not None for entry in post.entries],
    )
    return bound


async def _settle_all(connection: aiosqlite.Connection, settlements: Sequence[_Settlement]) -> Sequence[bool]:
    """Settles posts as delivered; returns which are to be published."""
    channel_ids = [settlement.post.channel_id for settlement in settlements]
    rows = await connection.execute_fetchall(
        f"SELECT channel_id FROM channel_settings WHERE publish = 1 AND channel_id IN {one_of(channel_ids)}",
        channel_ids,
    )
    publishing = {row["channel_id"] for row in rows}
    published = [
        settlement.post.channel_id in publishing and settlement.delivered.message_id is not None
        for settlement in settlements
    ]
    await connection.executemany(
        "UPDATE outbox SET state = 'delivered' WHERE post_key = ?", [(each.post.key,) for each in settlements]
    )
    await connection.executemany(
        """UPDATE posts SET message_id = ?, settled_at = ?, thread_id = coalesce(?, thread_id), publish_at = ?
           WHERE key = ?""",
        [
            (
                each.delivered.message_id,
                to_text(each.now),
                each.delivered.thread_id,
                to_text(each.now) if is_published else None,
                each.post.key,
            )
            for each, is_published in zip(settlements, published, strict=True)
        ],
    )
    return published


async def _newest_ids(connection: aiosqlite.Connection, channel_id: int, canonical: str, limit: int) -> list[str]:
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


async def drop_unmatched(connection: aiosqlite.Connection, channel_id: int) -> None:
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
