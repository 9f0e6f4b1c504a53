"""What is known of a mapped channel: its server, why it cannot be posted in, until when it rests."""

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime

from bot.domain.post import Obstructed
from bot.domain.subscription import Notice, PausedChannel
from bot.store.columns import to_moment, to_text
from bot.store.database import Database

_MAPPED = """(channel_id IN (SELECT channel_id FROM subscriptions)
              OR channel_id IN (SELECT channel_id FROM preferences WHERE trending_votes IS NOT NULL))"""


class Channels:
    """The channels that have or had subscriptions, or get the days' lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def learn_guild(self, guild_id: int, channel_ids: Collection[int]) -> None:
        """Remember which of the mapped channels belong to a server: the file names channels alone."""
        async with self._database.transaction() as connection:
            await connection.execute(
                """UPDATE channels SET guild_id = ?1 WHERE guild_id IS NOT ?1
                   AND channel_id IN (SELECT value FROM json_each(?2))""",
                (guild_id, json.dumps(list(channel_ids))),
            )

    async def mapped(self, guild_id: int | None = None) -> tuple[int, ...]:
        """The ids of the channels that are posted to: all, or those of a server and of no known one."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id FROM channels
                    WHERE {_MAPPED} AND (?1 IS NULL OR guild_id IS NULL OR guild_id = ?1) ORDER BY channel_id""",
                (guild_id,),
            )
        return tuple(row["channel_id"] for row in rows)

    async def pause(self, channel_id: int, obstacle: Obstructed, *, now: datetime, not_before: datetime) -> bool:
        """Say why nothing can be posted in a channel, and when to look again; True when the reason is news."""
        values = {
            "channel": channel_id,
            "reason": obstacle.reason,
            "gone": obstacle.gone,
            "now": to_text(now),
            "not_before": to_text(not_before),
        }
        async with self._database.transaction() as connection:
            news = await connection.execute(
                """UPDATE channels SET obstacle = :reason, obstacle_since = coalesce(obstacle_since, :now)
                   WHERE channel_id = :channel AND obstacle IS NOT :reason""",
                values,
            )
            await connection.execute(
                """UPDATE channels SET not_before = :not_before,
                   gone_since = CASE WHEN :gone THEN coalesce(gone_since, :now) END WHERE channel_id = :channel""",
                values,
            )
            return news.rowcount == 1

    async def resume(self, channel_id: int) -> bool:
        """The channel can be posted in; True when that is news."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                """UPDATE channels SET obstacle = NULL, obstacle_since = NULL, not_before = NULL, gone_since = NULL
                   WHERE channel_id = ? AND obstacle IS NOT NULL""",
                (channel_id,),
            )
            return cursor.rowcount == 1

    async def untold(self, told_before: datetime) -> tuple[Notice, ...]:
        """The paused channels that nobody was told of since they were paused, nor after `told_before`."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id, guild_id, obstacle,
                           (SELECT added_by FROM subscriptions WHERE subscriptions.channel_id = channels.channel_id
                            AND added_by IS NOT NULL ORDER BY added_at LIMIT 1) AS subscriber
                    FROM channels WHERE obstacle IS NOT NULL AND {_MAPPED}
                    AND (told_at IS NULL OR told_at < obstacle_since AND told_at < ?) ORDER BY channel_id""",
                (to_text(told_before),),
            )
        return tuple(Notice(row["channel_id"], row["guild_id"], row["obstacle"], row["subscriber"]) for row in rows)

    async def told(self, channel_id: int, now: datetime) -> None:
        """Somebody was told of the channel's obstacle, or nobody is there to be told."""
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE channels SET told_at = ? WHERE channel_id = ?", (to_text(now), channel_id))

    async def gone(self, since: datetime) -> tuple[int, ...]:
        """The mapped channels that are gone since then or longer."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT channel_id FROM channels WHERE gone_since <= ? AND {_MAPPED} ORDER BY channel_id",
                (to_text(since),),
            )
        return tuple(row["channel_id"] for row in rows)

    async def rest(self, channel_id: int, not_before: datetime) -> None:
        """Try nothing in this channel before then."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE channels SET not_before = ? WHERE channel_id = ?", (to_text(not_before), channel_id)
            )

    async def paused(self) -> tuple[PausedChannel, ...]:
        """The mapped channels that cannot be posted in, longest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id, guild_id, obstacle, obstacle_since FROM channels
                    WHERE obstacle IS NOT NULL AND {_MAPPED} ORDER BY obstacle_since, channel_id"""
            )
        return tuple(_to_paused(row) for row in rows)


def _to_paused(row: sqlite3.Row) -> PausedChannel:
    return PausedChannel(
        channel_id=row["channel_id"],
        guild_id=row["guild_id"],
        reason=row["obstacle"],
        since=to_moment(row["obstacle_since"]),
    )
