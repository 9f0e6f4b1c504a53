"""New matches of a poll: inserts them, queues their papers in channels, and adds their keywords to queued papers.

Every function runs within the caller's transaction. Long lists of values become JSON in threads.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from bot.domain.explanations.facts import FoundBy
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.due_times import reschedule
from bot.store.effects import count_entries_as_posted, request_edits_of_entries
from bot.store.expressions import listed, listed_rows
from bot.store.schema import channel_settings, matches, outbox, outbox_keywords, papers, subscriptions
from bot.store.schema.posts import IS_UNBOUND
from bot.store.withholding import is_not_withheld

_IS_POSTED: Final = sa.and_(outbox.c.state.in_(["waiting", "delivered"]), outbox.c.post_key.is_not(None))


@dataclass(frozen=True, slots=True)
class NewMatches:
    """Matches that were not seen before: rows with keyword, paper and its date; and since when papers are new.

    `with_authors` are the papers that match because of their authors, whether they were seen or not.
    """

    rows: Sequence[sa.Row[Any]]
    new_since: Mapping[int, datetime | None]
    with_authors: Sequence[str] = ()

    @property
    def papers(self) -> list[str]:
        return list({row.arxiv_id for row in self.rows})

    def as_table(self) -> sa.CTE:
        return listed_rows(
            [{"keyword": row.keyword_id, "paper": row.arxiv_id} for row in self.rows], {"keyword": Id, "paper": Text}
        )


async def insert_matches(
    connection: Connection,
    pairs: Collection[tuple[int, str]],
    new_since: Mapping[int, datetime | None],
    now: datetime,
    found_by: FoundBy,
) -> NewMatches:
    """Inserts these matches (keyword and paper) unless they were seen before; returns those that were not."""
    rows = await connection.all(await asyncio.to_thread(_insert_matches, pairs, now, found_by))
    return NewMatches(rows, new_since)


def _insert_matches(pairs: Iterable[tuple[int, str]], now: datetime, found_by: FoundBy) -> sa.Executable:
    found = listed_rows(
        [{"keyword": keyword_id, "paper": arxiv_id} for keyword_id, arxiv_id in pairs], {"keyword": Id, "paper": Text}
    )
    rows = (
        sa.select(
            found.c.keyword,
            papers.c.published,
            papers.c.arxiv_id,
            papers.c.updated,
            sa.literal(now, Utc),
            sa.literal(found_by.value, Text),
        )
        .join(papers, papers.c.arxiv_id == found.c.paper)
        .where(sa.true())  # or SQLite would take ON CONFLICT for a condition of the join
    )
    return (
        insert(matches)
        .from_select(["keyword_id", "published", "arxiv_id", "updated", "matched_at", "found_by"], rows)
        .on_conflict_do_nothing(index_elements=[matches.c.arxiv_id, matches.c.keyword_id])
        .returning(matches.c.keyword_id, matches.c.arxiv_id, matches.c.published)
    )


async def queue_papers(connection: Connection, new_matches: NewMatches, now: datetime) -> Mapping[int, str]:
    """Queues the new papers in the channels of their keywords; returns the paper of each row of the outbox, by id."""
    rows = await connection.all(await asyncio.to_thread(_insert_outbox, new_matches, now))
    if not rows:
        return {}
    ids, channels, arxiv_ids = await asyncio.to_thread(_columns, rows)
    await count_entries_as_posted(connection, ids)
    scheduled = await connection.scalars(
        sa.select(channel_settings.c.channel_id).where(
            channel_settings.c.channel_id.in_(listed(channels, Id)), channel_settings.c.daily_at.is_not(None)
        )
    )
    if scheduled:  # in the other channels, the papers are due
        await reschedule(connection, scheduled, now)
    return dict(zip(ids, arxiv_ids, strict=True))


def _columns(rows: Iterable[sa.Row[Any]]) -> tuple[list[int], set[int], list[str]]:
    """Returns the ids, the different channels and the papers of rows of the outbox."""
    ids, channels, arxiv_ids = zip(*rows, strict=True)
    return list(ids), set(channels), list(arxiv_ids)


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
        .where(is_not_withheld(subscriptions.c.channel_id, found.c.paper))
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
    """Returns a statement for all matches of these papers."""
    rows = (
        sa.select(_entry(matches.c.arxiv_id, IS_UNBOUND), matches.c.keyword_id)
        .join(subscriptions, subscriptions.c.keyword_id == matches.c.keyword_id)
        .where(matches.c.arxiv_id.in_(listed(found, Text)))
    )
    return _insert_keywords(rows)


def _insert_keywords_of_posted(new_matches: NewMatches) -> sa.Executable:
    """Returns a statement for the new matches only: earlier ones are not added to a message that was sent."""
    found = new_matches.as_table()
    rows = sa.select(_entry(found.c.paper, _IS_POSTED), found.c.keyword).join(
        subscriptions, subscriptions.c.keyword_id == found.c.keyword
    )
    return _insert_keywords(rows).returning(outbox_keywords.c.outbox_id)


def _entry(arxiv_id: sa.ColumnElement[str], condition: sa.ColumnElement[bool]) -> sa.Label[int | None]:
    """Returns the id of a paper's row in the queue of a row's channel; NULL without one that fulfils the condition.

    As a subquery, it is found by its key in every plan: a join may read the paper's rows in all channels, and with the
    condition in the WHERE clause, PostgreSQL may read all rows that fulfil it.
    """
    return (
        sa.select(sa.case((condition, outbox.c.id)))
        .where(outbox.c.channel_id == subscriptions.c.channel_id, outbox.c.arxiv_id == arxiv_id)
        .correlate_except(outbox)
        .scalar_subquery()
        .label("entry")
    )


def _insert_keywords(rows: sa.Select[Any, Any]) -> Insert:
    # Without MATERIALIZED, the subquery with the entry is evaluated twice for each row.
    found = rows.cte().prefix_with("MATERIALIZED")
    complete = sa.select(*found.c).where(found.c.entry.is_not(None))
    return (
        insert(outbox_keywords)
        .from_select(["outbox_id", "keyword_id"], complete)
        .on_conflict_do_nothing(index_elements=[outbox_keywords.c.outbox_id, outbox_keywords.c.keyword_id])
    )
