"""Stores posts, and reads them and outbox entries from rows, with their papers and trending entries as they are now."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import aiosqlite

from bot.domain.channel_settings import Layout
from bot.domain.history import SearchStart
from bot.domain.paper import ArxivId, Paper
from bot.domain.post import MessageHeader, OutboxEntry, Post
from bot.store.codecs import (
    PAPER_COLUMNS,
    one_of,
    row_to_paper,
    to_datetime,
    to_datetime_or_none,
    to_text,
    to_text_or_none,
)
from bot.store.trending_entries import read_trending_entries


async def read_entries(connection: aiosqlite.Connection, rows: Sequence[sqlite3.Row]) -> tuple[OutboxEntry, ...]:
    """Returns the entries of rows of `outbox`, in their order. A paper that waits in many channels is read once."""
    papers = await _papers(connection, {row["arxiv_id"] for row in rows})
    trending_entries = await read_trending_entries(connection, [paper.arxiv_id for paper in papers.values()])
    reasons = await _reasons(connection, [row["id"] for row in rows])
    return tuple(
        OutboxEntry(
            id=row["id"],
            paper=papers[row["arxiv_id"]],
            keywords=tuple(reasons.get(row["id"], ())),
            alone=bool(row["alone"]),
            trending_entry=trending_entries.get(ArxivId(row["arxiv_id"])),
        )
        for row in rows
    )


async def read_posts(connection: aiosqlite.Connection, rows: Iterable[sqlite3.Row]) -> tuple[Post, ...]:
    """Returns the posts of these rows, in their order, with their entries."""
    posts = tuple(rows)
    bound = list(
        await connection.execute_fetchall(
            f"""SELECT outbox.* FROM outbox JOIN papers USING (arxiv_id)
                WHERE post_key IN {one_of(posts)} ORDER BY published, arxiv_id""",
            [row["key"] for row in posts],
        )
    )
    entries: dict[str, list[OutboxEntry]] = {}
    for row, entry in zip(bound, await read_entries(connection, bound), strict=True):
        entries.setdefault(row["post_key"], []).append(entry)
    return tuple(_to_post(row, tuple(entries.get(row["key"], ()))) for row in posts)


def _to_post(row: sqlite3.Row, entries: tuple[OutboxEntry, ...]) -> Post:
    return Post(
        key=row["key"],
        channel_id=row["channel_id"],
        nonce=row["nonce"],
        first_attempt=to_datetime(row["first_attempt"]),
        last_attempt=to_datetime(row["last_attempt"]),
        entries=entries,
        header=MessageHeader(Layout(row["layout"]), row["heading"], row["mention_role"], row["thread_id"]),
        message_id=row["message_id"],
        search=SearchStart(row["search_after"], to_datetime_or_none(row["attempted_at"])),
    )


async def _papers(connection: aiosqlite.Connection, arxiv_ids: set[str]) -> Mapping[str, Paper]:
    rows = await connection.execute_fetchall(
        f"SELECT {PAPER_COLUMNS} FROM papers WHERE arxiv_id IN {one_of(tuple(arxiv_ids))}", tuple(arxiv_ids)
    )
    return {row["arxiv_id"]: row_to_paper(row) for row in rows}


async def _reasons(connection: aiosqlite.Connection, entry_ids: Sequence[int]) -> Mapping[int, Sequence[str]]:
    """Returns the keywords for which papers are posted, by outbox row, in the spelling of the row's channel."""
    rows = await connection.execute_fetchall(
        f"""SELECT outbox.id, coalesce(subscriptions.shown, keywords.shown) AS shown
            FROM outbox JOIN outbox_keywords ON outbox_keywords.outbox_id = outbox.id
            JOIN keywords ON keywords.id = outbox_keywords.keyword_id
            LEFT JOIN subscriptions ON subscriptions.channel_id = outbox.channel_id
                 AND subscriptions.keyword_id = keywords.id
            WHERE outbox.id IN {one_of(entry_ids)} ORDER BY outbox.id, keywords.id""",
        entry_ids,
    )
    by_entry: dict[int, list[str]] = {}
    for row in rows:
        by_entry.setdefault(row["id"], []).append(row["shown"])
    return by_entry


async def insert_posts(connection: aiosqlite.Connection, posts: Iterable[Post]) -> None:
    """Stores messages that are about to be sent, within the caller's transaction."""
    await connection.executemany(
        """INSERT INTO posts
           (key, channel_id, nonce, layout, heading, mention_role, thread_id, first_attempt, last_attempt,
            search_after, attempted_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            (
                post.key,
                post.channel_id,
                post.nonce,
                post.header.layout.value,
                post.header.headline,
                post.header.mention_role,
                post.header.thread_id,
                to_text(post.first_attempt),
                to_text(post.last_attempt),
                post.search.after,
                to_text_or_none(post.search.attempted_at),
            )
            for post in posts
        ],
    )
