"""The trending posts: one message per channel and day, bound before it is sent, settled by Discord's answer.

A row is permanent: a channel never gets a day's list twice.
"""

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime

import aiosqlite

from bot.domain.history import UNKNOWN_START, SearchStart
from bot.domain.outgoing import Delivered
from bot.domain.trending.post import TrendingDay, TrendingPost, TrendingSubscription
from bot.store.channel_settings import NOT_PAUSED, to_schedule
from bot.store.clock_repair import MAY_SEND, times_of_waits
from bot.store.codecs import to_datetime, to_datetime_or_none, to_text, to_text_or_none
from bot.store.database import Database
from bot.store.group_commit import GroupCommit
from bot.store.message_search import record_attempt, record_search


class TrendingPosts:
    """The trending lists that are to be posted, and those that were."""

    def __init__(self, database: Database, commits: GroupCommit | None = None) -> None:
        self._database = database
        self._commits = commits or GroupCommit(database)

    async def fetched_days(self) -> tuple[TrendingDay, ...]:
        """Returns the days whose lists are stored."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT day, fetched_at,
                          (SELECT count(*) FROM trending_entries WHERE day = trending_days.day) AS papers
                   FROM trending_days ORDER BY day"""
            )
        return tuple(
            TrendingDay(date.fromisoformat(row["day"]), to_datetime(row["fetched_at"]), row["papers"]) for row in rows
        )

    async def due_subscriptions(self, day: date, now: datetime) -> tuple[TrendingSubscription, ...]:
        """Returns the channels that subscribe to trending lists, have not got the day's, and do not have to wait.

        A channel whose previous list is unsettled has to wait.
        """
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_settings.* FROM channel_settings JOIN channels USING (channel_id)
                    WHERE trending_min_votes IS NOT NULL AND paused_since IS NULL
                      AND {MAY_SEND} AND channel_id NOT IN (
                          SELECT channel_id FROM trending_posts WHERE day = :day OR settled_at IS NULL)
                    ORDER BY channel_id""",
                times_of_waits(now) | {"day": day.isoformat()},
            )
        return tuple(_to_trending_subscription(row) for row in rows)

    async def unsettled(self, now: datetime) -> tuple[TrendingPost, ...]:
        """Returns the messages that may have been sent and are not settled, and do not have to wait."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT trending_posts.* FROM trending_posts JOIN channels USING (channel_id)
                    WHERE settled_at IS NULL AND {MAY_SEND} AND {NOT_PAUSED}
                    ORDER BY first_attempt""",
                times_of_waits(now),
            )
        return tuple(_to_trending_post(row) for row in rows)

    async def is_unsettled(self, trending_post: TrendingPost) -> bool:
        """Whether this message is still the one of its channel and day, and not settled."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                "SELECT * FROM trending_posts WHERE key = ? AND settled_at IS NULL", (trending_post.key,)
            )
        return bool(list(rows))

    async def next_attempt(self) -> datetime | None:
        """Returns when the next unsettled message may be tried; None if there is none."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT min(not_before) AS retry_at FROM trending_posts JOIN channels USING (channel_id)
                    WHERE settled_at IS NULL AND {NOT_PAUSED}"""
            )
        retry_at = next(iter(rows))["retry_at"]
        return None if retry_at is None else to_datetime(retry_at)

    async def bind(
        self,
        trending_subscription: TrendingSubscription,
        day: date,
        *,
        key: str,
        nonce: str,
        now: datetime,
        search: SearchStart = UNKNOWN_START,
    ) -> TrendingPost | None:
        """Binds the day's list to a new message; returns None if the channel has a message for it already."""
        trending_post = TrendingPost(
            key=key,
            channel_id=trending_subscription.channel_id,
            day=day,
            min_votes=trending_subscription.min_votes,
            nonce=nonce,
            first_attempt=now,
            last_attempt=now,
            search=search,
        )
        return await self._commits.write(_bind_all, trending_post)

    async def record_attempt(
        self, trending_post: TrendingPost, now: datetime, attempted_at: datetime | None = None
    ) -> None:
        """Records that the message is about to be sent again; `attempted_at` is the time by Discord's clock."""
        async with self._database.transaction() as connection:
            await record_attempt(connection, "trending_posts", trending_post.key, now, attempted_at)

    async def record_search(self, trending_post: TrendingPost, after: int) -> None:
        """Records that the history up to this message id does not contain the message."""
        async with self._database.transaction() as connection:
            await record_search(connection, "trending_posts", trending_post.key, after)

    async def settle(self, trending_post: TrendingPost, delivered: Delivered, now: datetime) -> None:
        """Settles the message; without an id, it does not exist and never will."""
        await self._commits.write(_settle_all, (trending_post.key, delivered, now))

    async def release(self, trending_post: TrendingPost) -> None:
        """Releases a message that certainly does not exist, so that the day's list can be bound again."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM trending_posts WHERE key = ? AND settled_at IS NULL", (trending_post.key,)
            )


async def _bind_all(
    connection: aiosqlite.Connection, trending_posts: Sequence[TrendingPost]
) -> Sequence[TrendingPost | None]:
    """Stores messages that are about to be sent; returns None for those whose channel has one for the day already."""
    bound: list[TrendingPost | None] = []
    for each in trending_posts:
        cursor = await connection.execute(
            """INSERT INTO trending_posts
               (channel_id, day, min_votes, key, nonce, first_attempt, last_attempt, search_after, attempted_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel_id, day) DO NOTHING""",
            (
                each.channel_id,
                each.day.isoformat(),
                each.min_votes,
                each.key,
                each.nonce,
                to_text(each.first_attempt),
                to_text(each.last_attempt),
                each.search.after,
                to_text_or_none(each.search.attempted_at),
            ),
        )
        bound.append(each if cursor.rowcount == 1 else None)
    return bound


async def _settle_all(
    connection: aiosqlite.Connection, settlements: Sequence[tuple[str, Delivered, datetime]]
) -> Sequence[None]:
    await connection.executemany(
        "UPDATE trending_posts SET message_id = ?, thread_id = ?, settled_at = ? WHERE key = ?",
        [(delivered.message_id, delivered.thread_id, to_text(now), key) for key, delivered, now in settlements],
    )
    return [None for _ in settlements]


def _to_trending_subscription(row: sqlite3.Row) -> TrendingSubscription:
    return TrendingSubscription(
        row["channel_id"], row["trending_min_votes"], to_datetime(row["trending_since"]), to_schedule(row)
    )


def _to_trending_post(row: sqlite3.Row) -> TrendingPost:
    return TrendingPost(
        key=row["key"],
        channel_id=row["channel_id"],
        day=date.fromisoformat(row["day"]),
        min_votes=row["min_votes"],
        nonce=row["nonce"],
        first_attempt=to_datetime(row["first_attempt"]),
        last_attempt=to_datetime(row["last_attempt"]),
        thread_id=row["thread_id"],
        message_id=row["message_id"],
        search=SearchStart(row["search_after"], to_datetime_or_none(row["attempted_at"])),
    )
