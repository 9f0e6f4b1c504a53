"""Stores posts, and reads them and outbox entries from rows, with their papers and trending entries as they are now."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.channel_settings import Discussion, Layout
from bot.domain.history import SearchStart
from bot.domain.paper import Paper
from bot.domain.post import MessageHeader, OutboxEntry, Post, in_order
from bot.store.author_matches import authors_of
from bot.store.codecs import row_to_paper
from bot.store.column_types import Id, Text
from bot.store.connection import Connection
from bot.store.expressions import listed
from bot.store.schema import author_matches, keywords, outbox, outbox_keywords, papers, posts, subscriptions, withheld
from bot.store.spellings import KEYWORD_LABEL
from bot.store.trending_entries import read_trending_entries

_INSERT: Final = sa.insert(posts)


async def read_entries(connection: Connection, rows: Sequence[sa.Row[Any]]) -> tuple[OutboxEntry, ...]:
    """Returns the entries of rows of `outbox`, in their order. A paper that waits in many channels is read once."""
    stored = await _papers(connection, {row.arxiv_id for row in rows})
    trending_entries = await read_trending_entries(connection, [paper.arxiv_id for paper in stored.values()])
    reasons = await _reasons(connection, [row.id for row in rows])
    return tuple(
        OutboxEntry(
            id=row.id,
            paper=stored[row.arxiv_id],
            keywords=tuple(each.shown for each in reasons.get(row.id, ())),
            alone=row.alone,
            trending_entry=trending_entries.get(stored[row.arxiv_id].arxiv_id),
            authors=authors_of(reasons.get(row.id, ())),
            is_first=row.by_followed,
            roles=_roles(reasons.get(row.id, ())),
        )
        for row in rows
    )


def _roles(reasons: Iterable[sa.Row[Any]]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(each.mention_role for each in reasons if each.mention_role is not None))


async def read_posts(connection: Connection, rows: Sequence[sa.Row[Any]]) -> tuple[Post, ...]:
    """Returns the posts of these rows, in their order, with their entries in the order in which they are posted."""
    bound = await connection.all(
        sa.select(outbox.c.id, outbox.c.arxiv_id, outbox.c.alone, outbox.c.by_followed, outbox.c.post_key).where(
            outbox.c.post_key.in_(listed([row.key for row in rows], Text))
        )
    )
    rests = await _rests(connection, [row.key for row in rows])
    entries: dict[str, list[OutboxEntry]] = {}
    for row, entry in zip(bound, await read_entries(connection, bound), strict=True):
        entries.setdefault(row.post_key, []).append(entry)
    return tuple(_to_post(row, in_order(entries.get(row.key, ())), rests.get(row.key, 0)) for row in rows)


def _to_post(row: sa.Row[Any], entries: Iterable[OutboxEntry], rest: int) -> Post:
    return Post(
        key=row.key,
        channel_id=row.channel_id,
        nonce=row.nonce,
        first_attempt=row.first_attempt,
        last_attempt=row.last_attempt,
        entries=tuple(entries),
        header=to_header(row),
        message_id=row.message_id,
        search=SearchStart(row.search_after, row.attempted_at),
        rest=rest,
    )


def to_header(row: sa.Row[Any]) -> MessageHeader:
    """Returns the header in a row of `posts`."""
    return MessageHeader(
        layout=Layout(row.layout),
        headline=row.heading,
        mention_role=row.mention_role,
        thread_id=row.thread_id,
        keyword_roles=_role_ids(row.keyword_roles) or (),
        earlier_roles=_role_ids(row.earlier_roles),
        discussion=None if row.discussion is None else Discussion(row.discussion),
    )


def _role_ids(texts: Iterable[str] | None) -> tuple[int, ...] | None:
    return None if texts is None else tuple(map(int, texts))


async def _rests(connection: Connection, keys: Iterable[str]) -> Mapping[str, int]:
    """Returns how many papers were withheld from the batches of messages, for those messages that say so."""
    rows = await connection.all(
        sa.select(withheld.c.post_key, sa.func.count().label("papers"))
        .where(withheld.c.post_key.in_(listed(keys, Text)))
        .group_by(withheld.c.post_key)
    )
    return {row.post_key: row.papers for row in rows}


async def _papers(connection: Connection, arxiv_ids: Iterable[str]) -> Mapping[str, Paper]:
    rows = await connection.all(sa.select(papers).where(papers.c.arxiv_id.in_(listed(arxiv_ids, Text))))
    return {row.arxiv_id: row_to_paper(row) for row in rows}


async def _reasons(connection: Connection, entry_ids: Iterable[int]) -> Mapping[int, Sequence[sa.Row[Any]]]:
    """Returns the keywords for which papers are posted, by outbox row, in the spelling of the row's channel.

    Each has its role in the channel, and the authors for whom it matches the paper.
    """
    rows = await connection.all(
        sa.select(
            outbox.c.id,
            KEYWORD_LABEL.label("shown"),
            subscriptions.c.mention_role,
            author_matches.c.certain,
            author_matches.c.possible,
        )
        .join_from(outbox, outbox_keywords, outbox_keywords.c.outbox_id == outbox.c.id)
        .join(keywords, keywords.c.id == outbox_keywords.c.keyword_id)
        .outerjoin(
            subscriptions,
            sa.and_(
                subscriptions.c.channel_id == outbox.c.channel_id,
                subscriptions.c.keyword_id == outbox_keywords.c.keyword_id,
            ),
        )
        .outerjoin(
            author_matches,
            sa.and_(
                author_matches.c.arxiv_id == outbox.c.arxiv_id,
                author_matches.c.keyword_id == outbox_keywords.c.keyword_id,
            ),
        )
        .where(outbox.c.id.in_(listed(entry_ids, Id)))
        .order_by(outbox.c.id, outbox_keywords.c.keyword_id)
    )
    by_entry: dict[int, list[sa.Row[Any]]] = {}
    for row in rows:
        by_entry.setdefault(row.id, []).append(row)
    return by_entry


async def insert_posts(connection: Connection, new: Iterable[Post]) -> None:
    """Stores messages that are about to be sent, within the caller's transaction."""
    await connection.write(
        _INSERT,
        [
            {
                "key": post.key,
                "channel_id": post.channel_id,
                "nonce": post.nonce,
                "layout": post.header.layout.value,
                "heading": post.header.headline,
                "mention_role": post.header.mention_role,
                "thread_id": post.header.thread_id,
                "discussion": None if post.header.discussion is None else post.header.discussion.value,
                "first_attempt": post.first_attempt,
                "last_attempt": post.last_attempt,
                "search_after": post.search.after,
                "attempted_at": post.search.attempted_at,
                "keyword_roles": tuple(map(str, post.header.keyword_roles)),
                "earlier_roles": _texts(post.header.earlier_roles),
            }
            for post in new
        ],
    )


def _texts(roles: Iterable[int] | None) -> tuple[str, ...] | None:
    return None if roles is None else tuple(map(str, roles))
