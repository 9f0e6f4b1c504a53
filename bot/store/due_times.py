"""The due times of queued papers, which follow from when they arrived and from their channels' schedules.

Every function runs within the caller's transaction, and changes many papers in one statement.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.channel_schedule import ChannelSchedule, DailySchedule, Immediate, due_at
from bot.store.columns import Id, Utc
from bot.store.connection import Connection
from bot.store.expressions import listed, listed_rows
from bot.store.schema import channel_settings, outbox
from bot.store.schema.posts import IS_UNBOUND, IS_WAITING

_Change = dict[str, int | datetime | None]

# Papers of a channel that arrived at the same time have the same due time. SQLite reads them in this order.
_GROUP: Final = (outbox.c.channel_id, outbox.c.due_at, outbox.c.arrived_at)
_GROUPS: Final = (
    sa.select(*_GROUP, channel_settings.c.daily_at, channel_settings.c.zone, channel_settings.c.weekdays_only)
    .distinct()
    .select_from(outbox)
    .outerjoin(channel_settings, channel_settings.c.channel_id == outbox.c.channel_id)
)


async def reschedule(connection: Connection, channel_ids: Iterable[int], arrived_at: datetime | None = None) -> None:
    """Sets the due times of these channels' queues by their schedules; with `arrived_at`, of papers that arrived then.

    Papers that arrived when their due time was set to `arrived_at` keep it unless their channel has a daily schedule.
    """
    groups = _GROUPS.where(IS_UNBOUND, outbox.c.channel_id.in_(listed(channel_ids, Id)))
    if arrived_at is None:
        groups = groups.where(outbox.c.arrived_at.is_not(None))
    else:
        groups = groups.where(
            outbox.c.arrived_at == arrived_at, outbox.c.due_at == arrived_at, channel_settings.c.daily_at.is_not(None)
        )
    await _change(connection, await connection.all(groups), _rescheduled, IS_UNBOUND)


async def correct_due_times(connection: Connection, now: datetime, future: datetime) -> int:
    """Sets due times after `future` to what the channels' schedules allow now; returns how many papers changed.

    A paper that arrived in the future counts as arriving now. No paper becomes due later than before.
    """
    groups = await connection.all(_GROUPS.where(IS_WAITING, outbox.c.due_at > future))
    return await _change(connection, groups, lambda group: _corrected(group, now), IS_WAITING)


async def _change(
    connection: Connection,
    groups: Sequence[sa.Row[Any]],
    changed: Callable[[sa.Row[Any]], _Change],
    condition: sa.ColumnElement[bool],
) -> int:
    """Writes the arrival and due times that `changed` returns; returns how many papers changed."""
    changes = await asyncio.to_thread(lambda: [change for change in map(changed, groups) if _is_change(change)])
    if not changes:
        return 0
    rows = listed_rows(
        changes,
        {"channel_id": Id, "due_before": Utc(), "arrived_before": Utc(), "due_at": Utc(), "arrived_at": Utc()},
    )
    return await connection.write(
        sa.update(outbox)
        .where(
            outbox.c.channel_id == rows.c.channel_id,
            outbox.c.due_at == rows.c.due_before,
            outbox.c.arrived_at.is_not_distinct_from(rows.c.arrived_before),
            condition,
        )
        .values(due_at=rows.c.due_at, arrived_at=rows.c.arrived_at)
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
    """Returns the schedule in a row of `channel_settings`."""
    if row.daily_at is None:
        return Immediate()
    hour, minute = row.daily_at.split(":")
    return DailySchedule(int(hour), int(minute), row.zone, weekdays_only=row.weekdays_only)
