"""Each channel's settings, and the due times of its queue, which follow from its schedule."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings, Style, ThreadMode, TrendingSettings
from bot.domain.server_settings.fields import NOT_IN_FILES
from bot.domain.weekdays import EVERY_DAY, MONDAY_TO_FRIDAY, short_weekdays
from bot.store.column_types import Id, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.due_times import reschedule, to_schedule
from bot.store.schema import channel_settings, channels, outbox
from bot.store.schema.posts import IS_WAITING

# The condition that no admin has paused the row's channel.
NOT_PAUSED: Final = ~(
    sa.exists()
    .where(channel_settings.c.channel_id == channels.c.channel_id, channel_settings.c.paused_since.is_not(None))
    .correlate(channels)
)

# The days that `weekdays_only` has.
_FLAGGED: Final = (EVERY_DAY, MONDAY_TO_FRIDAY)

_CHANNEL: Final = sa.bindparam("channel", type_=Id)
_NOW: Final = sa.bindparam("now", type_=Utc)
_READ: Final = sa.select(channel_settings).where(channel_settings.c.channel_id == _CHANNEL)
_IS_WAITING_IN_CHANNEL: Final = sa.and_(IS_WAITING, outbox.c.channel_id == _CHANNEL)
_COUNT_WAITING: Final = sa.select(sa.func.count()).select_from(outbox).where(_IS_WAITING_IN_CHANNEL)
_MAKE_DUE: Final = sa.update(outbox).where(_IS_WAITING_IN_CHANNEL, outbox.c.due_at < _NOW).values(due_at=_NOW)
_PAUSED: Final = (
    sa.select(channel_settings.c.channel_id, channel_settings.c.paused_since)
    .where(channel_settings.c.paused_since.is_not(None))
    .order_by(channel_settings.c.paused_since, channel_settings.c.channel_id)
)
_CLEAR_BACKLOG: Final = (
    sa.update(channel_settings)
    .where(channel_settings.c.channel_id == _CHANNEL, channel_settings.c.backlog_pending)
    .values(backlog_pending=False)
)


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """A channel's settings before and after a change."""

    before: ChannelSettings
    after: ChannelSettings


class ChannelSettingsStore:
    """The settings that admins chose for their channels.

    Each change reads and writes in one transaction, and writes only the columns that it changes: concurrent changes of
    one channel are all kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, channel_id: int) -> ChannelSettings:
        """Returns a channel's settings; the defaults if no admin changed any."""
        async with self._database.reading() as connection:
            return await _read(connection, channel_id)

    async def change(self, channel_id: int, changed: Callable[[ChannelSettings], ChannelSettings]) -> SettingsChange:
        """Replaces a channel's settings by what `changed` returns for the stored ones, and reschedules its queue.

        `changed` must not wait for anything; if it raises an exception, nothing is written. `publish.batches` and
        `resume` set `backlog_pending`, and the outbox `papers_left`: their values are ignored.
        """
        async with self._database.transaction() as connection:
            before = await _read(connection, channel_id)
            after = replace(changed(before), backlog_pending=before.backlog_pending, papers_left=before.papers_left)
            await _write(connection, channel_id, before, after)
            if after.schedule != before.schedule:
                await reschedule(connection, [channel_id])
            return SettingsChange(before, after)

    async def resume(self, channel_id: int, now: datetime) -> int | None:
        """Resumes a channel that an admin paused; returns how many papers are queued, None if it was not paused.

        Papers that became due during the pause are due now, so that none counts as late.
        """
        async with self._database.transaction() as connection:
            before = await _read(connection, channel_id)
            if before.paused_since is None:
                return None
            waiting = int(await connection.scalar(_COUNT_WAITING, {"channel": channel_id}))
            after = replace(before, paused_since=None, backlog_pending=waiting > 0)
            await _write(connection, channel_id, before, after)
            await connection.write(_MAKE_DUE, {"channel": channel_id, "now": now})
            return waiting

    async def paused_channels(self) -> dict[int, datetime]:
        """Returns the channels that an admin paused, and since when."""
        async with self._database.reading() as connection:
            rows = await connection.all(_PAUSED)
        return {row.channel_id: row.paused_since for row in rows}

    async def clear_backlog(self, channel_id: int) -> None:
        """Records that the backlog is posted, so that the channel's own style applies again."""
        async with self._database.transaction() as connection:
            await connection.write(_CLEAR_BACKLOG, {"channel": channel_id})


