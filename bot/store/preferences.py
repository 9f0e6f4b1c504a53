"""How channels want to be posted to, and when what waits for them is due."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

import aiosqlite

from bot.domain.preferences import DailyList, Preferences, Style
from bot.domain.timetable import AsTheyCome, Daily, Timetable, due_at
from bot.store.columns import to_moment, to_moment_or_none, to_text
from bot.store.database import Database

_COLUMNS = (
    "style, daily_at, zone, weekdays_only, mention_role, publish, held_since, catching_up, "
    "trending_votes, trending_since"
)
# Of a row's channel: no admin has paused it.
NOT_HELD: Final = "channel_id NOT IN (SELECT channel_id FROM preferences WHERE held_since IS NOT NULL)"


class ChannelPreferences:
    """What admins chose for their channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, channel_id: int) -> Preferences:
        """A channel's preferences; the defaults where nobody chose anything."""
        async with self._database.reading() as connection:
            return await _read(connection, channel_id)

    async def write(self, channel_id: int, preferences: Preferences) -> None:
        """Change a channel's preferences, but for `catching_up`; what waits for it is due by the new timetable."""
        async with self._database.transaction() as connection:
            # The lower half's own: it may have changed since the caller looked.
            catching_up = (await _read(connection, channel_id)).catching_up
            await _write(connection, channel_id, replace(preferences, catching_up=catching_up))
            await reschedule(connection, [channel_id])

    async def resume(self, channel_id: int, now: datetime) -> int:
        """Let a channel that an admin paused be posted to again; returns how many papers wait for it.

        What would have been posted meanwhile is due now: nothing is late.
        """
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(
                "SELECT count(*) AS papers FROM outbox WHERE channel_id = ? AND state = 'waiting'", (channel_id,)
            )
            waiting = int(next(iter(rows))["papers"])
            before = await _read(connection, channel_id)
            await _write(connection, channel_id, replace(before, held_since=None, catching_up=waiting > 0))
            await connection.execute(
                "UPDATE outbox SET due_at = max(due_at, ?) WHERE channel_id = ? AND state = 'waiting'",
                (to_text(now), channel_id),
            )
            return waiting

    async def held(self) -> dict[int, datetime]:
        """The channels that an admin paused, and since when."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                "SELECT channel_id, held_since FROM preferences WHERE held_since IS NOT NULL ORDER BY held_since"
            )
        return {row["channel_id"]: to_moment(row["held_since"]) for row in rows}

    async def caught_up(self, channel_id: int) -> None:
        """The backlog is posted: from now on the channel's own style counts again."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE preferences SET catching_up = 0 WHERE channel_id = ? AND catching_up", (channel_id,)
            )


async def reschedule(connection: aiosqlite.Connection, channel_ids: Iterable[int]) -> None:
    """Say of what waits in these channels when it is due; part of the caller's transaction."""
    for channel_id in channel_ids:
        timetable = (await _read(connection, channel_id)).timetable
        arrivals = await connection.execute_fetchall(
            """SELECT DISTINCT arrived_at FROM outbox
               WHERE channel_id = ? AND state = 'waiting' AND post_key IS NULL AND arrived_at IS NOT NULL""",
            (channel_id,),
        )
        await connection.executemany(
            """UPDATE outbox SET due_at = ? WHERE channel_id = ? AND arrived_at = ?
               AND state = 'waiting' AND post_key IS NULL""",
            [
                (to_text(due_at(timetable, to_moment(row["arrived_at"]))), channel_id, row["arrived_at"])
                for row in arrivals
            ],
        )


async def _read(connection: aiosqlite.Connection, channel_id: int) -> Preferences:
    rows = await connection.execute_fetchall(f"SELECT {_COLUMNS} FROM preferences WHERE channel_id = ?", (channel_id,))
    return next((_to_preferences(row) for row in rows), Preferences())


async def _write(connection: aiosqlite.Connection, channel_id: int, preferences: Preferences) -> None:
    daily = preferences.timetable if isinstance(preferences.timetable, Daily) else None
    await connection.execute("INSERT INTO channels (channel_id) VALUES (?) ON CONFLICT DO NOTHING", (channel_id,))
    await connection.execute(
        f"INSERT OR REPLACE INTO preferences (channel_id, {_COLUMNS}) VALUES ({', '.join('?' * 11)})",
        (
            channel_id,
            preferences.style.value,
            None if daily is None else f"{daily.hour:02}:{daily.minute:02}",
            None if daily is None else daily.zone,
            int(daily is not None and daily.weekdays_only),
            preferences.mention_role,
            int(preferences.publish),
            None if preferences.held_since is None else to_text(preferences.held_since),
            int(preferences.catching_up),
            None if preferences.daily_list is None else preferences.daily_list.at_least,
            None if preferences.daily_list is None else to_text(preferences.daily_list.since),
        ),
    )


def _to_preferences(row: sqlite3.Row) -> Preferences:
    return Preferences(
        style=Style(row["style"]),
        timetable=to_timetable(row),
        mention_role=row["mention_role"],
        publish=bool(row["publish"]),
        held_since=to_moment_or_none(row["held_since"]),
        catching_up=bool(row["catching_up"]),
        daily_list=None
        if row["trending_votes"] is None
        else DailyList(row["trending_votes"], to_moment(row["trending_since"])),
    )


def to_timetable(row: sqlite3.Row) -> Timetable:
    """The timetable in a row of `preferences`."""
    if row["daily_at"] is None:
        return AsTheyCome()
    hour, minute = row["daily_at"].split(":")
    return Daily(int(hour), int(minute), row["zone"], weekdays_only=bool(row["weekdays_only"]))
