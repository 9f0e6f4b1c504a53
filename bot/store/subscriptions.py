"""Keywords, and the channels that subscribe to them by a command, by the settings file, or by both.

Each channel has its own spelling of a keyword, the one of its first subscription.
A keyword without subscriptions stays stored, because its matches are the papers already seen, but needs a new initial
sync. A queued paper is removed together with the channel's last subscription that it matches.
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
    SELECT channel_id, guild_id, subscriptions.shown, by_file, by_command, added_by, added_at
    FROM subscriptions JOIN keywords ON keywords.id = keyword_id JOIN channels USING (channel_id)
"""


class Subscriptions:
    """The subscriptions of all channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, keyword: Keyword, channel_id: int, guild_id: int | None, *, added_by: int, now: datetime
    ) -> bool:
        """Subscribes a channel by command; returns False if it was subscribed by command already."""
        async with self._database.transaction() as connection:
            await _write_channel(connection, channel_id, guild_id)
            keyword_id = await _write_keyword(connection, keyword)
            cursor = await connection.execute(
                """INSERT INTO subscriptions (channel_id, keyword_id, shown, by_file, by_command, added_by, added_at)
                   VALUES (?, ?, ?, 0, 1, ?, ?)
                   ON CONFLICT DO UPDATE SET by_command = 1, added_by = excluded.added_by WHERE NOT by_command""",
                (channel_id, keyword_id, keyword.shown, added_by, to_text(now)),
            )
            return cursor.rowcount == 1

    async def remove(self, keyword: Keyword, channel_id: int) -> frozenset[Source]:
        """Removes the command's subscription; returns the remaining sources (none: the subscription ended).

        Raises KeyError if the channel does not subscribe to the keyword.
        """
        async with self._database.transaction() as connection:
            return await _remove(connection, channel_id, await _stored(connection, keyword, channel_id))

    async def apply_config(self, configured: Mapping[int, Collection[Keyword]], now: datetime) -> None:
        """Makes the file's subscriptions exactly `configured`."""
        async with self._database.transaction() as connection:
            await self._drop_file_subscriptions(connection, configured)
            for channel_id, keywords in configured.items():
                await _write_channel(connection, channel_id, None)
                for keyword in keywords:
                    keyword_id = await _write_keyword(connection, keyword)
                    await connection.execute(
                        """INSERT INTO subscriptions (channel_id, keyword_id, shown, by_file, by_command, added_at)
                           VALUES (?, ?, ?, 1, 0, ?) ON CONFLICT DO UPDATE SET by_file = 1""",
                        (channel_id, keyword_id, keyword.shown, to_text(now)),
                    )

    async def _drop_file_subscriptions(
        self, connection: aiosqlite.Connection, configured: Mapping[int, Collection[Keyword]]
    ) -> None:
        current = await connection.execute_fetchall(
            """SELECT channel_id, canonical, by_command FROM subscriptions
               JOIN keywords ON keywords.id = keyword_id WHERE by_file"""
        )
        kept = {(channel_id, keyword.canonical) for channel_id, keywords in configured.items() for keyword in keywords}
        for row in current:
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

    async def drop_command_subscriptions(self, channel_id: int, gone_before: datetime) -> int:
        """Ends the commands' subscriptions of a channel that is gone since `gone_before` or longer; returns how many.

        Its trending subscription ends too, and an unsettled trending post is dropped. A channel that has returned in
        the meantime keeps everything.
        """
        async with self._database.transaction() as connection:
            is_gone = "SELECT 1 FROM channels WHERE channel_id = ? AND gone_since <= ?"
            if not await connection.execute_fetchall(is_gone, (channel_id, to_text(gone_before))):
                return 0
            await connection.execute(
                "UPDATE channel_settings SET trending_min_votes = NULL, trending_since = NULL WHERE channel_id = ?",
                (channel_id,),
            )
            # It cannot be looked up any more, and a new trending subscription starts with a later day.
            await connection.execute(
                "DELETE FROM trending_posts WHERE channel_id = ? AND settled_at IS NULL", (channel_id,)
            )
            rows = await connection.execute_fetchall(
                f"{_SUBSCRIPTION} WHERE channel_id = ? AND by_command", (channel_id,)
            )
            left = [await _remove(connection, channel_id, _to_subscription(row)) for row in rows]
            return left.count(frozenset())

    async def in_channel(self, channel_id: int) -> tuple[Subscription, ...]:
        """Returns a channel's subscriptions, ordered by keyword."""
        return await self._select("WHERE channel_id = ? ORDER BY subscriptions.shown COLLATE NOCASE", (channel_id,))

    async def in_guild(self, guild_id: int) -> tuple[Subscription, ...]:
        """Returns a server's subscriptions by channel and keyword, including those of channels that are gone."""
        return await self._select(
            "WHERE guild_id = ? ORDER BY channel_id, subscriptions.shown COLLATE NOCASE", (guild_id,)
        )

    async def _select(self, clause: str, values: tuple[int, ...]) -> tuple[Subscription, ...]:
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(f"{_SUBSCRIPTION} {clause}", values)
        return tuple(_to_subscription(row) for row in rows)

    async def watched(self) -> tuple[WatchedKeyword, ...]:
        """Returns the watched keywords, with how far each is synced."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT id, shown, new_since, synced_until, previous_matcher_until FROM keywords
                   WHERE id IN (SELECT keyword_id FROM subscriptions) ORDER BY id"""
            )
        return tuple(_to_watched(row) for row in rows)

    async def find(self, keyword: Keyword) -> WatchedKeyword | None:
        """Returns the watched keyword; None if no channel subscribes to it."""
        return next((watched for watched in await self.watched() if watched.keyword == keyword), None)


