"""Reads what is stored about one paper in some channels: matches, the queue, messages, and what holds posts back.

It decides nothing: `bot.domain.explanations` does.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.channel_settings import ChannelSettings
from bot.domain.explanations.facts import (
    ChannelFacts,
    EntryState,
    FirstMatch,
    FoundBy,
    QueueEntry,
    SentMessage,
    SubscriptionFacts,
)
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId
from bot.store.channel_settings import to_settings
from bot.store.column_types import Id, Text
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.keyword_cache import KeywordCache
from bot.store.schema import (
    backfilled_papers,
    channel_settings,
    channels,
    found_papers,
    keywords,
    matches,
    outbox,
    outbox_keywords,
    papers,
    posts,
    subscriptions,
)

_PAPER: Final = sa.bindparam("paper", type_=Text)
_CHANNEL: Final = sa.bindparam("channel", type_=Id)
_MATCHES: Final = sa.select(matches.c.keyword_id, matches.c.matched_at, matches.c.found_by).where(
    matches.c.arxiv_id == _PAPER
)
_BACKFILLED: Final = sa.select(backfilled_papers.c.keyword_id).where(backfilled_papers.c.arxiv_id == _PAPER)
# What `read_message` reads.
MESSAGE: Final = (posts.c.first_attempt, posts.c.settled_at, posts.c.message_id, posts.c.thread_id)
_OF_GUILD: Final = (
    sa.select(channels.c.channel_id)
    .where(channels.c.guild_id == sa.bindparam("guild", type_=Id))
    .order_by(channels.c.channel_id)
)
_RECENT_POSTS: Final = (
    sa.select(posts.c.key)
    .where(posts.c.channel_id == _CHANNEL, posts.c.settled_at.is_not(None))
    .order_by(posts.c.settled_at.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


class PaperHistory:
    """What is known about a paper in channels."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._parsed = KeywordCache().get

    async def in_channels(
        self, arxiv_id: ArxivId, channel_ids: Collection[int], limit: int
    ) -> tuple[ChannelFacts, ...]:
        """Returns the facts for each of these channels, in their order, with at most `limit` subscriptions together."""
        paper = {"paper": arxiv_id.value}
        async with self._database.reading() as connection:
            found = {row.keyword_id: read_match(row) for row in await connection.all(_MATCHES, paper)}
            backfilled = frozenset(await connection.scalars(_BACKFILLED, paper))
            entries = await _entries(connection, arxiv_id, channel_ids)
            messages = await _found_messages(connection, arxiv_id, channel_ids)
            states = await channel_states(connection, channel_ids)
            rows = await connection.all(subscriptions_of(channel_ids).limit(limit))
            reasons = await _reasons(connection, [row.id for row in entries.values()])

        def subscription(row: sa.Row[Any]) -> SubscriptionFacts:
            return replace(
                to_subscription(row, self._parsed(row.shown, row.canonical)),
                match=found.get(row.keyword_id),
                is_reason=(row.channel_id, row.keyword_id) in reasons,
                is_backfilled=row.keyword_id in backfilled,
            )

        # In a thread, because channels can have thousands of keywords.
        subscribed = await asyncio.to_thread(_by_channel, rows, subscription)
        return tuple(
            to_channel(each, subscribed.get(each, ()), entries.get(each), messages.get(each), states.get(each))
            for each in channel_ids
        )

    async def channels(self, guild_id: int) -> tuple[int, ...]:
        """Returns a server's channels that ever had settings or subscriptions."""
        async with self._database.reading() as connection:
            return tuple(await connection.scalars(_OF_GUILD, {"guild": guild_id}))

    async def recently_posted(self, channel_id: int, limit: int) -> tuple[tuple[ArxivId, str], ...]:
        """Returns the ids and titles of papers in the channel's newest messages, the newest message first."""
        async with self._database.reading() as connection:
            keys = await connection.scalars(_RECENT_POSTS, {"channel": channel_id, "limit": limit})
            rows = await connection.all(_titles(keys))
        place = {key: number for number, key in enumerate(keys)}
        newest = sorted(rows, key=lambda row: place[row.post_key])[:limit]
        return tuple((ArxivId(row.arxiv_id), row.title) for row in newest)


def _by_channel(
    rows: Iterable[sa.Row[Any]], subscription: Callable[[sa.Row[Any]], SubscriptionFacts]
) -> Mapping[int, Sequence[SubscriptionFacts]]:
    subscribed: dict[int, list[SubscriptionFacts]] = defaultdict(list)
    for row in rows:
        subscribed[row.channel_id].append(subscription(row))
    return subscribed


def _titles(post_keys: Iterable[str]) -> sa.Select[Any]:
    return (
        sa.select(outbox.c.post_key, papers.c.arxiv_id, papers.c.title)
        .join(papers, papers.c.arxiv_id == outbox.c.arxiv_id)
        .where(outbox.c.post_key.in_(listed(post_keys, Text)))
    )


