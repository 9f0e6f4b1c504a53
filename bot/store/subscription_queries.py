"""Reads subscriptions and watched keywords.

No query of a request returns all watched keywords; those of a poll do. Rows become values in a thread, because large
servers have thousands of them.
"""

import asyncio
import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

from bot.domain.keyword import Keyword
from bot.domain.subscription import Source, Spelling, Subscription, WatchedKeyword
from bot.store.codecs import to_datetime, to_datetime_or_none
from bot.store.database import Database
from bot.store.keyword_cache import KeywordCache

_SUBSCRIPTION = """
    SELECT channel_id, guild_id, shown, by_file, by_command, added_by, added_at
    FROM channels CROSS JOIN subscriptions USING (channel_id)
"""


class SubscriptionQueries:
    """Everything that can be asked about subscriptions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._parsed = KeywordCache().get
        self._version = 0

    @property
    def version(self) -> int:
        """A number that changes with each change of the subscriptions by this object."""
        return self._version

    def _changed(self) -> None:
        self._version += 1

    async def in_channel(self, channel_id: int, limit: int = -1) -> tuple[Subscription, ...]:
        """Returns a channel's subscriptions, ordered by keyword; the first `limit` of them unless it is negative."""
        return await self._select("WHERE channel_id = ? ORDER BY shown COLLATE NOCASE LIMIT ?", (channel_id, limit))

    async def in_channels(
        self, guild_id: int, channel_ids: Collection[int], offset: int, limit: int
    ) -> tuple[Subscription, ...]:
        """Returns part of the subscriptions of a server's channels, by channel and keyword."""
        return await self._select(
            """WHERE guild_id = ? AND channel_id IN (SELECT value FROM json_each(?))
               ORDER BY channel_id, shown COLLATE NOCASE LIMIT ? OFFSET ?""",
            (guild_id, json.dumps(list(channel_ids)), limit, offset),
        )

    async def keywords_per_channel(self, guild_id: int) -> Mapping[int, int]:
        """Returns how many keywords each channel of a server has; a channel without keywords is missing."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT channel_id, count(*) AS keywords FROM channels CROSS JOIN subscriptions USING (channel_id)
                   WHERE guild_id = ? GROUP BY channel_id ORDER BY channel_id""",
                (guild_id,),
            )
        return {row["channel_id"]: row["keywords"] for row in rows}

    async def spellings(self, guild_id: int) -> Sequence[Spelling]:
        """Returns the keywords of a server by channel, as its channels spell them, without parsing them."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT channel_id, subscriptions.shown, canonical FROM channels
                   CROSS JOIN subscriptions USING (channel_id) JOIN keywords ON keywords.id = keyword_id
                   WHERE guild_id = ? ORDER BY channel_id, subscriptions.shown COLLATE NOCASE""",
                (guild_id,),
            )
        return await asyncio.to_thread(lambda: [Spelling(*row) for row in rows])

    async def _select(self, clause: str, values: tuple[int | str, ...]) -> tuple[Subscription, ...]:
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(f"{_SUBSCRIPTION} {clause}", values)
        return await asyncio.to_thread(lambda: tuple(map(self._to_subscription, rows)))

    async def watched(self) -> tuple[WatchedKeyword, ...]:
        """Returns the watched keywords, with how far each is synced."""
        return await self._watched("")

    async def synced(self) -> tuple[WatchedKeyword, ...]:
        """Returns the watched keywords whose initial sync is complete."""
        return await self._watched("AND synced_until IS NOT NULL")

    async def unsynced(self) -> tuple[WatchedKeyword, ...]:
        """Returns the watched keywords that wait for their initial sync."""
        return await self._watched("AND synced_until IS NULL")

    async def find(self, keyword: Keyword) -> WatchedKeyword | None:
        """Returns the watched keyword; None if no channel subscribes to it."""
        return next(iter(await self._watched("AND canonical = ?", keyword.canonical)), None)

    async def _watched(self, clause: str, *values: str) -> tuple[WatchedKeyword, ...]:
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT id, shown, new_since, synced_until, previous_matcher_until FROM keywords
                   WHERE id IN (SELECT keyword_id FROM subscriptions) {clause} ORDER BY id""",
                values,
            )
        # In a thread, because 10,000 rows take 40 ms, and longer if their keywords have to be parsed.
        return await asyncio.to_thread(lambda: tuple(map(self._to_watched, rows)))

    async def has_watched(self) -> bool:
        """Returns whether any keyword is watched."""
        return await self._exists("SELECT 1 FROM subscriptions")

    async def has_synced(self) -> bool:
        """Returns whether the initial sync of any watched keyword is complete."""
        return await self._exists(
            "SELECT 1 FROM keywords WHERE synced_until IS NOT NULL AND id IN (SELECT keyword_id FROM subscriptions)"
        )

    async def has_unsynced(self, keywords: Iterable[Keyword]) -> bool:
        """Returns whether any of these keywords is watched and waits for its initial sync."""
        return await self._exists(
            """SELECT 1 FROM json_each(?) CROSS JOIN keywords ON canonical = value
               WHERE synced_until IS NULL AND keywords.id IN (SELECT keyword_id FROM subscriptions)""",
            _canonical_forms(keywords),
        )

    async def is_subscribed(self, channel_id: int) -> bool:
        """Returns whether a channel has a subscription."""
        return await self._exists("SELECT 1 FROM subscriptions WHERE channel_id = ?", channel_id)

    async def _exists(self, query: str, *values: int | str) -> bool:
        async with self._database.reading() as connection:
            return bool(await connection.execute_fetchall(f"{query} LIMIT 1", values))

    async def unsynced_in_guild(self, guild_id: int) -> Sequence[tuple[int, int]]:
        """Returns the channel and the keyword's id of each subscription of a server that waits for its initial sync."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT channel_id, keyword_id FROM channels CROSS JOIN subscriptions USING (channel_id)
                   JOIN keywords ON keywords.id = keyword_id WHERE guild_id = ? AND synced_until IS NULL""",
                (guild_id,),
            )
        return [(row["channel_id"], row["keyword_id"]) for row in rows]

    async def ids(self, keywords: Iterable[Keyword]) -> tuple[int, ...]:
        """Returns the ids of those of these keywords that are watched."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT keywords.id FROM json_each(?) CROSS JOIN keywords ON canonical = value
                   WHERE keywords.id IN (SELECT keyword_id FROM subscriptions) ORDER BY keywords.id""",
                (_canonical_forms(keywords),),
            )
        return tuple(row["id"] for row in rows)

    async def by_ids(self, channel_id: int, keyword_ids: Iterable[int]) -> tuple[Keyword, ...]:
        """Returns the keywords with these ids, ordered by id; ids of keywords that the channel lacks are ignored."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT shown FROM subscriptions
                   WHERE channel_id = ? AND keyword_id IN (SELECT value FROM json_each(?)) ORDER BY keyword_id""",
                (channel_id, json.dumps(list(keyword_ids))),
            )
        return tuple(self._parsed(row["shown"]) for row in rows)

    def _to_subscription(self, row: sqlite3.Row) -> Subscription:
        return Subscription(
            channel_id=row["channel_id"],
            guild_id=row["guild_id"],
            keyword=self._parsed(row["shown"]),
            sources=sources_of(row),
            added_by=row["added_by"],
            added_at=to_datetime(row["added_at"]),
        )

    def _to_watched(self, row: sqlite3.Row) -> WatchedKeyword:
        return WatchedKeyword(
            id=row["id"],
            keyword=self._parsed(row["shown"]),
            new_since=to_datetime_or_none(row["new_since"]),
            synced_until=to_datetime_or_none(row["synced_until"]),
            previous_matcher_until=to_datetime_or_none(row["previous_matcher_until"]),
        )


def _canonical_forms(keywords: Iterable[Keyword]) -> str:
    return json.dumps([keyword.canonical for keyword in keywords])


def sources_of(row: sqlite3.Row) -> frozenset[Source]:
    """Returns where the subscription of a row comes from."""
    flags = {Source.FILE: row["by_file"], Source.COMMAND: row["by_command"]}
    return frozenset(source for source, is_set in flags.items() if is_set)
