"""Keywords, the channels they are mapped to, and who asked for it.

A keyword without subscriptions stays known (its matches are seen ids) but counts as unread; an unsent paper that no
keyword of its channel holds any more goes with the last subscription that held it.
"""

import sqlite3
from collections.abc import Collection, Mapping
from datetime import datetime

import aiosqlite

from bot.domain.keyword import Keyword
from bot.domain.subscription import Source, Subscription, WatchedKeyword
from bot.store.codecs import to_datetime, to_datetime_or_none, to_text
from bot.store.database import Database
from bot.store.outbox import drop_unmatched

_SUBSCRIPTION = """
    SELECT channel_id, guild_id, shown, by_file, by_command, added_by, added_at
    FROM subscriptions JOIN keywords ON keywords.id = keyword_id JOIN channels USING (channel_id)
"""


class Subscriptions:
    """Who watches what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, keyword: Keyword, channel_id: int, guild_id: int | None, *, added_by: int, now: datetime
    ) -> bool:
        """Subscribe a channel by command; False when the command had subscribed it already."""
        async with self._database.transaction() as connection:
            await _write_channel(connection, channel_id, guild_id)
            keyword_id = await _write_keyword(connection, keyword)
            cursor = await connection.execute(
                """INSERT INTO subscriptions (channel_id, keyword_id, by_file, by_command, added_by, added_at)
                   VALUES (?, ?, 0, 1, ?, ?)
                   ON CONFLICT DO UPDATE SET by_command = 1, added_by = excluded.added_by WHERE NOT by_command""",
                (channel_id, keyword_id, added_by, to_text(now)),
            )
            return cursor.rowcount == 1

    async def remove(self, keyword: Keyword, channel_id: int) -> frozenset[Source]:
        """Take the command's wish back; returns who still wants the subscription (empty: it has ended).

        Raises KeyError when the channel does not subscribe to the keyword.
        """
        async with self._database.transaction() as connection:
            sources = await _sources(connection, keyword, channel_id)
            await connection.execute(
                """UPDATE subscriptions SET by_command = 0, added_by = NULL
                   WHERE by_file AND channel_id = ? AND keyword_id = (SELECT id FROM keywords WHERE canonical = ?)""",
                (channel_id, keyword.canonical),
            )
            if Source.FILE not in sources:
                await _end(connection, channel_id, keyword.canonical)
            return sources - {Source.COMMAND}

    async def apply_config(self, wanted: Mapping[int, Collection[Keyword]], now: datetime) -> None:
        """Make the file's subscriptions what the file wants now: no more, no less."""
        async with self._database.transaction() as connection:
            await self._drop_what_the_file_left_out(connection, wanted)
            for channel_id, keywords in wanted.items():
                await _write_channel(connection, channel_id, None)
                for keyword in keywords:
                    keyword_id = await _write_keyword(connection, keyword)
                    await connection.execute(
                        """INSERT INTO subscriptions (channel_id, keyword_id, by_file, by_command, added_at)
                           VALUES (?, ?, 1, 0, ?) ON CONFLICT DO UPDATE SET by_file = 1""",
                        (channel_id, keyword_id, to_text(now)),
                    )

    async def _drop_what_the_file_left_out(
        self, connection: aiosqlite.Connection, wanted: Mapping[int, Collection[Keyword]]
    ) -> None:
        held = await connection.execute_fetchall(
            """SELECT channel_id, canonical, by_command FROM subscriptions
               JOIN keywords ON keywords.id = keyword_id WHERE by_file"""
        )
        kept = {(channel_id, keyword.canonical) for channel_id, keywords in wanted.items() for keyword in keywords}
        for row in held:
            if (row["channel_id"], row["canonical"]) in kept:
                continue
            if not row["by_command"]:
                await _end(connection, row["channel_id"], row["canonical"])
                continue
            await connection.execute(
                """UPDATE subscriptions SET by_file = 0
                   WHERE channel_id = ? AND keyword_id = (SELECT id FROM keywords WHERE canonical = ?)""",
                (row["channel_id"], row["canonical"]),
            )

    async def drop_command_subscriptions(self, channel_id: int) -> int:
        """End what commands wanted in a channel that is gone for good; returns how many subscriptions ended.

        The days' lists end with them, and one of which it is not known whether it arrived is given up.
        """
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE channel_settings SET trending_min_votes = NULL, trending_since = NULL WHERE channel_id = ?",
                (channel_id,),
            )
            # Nobody can look whether it is there, and who asks again wants later days' lists.
            await connection.execute(
                "DELETE FROM trending_posts WHERE channel_id = ? AND settled_at IS NULL", (channel_id,)
            )
        ended = 0
        for subscription in await self.in_channel(channel_id):
            if Source.COMMAND in subscription.sources:
                ended += not await self.remove(subscription.keyword, channel_id)
        return ended

    async def in_channel(self, channel_id: int) -> tuple[Subscription, ...]:
        """A channel's subscriptions, by keyword."""
        return await self._select("WHERE channel_id = ? ORDER BY canonical", (channel_id,))

    async def in_guild(self, guild_id: int) -> tuple[Subscription, ...]:
        """A server's subscriptions, by channel and keyword; those of channels that are gone too."""
        return await self._select("WHERE guild_id = ? ORDER BY channel_id, canonical", (guild_id,))

    async def _select(self, clause: str, values: tuple[int, ...]) -> tuple[Subscription, ...]:
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(f"{_SUBSCRIPTION} {clause}", values)
        return tuple(_to_subscription(row) for row in rows)

    async def watched(self) -> tuple[WatchedKeyword, ...]:
        """Every keyword that a channel subscribes to, with how far it was read."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT id, shown, new_since, synced_until FROM keywords
                   WHERE id IN (SELECT keyword_id FROM subscriptions) ORDER BY id"""
            )
        return tuple(_to_watched(row) for row in rows)

    async def find(self, keyword: Keyword) -> WatchedKeyword | None:
        """The keyword as it is watched; None when no channel subscribes to it."""
        return next((watched for watched in await self.watched() if watched.keyword == keyword), None)


