"""Writes the results of polls and initial syncs: papers, matches and outbox rows.

This is the durable boundary between ingest and publish. An initial sync writes papers and matches, which are never
posted. A poll writes, per window, papers, matches and the outbox rows of new papers in one transaction; it advances
`synced_until` only after its last window.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.domain.explanations.facts import FoundBy
from bot.domain.expressions.exclusions import Exclusion
from bot.domain.matching import Match
from bot.domain.paper import Paper
from bot.domain.subscription import WatchedKeyword
from bot.store.author_matches import put_followed_first, write_author_matches
from bot.store.column_types import Id, Text
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.excluded_papers import write_excluded
from bot.store.expressions import listed
from bot.store.new_matches import NewMatches, add_keywords, insert_matches, queue_papers
from bot.store.papers import known_papers, skip_withdrawn, write_papers
from bot.store.schema import edits, keywords, outbox, subscriptions
from bot.store.search_writes import Terms, read_terms
from bot.store.withholding import withhold_excluded

_HAS_EDITS: Final = sa.select(sa.exists(sa.select(edits.c.post_key)))


@dataclass(frozen=True, slots=True)
class WindowWritten:
    """How many papers were new to a channel, and how many outbox rows (paper and channel) were added.

    `edits` is True if any edit is pending.
    """

    papers: int
    posts: int
    edits: bool = False


class IngestStore:
    """Writes fetched papers, and until when each keyword is synced."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_seen(
        self,
        planned: Collection[WatchedKeyword],
        papers: Sequence[Paper],
        matches: Collection[Match],
        now: datetime,
        *,
        exclusions: Collection[Exclusion] = (),
    ) -> None:
        """Writes one window of an initial sync, whose papers count as seen."""
        terms = await self._read_terms(papers, (*matches, *exclusions))
        async with self._database.transaction() as connection:
            await _write_matched(connection, planned, papers, matches, now, FoundBy.INITIAL_SYNC, terms)
            await _write_excluded(connection, planned, papers, exclusions, now, terms)

    async def record_window(
        self,
        planned: Collection[WatchedKeyword],
        papers: Sequence[Paper],
        matches: Collection[Match],
        now: datetime,
        *,
        seen: Collection[Match] = (),
        exclusions: Collection[Exclusion] = (),
        found_by: FoundBy = FoundBy.POLL,
    ) -> WindowWritten:
        """Writes one complete window of a poll, and the outbox rows that follow from it, in one transaction.

        `seen` are further matches that count as seen: they are stored, but neither posted nor added to messages.
        """
        terms = await self._read_terms(papers, (*seen, *matches, *exclusions))
        async with self._database.transaction() as connection:
            if seen:
                await _write_matched(connection, planned, papers, seen, now, found_by, terms)
            new_matches = await _write_matched(connection, planned, papers, matches, now, found_by, terms)
            await _write_excluded(connection, planned, papers, exclusions, now, terms)
            arrived = await queue_papers(connection, new_matches, now)
            await add_keywords(connection, new_matches)
            await put_followed_first(connection, new_matches.with_authors)
            withdrawn = await skip_withdrawn(connection, [paper.arxiv_id for paper in papers])
            # Also of papers that wait: an exclusion may match their new version.
            ids = listed([paper.arxiv_id.value for paper in papers], Text)
            withheld = await withhold_excluded(connection, now, outbox.c.arxiv_id.in_(ids))
            posts = [each for row_id, each in arrived.items() if each not in withdrawn and row_id not in withheld]
            has_edits = await connection.scalar(_HAS_EDITS)
            return WindowWritten(papers=len(set(posts)), posts=len(posts), edits=bool(has_edits))

    async def _read_terms(self, papers: Sequence[Paper], found: Iterable[Match | Exclusion]) -> Terms:
        """Returns the terms of the papers that are written, before the transaction, which others wait for."""
        ids = {each.arxiv_id for each in found}
        return await read_terms(self._database, [paper for paper in papers if paper.arxiv_id in ids])

    async def finish_initial_sync(
        self, planned: Collection[WatchedKeyword], new_since: datetime, synced_until: datetime
    ) -> None:
        """Completes the initial sync of keywords: from now on polls find their new papers."""
        async with self._database.transaction() as connection:
            await _update_unchanged(
                connection, planned, new_since=new_since, synced_until=synced_until, previous_matcher_until=None
            )

    async def finish_poll(self, planned: Collection[WatchedKeyword], synced_until: datetime) -> None:
        """Advances the keywords of a poll after its last window."""
        async with self._database.transaction() as connection:
            await _update_unchanged(connection, planned, synced_until=synced_until)


async def _update_unchanged(
    connection: Connection, planned: Collection[WatchedKeyword], **values: datetime | None
) -> None:
    unchanged = await _unchanged(connection, {watched.id: watched.synced_until for watched in planned})
    await connection.write(sa.update(keywords).where(keywords.c.id.in_(listed(unchanged, Id))).values(values))


async def _unchanged(connection: Connection, planned: Mapping[int, datetime | None]) -> Mapping[int, datetime | None]:
    """Returns the planned keywords that are watched and whose `synced_until` is unchanged, with their `new_since`.

    A keyword that lost its last subscription in the meantime has no `synced_until`; one that was subscribed to again
    waits for its initial sync.
    """
    is_watched = sa.exists().where(subscriptions.c.keyword_id == keywords.c.id)
    rows = await connection.all(
        sa.select(keywords.c.id, keywords.c.synced_until, keywords.c.new_since).where(
            keywords.c.id.in_(listed(planned, Id)), is_watched
        )
    )
    # A poll has thousands of keywords.
    return await asyncio.to_thread(
        lambda: {row.id: row.new_since for row in rows if row.synced_until == planned[row.id]}
    )


async def _write_matched(
    connection: Connection,
    planned: Collection[WatchedKeyword],
    papers: Sequence[Paper],
    matches: Collection[Match],
    now: datetime,
    found_by: FoundBy,
    terms: Terms,
) -> NewMatches:
    """Writes the papers that matched or are known, and the matches; returns the new matches."""
    relevant = {match.arxiv_id for match in matches} | await known_papers(connection, papers)
    await write_papers(connection, [paper for paper in papers if paper.arxiv_id in relevant], terms)
    found = await asyncio.to_thread(_by_id, planned, matches)
    new_since = await _unchanged(connection, {watched.id: watched.synced_until for watched, _ in found})
    pairs = [(watched.id, arxiv_id) for watched, arxiv_id in found if watched.id in new_since]
    new_matches = await insert_matches(connection, pairs, new_since, now, found_by)
    return replace(new_matches, with_authors=await write_author_matches(connection, found, papers))


async def _write_excluded(
    connection: Connection,
    planned: Collection[WatchedKeyword],
    papers: Sequence[Paper],
    exclusions: Collection[Exclusion],
    now: datetime,
    terms: Terms,
) -> None:
    """Writes the papers that keywords exclude, so that previews can show them."""
    if exclusions:
        excluded = {each.arxiv_id for each in exclusions}
        await write_papers(connection, [paper for paper in papers if paper.arxiv_id in excluded], terms)
        await write_excluded(connection, planned, exclusions, now)


def _by_id(planned: Collection[WatchedKeyword], found: Collection[Match]) -> list[tuple[WatchedKeyword, str]]:
    by_keyword = {watched.keyword: watched for watched in planned}
    return [(by_keyword[match.keyword], match.arxiv_id.value) for match in found]
