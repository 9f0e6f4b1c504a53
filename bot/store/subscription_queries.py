"""Reads subscriptions and watched keywords.

No query of a request returns all watched keywords; those of a poll do. Rows become values in a thread, because large
servers have thousands of them.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.keyword import Keyword
from bot.domain.subscription import Source, Spelling, Subscription, WatchedKeyword
from bot.store.column_types import Id, Text
from bot.store.connection import Values
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.keyword_cache import KeywordCache
from bot.store.schema import channels, keywords, subscriptions
from bot.store.spellings import SUBSCRIPTION_LABEL

_GUILD: Final = sa.bindparam("guild", type_=Id)
_CHANNEL: Final = sa.bindparam("channel", type_=Id)
# As a subquery, because SQLite would read the subscriptions of all servers in the order of their channels.
_IN_GUILD: Final = subscriptions.c.channel_id.in_(sa.select(channels.c.channel_id).where(channels.c.guild_id == _GUILD))
_BY_LABEL: Final = (sa.func.lower(SUBSCRIPTION_LABEL), SUBSCRIPTION_LABEL, subscriptions.c.keyword_id)
_IS_WATCHED: Final = keywords.c.id.in_(sa.select(subscriptions.c.keyword_id))
# For one row: without a list of all watched keywords.
_HAS_SUBSCRIPTION: Final = (
    sa.exists().where(subscriptions.c.keyword_id == keywords.c.id).correlate_except(subscriptions)
)
_IS_SYNCED: Final = keywords.c.synced_until.is_not(None)

_SUBSCRIPTION: Final = sa.select(
    subscriptions.c.channel_id,
    channels.c.guild_id,
    subscriptions.c.shown,
    keywords.c.canonical,
    subscriptions.c.by_file,
    subscriptions.c.by_command,
    subscriptions.c.added_by,
    subscriptions.c.added_at,
    subscriptions.c.mention_role,
).select_from(
    subscriptions.join(channels, subscriptions.c.channel_id == channels.c.channel_id).join(
        keywords, subscriptions.c.keyword_id == keywords.c.id
    )
)
_IN_CHANNEL: Final = _SUBSCRIPTION.where(subscriptions.c.channel_id == _CHANNEL).order_by(*_BY_LABEL)
_WITH_ROLES: Final = _IN_CHANNEL.where(subscriptions.c.mention_role.is_not(None))
_KEYWORDS_PER_CHANNEL: Final = (
    sa.select(subscriptions.c.channel_id, sa.func.count().label("keywords"))
    .where(_IN_GUILD)
    .group_by(subscriptions.c.channel_id)
    .order_by(subscriptions.c.channel_id)
)
_SPELLINGS: Final = (
    sa.select(
        subscriptions.c.channel_id,
        subscriptions.c.keyword_id,
        subscriptions.c.shown,
        SUBSCRIPTION_LABEL.label("label"),
    )
    .where(_IN_GUILD)
    .order_by(subscriptions.c.channel_id, *_BY_LABEL)
)
_WATCHED: Final = (
    sa.select(
        keywords.c.id,
        keywords.c.shown,
        keywords.c.canonical,
        keywords.c.new_since,
        keywords.c.synced_until,
        keywords.c.previous_matcher_until,
    )
    .where(_IS_WATCHED)
    .order_by(keywords.c.id)
)
_SYNCED: Final = _WATCHED.where(_IS_SYNCED)
_UNSYNCED: Final = _WATCHED.where(~_IS_SYNCED)
_FIND: Final = _WATCHED.where(keywords.c.canonical == sa.bindparam("canonical", type_=Text))
_HAS_WATCHED: Final = sa.select(sa.exists(sa.select(subscriptions.c.keyword_id)))
_HAS_SYNCED: Final = sa.select(sa.exists().where(_IS_SYNCED, _HAS_SUBSCRIPTION))
_IS_SUBSCRIBED: Final = sa.select(sa.exists().where(subscriptions.c.channel_id == _CHANNEL))
_UNSYNCED_IN_GUILD: Final = (
    sa.select(subscriptions.c.channel_id, subscriptions.c.keyword_id)
    .join_from(subscriptions, keywords, subscriptions.c.keyword_id == keywords.c.id)
    .where(_IN_GUILD, ~_IS_SYNCED)
    .order_by(subscriptions.c.channel_id, subscriptions.c.keyword_id)
)


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
        statement = _IN_CHANNEL if limit < 0 else _IN_CHANNEL.limit(limit)
        return await self._subscriptions(statement, {"channel": channel_id})

    async def with_roles(self, channel_id: int, limit: int) -> tuple[Subscription, ...]:
        """Returns the first of a channel's subscriptions that have a role, ordered by keyword."""
        return await self._subscriptions(_WITH_ROLES.limit(limit), {"channel": channel_id})

    async def in_channels(
        self, guild_id: int, channel_ids: Collection[int], offset: int, limit: int
    ) -> tuple[Subscription, ...]:
        """Returns part of the subscriptions of a server's channels, by channel and keyword."""
        statement = (
            _SUBSCRIPTION.where(_IN_GUILD, subscriptions.c.channel_id.in_(listed(channel_ids, Id)))
            .order_by(subscriptions.c.channel_id, *_BY_LABEL)
            .limit(limit)
            .offset(offset)
        )
        return await self._subscriptions(statement, {"guild": guild_id})

    async def keywords_per_channel(self, guild_id: int) -> Mapping[int, int]:
        """Returns how many keywords each channel of a server has; a channel without keywords is missing."""
        async with self._database.reading() as connection:
            rows = await connection.all(_KEYWORDS_PER_CHANNEL, {"guild": guild_id})
        return {row.channel_id: row.keywords for row in rows}

    async def spellings(self, guild_id: int) -> Sequence[Spelling]:
        """Returns the keywords of a server by channel, as its channels spell them, without parsing them."""
        async with self._database.reading() as connection:
            rows = await connection.all(_SPELLINGS, {"guild": guild_id})
        return await asyncio.to_thread(
            lambda: [Spelling(row.channel_id, row.keyword_id, row.shown, row.label) for row in rows]
        )

    async def _subscriptions(self, statement: sa.Select[Any], values: Values) -> tuple[Subscription, ...]:
        async with self._database.reading() as connection:
            rows = await connection.all(statement, values)
        return await asyncio.to_thread(lambda: tuple(map(self._to_subscription, rows)))

    async def watched(self) -> tuple[WatchedKeyword, ...]:
        """Returns the watched keywords, with how far each is synced."""
        return await self._keywords(_WATCHED)

    async def synced(self) -> tuple[WatchedKeyword, ...]:
        """Returns the watched keywords whose initial sync is complete."""
        return await self._keywords(_SYNCED)

    async def unsynced(self) -> tuple[WatchedKeyword, ...]:
        """Returns the watched keywords that wait for their initial sync."""
        return await self._keywords(_UNSYNCED)

    async def find(self, keyword: Keyword) -> WatchedKeyword | None:
        """Returns the watched keyword; None if no channel subscribes to it."""
        return next(iter(await self._keywords(_FIND, {"canonical": keyword.canonical})), None)

    async def _keywords(self, statement: sa.Select[Any], values: Values = None) -> tuple[WatchedKeyword, ...]:
        async with self._database.reading() as connection:
            rows = await connection.all(statement, values)
        # In a thread, because 10,000 rows take 40 ms, and longer if their keywords have to be parsed.
        return await asyncio.to_thread(lambda: tuple(map(self._to_watched, rows)))

    async def has_watched(self) -> bool:
        """Returns whether any keyword is watched."""
        return await self._is_true(_HAS_WATCHED)

    async def has_synced(self) -> bool:
        """Returns whether the initial sync of any watched keyword is complete."""
        return await self._is_true(_HAS_SYNCED)

    async def has_unsynced(self, wanted: Iterable[Keyword]) -> bool:
        """Returns whether any of these keywords is watched and waits for its initial sync."""
        return await self._is_true(sa.select(sa.exists().where(_is_one_of(wanted), ~_IS_SYNCED, _HAS_SUBSCRIPTION)))

    async def is_subscribed(self, channel_id: int) -> bool:
        """Returns whether a channel has a subscription."""
        return await self._is_true(_IS_SUBSCRIBED, {"channel": channel_id})

    async def _is_true(self, statement: sa.Select[bool], values: Values = None) -> bool:
        async with self._database.reading() as connection:
            return bool(await connection.scalar(statement, values))

    async def unsynced_in_guild(self, guild_id: int) -> Sequence[tuple[int, int]]:
        """Returns the channel and the keyword's id of each subscription of a server that waits for its initial sync."""
        async with self._database.reading() as connection:
            rows = await connection.all(_UNSYNCED_IN_GUILD, {"guild": guild_id})
        return [(row.channel_id, row.keyword_id) for row in rows]

    async def ids(self, wanted: Iterable[Keyword]) -> tuple[int, ...]:
        """Returns the ids of those of these keywords that are watched."""
        statement = sa.select(keywords.c.id).where(_is_one_of(wanted), _HAS_SUBSCRIPTION).order_by(keywords.c.id)
        async with self._database.reading() as connection:
            return tuple(await connection.scalars(statement))

    async def by_ids(self, channel_id: int, keyword_ids: Iterable[int]) -> tuple[Keyword, ...]:
        """Returns the keywords with these ids, ordered by id; ids of keywords that the channel lacks are ignored."""
        statement = (
            sa.select(subscriptions.c.shown, keywords.c.canonical)
            .join_from(subscriptions, keywords, subscriptions.c.keyword_id == keywords.c.id)
            .where(subscriptions.c.channel_id == channel_id, subscriptions.c.keyword_id.in_(listed(keyword_ids, Id)))
            .order_by(subscriptions.c.keyword_id)
        )
        async with self._database.reading() as connection:
            return tuple(self._parsed(row.shown, row.canonical) for row in await connection.all(statement))

    async def in_channel_of(self, channel_id: int, wanted: Iterable[Keyword]) -> tuple[Keyword, ...]:
        """Returns those of these keywords that a channel has, in its spelling and in this order."""
        canonicals = [keyword.canonical for keyword in wanted]
        statement = (
            sa.select(subscriptions.c.shown, keywords.c.canonical)
            .join_from(subscriptions, keywords, subscriptions.c.keyword_id == keywords.c.id)
            .where(subscriptions.c.channel_id == channel_id, keywords.c.canonical.in_(listed(canonicals, Text)))
        )
        async with self._database.reading() as connection:
            found = {row.canonical: row.shown for row in await connection.all(statement)}
        return tuple(self._parsed(found[each], each) for each in canonicals if each in found)

    def _to_subscription(self, row: sa.Row[Any]) -> Subscription:
        return Subscription(
            channel_id=row.channel_id,
            guild_id=row.guild_id,
            keyword=self._parsed(row.shown, row.canonical),
            sources=sources_of(row),
            added_by=row.added_by,
            added_at=row.added_at,
            mention_role=row.mention_role,
        )

    def _to_watched(self, row: sa.Row[Any]) -> WatchedKeyword:
        return WatchedKeyword(
            id=row.id,
            keyword=self._parsed(row.shown, row.canonical),
            new_since=row.new_since,
            synced_until=row.synced_until,
            previous_matcher_until=row.previous_matcher_until,
        )


def _is_one_of(wanted: Iterable[Keyword]) -> sa.ColumnElement[bool]:
    return keywords.c.canonical.in_(listed([keyword.canonical for keyword in wanted], Text))


def sources_of(row: sa.Row[Any]) -> frozenset[Source]:
    """Returns where the subscription of a row comes from."""
    flags = {Source.FILE: row.by_file, Source.COMMAND: row.by_command}
    return frozenset(source for source, is_set in flags.items() if is_set)
