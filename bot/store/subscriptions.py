"""Keywords, and the channels that subscribe to them by a command, by the settings file, or by both.

Each channel has its own spelling of a keyword, the one of its first subscription.
A keyword without subscriptions stays stored, because its matches are the papers already seen, but needs a new initial
sync. A queued paper is removed together with the channel's last subscription that it matches.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.domain.keyword import Keyword
from bot.domain.subscription import (
    UNLIMITED,
    Added,
    AddResult,
    AlreadyWatched,
    QuotaExceeded,
    Quotas,
    QuotaScope,
    Renamed,
    Source,
)
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.expressions import listed
from bot.store.schema import channel_settings, channels, keywords, subscriptions, trending_posts
from bot.store.subscription_queries import SubscriptionQueries, sources_of
from bot.store.subscription_writes import (
    add_by_command,
    add_by_file,
    drop_source,
    rename,
    set_roles,
    write_channel,
    write_channels,
)

_CHANNEL: Final = sa.bindparam("channel", type_=Id)
_GUILD: Final = sa.bindparam("guild", type_=Id)

_SOURCES: Final = sa.select(
    subscriptions.c.channel_id,
    subscriptions.c.keyword_id,
    keywords.c.canonical,
    subscriptions.c.shown,
    subscriptions.c.by_file,
    subscriptions.c.by_command,
).join_from(subscriptions, keywords, subscriptions.c.keyword_id == keywords.c.id)
_BY_FILE: Final = _SOURCES.where(subscriptions.c.by_file)
_BY_COMMAND: Final = _SOURCES.where(subscriptions.c.channel_id == _CHANNEL, subscriptions.c.by_command)
_FIND: Final = _SOURCES.where(
    subscriptions.c.channel_id == _CHANNEL, keywords.c.canonical == sa.bindparam("canonical", type_=Text)
)
_IS_IN_CHANNEL: Final = subscriptions.c.channel_id == _CHANNEL
_USED: Final = sa.select(
    sa.func.count().filter(_IS_IN_CHANNEL).label("in_channel"), sa.func.count().label("in_guild")
).where(
    sa.or_(
        _IS_IN_CHANNEL,
        subscriptions.c.channel_id.in_(sa.select(channels.c.channel_id).where(channels.c.guild_id == _GUILD)),
    ),
    ~subscriptions.c.by_file,
)
_SET_ROLE: Final = (
    sa.update(subscriptions)
    .where(
        _IS_IN_CHANNEL,
        subscriptions.c.keyword_id
        == sa.select(keywords.c.id)
        .where(keywords.c.canonical == sa.bindparam("canonical", type_=Text))
        .scalar_subquery(),
    )
    .values(mention_role=sa.bindparam("role", type_=Id))
)
_IS_GONE: Final = sa.select(
    sa.exists().where(
        channels.c.channel_id == _CHANNEL, channels.c.gone_since <= sa.bindparam("gone_before", type_=Utc)
    )
)
_END_TRENDING: Final = (
    sa.update(channel_settings)
    .where(channel_settings.c.channel_id == _CHANNEL)
    .values(trending_min_votes=None, trending_since=None)
)
# It cannot be looked up any more, and a new trending subscription starts with a later day.
_DROP_UNSETTLED_TRENDING_POST: Final = sa.delete(trending_posts).where(
    trending_posts.c.channel_id == _CHANNEL, trending_posts.c.settled_at.is_(None)
)


class Subscriptions(SubscriptionQueries):
    """The subscriptions of all channels."""

    def note_change(self) -> None:
        """Counts a change that another class of the store made."""
        self._changed()

    async def add_all(
        self,
        keywords: Sequence[Keyword],
        channel_id: int,
        guild_id: int,
        *,
        added_by: int,
        now: datetime,
        quotas: Quotas = UNLIMITED,
        mention_role: int | None = None,
    ) -> tuple[AddResult, ...]:
        """Subscribes a channel by command to the keywords that fit, first come first served, in one transaction.

        Keywords in the settings file do not count. Those that the channel has always fit, and get the role, too.
        """
        async with self._database.transaction() as connection:
            used = await _used(connection, channel_id, guild_id)
            spellings = await _spellings(connection, channel_id, keywords)
            results = self._results(keywords, spellings, used, quotas)
            fitting = [
                keyword
                for keyword, result in zip(keywords, results, strict=True)
                if not isinstance(result, QuotaExceeded)
            ]
            if fitting:
                await write_channel(connection, channel_id, guild_id)
                await add_by_command(connection, channel_id, fitting, added_by, now)
            await rename(connection, [(channel_id, each.keyword) for each in results if isinstance(each, Renamed)])
            if fitting and mention_role is not None:
                await set_roles(connection, {(channel_id, each.canonical): mention_role for each in fitting})
        self._changed()
        return tuple(results)

    def _results(
        self, added: Sequence[Keyword], spellings: Mapping[str, str], used: Mapping[QuotaScope, int], quotas: Quotas
    ) -> list[AddResult]:
        """Returns what becomes of each keyword; `spellings` are those that the channel has, by canonical form."""
        results: list[AddResult] = []
        shown = dict(spellings)
        for keyword in added:
            if keyword.canonical in shown:
                stored = self._parsed(shown[keyword.canonical], keyword.canonical)
                is_renamed = keyword.name not in (None, stored.name)
                results.append(Renamed(keyword, stored.label) if is_renamed else AlreadyWatched(stored))
            elif (exceeded := _exceeded(keyword, used, quotas)) is not None:
                results.append(exceeded)
            else:
                results.append(Added(keyword))
                shown[keyword.canonical] = keyword.text
                used = {scope: count + 1 for scope, count in used.items()}
        return results

    async def remove(self, keyword: Keyword, channel_id: int) -> frozenset[Source]:
        """Removes the command's subscription; returns the remaining sources (none: the subscription ended).

        Raises KeyError if the channel does not subscribe to the keyword.
        """
        async with self._database.transaction() as connection:
            row = await connection.first(_FIND, {"channel": channel_id, "canonical": keyword.canonical})
            if row is None:
                raise KeyError(keyword.canonical)
            await drop_source(connection, Source.COMMAND, [row])
        self._changed()
        return sources_of(row) - {Source.COMMAND}

    async def set_role(self, keyword: Keyword, channel_id: int, role_id: int | None) -> bool:
        """Pings a role for a keyword's papers, or none; returns whether the channel subscribes to the keyword."""
        values = {"channel": channel_id, "canonical": keyword.canonical, "role": role_id}
        async with self._database.transaction() as connection:
            return await connection.write(_SET_ROLE, values) > 0

    async def apply_config(self, configured: Mapping[int, Collection[Keyword]], now: datetime) -> None:
        """Makes the file's subscriptions exactly `configured`; writes only what differs from the stored ones."""
        wanted = await asyncio.to_thread(_by_key, configured)
        async with self._database.transaction() as connection:
            stored = {(row.channel_id, row.canonical): row for row in await connection.all(_BY_FILE)}
            dropped = [row for key, row in stored.items() if key not in wanted]
            await drop_source(connection, Source.FILE, dropped)
            await write_channels(connection, configured)
            added = [(key[0], keyword) for key, keyword in wanted.items() if key not in stored]
            await add_by_file(connection, added, now)
            await rename(
                connection,
                [
                    (key[0], keyword)
                    for key, keyword in wanted.items()
                    if key in stored and keyword.name is not None and stored[key].shown != keyword.text
                ],
            )
        self._changed()

    async def drop_command_subscriptions(self, channel_id: int, gone_before: datetime) -> int:
        """Ends the commands' subscriptions of a channel that is gone since `gone_before` or longer; returns how many.

        Its trending subscription ends too, and an unsettled trending post is dropped. A channel that has returned in
        the meantime keeps everything.
        """
        channel = {"channel": channel_id}
        async with self._database.transaction() as connection:
            if not await connection.scalar(_IS_GONE, channel | {"gone_before": gone_before}):
                return 0
            await connection.write(_END_TRENDING, channel)
            await connection.write(_DROP_UNSETTLED_TRENDING_POST, channel)
            rows = await connection.all(_BY_COMMAND, channel)
            ended = await drop_source(connection, Source.COMMAND, rows)
        self._changed()
        return ended


