"""Ignores and corrects stored times that are in the future because a clock was ahead when they were stored.

Positions and settings are corrected only when the caller knows that the time is right: a clock that is behind would
move them into the past. Nothing is deleted that is not fetched, counted or planned again.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.channel_schedule import due_at
from bot.domain.queries import INITIAL_SYNC_PERIOD
from bot.store.channel_settings import to_schedule
from bot.store.codecs import to_datetime, to_text
from bot.store.columns import Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.schema import channels, outbox
from bot.store.schema.posts import IS_UNBOUND

# A stored time that is further ahead is due to a clock that was ahead; one within it delays nothing by more than this.
CLOCK_AHEAD_MAX: Final = timedelta(minutes=5)

# Times of events that have certainly happened, as columns by table.
_PAST_EVENTS: Final = (
    ("keywords", "previous_matcher_until"),
    ("channels", "blocked_since"),
    ("channels", "gone_since"),
    ("channels", "notified_at"),
    ("channel_settings", "paused_since"),
    ("channel_settings", "trending_since"),
    ("subscriptions", "added_at"),
)
# What is known since a time in the future is not known: it is fetched, counted or planned again.
_CACHES: Final = (
    ("polls", "at"),
    ("trending_days", "fetched_at"),
    ("month_counts", "counted_at"),
    ("backfilled_months", "fetched_at"),
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
        sa.exists().where(IS_UNBOUND, outbox.c.arrived_at > _FUTURE),
        sa.exists().where(IS_UNBOUND, outbox.c.arrived_at.is_(None), outbox.c.due_at > _FUTURE),
    )
)


class StoredTimes:
    """All times in the database that must not be in the future."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def correct(self, now: datetime) -> int:
        """Corrects every time that is in the future of `now`, which must be right; returns how many were."""
        values = {
            "now": to_text(now),
            "future": to_text(now + CLOCK_AHEAD_MAX),
            "period_ago": to_text(now - INITIAL_SYNC_PERIOD),
            "no_period_ago": to_text(now - INITIAL_SYNC_PERIOD + CLOCK_AHEAD_MAX),
        }
        async with self._database.transaction() as connection:
            corrected = await correct_due_times(connection, now)
            for statement in _statements():
                corrected += (await connection.execute(statement, values)).rowcount
        return corrected


def _statements() -> list[str]:
    return [
        # How far arXiv was read is unknown, so the next poll reads the whole period again.
        "UPDATE keywords SET synced_until = :period_ago WHERE synced_until > :future",
        # An initial sync begins a period before the time at which it ran, so it never begins later than that.
        "UPDATE keywords SET new_since = :period_ago WHERE new_since > :no_period_ago",
        *(f"UPDATE {table} SET {column} = :now WHERE {column} > :future" for table, column in _PAST_EVENTS),
        *(f"DELETE FROM {table} WHERE {column} > :future" for table, column in _CACHES),
        # Messages that may have been sent: the time of the attempt is unknown, and certainly not later than now.
        *(
            f"UPDATE {table} SET last_attempt = :now WHERE settled_at IS NULL AND last_attempt > :future"
            for table in ("posts", "trending_posts")
        ),
        *(
            f"UPDATE {table} SET not_before = NULL, waits_since = NULL WHERE waits_since > :future"
            for table in ("channels", "edits")
        ),
        "UPDATE posts SET publish_at = :now, waits_since = NULL WHERE publish_at > :future AND waits_since > :future",
    ]


async def has_future_arrivals(connection: Connection, now: datetime) -> bool:
    """Whether an unbound paper has arrived after `now`, or was to be posted at once after `now`."""
    return bool(await connection.scalar(_HAS_FUTURE_ARRIVALS, {"future": now + CLOCK_AHEAD_MAX}))


async def correct_due_times(connection: Connection, now: datetime) -> int:
    """Sets the due times of queued papers to what their channels' schedules allow; returns how many papers changed.

    A paper that arrived in the future counts as arriving now. No paper becomes due later than before.
    """
    rows = await connection.execute_fetchall(
        """SELECT DISTINCT channel_id, arrived_at, due_at, daily_at, zone, coalesce(weekdays_only, 0) AS weekdays_only
           FROM outbox LEFT JOIN channel_settings USING (channel_id)
           WHERE state = 'waiting' AND due_at > ?""",
        (to_text(now + CLOCK_AHEAD_MAX),),
    )
    corrected = 0
    for row in rows:
        arrived_at = None if row["arrived_at"] is None else min(row["arrived_at"], to_text(now))
        due = to_text(now if arrived_at is None else due_at(to_schedule(row), to_datetime(arrived_at)))
        if due < row["due_at"]:
            cursor = await connection.execute(
                """UPDATE outbox SET arrived_at = ?, due_at = ? WHERE state = 'waiting'
                   AND channel_id = ? AND arrived_at IS ? AND due_at = ?""",
                (arrived_at, due, row["channel_id"], row["arrived_at"], row["due_at"]),
            )
            corrected += cursor.rowcount
    return corrected