async def _write_channel(connection: aiosqlite.Connection, channel_id: int, guild_id: int | None) -> None:
    await connection.execute(
        """INSERT INTO channels (channel_id, guild_id) VALUES (?, ?)
           ON CONFLICT DO UPDATE SET guild_id = coalesce(excluded.guild_id, guild_id)""",
        (channel_id, guild_id),
    )


async def _write_keyword(connection: aiosqlite.Connection, keyword: Keyword) -> int:
    """The keyword's id; it is shown as it was first typed while anybody subscribes to it."""
    await connection.execute(
        """INSERT INTO keywords (canonical, shown) VALUES (?, ?)
           ON CONFLICT DO UPDATE SET shown = excluded.shown
           WHERE id NOT IN (SELECT keyword_id FROM subscriptions)""",
        (keyword.canonical, keyword.shown),
    )
    rows = await connection.execute_fetchall("SELECT id FROM keywords WHERE canonical = ?", (keyword.canonical,))
    return int(next(iter(rows))["id"])


async def _sources(connection: aiosqlite.Connection, keyword: Keyword, channel_id: int) -> frozenset[Source]:
    rows = await connection.execute_fetchall(
        f"{_SUBSCRIPTION} WHERE channel_id = ? AND canonical = ?", (channel_id, keyword.canonical)
    )
    for row in rows:
        return _to_subscription(row).sources
    raise KeyError(keyword.canonical)


async def _end(connection: aiosqlite.Connection, channel_id: int, canonical: str) -> None:
    """End a subscription: its unsent papers go unless another keyword of the channel holds them."""
    values = {"channel": channel_id, "canonical": canonical}
    await connection.execute(
        """DELETE FROM subscriptions WHERE channel_id = :channel
           AND keyword_id = (SELECT id FROM keywords WHERE canonical = :canonical)""",
        values,
    )
    await drop_unmatched(connection, channel_id)
    await connection.execute(
        """UPDATE keywords SET synced_until = NULL
           WHERE canonical = :canonical AND id NOT IN (SELECT keyword_id FROM subscriptions)""",
        values,
    )


def _to_subscription(row: sqlite3.Row) -> Subscription:
    by = {Source.FILE: row["by_file"], Source.COMMAND: row["by_command"]}
    return Subscription(
        channel_id=row["channel_id"],
        guild_id=row["guild_id"],
        keyword=Keyword.parse(row["shown"]),
        sources=frozenset(source for source, wants in by.items() if wants),
        added_by=row["added_by"],
        added_at=to_datetime(row["added_at"]),
    )


def _to_watched(row: sqlite3.Row) -> WatchedKeyword:
    return WatchedKeyword(
        id=row["id"],
        keyword=Keyword.parse(row["shown"]),
        new_since=to_datetime_or_none(row["new_since"]),
        synced_until=to_datetime_or_none(row["synced_until"]),
    )