def _by_key(configured: Mapping[int, Collection[Keyword]]) -> dict[tuple[int, str], Keyword]:
    """Returns the keywords by channel and canonical form: of equal ones, the first."""
    wanted: dict[tuple[int, str], Keyword] = {}
    for channel_id, keywords_ in configured.items():
        for keyword in keywords_:
            wanted.setdefault((channel_id, keyword.canonical), keyword)
    return wanted


async def _spellings(connection: Connection, channel_id: int, wanted: Sequence[Keyword]) -> dict[str, str]:
    """Returns how the channel spells those of these keywords that it has, by canonical form."""
    is_wanted = keywords.c.canonical.in_(listed([keyword.canonical for keyword in wanted], Text))
    rows = await connection.all(_SOURCES.where(subscriptions.c.channel_id == channel_id, is_wanted))
    return {row.canonical: row.shown for row in rows}


async def _used(connection: Connection, channel_id: int, guild_id: int) -> dict[QuotaScope, int]:
    """Counts the subscriptions of a channel and of its server; those in the settings file do not count."""
    (row,) = await connection.all(_USED, {"channel": channel_id, "guild": guild_id})
    return {QuotaScope.CHANNEL: row.in_channel, QuotaScope.SERVER: row.in_guild}


def _exceeded(keyword: Keyword, used: Mapping[QuotaScope, int], quotas: Quotas) -> QuotaExceeded | None:
    """Returns the quota that a further keyword would exceed."""
    limits = {QuotaScope.CHANNEL: quotas.per_channel, QuotaScope.SERVER: quotas.per_server}
    exceeded = (QuotaExceeded(keyword, scope, used[scope], limits[scope]) for scope in QuotaScope)
    return next((each for each in exceeded if each.used >= each.limit), None)
