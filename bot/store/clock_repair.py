"""Ignores and corrects stored times that are in the future because a clock was ahead when they were stored.

Positions and settings are corrected only when the caller knows that the time is right: a clock that is behind would
move them into the past. Nothing is deleted that is not fetched, counted or planned again.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.queries import INITIAL_SYNC_PERIOD
from bot.store import due_times
from bot.store.column_types import Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.schema import (
    backfilled_months,
    channel_settings,
    channels,
    discussions,
    edits,
    exclusions,
    keywords,
    month_counts,
    outbox,
    polls,
    posts,
    subscriptions,
    trending_days,
    trending_posts,
)
from bot.store.schema.discussions import IS_WANTED
from bot.store.schema.posts import IS_ARRIVED

# A stored time that is further ahead is due to a clock that was ahead; one within it delays nothing by more than this.
CLOCK_AHEAD_MAX: Final = timedelta(minutes=5)

# Times of events that have certainly happened.
_PAST_EVENTS: Final = (
    keywords.c.previous_matcher_until,
    channels.c.blocked_since,
    channels.c.gone_since,
    channels.c.notified_at,
    channel_settings.c.paused_since,
    channel_settings.c.trending_since,
    subscriptions.c.added_at,
    exclusions.c.added_at,
)
# What is known since a time in the future is not known: it is fetched, counted or planned again.
_CACHES: Final = (
    polls.c.at,
    trending_days.c.fetched_at,
    month_counts.c.counted_at,
    backfilled_months.c.fetched_at,
)


_NOW: Final = sa.bindparam("now", type_=Utc)
_FUTURE: Final = sa.bindparam("future", type_=Utc)


def no_wait(end: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Returns whether a row of the column's table does not have to wait until `end`; see `times_of_waits`.

    A wait that was stored in the future is over, because the clock was ahead then. A wait of which it is unknown when
    it was stored counts only if it ends within CLOCK_AHEAD_MAX.
    """
    since = sa.func.coalesce(end.table.c.waits_since, end, type_=Utc)
    return sa.or_(end.is_(None), end <= _NOW, since > _FUTURE)


def times_of_waits(now: datetime) -> dict[str, datetime]:
    """Returns the parameters of `no_wait`."""
    return {"now": now, "future": now + CLOCK_AHEAD_MAX}


# Whether nothing has to wait in the row's channel.
MAY_SEND: Final = no_wait(channels.c.not_before)

_HAS_FUTURE_ARRIVALS: Final = sa.select(
    sa.or_(
        sa.exists().where(IS_ARRIVED, outbox.c.arrived_at > _FUTURE),
        sa.exists().where(IS_ARRIVED, outbox.c.arrived_at.is_(None), outbox.c.due_at > _FUTURE),
    )
)


class StoredTimes:
    """All times in the database that must not be in the future."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def correct(self, now: datetime) -> int:
        """Corrects every time that is in the future of `now`, which must be right; returns how many were."""
        async with self._database.transaction() as connection:
            corrected = await correct_due_times(connection, now)
            for statement in _statements(now):
                corrected += await connection.write(statement)
        return corrected


def _statements(now: datetime) -> Iterator[sa.UpdateBase]:
    future = now + CLOCK_AHEAD_MAX
    # How far arXiv was read is unknown, so the next poll reads the whole period again.
    yield _replace(keywords.c.synced_until, future, now - INITIAL_SYNC_PERIOD)
    # An initial sync begins a period before the time at which it ran, so it never begins later than that.
    yield _replace(keywords.c.new_since, future - INITIAL_SYNC_PERIOD, now - INITIAL_SYNC_PERIOD)
    for column in _PAST_EVENTS:
        yield _replace(column, future, now)
    for column in _CACHES:
        yield sa.delete(column.table).where(column > future)
    # Messages that may have been sent: the time of the attempt is unknown, and certainly not later than now.
    for table in (posts, trending_posts):
        yield _replace(table.c.last_attempt, future, now).where(table.c.settled_at.is_(None))
    for table in (channels, edits):
        yield _replace(table.c.waits_since, future, None).values(not_before=None)
    yield _replace(discussions.c.waits_since, future, None).values(not_before=None).where(IS_WANTED)
    yield _replace(discussions.c.requested_at, future, now).where(IS_WANTED)
    yield _replace(posts.c.publish_at, future, now).where(posts.c.waits_since > future).values(waits_since=None)


def _replace(column: sa.Column[Any], later_than: datetime, replacement: datetime | None) -> sa.Update:
    return sa.update(column.table).where(column > later_than).values({column.name: replacement})


async def has_future_arrivals(connection: Connection, now: datetime) -> bool:
    """Whether an unbound paper has arrived after `now`, or was to be posted at once after `now`."""
    return bool(await connection.scalar(_HAS_FUTURE_ARRIVALS, {"future": now + CLOCK_AHEAD_MAX}))


async def correct_due_times(connection: Connection, now: datetime) -> int:
    """Sets the due times of queued papers to what their channels' schedules allow; returns how many papers changed."""
    return await due_times.correct_due_times(connection, now, now + CLOCK_AHEAD_MAX)