async def _entries(
    connection: Connection, arxiv_id: ArxivId, channel_ids: Collection[int]
) -> Mapping[int, sa.Row[Any]]:
    rows = await connection.all(
        sa.select(
            outbox.c.id,
            outbox.c.channel_id,
            outbox.c.state,
            outbox.c.due_at,
            outbox.c.post_key,
            outbox.c.rejection_reason,
            *MESSAGE,
        )
        .join_from(outbox, posts, posts.c.key == outbox.c.post_key, isouter=True)
        .where(outbox.c.channel_id.in_(listed(channel_ids, Id)), outbox.c.arxiv_id == arxiv_id.value)
    )
    return {row.channel_id: row for row in rows}


async def _found_messages(
    connection: Connection, arxiv_id: ArxivId, channel_ids: Collection[int]
) -> Mapping[int, sa.Row[Any]]:
    rows = await connection.all(
        sa.select(found_papers.c.channel_id, *MESSAGE)
        .join_from(found_papers, posts, posts.c.key == found_papers.c.post_key)
        .where(found_papers.c.channel_id.in_(listed(channel_ids, Id)), found_papers.c.arxiv_id == arxiv_id.value)
    )
    return {row.channel_id: row for row in rows}


async def channel_states(connection: Connection, channel_ids: Collection[int]) -> Mapping[int, sa.Row[Any]]:
    """Returns the settings of channels, and what is known about posting there; a channel without a row is missing."""
    rows = await connection.all(
        sa.select(
            channels.c.channel_id,
            channels.c.blocked_reason,
            channels.c.blocked_since,
            channels.c.not_before,
            *(column for column in channel_settings.c if column is not channel_settings.c.channel_id),
            channel_settings.c.channel_id.is_not(None).label("has_settings"),
        )
        .join_from(channels, channel_settings, channel_settings.c.channel_id == channels.c.channel_id, isouter=True)
        .where(channels.c.channel_id.in_(listed(channel_ids, Id)))
    )
    return {row.channel_id: row for row in rows}


def subscriptions_of(channel_ids: Collection[int]) -> sa.Select[Any]:
    """Returns the query for the subscriptions of these channels, by channel and keyword."""
    return (
        sa.select(
            subscriptions.c.channel_id,
            subscriptions.c.keyword_id,
            subscriptions.c.shown,
            subscriptions.c.added_at,
            keywords.c.canonical,
            keywords.c.new_since,
            keywords.c.synced_until,
            keywords.c.previous_matcher_until,
        )
        .join_from(subscriptions, keywords, keywords.c.id == subscriptions.c.keyword_id)
        .where(subscriptions.c.channel_id.in_(listed(channel_ids, Id)))
        .order_by(subscriptions.c.channel_id, subscriptions.c.keyword_id)
    )


def to_subscription(row: sa.Row[Any], keyword: Keyword) -> SubscriptionFacts:
    """Returns the subscription in a row of `subscriptions_of`, without what is known about a paper."""
    return SubscriptionFacts(
        keyword=keyword,
        added_at=row.added_at,
        new_since=row.new_since,
        synced_until=row.synced_until,
        previous_matcher_until=row.previous_matcher_until,
    )


def read_match(row: sa.Row[Any]) -> FirstMatch:
    """Returns when a paper was found, and by what."""
    return FirstMatch(row.matched_at, None if row.found_by is None else FoundBy(row.found_by))


async def _reasons(connection: Connection, entry_ids: Collection[int]) -> Collection[tuple[int, int]]:
    """Returns the channel and the keyword for which each of these outbox rows is queued or posted."""
    rows = await connection.all(
        sa.select(outbox.c.channel_id, outbox_keywords.c.keyword_id)
        .join_from(outbox, outbox_keywords, outbox_keywords.c.outbox_id == outbox.c.id)
        .where(outbox.c.id.in_(listed(entry_ids, Id)))
    )
    return {(row.channel_id, row.keyword_id) for row in rows}


def to_channel(
    channel_id: int,
    subscribed: Sequence[SubscriptionFacts],
    entry: sa.Row[Any] | None,
    found_in: sa.Row[Any] | None,
    state: sa.Row[Any] | None,
) -> ChannelFacts:
    """Returns the facts in these rows."""
    return ChannelFacts(
        channel_id,
        tuple(subscribed),
        entry=None if entry is None else read_entry(entry),
        found_in=None if found_in is None else read_message(found_in),
        settings=to_settings(state) if state is not None and state.has_settings else ChannelSettings(),
        blocked_reason=None if state is None else state.blocked_reason,
        blocked_since=None if state is None else state.blocked_since,
        not_before=None if state is None else state.not_before,
    )


def read_entry(row: sa.Row[Any]) -> QueueEntry:
    """Returns the paper in the queue, from a row of `outbox` with its message."""
    return QueueEntry(
        EntryState(row.state),
        row.due_at,
        message=None if row.post_key is None else read_message(row),
        rejection_reason=row.rejection_reason,
    )


def read_message(row: sa.Row[Any]) -> SentMessage:
    """Returns the message in a row of `posts`."""
    return SentMessage(row.first_attempt, row.settled_at, row.message_id, row.thread_id)
