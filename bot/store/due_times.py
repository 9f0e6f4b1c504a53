"""The due times of queued papers, which follow from when they arrived and from their channels' schedules.

Every function runs within the caller's transaction, and changes many papers in one statement.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.channel_schedule import ChannelSchedule, DailySchedule, Immediate, due_at
from bot.domain.weekdays import EVERY_DAY, MONDAY_TO_FRIDAY, Weekdays, parse_weekdays
from bot.store.column_types import Id, Utc
from bot.store.connection import Connection
from bot.store.expressions import listed, listed_rows
from bot.store.schema import channel_settings, channels, outbox
from bot.store.schema.posts import IS_UNBOUND, IS_WAITING

# A statement for all groups of a long queue could reach the server's time limit.
_CHANGES_AT_ONCE: Final = 2000

# What `to_schedule` reads.
SCHEDULE_COLUMNS: Final = (
    channel_settings.c.daily_at,
    channel_settings.c.zone,
    channel_settings.c.weekdays_only,
    channel_settings.c.posting_days,
)

_Change = dict[str, int | datetime | None]

# Papers of a channel that arrived at the same time have the same due time. SQLite reads them in this order.
_GROUP: Final = (outbox.c.channel_id, outbox.c.due_at, outbox.c.arrived_at)
_GROUPS: Final = sa.select(*_GROUP).distinct()


async def reschedule(connection: Connection, channel_ids: Iterable[int], arrived_at: datetime | None = None) -> None:
    """Sets the due times of these channels' queues by their schedules.

    With `arrived_at`, only those of papers that have arrived then, and were stored as due at once.
    """
    listed_ids = listed(channel_ids, Id)
    if arrived_at is None:
        groups = _GROUPS.where(IS_UNBOUND, outbox.c.channel_id.in_(listed_ids), outbox.c.arrived_at.is_not(None))
    else:
        settings = channel_settings.c
        daily = sa.select(settings.channel_id).where(
            settings.channel_id.in_(listed_ids), settings.daily_at.is_not(None)
        )
        groups = _GROUPS.where(
            IS_UNBOUND,
            outbox.c.channel_id.in_(daily),
            outbox.c.due_at == arrived_at,
            outbox.c.arrived_at == arrived_at,
        )
    await _change(connection, groups, _rescheduled, IS_UNBOUND)


async def correct_due_times(connection: Connection, now: datetime, future: datetime) -> int:
    """Sets due times after `future` to what the channels' schedules allow now; returns how many papers changed.

    A paper that arrived in the future counts as arriving now. No paper becomes due later than before.
    """
    all_channels = sa.select(channels.c.channel_id)
    groups = _GROUPS.where(IS_WAITING, outbox.c.channel_id.in_(all_channels), outbox.c.due_at > future)
    return await _change(connection, groups, lambda group: _corrected(group, now), IS_WAITING)


async def _change(
    connection: Connection,
    groups: sa.Select[Any],
    changed: Callable[[sa.Row[Any]], _Change],
    condition: sa.ColumnElement[bool],
) -> int:
    """Writes the arrival and due times that `changed` returns; returns how many papers changed."""
    rows = await connection.all(_with_schedules(groups))
    changes = await asyncio.to_thread(lambda: [change for change in map(changed, rows) if _is_change(change)])
    parts = (changes[start : start + _CHANGES_AT_ONCE] for start in range(0, len(changes), _CHANGES_AT_ONCE))
    return sum([await connection.write(_update(part, condition)) for part in parts])


def _update(changes: Sequence[_Change], condition: sa.ColumnElement[bool]) -> sa.Update:
    values = listed_rows(
        changes,
        {"channel_id": Id, "due_before": Utc(), "arrived_before": Utc(), "due_at": Utc(), "arrived_at": Utc()},
    )
    return (
        sa.update(outbox)
        .where(
            outbox.c.channel_id == values.c.channel_id,
            outbox.c.due_at == values.c.due_before,
            outbox.c.arrived_at.is_not_distinct_from(values.c.arrived_before),
            condition,
        )
        .values(due_at=values.c.due_at, arrived_at=values.c.arrived_at)
    )


def _with_schedules(groups: sa.Select[Any]) -> sa.Select[Any]:
    found = groups.subquery()
    return sa.select(found, *SCHEDULE_COLUMNS).select_from(
        found.outerjoin(channel_settings, channel_settings.c.channel_id == found.c.channel_id)
    )


def _is_change(change: _Change) -> bool:
    return change["due_at"] != change["due_before"]


def _rescheduled(group: sa.Row[Any]) -> _Change:
    return _to_change(group, group.arrived_at, due_at(to_schedule(group), group.arrived_at))


def _corrected(group: sa.Row[Any], now: datetime) -> _Change:
    arrived_at = None if group.arrived_at is None else min(group.arrived_at, now)
    due = now if arrived_at is None else due_at(to_schedule(group), arrived_at)
    return _to_change(group, arrived_at, due) if due < group.due_at else _to_change(group, None, group.due_at)


def _to_change(group: sa.Row[Any], arrived_at: datetime | None, due: datetime) -> _Change:
    return {
        "channel_id": group.channel_id,
        "due_before": group.due_at,
        "arrived_before": group.arrived_at,
        "due_at": due,
        "arrived_at": arrived_at,
    }


def to_schedule(row: sa.Row[Any]) -> ChannelSchedule:
    """Returns the schedule in the columns of `channel_settings`; a channel without settings has none of them."""
    if row.daily_at is None:
        return Immediate()
    hour, minute = row.daily_at.split(":")
    return DailySchedule(int(hour), int(minute), row.zone, _to_days(row))


def _to_days(row: sa.Row[Any]) -> Weekdays:
    if row.posting_days is not None:
        return parse_weekdays(row.posting_days)
    return MONDAY_TO_FRIDAY if row.weekdays_only else EVERY_DAY
