"""Keywords, and the channels that subscribe to them by a command, by the settings file, or by both.

Each channel has its own spelling of a keyword, the one of its first subscription.
A keyword without subscriptions stays stored, because its matches are the papers already seen, but needs a new initial
sync. A queued paper is removed together with the channel's last subscription that it matches.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from bot.domain.keyword import Keyword
from bot.domain.subscription import (
    UNLIMITED,
    Added,
    AddResult,
    AlreadyWatched,
    QuotaExceeded,
    Quotas,
    QuotaScope,
    Source,
)
from bot.store.codecs import to_text
from bot.store.connection import Connection
from bot.store.outbox import drop_unmatched
from bot.store.subscription_queries import SubscriptionQueries, sources_of


class Subscriptions(SubscriptionQueries):
    """The subscriptions of all channels."""

    async def add_all(
        self,
        keywords: Sequence[Keyword],
        channel_id: int,
        guild_id: int,
        *,
        added_by: int,
        now: datetime,
        quotas: Quotas = UNLIMITED,
    ) -> tuple[AddResult, ...]:
        """Subscribes a channel by command to the keywords that fit, first come first served, in one transaction.

        Keywords in the settings file do not count. Those that the channel has already always fit.
        """
        results: list[AddResult] = []
        async with self._database.transaction() as connection:
            used = await _used(connection, channel_id, guild_id)
            for keyword in keywords:
                before = await _find(connection, keyword, channel_id)
                if before is None and (exceeded := _exceeded(keyword, used, quotas)) is not None:
                    results.append(exceeded)
                    continue
                await _add(connection, keyword, channel_id, guild_id, added_by, now)
                if before is not None:
                    results.append(AlreadyWatched(self._parsed(before["shown"])))
                    continue
                results.append(Added(keyword))
                used = {scope: count + 1 for scope, count in used.items()}
        self._changed()
        return tuple(results)

    async def remove(self, keyword: Keyword, channel_id: int) -> frozenset[Source]:
        """Removes the command's subscription; returns the remaining sources (none: the subscription ended).

        Raises KeyError if the channel does not subscribe to the keyword.
        """
        async with self._database.transaction() as connection:
            subscription = await _find(connection, keyword, channel_id)
            if subscription is None:
                raise KeyError(keyword.canonical)
            left = await _remove(connection, channel_id, keyword.canonical, sources_of(subscription))
        self._changed()
        return left

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
        self._changed()

    async def _drop_file_subscriptions(
        self, connection: Connection, configured: Mapping[int, Collection[Keyword]]
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
                """SELECT canonical, by_file, by_command FROM subscriptions
                   JOIN keywords ON keywords.id = keyword_id WHERE channel_id = ? AND by_command""",
                (channel_id,),
            )
            left = [await _remove(connection, channel_id, row["canonical"], sources_of(row)) for row in rows]
        self._changed()
        return left.count(frozenset())


async def _write_channel(connection: Connection, channel_id: int, guild_id: int | None) -> None:
    await connection.execute(
        """INSERT INTO channels (channel_id, guild_id) VALUES (?, ?)
           ON CONFLICT DO UPDATE SET guild_id = coalesce(excluded.guild_id, guild_id)""",
        (channel_id, guild_id),
    )


async def _write_keyword(connection: Connection, keyword: Keyword) -> int:
    """Returns the keyword's id. The first spelling stays while any channel subscribes to the keyword."""
    await connection.execute(
        """INSERT INTO keywords (canonical, shown) VALUES (?, ?)
           ON CONFLICT DO UPDATE SET shown = excluded.shown
           WHERE id NOT IN (SELECT keyword_id FROM subscriptions)""",
        (keyword.canonical, keyword.shown),
    )
    rows = await connection.execute_fetchall("SELECT id FROM keywords WHERE canonical = ?", (keyword.canonical,))
    return int(next(iter(rows))["id"])


async def _find(connection: Connection, keyword: Keyword, channel_id: int) -> sqlite3.Row | None:
    """Returns the channel's subscription to the keyword, if any."""
    rows = await connection.execute_fetchall(
        """SELECT subscriptions.shown, by_file, by_command FROM subscriptions
           JOIN keywords ON keywords.id = keyword_id WHERE channel_id = ? AND canonical = ?""",
        (channel_id, keyword.canonical),
    )
    return next(iter(rows), None)


async def _add(
    connection: Connection,
    keyword: Keyword,
    channel_id: int,
    guild_id: int | None,
    added_by: int,
    now: datetime,
) -> None:
    await _write_channel(connection, channel_id, guild_id)
    keyword_id = await _write_keyword(connection, keyword)
    await connection.execute(
        """INSERT INTO subscriptions (channel_id, keyword_id, shown, by_file, by_command, added_by, added_at)
           VALUES (?, ?, ?, 0, 1, ?, ?)
           ON CONFLICT DO UPDATE SET by_command = 1, added_by = excluded.added_by WHERE NOT by_command""",
        (channel_id, keyword_id, keyword.shown, added_by, to_text(now)),
    )


async def _used(connection: Connection, channel_id: int, guild_id: int) -> Mapping[QuotaScope, int]:
    """Counts the subscriptions of a channel and of its server; those in the settings file do not count."""
    rows = await connection.execute_fetchall(
        """SELECT count(*) FILTER (WHERE channel_id = :channel) AS in_channel, count(*) AS in_guild
           FROM channels CROSS JOIN subscriptions USING (channel_id)
           WHERE (guild_id = :guild OR channel_id = :channel) AND NOT by_file""",
        {"channel": channel_id, "guild": guild_id},
    )
    (row,) = rows
    return {QuotaScope.CHANNEL: row["in_channel"], QuotaScope.SERVER: row["in_guild"]}


def _exceeded(keyword: Keyword, used: Mapping[QuotaScope, int], quotas: Quotas) -> QuotaExceeded | None:
    """Returns the quota that a further keyword would exceed."""
    limits = {QuotaScope.CHANNEL: quotas.per_channel, QuotaScope.SERVER: quotas.per_server}
    exceeded = (QuotaExceeded(keyword, scope, used[scope], limits[scope]) for scope in QuotaScope)
    return next((each for each in exceeded if each.used >= each.limit), None)


async def _remove(
    connection: Connection, channel_id: int, canonical: str, sources: frozenset[Source]
) -> frozenset[Source]:
    """Removes the command as a source; returns the remaining ones."""
    await connection.execute(
        """UPDATE subscriptions SET by_command = 0, added_by = NULL
           WHERE by_file AND channel_id = ? AND keyword_id = (SELECT id FROM keywords WHERE canonical = ?)""",
        (channel_id, canonical),
    )
    if Source.FILE not in sources:
        await _end(connection, channel_id, canonical)
    return sources - {Source.COMMAND}


async def _end(connection: Connection, channel_id: int, canonical: str) -> None:
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
