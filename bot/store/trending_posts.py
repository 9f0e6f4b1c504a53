"""The trending posts: one message per channel and day, bound before it is sent, settled by Discord's answer.

A row is permanent: a channel never gets a day's list twice.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.history import UNKNOWN_START, SearchStart
from bot.domain.outgoing import Delivered
from bot.domain.trending.post import TrendingDay, TrendingPost, TrendingSubscription
from bot.store.channel_settings import NOT_PAUSED
from bot.store.clock_repair import MAY_SEND, times_of_waits
from bot.store.columns import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.due_times import to_schedule
from bot.store.group_commit import GroupCommit
from bot.store.message_search import record_attempt, record_search
from bot.store.schema import channel_settings, channels, trending_days, trending_entries, trending_posts

_IS_UNSETTLED: Final = trending_posts.c.settled_at.is_(None)
_HAS_CHANNEL: Final = channels.c.channel_id == trending_posts.c.channel_id
_FETCHED_DAYS: Final = sa.select(
    trending_days,
    sa.select(sa.func.count())
    .where(trending_entries.c.day == trending_days.c.day)
    .correlate(trending_days)
    .scalar_subquery()
    .label("papers"),
).order_by(trending_days.c.day)
_OF_CHANNEL: Final = sa.exists().where(trending_posts.c.channel_id == channels.c.channel_id)
_DUE_SUBSCRIPTIONS: Final = (
    sa.select(channel_settings)
    .join(channels, channels.c.channel_id == channel_settings.c.channel_id)
    .where(
        channel_settings.c.trending_min_votes.is_not(None),
        channel_settings.c.paused_since.is_(None),
        MAY_SEND,
        ~_OF_CHANNEL.where(trending_posts.c.day == sa.bindparam("day", type_=Text)),
        ~_OF_CHANNEL.where(_IS_UNSETTLED),
    )
    .order_by(channel_settings.c.channel_id)
)
_UNSETTLED: Final = (
    sa.select(trending_posts)
    .join(channels, _HAS_CHANNEL)
    .where(_IS_UNSETTLED, MAY_SEND, NOT_PAUSED)
    .order_by(trending_posts.c.first_attempt)
)
_NEXT_ATTEMPT: Final = (
    sa.select(sa.func.min(channels.c.not_before))
    .select_from(trending_posts)
    .join(channels, _HAS_CHANNEL)
    .where(_IS_UNSETTLED, NOT_PAUSED)
)
_BIND: Final = insert(trending_posts).on_conflict_do_nothing(
    index_elements=[trending_posts.c.channel_id, trending_posts.c.day]
)
_SETTLE: Final = (
    sa.update(trending_posts)
    .where(trending_posts.c.key == sa.bindparam("post", type_=Text))
    .values(
        message_id=sa.bindparam("message", type_=Id),
        thread_id=sa.bindparam("thread", type_=Id),
        settled_at=sa.bindparam("now", type_=Utc),
    )
)


class TrendingPosts:
    """The trending lists that are to be posted, and those that were."""

    def __init__(self, database: Database, commits: GroupCommit | None = None) -> None:
        self._database = database
        self._commits = commits or GroupCommit(database)

    async def fetched_days(self) -> tuple[TrendingDay, ...]:
        """Returns the days whose lists are stored."""
        async with self._database.reading() as connection:
            rows = await connection.all(_FETCHED_DAYS)
        return tuple(TrendingDay(date.fromisoformat(row.day), row.fetched_at, row.papers) for row in rows)

    async def due_subscriptions(self, day: date, now: datetime) -> tuple[TrendingSubscription, ...]:
        """Returns the channels that subscribe to trending lists, have not got the day's, and do not have to wait.

        A channel whose previous list is unsettled has to wait.
        """
        async with self._database.reading() as connection:
            rows = await connection.all(_DUE_SUBSCRIPTIONS, {**times_of_waits(now), "day": day.isoformat()})
        return tuple(_to_trending_subscription(row) for row in rows)

    async def unsettled(self, now: datetime) -> tuple[TrendingPost, ...]:
        """Returns the messages that may have been sent and are not settled, and do not have to wait."""
        async with self._database.reading() as connection:
            rows = await connection.all(_UNSETTLED, times_of_waits(now))
        return tuple(_to_trending_post(row) for row in rows)

    async def is_unsettled(self, trending_post: TrendingPost) -> bool:
        """Whether this message is still the one of its channel and day, and not settled."""
        async with self._database.reading() as connection:
            unsettled = sa.exists().where(trending_posts.c.key == trending_post.key, _IS_UNSETTLED)
            return bool(await connection.scalar(sa.select(unsettled)))

    async def next_attempt(self) -> datetime | None:
        """Returns when the next unsettled message may be tried; None if there is none."""
        async with self._database.reading() as connection:
            retry_at: datetime | None = await connection.scalar(_NEXT_ATTEMPT)
        return retry_at

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
            await record_attempt(connection, trending_posts, trending_post.key, now, attempted_at)

    async def record_search(self, trending_post: TrendingPost, after: int) -> None:
        """Records that the history up to this message id does not contain the message."""
        async with self._database.transaction() as connection:
            await record_search(connection, trending_posts, trending_post.key, after)

    async def settle(self, trending_post: TrendingPost, delivered: Delivered, now: datetime) -> None:
        """Settles the message; without an id, it does not exist and never will."""
        await self._commits.write(_settle_all, (trending_post.key, delivered, now))

    async def release(self, trending_post: TrendingPost) -> None:
        """Releases a message that certainly does not exist, so that the day's list can be bound again."""
        async with self._database.transaction() as connection:
            await connection.write(
                sa.delete(trending_posts).where(trending_posts.c.key == trending_post.key, _IS_UNSETTLED)
            )


async def _bind_all(connection: Connection, new: Sequence[TrendingPost]) -> Sequence[TrendingPost | None]:
    """Stores messages that are about to be sent; returns None for those whose channel has one for the day already."""
    return [each if await connection.write(_BIND, _to_row(each)) else None for each in new]


async def _settle_all(connection: Connection, settlements: Sequence[tuple[str, Delivered, datetime]]) -> Sequence[None]:
    await connection.write(
        _SETTLE,
        [
            {"post": key, "message": delivered.message_id, "thread": delivered.thread_id, "now": now}
            for key, delivered, now in settlements
        ],
    )
    return [None for _ in settlements]


def _to_row(trending_post: TrendingPost) -> dict[str, object]:
    return {
        "channel_id": trending_post.channel_id,
        "day": trending_post.day.isoformat(),
        "min_votes": trending_post.min_votes,
        "key": trending_post.key,
        "nonce": trending_post.nonce,
        "first_attempt": trending_post.first_attempt,
        "last_attempt": trending_post.last_attempt,
        "search_after": trending_post.search.after,
        "attempted_at": trending_post.search.attempted_at,
    }


def _to_trending_subscription(row: sa.Row[Any]) -> TrendingSubscription:
    return TrendingSubscription(row.channel_id, row.trending_min_votes, row.trending_since, to_schedule(row))


def _to_trending_post(row: sa.Row[Any]) -> TrendingPost:
    return TrendingPost(
        key=row.key,
        channel_id=row.channel_id,
        day=date.fromisoformat(row.day),
        min_votes=row.min_votes,
        nonce=row.nonce,
        first_attempt=row.first_attempt,
        last_attempt=row.last_attempt,
        thread_id=row.thread_id,
        message_id=row.message_id,
        search=SearchStart(row.search_after, row.attempted_at),
    )
