"""Stores posts, and reads them and outbox entries from rows, with their papers and trending entries as they are now."""

import json
import sqlite3

from bot.domain.channel_settings import Layout
from bot.domain.history import SearchStart
from bot.domain.post import MessageHeader, OutboxEntry, Post
from bot.store.codecs import (
    PAPER_COLUMNS,
    row_to_paper,
    spelling,
    to_datetime,
    to_datetime_or_none,
    to_text,
    to_text_or_none,
)
from bot.store.connection import Connection
from bot.store.trending_entries import read_trending_entries

# Oldest paper first, then by id, so that the order is deterministic.
_ENTRIES = f"""
    SELECT outbox.id AS entry_id, alone, {PAPER_COLUMNS},
           (SELECT json_group_array(shown) FROM (
                SELECT {spelling("outbox.channel_id")} AS shown
                FROM outbox_keywords JOIN keywords ON keywords.id = keyword_id
                WHERE outbox_id = outbox.id ORDER BY keywords.id)) AS reasons
    FROM outbox JOIN papers USING (arxiv_id)
    WHERE {{}} ORDER BY papers.published, arxiv_id LIMIT ?
"""
_NO_LIMIT = -1  # a negative LIMIT is none (sqlite.org/lang_select.html)


async def read_entries(
    connection: Connection, condition: str, values: tuple[int | str, ...], limit: int = _NO_LIMIT
) -> tuple[OutboxEntry, ...]:
    """Returns the entries that fulfil the condition, oldest paper first, at most `limit`."""
    rows = await connection.execute_fetchall(_ENTRIES.format(condition), (*values, limit))
    papers = [(row, row_to_paper(row)) for row in rows]
    trending_entries = await read_trending_entries(connection, [paper.arxiv_id for _, paper in papers])
    return tuple(
        OutboxEntry(
            id=row["entry_id"],
            paper=paper,
            keywords=tuple(json.loads(row["reasons"])),
            alone=bool(row["alone"]),
            trending_entry=trending_entries.get(paper.arxiv_id),
        )
        for row, paper in papers
    )


async def read_post(connection: Connection, row: sqlite3.Row) -> Post:
    """Returns the post of a row, with its entries."""
    return Post(
        key=row["key"],
        channel_id=row["channel_id"],
        nonce=row["nonce"],
        first_attempt=to_datetime(row["first_attempt"]),
        last_attempt=to_datetime(row["last_attempt"]),
        entries=await read_entries(connection, "post_key = ?", (row["key"],)),
        header=MessageHeader(Layout(row["layout"]), row["heading"], row["mention_role"], row["thread_id"]),
        message_id=row["message_id"],
        search=SearchStart(row["search_after"], to_datetime_or_none(row["attempted_at"])),
    )


async def insert_post(connection: Connection, post: Post) -> None:
    """Stores a message that is about to be sent, within the caller's transaction."""
    await connection.execute(
        """INSERT INTO posts
           (key, channel_id, nonce, layout, heading, mention_role, thread_id, first_attempt, last_attempt,
            search_after, attempted_at)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10)""",
        (
            post.key,
            post.channel_id,
            post.nonce,
            post.header.layout.value,
            post.header.headline,
            post.header.mention_role,
            post.header.thread_id,
            to_text(post.first_attempt),
            post.search.after,
            to_text_or_none(post.search.attempted_at),
        ),
    )
