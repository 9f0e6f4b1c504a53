"""Takes papers out of the queue that a channel does not get: matches of its exclusions, and what exceeds its limit.

A withheld paper counts as seen: it is not queued again, unless its exclusion is removed. Every function runs within the
caller's transaction. What is bound to a message stays.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.exclusions import ChannelExclusion, ExcludedEntry, QueuedPaper, WithheldReason, find_withheld
from bot.domain.paper import Paper
from bot.store.codecs import row_to_paper
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.expressions import listed, listed_rows
from bot.store.keyword_cache import KeywordCache
from bot.store.schema import exclusions, outbox, outbox_keywords, papers, posts, withheld
from bot.store.schema.exclusions import IS_UNANNOUNCED
from bot.store.schema.posts import IS_QUEUED, IS_UNBOUND

# How many papers are compared at once: a channel that was paused can have thousands.
_PAPERS_AT_ONCE: Final = 500

_KEYWORDS: Final = KeywordCache()
_CHANNEL: Final = sa.bindparam("channel", type_=Id)
_KEY: Final = sa.bindparam("post", type_=Text)
_NOW: Final = sa.bindparam("now", type_=Utc)
_COPIED: Final = ("channel_id", "arxiv_id", "published", "arrived_at", "due_at")
_HAS_EXCLUSIONS: Final = sa.select(sa.exists(sa.select(exclusions.c.id)))
_DUE: Final = sa.select(outbox.c.id, outbox.c.by_followed, outbox.c.published, outbox.c.arxiv_id).where(
    IS_UNBOUND, outbox.c.channel_id == _CHANNEL, outbox.c.due_at <= _NOW
)
_ANNOUNCE: Final = sa.update(withheld).where(IS_UNANNOUNCED, withheld.c.channel_id == _CHANNEL).values(post_key=_KEY)
_UNANNOUNCE: Final = sa.update(withheld).where(withheld.c.post_key == _KEY).values(post_key=None)
_LAST_POST: Final = (
    sa.select(posts.c.key)
    .where(posts.c.channel_id == _CHANNEL, posts.c.message_id.is_not(None))
    .order_by(posts.c.message_id.desc())
    .limit(1)
)


async def withhold_excluded(
    connection: Connection, now: datetime, *conditions: sa.ColumnElement[bool]
) -> frozenset[int]:
    """Withholds the unbound papers that fulfil the conditions and match an exclusion of their channel.

    Returns the ids of the rows that left the outbox.
    """
    if not await connection.scalar(_HAS_EXCLUSIONS):  # none in most databases
        return frozenset()
    in_channels = outbox.c.channel_id.in_(sa.select(exclusions.c.channel_id))
    rows = await connection.all(
        sa.select(outbox.c.id, outbox.c.channel_id, outbox.c.arxiv_id).where(*conditions, IS_QUEUED, in_channels)
    )
    if not rows:
        return frozenset()
    found = await find_in_queue(connection, [QueuedPaper(row.id, row.channel_id, row.arxiv_id) for row in rows])
    await _withhold(connection, found, now)
    return frozenset(each.outbox_id for each in found)


async def find_in_queue(connection: Connection, queued: Sequence[QueuedPaper]) -> list[ExcludedEntry]:
    """Returns those of these papers that match an exclusion of their channel."""
    known = await read_exclusions(connection, {each.channel_id for each in queued})
    by_paper: dict[str, list[QueuedPaper]] = {}
    for each in queued:
        by_paper.setdefault(each.arxiv_id, []).append(each)
    ids = sorted(by_paper)
    found: list[ExcludedEntry] = []
    for start in range(0, len(ids), _PAPERS_AT_ONCE):
        part = ids[start : start + _PAPERS_AT_ONCE]
        rows = await connection.all(sa.select(papers).where(papers.c.arxiv_id.in_(listed(part, Text))))
        found += await asyncio.to_thread(_find, [each for arxiv_id in part for each in by_paper[arxiv_id]], rows, known)
    return found


def _find(
    queued: Iterable[QueuedPaper], rows: Iterable[sa.Row[Any]], known: Sequence[ChannelExclusion]
) -> list[ExcludedEntry]:
    found: Sequence[Paper] = [row_to_paper(row) for row in rows]
    return find_withheld(queued, found, known)


async def without_excluded(connection: Connection, channel_id: int, found: Sequence[Paper]) -> list[Paper]:
    """Returns those of these papers that no exclusion of the channel matches."""
    known = await read_exclusions(connection, [channel_id])
    if not known:
        return list(found)
    queued = [QueuedPaper(number, channel_id, paper.arxiv_id.value) for number, paper in enumerate(found)]
    excluded = {each.outbox_id for each in await asyncio.to_thread(find_withheld, queued, found, known)}
    return [paper for number, paper in enumerate(found) if number not in excluded]


async def read_exclusions(connection: Connection, channel_ids: Collection[int]) -> tuple[ChannelExclusion, ...]:
    """Returns the exclusions of these channels, oldest first."""
    rows = await connection.all(
        sa.select(exclusions)
        .where(exclusions.c.channel_id.in_(listed(channel_ids, Id)))
        .order_by(exclusions.c.channel_id, exclusions.c.id)
    )
    return await asyncio.to_thread(lambda: tuple(map(to_exclusion, rows)))


def to_exclusion(row: sa.Row[Any]) -> ChannelExclusion:
    """Returns the exclusion in a row of `exclusions`."""
    keyword = _KEYWORDS.get(row.shown, row.canonical)
    return ChannelExclusion(row.id, row.channel_id, keyword, row.added_by, row.added_at)


async def _withhold(connection: Connection, found: Sequence[ExcludedEntry], now: datetime) -> None:
    """Moves papers out of the outbox, each with the exclusion that it matches."""
    pairs = listed_rows([each._asdict() for each in found], {"outbox_id": Id, "exclusion_id": Id})
    await _move(
        connection,
        sa.select(
            *(outbox.c[name] for name in _COPIED),
            sa.literal(WithheldReason.EXCLUSION.value, Text),
            exclusions.c.id,
            exclusions.c.shown,
            sa.literal(now, Utc),
        )
        .join_from(pairs, outbox, outbox.c.id == pairs.c.outbox_id)
        .join(exclusions, exclusions.c.id == pairs.c.exclusion_id),
        ("reason", "exclusion_id", "exclusion", "withheld_at"),
        [each.outbox_id for each in found],
    )


async def withhold_rest(connection: Connection, channel_id: int, allowed: int, now: datetime) -> int:
    """Withholds what is due in a channel after the first `allowed` papers; returns how many papers."""
    due = await connection.all(_DUE, {"channel": channel_id, "now": now})
    ids = [row.id for row in sorted(due, key=_posting_order)[allowed:]]
    rows = sa.select(
        *(outbox.c[name] for name in _COPIED),
        sa.literal(WithheldReason.LIMIT.value, Text),
        sa.literal(now, Utc),
    ).where(outbox.c.id.in_(listed(ids, Id)))
    await _move(connection, rows, ("reason", "withheld_at"), ids)
    return len(ids)


def _posting_order(row: sa.Row[Any]) -> tuple[object, ...]:
    """Returns the sort key for the order in which papers are posted; see `domain.post.in_order`."""
    return not row.by_followed, row.published, row.arxiv_id


async def _move(
    connection: Connection, rows: sa.Select[Any], columns: Sequence[str], outbox_ids: Sequence[int]
) -> None:
    if not outbox_ids:
        return
    await connection.write(insert(withheld).from_select([*_COPIED, *columns], rows))
    # On the server, deleting a row of the outbox deletes its keywords; a list of them needs no search for each row.
    await connection.write(sa.delete(outbox_keywords).where(outbox_keywords.c.outbox_id.in_(listed(outbox_ids, Id))))
    await connection.write(sa.delete(outbox).where(outbox.c.id.in_(listed(outbox_ids, Id))))


async def announce_rest(connection: Connection, channel_id: int, key: str) -> int:
    """Records that a message says how many papers of its channel the limit withheld; returns how many are new."""
    return await connection.write(_ANNOUNCE, {"channel": channel_id, "post": key})


async def unannounce_rest(connection: Connection, key: str) -> None:
    """Leaves it to a later message to say so, because this one does not exist."""
    await connection.write(_UNANNOUNCE, {"post": key})


async def last_post(connection: Connection, channel_id: int) -> str | None:
    """Returns the key of the last message of a channel; None if it has none."""
    key: str | None = await connection.scalar(_LAST_POST, {"channel": channel_id})
    return key


def is_not_withheld(channel_id: sa.ColumnElement[int], arxiv_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Returns whether a paper was not withheld in a channel.

    A subquery for one row, which PostgreSQL cannot turn into a join that reads the whole table.
    """
    found = sa.select(withheld.c.reason).where(withheld.c.channel_id == channel_id, withheld.c.arxiv_id == arxiv_id)
    return found.correlate_except(withheld).scalar_subquery().is_(None)
