"""New matches of a poll: inserts them, queues their papers in channels, and adds their keywords to queued papers.

Every function runs within the caller's transaction. Long lists of values become JSON in threads.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from bot.store.columns import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.due_times import reschedule
from bot.store.effects import count_entries_as_posted, request_edits_of_entries
from bot.store.expressions import listed, listed_rows
from bot.store.schema import matches, outbox, outbox_keywords, papers, subscriptions
from bot.store.schema.posts import IS_UNBOUND


@dataclass(frozen=True, slots=True)
class NewMatches:
    """Matches that were not seen before: rows with keyword, paper and its date; and since when papers are new."""

    rows: Sequence[sa.Row[Any]]
    new_since: Mapping[int, datetime | None]

    @property
    def papers(self) -> list[str]:
        return list({row.arxiv_id for row in self.rows})

    def as_table(self) -> sa.CTE:
        return listed_rows(
            [{"keyword": row.keyword_id, "paper": row.arxiv_id} for row in self.rows], {"keyword": Id, "paper": Text}
        )


async def insert_matches(
    connection: Connection, pairs: Collection[tuple[int, str]], new_since: Mapping[int, datetime | None], now: datetime
) -> NewMatches:
    """Inserts these matches (keyword and paper) unless they were seen before; returns those that were not."""
    rows = await connection.all(await asyncio.to_thread(_insert_matches, pairs, now))
    return NewMatches(rows, new_since)


def _insert_matches(pairs: Iterable[tuple[int, str]], now: datetime) -> sa.Executable:
    found = listed_rows(
        [{"keyword": keyword_id, "paper": arxiv_id} for keyword_id, arxiv_id in pairs], {"keyword": Id, "paper": Text}
    )
    rows = (
        sa.select(found.c.keyword, papers.c.published, papers.c.arxiv_id, papers.c.updated, sa.literal(now, Utc))
        .join(papers, papers.c.arxiv_id == found.c.paper)
        .where(sa.true())  # or SQLite would take ON CONFLICT for a condition of the join
    )
    return (
        insert(matches)
        .from_select(["keyword_id", "published", "arxiv_id", "updated", "matched_at"], rows)
        .on_conflict_do_nothing(index_elements=[matches.c.arxiv_id, matches.c.keyword_id])
        .returning(matches.c.keyword_id, matches.c.arxiv_id, matches.c.published)
    )


async def queue_papers(connection: Connection, new_matches: NewMatches, now: datetime) -> Sequence[sa.Row[Any]]:
    """Queues the new papers in the channels of their keywords; returns the ids, channels and papers of the rows."""
    rows = await connection.all(await asyncio.to_thread(_insert_outbox, new_matches, now))
    await count_entries_as_posted(connection, [row.id for row in rows])
    await reschedule(connection, {row.channel_id for row in rows}, now)
    return rows


def _insert_outbox(new_matches: NewMatches, now: datetime) -> sa.Executable:
    new_since = new_matches.new_since
    found = listed_rows(
        [
            {"keyword": row.keyword_id, "paper": row.arxiv_id, "published": row.published}
            for row in new_matches.rows
            if (since := new_since[row.keyword_id]) is not None and row.published > since
        ],
        {"keyword": Id, "paper": Text, "published": Utc()},
    )
    rows = (
        sa.select(
            subscriptions.c.channel_id, found.c.paper, found.c.published, sa.literal(now, Utc), sa.literal(now, Utc)
        )
        .join(subscriptions, subscriptions.c.keyword_id == found.c.keyword)
        .where(sa.true())
    )
    return (
        insert(outbox)
        .from_select(["channel_id", "arxiv_id", "published", "arrived_at", "due_at"], rows, include_defaults=False)
        .on_conflict_do_nothing(index_elements=[outbox.c.channel_id, outbox.c.arxiv_id])
        .returning(outbox.c.id, outbox.c.channel_id, outbox.c.arxiv_id)
    )


async def add_keywords(connection: Connection, new_matches: NewMatches) -> None:
    """Adds the keywords to queued papers, and to messages that were sent or may have been, which are edited then."""
    await connection.write(_insert_keywords_of_queued(new_matches.papers))
    rows = await connection.scalars(await asyncio.to_thread(_insert_keywords_of_posted, new_matches))
    if rows:
        await request_edits_of_entries(connection, set(rows))


def _insert_keywords_of_queued(found: Iterable[str]) -> Insert:
    rows = (
        sa.select(outbox.c.id, matches.c.keyword_id)
        .select_from(outbox)
        .join(matches, matches.c.arxiv_id == outbox.c.arxiv_id)
        .join(
            subscriptions,
            sa.and_(
                subscriptions.c.channel_id == outbox.c.channel_id, subscriptions.c.keyword_id == matches.c.keyword_id
            ),
        )
        .where(outbox.c.arxiv_id.in_(listed(found, Text)), IS_UNBOUND)
    )
    return _insert_keywords(rows)


def _insert_keywords_of_posted(new_matches: NewMatches) -> sa.Executable:
    """Returns a statement for the new matches only: earlier ones are not added to a message that was sent."""
    found = new_matches.as_table()
    rows = (
        sa.select(outbox.c.id, found.c.keyword)
        .select_from(found)
        .join(subscriptions, subscriptions.c.keyword_id == found.c.keyword)
        .join(
            outbox,
            sa.and_(outbox.c.channel_id == subscriptions.c.channel_id, outbox.c.arxiv_id == found.c.paper),
        )
        .where(outbox.c.state.in_(["waiting", "delivered"]), outbox.c.post_key.is_not(None))
    )
    return _insert_keywords(rows).returning(outbox_keywords.c.outbox_id)


def _insert_keywords(rows: sa.Select[Any]) -> Insert:
    return (
        insert(outbox_keywords)
        .from_select(["outbox_id", "keyword_id"], rows)
        .on_conflict_do_nothing(index_elements=[outbox_keywords.c.outbox_id, outbox_keywords.c.keyword_id])
    )