async def _write_channel(connection: aiosqlite.Connection, channel_id: int, guild_id: int | None) -> None:
    await connection.execute(
        """INSERT INTO channels (channel_id, guild_id) VALUES (?, ?)
           ON CONFLICT DO UPDATE SET guild_id = coalesce(excluded.guild_id, guild_id)""",
        (channel_id, guild_id),
    )


async def _write_keyword(connection: aiosqlite.Connection, keyword: Keyword) -> int:
    """Returns the keyword's id. The first spelling stays while any channel subscribes to the keyword."""
    await connection.execute(
        """INSERT INTO keywords (canonical, shown) VALUES (?, ?)
           ON CONFLICT DO UPDATE SET shown = excluded.shown
           WHERE id NOT IN (SELECT keyword_id FROM subscriptions)""",
        (keyword.canonical, keyword.shown),
    )
    rows = await connection.execute_fetchall("SELECT id FROM keywords WHERE canonical = ?", (keyword.canonical,))
    return int(next(iter(rows))["id"])


async def _stored(connection: aiosqlite.Connection, keyword: Keyword, channel_id: int) -> Subscription:
    rows = await connection.execute_fetchall(
        f"{_SUBSCRIPTION} WHERE channel_id = ? AND canonical = ?", (channel_id, keyword.canonical)
    )
    for row in rows:
        return _to_subscription(row)
    raise KeyError(keyword.canonical)


async def _remove(connection: aiosqlite.Connection, channel_id: int, subscription: Subscription) -> frozenset[Source]:
    """Removes the command as a source; returns the remaining ones."""
    canonical = subscription.keyword.canonical
    await connection.execute(
        """UPDATE subscriptions SET by_command = 0, added_by = NULL
           WHERE by_file AND channel_id = ? AND keyword_id = (SELECT id FROM keywords WHERE canonical = ?)""",
        (channel_id, canonical),
    )
    if Source.FILE not in subscription.sources:
        await _end(connection, channel_id, canonical)
    return subscription.sources - {Source.COMMAND}


async def _end(connection: aiosqlite.Connection, channel_id: int, canonical: str) -> None:
    """Ends a subscription, and removes its queued papers unless another keyword of the channel matches them."""
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
    flags = {Source.FILE: row["by_file"], Source.COMMAND: row["by_command"]}
    return Subscription(
        channel_id=row["channel_id"],
        guild_id=row["guild_id"],
        keyword=Keyword.parse(row["shown"]),
        sources=frozenset(source for source, is_set in flags.items() if is_set),
        added_by=row["added_by"],
        added_at=to_datetime(row["added_at"]),
    )


def _to_watched(row: sqlite3.Row) -> WatchedKeyword:
    return WatchedKeyword(
        id=row["id"],
        keyword=Keyword.parse(row["shown"]),
        new_since=to_datetime_or_none(row["new_since"]),
        synced_until=to_datetime_or_none(row["synced_until"]),
        previous_matcher_until=to_datetime_or_none(row["previous_matcher_until"]),
    )
