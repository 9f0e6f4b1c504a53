"""What an audit of a channel compares with arXiv, and the last audit of each server."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.explanations.audit import StoredPaper
from bot.domain.explanations.facts import ChannelFacts, FirstMatch, SubscriptionFacts
from bot.domain.paper import ArxivId
from bot.domain.queries import Window
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.explanations import (
    MESSAGE,
    channel_states,
    read_entry,
    read_match,
    read_message,
    subscriptions_of,
    to_channel,
    to_subscription,
)
from bot.store.expressions import listed
from bot.store.keyword_cache import KeywordCache
from bot.store.schema import audits, found_papers, matches, outbox, posts

_GUILD: Final = sa.bindparam("guild", type_=Id)
_FOUND: Final = sa.select(
    matches.c.keyword_id, matches.c.arxiv_id, matches.c.published, matches.c.matched_at, matches.c.found_by
).where(
    matches.c.keyword_id == sa.bindparam("keyword", type_=Id),
    matches.c.published >= sa.bindparam("start", type_=Utc),
    matches.c.published <= sa.bindparam("end", type_=Utc),
)
_LAST: Final = sa.select(audits.c.started_at).where(audits.c.guild_id == _GUILD)
_INSERT: Final = insert(audits)
_BEGIN: Final = _INSERT.on_conflict_do_update(
    index_elements=[audits.c.guild_id],
    set_={"started_at": _INSERT.excluded.started_at, "token": _INSERT.excluded.token},
)
_END: Final = sa.update(audits).where(audits.c.guild_id == _GUILD).values(token=None)
_FORGET: Final = sa.delete(audits).where(audits.c.guild_id == _GUILD)
_IN_PROGRESS: Final = sa.select(audits).where(audits.c.token.is_not(None)).order_by(audits.c.guild_id)


@dataclass(frozen=True, slots=True)
class AuditedChannel:
    """A channel, and its subscriptions by the ids of their keywords."""

    facts: ChannelFacts
    subscriptions: Mapping[int, SubscriptionFacts]


@dataclass(frozen=True, slots=True)
class AuditInProgress:
    """An audit that has begun; `token` is what its reply is edited with."""

    guild_id: int
    started_at: datetime
    token: str


class AuditStore:
    """Reads what is compared, and records audits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._parsed = KeywordCache().get

    async def channel(self, channel_id: int) -> AuditedChannel:
        """Returns the channel's subscriptions and settings."""
        async with self._database.reading() as connection:
            rows = await connection.all(subscriptions_of([channel_id]))
            states = await channel_states(connection, [channel_id])
        facts = to_channel(channel_id, (), None, None, states.get(channel_id))
        # In a thread, because a channel can have thousands of keywords.
        subscribed = await asyncio.to_thread(
            lambda: {row.keyword_id: to_subscription(row, self._parsed(row.shown, row.canonical)) for row in rows}
        )
        return AuditedChannel(facts, subscribed)

    async def stored(
        self, channel_id: int, keyword_ids: Collection[int], window: Window, fetched: Collection[ArxivId]
    ) -> Mapping[ArxivId, StoredPaper]:
        """Returns what the channel has of papers that were submitted in the window and found for these keywords.

        And what it has of the papers in `fetched`, whether or not they were found.
        """
        async with self._database.reading() as connection:
            found = await _found(connection, keyword_ids, window)
            ids = {row.arxiv_id for row in found}.union(each.value for each in fetched)
            entries = await _entries(connection, channel_id, ids)
            messages = await _messages(connection, channel_id, ids)
        return await asyncio.to_thread(_collect, found, entries, messages, window.start)

    async def begin(self, guild_id: int, token: str, now: datetime, not_after: datetime) -> datetime | None:
        """Records that a server's audit begins, unless the last one began after `not_after`; then returns when it did.

        A time in the future is due to a wrong clock, and prevents nothing.
        """
        async with self._database.transaction() as connection:
            last: datetime | None = await connection.scalar(_LAST, {"guild": guild_id})
            if last is not None and not_after < last <= now:
                return last
            await connection.write(_BEGIN, {"guild_id": guild_id, "started_at": now, "token": token})
            return None

    async def end(self, guild_id: int) -> None:
        """Records that the server's audit has ended."""
        async with self._database.transaction() as connection:
            await connection.write(_END, {"guild": guild_id})

    async def forget(self, guild_id: int) -> None:
        """Removes the record of an audit that was not carried out, so that it can be repeated at once."""
        async with self._database.transaction() as connection:
            await connection.write(_FORGET, {"guild": guild_id})

    async def in_progress(self) -> tuple[AuditInProgress, ...]:
        """Returns the audits that have not ended."""
        async with self._database.reading() as connection:
            rows = await connection.all(_IN_PROGRESS)
        return tuple(AuditInProgress(row.guild_id, row.started_at, row.token) for row in rows)


async def _found(connection: Connection, keyword_ids: Collection[int], window: Window) -> list[sa.Row[Any]]:
    """Returns the matches of keywords in a window, one keyword after the other.

    With a list of keywords, PostgreSQL would read all matches, because it estimates that the list is long.
    """
    found: list[sa.Row[Any]] = []
    for keyword_id in keyword_ids:
        values = {"keyword": keyword_id, "start": window.start, "end": window.end}
        found += await connection.all(_FOUND, values)
    return found


async def _entries(connection: Connection, channel_id: int, arxiv_ids: Collection[str]) -> Mapping[str, sa.Row[Any]]:
    rows = await connection.all(
        sa.select(
            outbox.c.arxiv_id, outbox.c.state, outbox.c.due_at, outbox.c.post_key, outbox.c.rejection_reason, *MESSAGE
        )
        .join_from(outbox, posts, posts.c.key == outbox.c.post_key, isouter=True)
        .where(outbox.c.channel_id == channel_id, outbox.c.arxiv_id.in_(listed(sorted(arxiv_ids), Text)))
    )
    return {row.arxiv_id: row for row in rows}


async def _messages(connection: Connection, channel_id: int, arxiv_ids: Collection[str]) -> Mapping[str, sa.Row[Any]]:
    rows = await connection.all(
        sa.select(found_papers.c.arxiv_id, *MESSAGE)
        .join_from(found_papers, posts, posts.c.key == found_papers.c.post_key)
        .where(found_papers.c.channel_id == channel_id, found_papers.c.arxiv_id.in_(listed(sorted(arxiv_ids), Text)))
    )
    return {row.arxiv_id: row for row in rows}


def _collect(
    found: Collection[sa.Row[Any]],
    entries: Mapping[str, sa.Row[Any]],
    messages: Mapping[str, sa.Row[Any]],
    earliest: datetime,
) -> Mapping[ArxivId, StoredPaper]:
    by_paper: dict[str, dict[int, FirstMatch]] = defaultdict(dict)
    published: dict[str, datetime] = {}
    for row in found:
        by_paper[row.arxiv_id][row.keyword_id] = read_match(row)
        published[row.arxiv_id] = row.published
    stored = {
        arxiv_id: StoredPaper(published.get(arxiv_id, earliest), by_paper[arxiv_id])
        for arxiv_id in {*by_paper, *entries, *messages}
    }
    for arxiv_id, row in entries.items():
        stored[arxiv_id] = replace(stored[arxiv_id], entry=read_entry(row))
    for arxiv_id, row in messages.items():
        stored[arxiv_id] = replace(stored[arxiv_id], found_in=read_message(row))
    return {ArxivId(arxiv_id): each for arxiv_id, each in stored.items()}