async def replace_settings(connection: Connection, channel_id: int, wanted: ChannelSettings, now: datetime) -> None:
    """Replaces a channel's settings within the caller's transaction; one that is no longer paused is resumed."""
    before = await _read(connection, channel_id)
    is_resumed = before.paused_since is not None and wanted.paused_since is None
    waiting = int(await connection.scalar(_COUNT_WAITING, {"channel": channel_id})) if is_resumed else 0
    # What the program counts for itself is no setting.
    after = replace(wanted, **{name: getattr(before, name) for name in NOT_IN_FILES})
    if waiting:
        after = replace(after, backlog_pending=True)
    await _write(connection, channel_id, before, after)
    if after.schedule != before.schedule:
        await reschedule(connection, [channel_id])
    if is_resumed:
        await connection.write(_MAKE_DUE, {"channel": channel_id, "now": now})


async def _read(connection: Connection, channel_id: int) -> ChannelSettings:
    row = await connection.first(_READ, {"channel": channel_id})
    return ChannelSettings() if row is None else to_settings(row)


async def _write(connection: Connection, channel_id: int, before: ChannelSettings, after: ChannelSettings) -> None:
    """Writes the columns that differ."""
    stored = _to_columns(before)
    changed = {column: value for column, value in _to_columns(after).items() if value != stored[column]}
    if not changed:
        return
    for table in (channels, channel_settings):
        row = insert(table).values(channel_id=channel_id)
        await connection.write(row.on_conflict_do_nothing(index_elements=["channel_id"]))
    await connection.write(
        sa.update(channel_settings).where(channel_settings.c.channel_id == channel_id).values(changed)
    )


def _to_columns(settings: ChannelSettings) -> dict[str, str | int | datetime | None]:
    schedule, trending = settings.schedule, settings.trending
    daily = schedule if isinstance(schedule, DailySchedule) else None
    return {
        "style": settings.style.value,
        "daily_at": None if daily is None else f"{daily.hour:02}:{daily.minute:02}",
        "zone": None if daily is None else daily.zone,
        "weekdays_only": daily is not None and daily.days == MONDAY_TO_FRIDAY,
        "posting_days": None if daily is None or daily.days in _FLAGGED else short_weekdays(daily.days),
        "mention_role": settings.mention_role,
        "publish": settings.publish,
        "paused_since": settings.paused_since,
        "backlog_pending": settings.backlog_pending,
        "trending_min_votes": None if trending is None else trending.min_votes,
        "trending_since": None if trending is None else trending.since,
        "papers_per_posting": settings.papers_per_posting,
        "papers_left": settings.papers_left,
        "threads": None if settings.threads is ThreadMode.OFF else settings.threads.value,
    }


def to_settings(row: sa.Row[Any]) -> ChannelSettings:
    """Returns the settings in a row of `channel_settings`."""
    return ChannelSettings(
        style=Style(row.style),
        schedule=to_schedule(row),
        mention_role=row.mention_role,
        publish=row.publish,
        paused_since=row.paused_since,
        backlog_pending=row.backlog_pending,
        trending=None
        if row.trending_min_votes is None
        else TrendingSettings(row.trending_min_votes, row.trending_since),
        papers_per_posting=row.papers_per_posting,
        papers_left=row.papers_left,
        threads=ThreadMode.OFF if row.threads is None else ThreadMode(row.threads),
    )
