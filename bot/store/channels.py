"""What is known of a mapped channel: its server, why it cannot be posted in, until when it rests."""

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime

from bot.domain.outgoing import Blocked
from bot.domain.subscription import BlockedChannel, BlockedNotice
from bot.store.codecs import to_datetime, to_text
from bot.store.database import Database

_SUBSCRIBED = """(channel_id IN (SELECT channel_id FROM subscriptions)
              OR channel_id IN (SELECT channel_id FROM channel_settings WHERE trending_min_votes IS NOT NULL))"""


class Channels:
    """The channels that have or had subscriptions, or get the days' lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_guild(self, guild_id: int, channel_ids: Collection[int]) -> None:
        """Remember which of the mapped channels belong to a server: the file names channels alone."""
        async with self._database.transaction() as connection:
            await connection.execute(
                """UPDATE channels SET guild_id = ?1 WHERE guild_id IS NOT ?1
                   AND channel_id IN (SELECT value FROM json_each(?2))""",
                (guild_id, json.dumps(list(channel_ids))),
            )

    async def subscribed(self, guild_id: int | None = None) -> tuple[int, ...]:
        """The ids of the channels that are posted to: all, or those of a server and of no known one."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id FROM channels
                    WHERE {_SUBSCRIBED} AND (?1 IS NULL OR guild_id IS NULL OR guild_id = ?1) ORDER BY channel_id""",
                (guild_id,),
            )
        return tuple(row["channel_id"] for row in rows)

    async def block(self, channel_id: int, blocked: Blocked, *, now: datetime, not_before: datetime) -> bool:
        """Say why nothing can be posted in a channel, and when to look again; True when the reason is news."""
        values = {
            "channel": channel_id,
            "reason": blocked.reason,
            "gone": blocked.gone,
            "now": to_text(now),
            "not_before": to_text(not_before),
        }
        async with self._database.transaction() as connection:
            news = await connection.execute(
                """UPDATE channels SET blocked_reason = :reason, blocked_since = coalesce(blocked_since, :now)
                   WHERE channel_id = :channel AND blocked_reason IS NOT :reason""",
                values,
            )
            await connection.execute(
                """UPDATE channels SET not_before = :not_before,
                   gone_since = CASE WHEN :gone THEN coalesce(gone_since, :now) END WHERE channel_id = :channel""",
                values,
            )
            return news.rowcount == 1

    async def unblock(self, channel_id: int) -> bool:
        """The channel can be posted in; True when that is news."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                """UPDATE channels SET blocked_reason = NULL, blocked_since = NULL, not_before = NULL, gone_since = NULL
                   WHERE channel_id = ? AND blocked_reason IS NOT NULL""",
                (channel_id,),
            )
            return cursor.rowcount == 1

    async def pending_notices(self, notified_before: datetime) -> tuple[BlockedNotice, ...]:
        """The paused channels that nobody was told of since they were paused, nor after `notified_before`."""
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
        """Somebody was told of the channel's obstacle, or nobody is there to be told."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE channels SET notified_at = ? WHERE channel_id = ?", (to_text(now), channel_id)
            )

    async def gone(self, since: datetime) -> tuple[int, ...]:
        """The mapped channels that are gone since then or longer."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT channel_id FROM channels WHERE gone_since <= ? AND {_SUBSCRIBED} ORDER BY channel_id",
                (to_text(since),),
            )
        return tuple(row["channel_id"] for row in rows)

    async def back_off(self, channel_id: int, not_before: datetime) -> None:
        """Try nothing in this channel before then."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE channels SET not_before = ? WHERE channel_id = ?", (to_text(not_before), channel_id)
            )

    async def blocked_channels(self) -> tuple[BlockedChannel, ...]:
        """The mapped channels that cannot be posted in, longest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id, guild_id, blocked_reason, blocked_since FROM channels
                    WHERE blocked_reason IS NOT NULL AND {_SUBSCRIBED} ORDER BY blocked_since, channel_id"""
            )
        return tuple(_to_blocked(row) for row in rows)


def _to_blocked(row: sqlite3.Row) -> BlockedChannel:
    return BlockedChannel(
        channel_id=row["channel_id"],
        guild_id=row["guild_id"],
        reason=row["blocked_reason"],
        since=to_datetime(row["blocked_since"]),
    )
