"""What is known of a mapped channel: its server, why it cannot be posted in, until when it rests."""

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime

from bot.domain.subscription import PausedChannel
from bot.store.columns import to_moment, to_text
from bot.store.database import Database

_MAPPED = "channel_id IN (SELECT channel_id FROM subscriptions)"


class Channels:
    """The channels that have or had subscriptions."""

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
        """The ids of the channels that have a subscription: all, or those of a server and of no known one."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT channel_id FROM channels
                    WHERE {_MAPPED} AND (?1 IS NULL OR guild_id IS NULL OR guild_id = ?1) ORDER BY channel_id""",
                (guild_id,),
            )
        return tuple(row["channel_id"] for row in rows)

    async def pause(self, channel_id: int, obstacle: str, *, now: datetime, not_before: datetime) -> bool:
        """Say why nothing can be posted in a channel, and when to look again; True when the reason is news."""
        async with self._database.transaction() as connection:
            news = await connection.execute(
                """UPDATE channels SET obstacle = ?, obstacle_since = coalesce(obstacle_since, ?)
                   WHERE channel_id = ? AND obstacle IS NOT ?""",
                (obstacle, to_text(now), channel_id, obstacle),
            )
            await connection.execute(
                "UPDATE channels SET not_before = ? WHERE channel_id = ?", (to_text(not_before), channel_id)
            )
            return news.rowcount == 1

    async def resume(self, channel_id: int) -> bool:
        """The channel can be posted in; True when that is news."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                """UPDATE channels SET obstacle = NULL, obstacle_since = NULL, not_before = NULL
                   WHERE channel_id = ? AND obstacle IS NOT NULL""",
                (channel_id,),
            )
            return cursor.rowcount == 1

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
