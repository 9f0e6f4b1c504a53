"""Each channel's settings, and the due times of its queue, which follow from its schedule."""

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.domain.channel_schedule import ChannelSchedule, DailySchedule, Immediate, due_at
from bot.domain.channel_settings import ChannelSettings, Style, TrendingSettings
from bot.store.codecs import to_datetime, to_datetime_or_none, to_text
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.schema import channel_settings, channels

# The condition that no admin has paused the row's channel.
NOT_PAUSED: Final = ~(
    sa.exists()
    .where(channel_settings.c.channel_id == channels.c.channel_id, channel_settings.c.paused_since.is_not(None))
    .correlate(channels)
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
        `resume` set `backlog_pending`: its value is ignored.
        """
        async with self._database.transaction() as connection:
            before = await _read(connection, channel_id)
            after = replace(changed(before), backlog_pending=before.backlog_pending)
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
            rows = await connection.execute_fetchall(
                "SELECT count(*) AS papers FROM outbox WHERE channel_id = ? AND state = 'waiting'", (channel_id,)
            )
            waiting = int(next(iter(rows))["papers"])
            after = replace(before, paused_since=None, backlog_pending=waiting > 0)
            await _write(connection, channel_id, before, after)
            await connection.execute(
                "UPDATE outbox SET due_at = max(due_at, ?) WHERE channel_id = ? AND state = 'waiting'",
                (to_text(now), channel_id),
            )
            return waiting

    async def paused_channels(self) -> dict[int, datetime]:
        """Returns the channels that an admin paused, and since when."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT channel_id, paused_since FROM channel_settings
                   WHERE paused_since IS NOT NULL ORDER BY paused_since"""
            )
        return {row["channel_id"]: to_datetime(row["paused_since"]) for row in rows}

    async def clear_backlog(self, channel_id: int) -> None:
        """Records that the backlog is posted, so that the channel's own style applies again."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE channel_settings SET backlog_pending = 0 WHERE channel_id = ? AND backlog_pending",
                (channel_id,),
            )


async def reschedule(connection: Connection, channel_ids: Iterable[int]) -> None:
    """Sets the due times of these channels' queues by their schedules, within the caller's transaction."""
    for channel_id in channel_ids:
        schedule = (await _read(connection, channel_id)).schedule
        arrivals = await connection.execute_fetchall(
            """SELECT DISTINCT arrived_at FROM outbox
               WHERE channel_id = ? AND state = 'waiting' AND post_key IS NULL AND arrived_at IS NOT NULL""",
            (channel_id,),
        )
        await connection.executemany(
            """UPDATE outbox SET due_at = ? WHERE channel_id = ? AND arrived_at = ?
               AND state = 'waiting' AND post_key IS NULL""",
            [
                (to_text(due_at(schedule, to_datetime(row["arrived_at"]))), channel_id, row["arrived_at"])
                for row in arrivals
            ],
        )


async def _read(connection: Connection, channel_id: int) -> ChannelSettings:
    rows = await connection.execute_fetchall("SELECT * FROM channel_settings WHERE channel_id = ?", (channel_id,))
    return next((_to_settings(row) for row in rows), ChannelSettings())


async def _write(connection: Connection, channel_id: int, before: ChannelSettings, after: ChannelSettings) -> None:
    """Writes the columns that differ."""
    stored = _to_columns(before)
    changed = {column: value for column, value in _to_columns(after).items() if value != stored[column]}
    if not changed:
        return
    await connection.execute("INSERT INTO channels (channel_id) VALUES (?) ON CONFLICT DO NOTHING", (channel_id,))
    await connection.execute(
        "INSERT INTO channel_settings (channel_id) VALUES (?) ON CONFLICT DO NOTHING", (channel_id,)
    )
    assignments = ", ".join(f"{column} = ?" for column in changed)
    await connection.execute(
        f"UPDATE channel_settings SET {assignments} WHERE channel_id = ?", (*changed.values(), channel_id)
    )


def _to_columns(channel_settings: ChannelSettings) -> dict[str, str | int | None]:
    schedule, trending = channel_settings.schedule, channel_settings.trending
    daily = schedule if isinstance(schedule, DailySchedule) else None
    return {
        "style": channel_settings.style.value,
        "daily_at": None if daily is None else f"{daily.hour:02}:{daily.minute:02}",
        "zone": None if daily is None else daily.zone,
        "weekdays_only": int(daily is not None and daily.weekdays_only),
        "mention_role": channel_settings.mention_role,
        "publish": int(channel_settings.publish),
        "paused_since": None if channel_settings.paused_since is None else to_text(channel_settings.paused_since),
        "backlog_pending": int(channel_settings.backlog_pending),
        "trending_min_votes": None if trending is None else trending.min_votes,
        "trending_since": None if trending is None else to_text(trending.since),
    }


def _to_settings(row: sqlite3.Row) -> ChannelSettings:
    return ChannelSettings(
        style=Style(row["style"]),
        schedule=to_schedule(row),
        mention_role=row["mention_role"],
        publish=bool(row["publish"]),
        paused_since=to_datetime_or_none(row["paused_since"]),
        backlog_pending=bool(row["backlog_pending"]),
        trending=None
        if row["trending_min_votes"] is None
        else TrendingSettings(row["trending_min_votes"], to_datetime(row["trending_since"])),
    )


def to_schedule(row: sqlite3.Row) -> ChannelSchedule:
    """Returns the schedule in a row of `channel_settings`."""
    if row["daily_at"] is None:
        return Immediate()
    hour, minute = row["daily_at"].split(":")
    return DailySchedule(int(hour), int(minute), row["zone"], weekdays_only=bool(row["weekdays_only"]))
