"""The days' lists in channels: one message a channel and day, bound before it leaves, settled when Discord answered.

A row stays for good: what is in here is never posted again.
"""

import sqlite3
from datetime import date, datetime

from bot.domain.outgoing import Delivered
from bot.domain.trending.post import TrendingDay, TrendingPost, TrendingSubscription
from bot.store.channel_settings import NOT_PAUSED, to_schedule
from bot.store.codecs import to_datetime, to_text
from bot.store.database import Database


class TrendingPosts:
    """What is to be posted of lists, and what was."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fetched_days(self) -> tuple[TrendingDay, ...]:
        """The days whose lists are kept."""
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
        """The channels that want lists and were not sent the day's, without those in which nothing can be done now.

        One whose last list may or may not be there is brought to its end first.
        """
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT channel_settings.* FROM channel_settings JOIN channels USING (channel_id)
                   WHERE trending_min_votes IS NOT NULL AND paused_since IS NULL AND coalesce(not_before, '') <= ?
                     AND channel_id NOT IN (SELECT channel_id FROM trending_posts WHERE day = ? OR settled_at IS NULL)
                   ORDER BY channel_id""",
                (to_text(now), day.isoformat()),
            )
        return tuple(_to_trending_subscription(row) for row in rows)

    async def unsettled(self, now: datetime) -> tuple[TrendingPost, ...]:
        """The messages that left, or were about to, and of which we do not know what became; those to be tried now."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT trending_posts.* FROM trending_posts JOIN channels USING (channel_id)
                    WHERE settled_at IS NULL AND coalesce(not_before, '') <= ? AND {NOT_PAUSED}
                    ORDER BY first_attempt""",
                (to_text(now),),
            )
        return tuple(_to_trending_post(row) for row in rows)

    async def next_attempt(self) -> datetime | None:
        """When the next of those messages that have to wait may be tried; None when none waits."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT min(not_before) AS again_at FROM trending_posts JOIN channels USING (channel_id)
                    WHERE settled_at IS NULL AND {NOT_PAUSED}"""
            )
        again_at = next(iter(rows))["again_at"]
        return None if again_at is None else to_datetime(again_at)

    async def bind(
        self, trending_subscription: TrendingSubscription, day: date, *, key: str, nonce: str, now: datetime
    ) -> TrendingPost | None:
        """Bind the day's list to a message that is about to leave; None when the channel has or had it."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                """INSERT INTO trending_posts (channel_id, day, min_votes, key, nonce, first_attempt, last_attempt)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (channel_id, day) DO NOTHING""",
                (
                    trending_subscription.channel_id,
                    day.isoformat(),
                    trending_subscription.min_votes,
                    key,
                    nonce,
                    to_text(now),
                ),
            )
            if cursor.rowcount != 1:
                return None
        return TrendingPost(
            key=key,
            channel_id=trending_subscription.channel_id,
            day=day,
            min_votes=trending_subscription.min_votes,
            nonce=nonce,
            first_attempt=now,
            last_attempt=now,
        )

    async def record_attempt(self, trending_post: TrendingPost, now: datetime) -> None:
        """The message is about to leave once more."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE trending_posts SET last_attempt = ? WHERE key = ?", (to_text(now), trending_post.key)
            )

    async def settle(self, trending_post: TrendingPost, held: Delivered, now: datetime) -> None:
        """Discord holds the message; without an id: there is none and will be none."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE trending_posts SET message_id = ?, thread_id = ?, settled_at = ? WHERE key = ?",
                (held.message_id, held.thread_id, to_text(now), trending_post.key),
            )

    async def release(self, trending_post: TrendingPost) -> None:
        """The message is surely not there: the day's list may be bound anew."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM trending_posts WHERE key = ? AND settled_at IS NULL", (trending_post.key,)
            )


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
    )
