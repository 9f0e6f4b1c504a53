"""Each channel's server, why it is blocked, and until when nothing is sent to it, also after a jump of the clock."""

import sqlite3
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.domain.outgoing import Blocked
from bot.domain.subscription import BlockedChannel, BlockedNotice, ChannelPlace
from bot.store.clock_repair import MAY_SEND, correct_due_times, has_future_arrivals, times_of_waits
from bot.store.codecs import to_datetime, to_text
from bot.store.database import Database

# No wait of a channel is longer; Discord's longest rate limits are an hour.
CHANNEL_WAIT_MAX: Final = timedelta(hours=24)

_SUBSCRIBED = """(channel_id IN (SELECT channel_id FROM subscriptions)
              OR channel_id IN (SELECT channel_id FROM channel_settings WHERE trending_min_votes IS NOT NULL))"""


class Channels:
    """The channels that have or had subscriptions or trending lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_guild(self, guild_id: int, channel_ids: Collection[int]) -> None:
        """Records the server of those of these channels that are known; the settings file has only channel ids."""
        await self.set_servers(dict.fromkeys(channel_ids, guild_id))

    async def set_servers(self, guild_ids: Mapping[int, int]) -> None:
        """Records the servers of those of these channels that are known; costs nothing without channels."""
        if not guild_ids:
            return
        async with self._database.transaction() as connection:
            await connection.executemany(
                "UPDATE channels SET guild_id = ? WHERE channel_id = ?",
                [(guild_id, channel_id) for channel_id, guild_id in guild_ids.items()],
            )

    async def servers(self, guild_id: int | None = None) -> dict[int, int | None]:
        """Returns the server of each channel that has subscriptions or a trending list, or is paused; None if unknown.

        With `guild_id`, only the channels of this server, and those whose server is unknown.
        """
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id, guild_id FROM channels
                    WHERE (? IS NULL OR guild_id IS NULL OR guild_id = ?) AND ({_SUBSCRIBED} OR channel_id IN
                    (SELECT channel_id FROM channel_settings WHERE paused_since IS NOT NULL)) ORDER BY channel_id""",
                (guild_id, guild_id),
            )
        return {row["channel_id"]: row["guild_id"] for row in rows}

    async def subscribed(self) -> tuple[int, ...]:
        """Returns the channels with a subscription or a trending list."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT channel_id FROM channels WHERE {_SUBSCRIBED} ORDER BY channel_id"
            )
        return tuple(row["channel_id"] for row in rows)

    async def in_guild(self, guild_id: int) -> tuple[int, ...]:
        """Returns the channels of a server that have a subscription or a trending list, or are paused."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id FROM channels WHERE guild_id = ? AND ({_SUBSCRIBED} OR channel_id IN
                    (SELECT channel_id FROM channel_settings WHERE paused_since IS NOT NULL)) ORDER BY channel_id""",
                (guild_id,),
            )
        return tuple(row["channel_id"] for row in rows)

    async def block(self, channel_id: int, blocked: Blocked, *, now: datetime, not_before: datetime) -> bool:
        """Blocks a channel until it is checked again at `not_before`; returns whether the reason is new."""
        values = {
            "channel": channel_id,
            "reason": blocked.reason,
            "gone": blocked.gone,
            "now": to_text(now),
            "not_before": to_text(not_before),
        }
        async with self._database.transaction() as connection:
            changed = await connection.execute(
                """UPDATE channels SET blocked_reason = :reason, blocked_since = coalesce(blocked_since, :now)
                   WHERE channel_id = :channel AND blocked_reason IS NOT :reason""",
                values,
            )
            await connection.execute(
                """UPDATE channels SET not_before = :not_before, waits_since = :now,
                   gone_since = CASE WHEN :gone THEN coalesce(gone_since, :now) END WHERE channel_id = :channel""",
                values,
            )
            return changed.rowcount == 1

    async def unblock(self, channel_id: int) -> bool:
        """Unblocks a channel; returns whether it was blocked."""
        async with self._database.reading() as connection:  # most channels are not: they need no transaction
            rows = await connection.execute_fetchall(
                "SELECT 1 FROM channels WHERE channel_id = ? AND blocked_reason IS NOT NULL", (channel_id,)
            )
        if not rows:
            return False
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                """UPDATE channels SET blocked_reason = NULL, blocked_since = NULL, gone_since = NULL,
                   not_before = NULL, waits_since = NULL
                   WHERE channel_id = ? AND blocked_reason IS NOT NULL""",
                (channel_id,),
            )
            return cursor.rowcount == 1

    async def pending_notices(self, notified_before: datetime) -> tuple[BlockedNotice, ...]:
        """Returns the blocked channels without a notice since they were blocked and since `notified_before`."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id, guild_id, blocked_reason,
                           (SELECT added_by FROM subscriptions WHERE subscriptions.channel_id = channels.channel_id
                            AND added_by IS NOT NULL ORDER BY added_at LIMIT 1) AS subscriber
                    FROM channels WHERE blocked_reason IS NOT NULL AND {_SUBSCRIBED}
                    AND (notified_at IS NULL OR notified_at < blocked_since AND notified_at < ?) ORDER BY channel_id""",
                (to_text(notified_before),),
            )
        return tuple(
            BlockedNotice(row["channel_id"], row["guild_id"], row["blocked_reason"], row["subscriber"]) for row in rows
        )

    async def record_notice(self, channel_id: int, now: datetime) -> None:
        """Records that a notice was sent, or that there is nobody to send it to."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE channels SET notified_at = ? WHERE channel_id = ?", (to_text(now), channel_id)
            )

    async def gone(self, since: datetime) -> tuple[int, ...]:
        """Returns the subscribed channels that have been gone since `since` or longer."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT channel_id FROM channels WHERE gone_since <= ? AND {_SUBSCRIBED} ORDER BY channel_id",
                (to_text(since),),
            )
        return tuple(row["channel_id"] for row in rows)

    async def back_off(self, channel_id: int, not_before: datetime, *, now: datetime) -> None:
        """Sends nothing to this channel from `now` until `not_before`."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE channels SET not_before = ?, waits_since = ? WHERE channel_id = ?",
                (to_text(not_before), to_text(now), channel_id),
            )

    async def correct_due_times(self, now: datetime, *, all_papers: bool) -> None:
        """Makes due what a clock that was ahead postponed: papers that arrived in the future, or all papers."""
        async with self._database.reading() as connection:
            is_needed = all_papers or await has_future_arrivals(connection, now)
        if is_needed:
            async with self._database.transaction() as connection:
                await correct_due_times(connection, now)

    async def backing_off(self, after: datetime) -> dict[int, datetime]:
        """Returns the subscribed channels that are not blocked and wait until later than `after`, and until when."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id, not_before FROM channels
                    WHERE blocked_reason IS NULL AND NOT {MAY_SEND} AND {_SUBSCRIBED}
                    ORDER BY not_before, channel_id""",
                times_of_waits(after),
            )
        return {row["channel_id"]: to_datetime(row["not_before"]) for row in rows}

    async def blocked_channels(self) -> tuple[BlockedChannel, ...]:
        """Returns the subscribed channels that are blocked, longest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id, guild_id, blocked_reason, blocked_since FROM channels
                    WHERE blocked_reason IS NOT NULL AND {_SUBSCRIBED} ORDER BY blocked_since, channel_id"""
            )
        return tuple(_to_blocked(row) for row in rows)

    async def places(self) -> dict[int, ChannelPlace]:
        """Returns the recorded places of threads and deleted channels."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall("SELECT * FROM channel_places")
        return {
            row["channel_id"]: ChannelPlace(
                row["guild_id"],
                row["parent_id"],
                is_private=bool(row["is_private"]),
                is_deleted=bool(row["is_deleted"]),
            )
            for row in rows
        }

    async def record_places(self, places: Mapping[int, ChannelPlace]) -> frozenset[int]:
        """Records the places of those of these channels that are known to be in this server; returns these."""
        recorded = set()
        async with self._database.transaction() as connection:
            for channel_id, place in places.items():
                cursor = await connection.execute(
                    """INSERT OR REPLACE INTO channel_places (channel_id, guild_id, parent_id, is_private, is_deleted)
                       SELECT channel_id, guild_id, ?, ?, ? FROM channels WHERE channel_id = ? AND guild_id = ?""",
                    (place.parent_id, int(place.is_private), int(place.is_deleted), channel_id, place.guild_id),
                )
                recorded.update([channel_id] if cursor.rowcount else [])
        return frozenset(recorded)


def _to_blocked(row: sqlite3.Row) -> BlockedChannel:
    return BlockedChannel(
        channel_id=row["channel_id"],
        guild_id=row["guild_id"],
        reason=row["blocked_reason"],
        since=to_datetime(row["blocked_since"]),
    )
