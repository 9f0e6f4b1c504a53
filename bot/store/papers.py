"""The papers at their newest known version, and queries for a keyword's or channel's newest papers."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.period import Period
from bot.domain.withdrawal import is_withdrawn
from bot.store.author_names import count_authors
from bot.store.codecs import paper_to_row, row_to_paper
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.effects import request_edits_of_papers
from bot.store.expressions import listed
from bot.store.schema import backfilled_papers, keywords, matches, outbox, papers, subscriptions, trending_entries
from bot.store.schema.posts import IS_QUEUED
from bot.store.search_writes import NO_TERMS, Terms, read_terms, stored_papers, update_index
from bot.store.spellings import SUBSCRIPTION_LABEL

# The values of papers become parameters on the event loop: 200 of them take 6 ms.
_PAPERS_AT_ONCE: Final = 200
_END: Final = datetime.max.replace(tzinfo=UTC)
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)

_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)
_SINCE: Final = sa.bindparam("since", type_=Utc)
_UNTIL: Final = sa.bindparam("until", type_=Utc)
_CHANNEL: Final = sa.bindparam("channel", type_=Id)
_OF_KEYWORD: Final = (
    matches.c.keyword_id
    == sa.select(keywords.c.id).where(keywords.c.canonical == sa.bindparam("canonical", type_=Text)).scalar_subquery()
)
_MATCHED_SINCE: Final = sa.and_(_OF_KEYWORD, matches.c.published >= _SINCE)
_MATCHED: Final = matches.join(papers, papers.c.arxiv_id == matches.c.arxiv_id)
_NEWEST: Final = (
    sa.select(papers)
    .select_from(_MATCHED)
    .where(_MATCHED_SINCE)
    .order_by(matches.c.published.desc(), matches.c.arxiv_id.desc())
    .limit(_LIMIT)
)
_BETWEEN: Final = (matches.c.published >= _SINCE, matches.c.published < _UNTIL)
_UPDATED_BETWEEN: Final = (matches.c.updated >= _SINCE, matches.c.updated < _UNTIL)
_MATCHING: Final = {
    False: sa.select(papers)
    .select_from(_MATCHED)
    .where(_OF_KEYWORD, *_BETWEEN)
    .order_by(matches.c.published.desc(), matches.c.arxiv_id.desc())
    .limit(_LIMIT),
    True: sa.select(papers)
    .select_from(_MATCHED)
    .where(_OF_KEYWORD, *_UPDATED_BETWEEN)
    .order_by(matches.c.updated.desc(), matches.c.arxiv_id.desc())
    .limit(_LIMIT),
}
_COUNT: Final = sa.select(sa.func.count()).select_from(matches).where(_MATCHED_SINCE)
_CATEGORIES: Final = sa.select(papers.c.categories).select_from(_MATCHED).where(_MATCHED_SINCE)
# The date of the last of a keyword's newest papers, and the latest such date of the channel's keywords: one of them has
# as many papers since then as are needed, and none has many more.
_LAST_OF_NEWEST: Final = (
    sa.select(matches.c.published)
    .where(matches.c.keyword_id == subscriptions.c.keyword_id)
    .order_by(matches.c.published.desc(), matches.c.arxiv_id.desc())
    .limit(1)
    .offset(sa.bindparam("before", type_=sa.Integer))
    .correlate(subscriptions)
    .scalar_subquery()
)
_NEWEST_SINCE: Final = sa.select(sa.func.max(_LAST_OF_NEWEST)).where(subscriptions.c.channel_id == _CHANNEL)
_CHANNEL_SINCE: Final = (
    sa.select(matches.c.published, matches.c.arxiv_id, SUBSCRIPTION_LABEL.label("shown"))
    .join(matches, matches.c.keyword_id == subscriptions.c.keyword_id)
    .where(subscriptions.c.channel_id == _CHANNEL, matches.c.published >= _SINCE)
)
# Ids from before 2007 begin with a letter; newer ones sort by month.
_TITLES: Final = (
    sa.select(papers.c.title).where(papers.c.arxiv_id < "a").order_by(papers.c.arxiv_id.desc()).limit(_LIMIT)
)
_TRENDING_TITLES: Final = sa.select(trending_entries.c.title).order_by(trending_entries.c.arxiv_id.desc()).limit(_LIMIT)


_COMPARED: Final = (
    papers.c.arxiv_id, papers.c.version, papers.c.comment, papers.c.journal_ref, papers.c.published, papers.c.updated,
    papers.c.authors,
)  # fmt: skip


def _upsert() -> Insert:
    """Returns the statement that writes a paper, unless it is stored like that or in a newer version."""
    statement = insert(papers)
    new, others = statement.excluded, [column for column in papers.c if column is not papers.c.arxiv_id]
    differs = sa.or_(*(new[column.name].is_distinct_from(column) for column in others))
    return statement.on_conflict_do_update(
        index_elements=[papers.c.arxiv_id],
        set_={column.name: new[column.name] for column in others},
        where=sa.and_(new.version >= papers.c.version, differs),
    )


_UPSERT: Final = _upsert()


def _copied(column: sa.Column[Any], target: sa.Column[str]) -> sa.ScalarSelect[Any]:
    """Returns a column of the paper that a row of another table has."""
    return sa.select(column).where(papers.c.arxiv_id == target).correlate(target.table).scalar_subquery()


async def known_papers(connection: Connection, found: Iterable[Paper]) -> frozenset[ArxivId]:
    """Returns which of these papers are stored, as the caller's transaction sees it."""
    ids = listed([paper.arxiv_id.value for paper in found], Text)
    return frozenset(
        map(ArxivId, await connection.scalars(sa.select(papers.c.arxiv_id).where(papers.c.arxiv_id.in_(ids))))
    )


async def write_papers(connection: Connection, found: Iterable[Paper], terms: Terms = NO_TERMS) -> None:
    """Inserts papers, or updates them to a newer version, within the caller's transaction.

    Messages with a changed paper are edited, and the dates that other tables have of it are updated. `terms` are what
    `read_terms` returned.
    """
    written = tuple(found)
    stored = await stored_papers(connection, written)
    edited, moved = _changed(stored, written)
    for start in range(0, len(written), _PAPERS_AT_ONCE):
        part = written[start : start + _PAPERS_AT_ONCE]
        await connection.write(_UPSERT, [paper_to_row(paper) for paper in part])
    await update_index(connection, written, stored, terms)
    if edited:
        await request_edits_of_papers(connection, edited)
    if moved:
        await _update_dates(connection, moved)
    await count_authors(connection, written, {each: (row.version, row.authors) for each, row in stored.items()})
    await skip_withdrawn(connection, [paper.arxiv_id for paper in written])


def _changed(stored: Mapping[str, sa.Row[Any]], written: Sequence[Paper]) -> tuple[list[str], list[str]]:
    """Returns the stored papers of which messages show something else, and those with other dates."""
    pairs = [(paper, stored[paper.arxiv_id.value]) for paper in written if paper.arxiv_id.value in stored]
    newer = [(paper, row) for paper, row in pairs if paper.version >= row.version]
    edited = [
        row.arxiv_id
        for paper, row in newer
        if (paper.version, paper.comment, paper.journal_ref) != (row.version, row.comment, row.journal_ref)
    ]
    moved = [row.arxiv_id for paper, row in newer if (paper.published, paper.updated) != (row.published, row.updated)]
    return edited, moved


async def _update_dates(connection: Connection, ids: Sequence[str]) -> None:
    """Copies the dates of these papers to the tables that are read in their order."""
    found = listed(ids, Text)
    await connection.write(
        sa.update(matches)
        .where(matches.c.arxiv_id.in_(found))
        .values(
            published=_copied(papers.c.published, matches.c.arxiv_id),
            updated=_copied(papers.c.updated, matches.c.arxiv_id),
        )
    )
    await connection.write(
        sa.update(backfilled_papers)
        .where(backfilled_papers.c.arxiv_id.in_(found))
        .values(updated=_copied(papers.c.updated, backfilled_papers.c.arxiv_id))
    )
    await connection.write(
        sa.update(outbox)
        .where(outbox.c.arxiv_id.in_(found), IS_QUEUED)
        .values(published=_copied(papers.c.published, outbox.c.arxiv_id))
    )


async def skip_withdrawn(connection: Connection, ids: Iterable[ArxivId]) -> frozenset[str]:
    """Removes withdrawn papers from the queue, within the caller's transaction; returns their ids.

    A paper that is bound to a message stays, because the message may exist.
    """
    found = listed([arxiv_id.value for arxiv_id in ids], Text)
    queued = sa.select(outbox.c.arxiv_id).where(outbox.c.arxiv_id.in_(found), IS_QUEUED)
    rows = await connection.all(sa.select(papers).where(papers.c.arxiv_id.in_(queued)))
    withdrawn = await asyncio.to_thread(_withdrawn_ids, rows)  # 500 papers take 10 ms
    if withdrawn:
        await connection.write(
            sa.update(outbox)
            .where(outbox.c.arxiv_id.in_(listed(sorted(withdrawn), Text)), IS_QUEUED)
            .values(state="withdrawn")
        )
    return withdrawn


def _withdrawn_ids(rows: Iterable[sa.Row[Any]]) -> frozenset[str]:
    return frozenset(row.arxiv_id for row in rows if is_withdrawn(row_to_paper(row)))


async def read_papers(connection: Connection, ids: Iterable[ArxivId]) -> dict[ArxivId, Paper]:
    """Returns those of these papers that are stored, on the caller's connection."""
    found = listed([arxiv_id.value for arxiv_id in ids], Text)
    rows = await connection.all(sa.select(papers).where(papers.c.arxiv_id.in_(found)))
    return {paper.arxiv_id: paper for paper in map(row_to_paper, rows)}


class Papers:
    """The stored papers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, found: Iterable[Paper]) -> None:
        """Stores papers that a lookup found; they do not become new to any channel."""
        written = tuple(found)
        terms = await read_terms(self._database, written)
        async with self._database.transaction() as connection:
            await write_papers(connection, written, terms)

    async def get(self, arxiv_id: ArxivId) -> Paper | None:
        """Returns a paper at its newest known version; None if it is not stored."""
        return (await self.get_many([arxiv_id])).get(arxiv_id)

    async def get_many(self, ids: Iterable[ArxivId]) -> dict[ArxivId, Paper]:
        """Returns those of these papers that are stored, at their newest known versions."""
        async with self._database.reading() as connection:
            return await read_papers(connection, ids)

    async def newest(self, keyword: Keyword, limit: int, since: datetime | None = None) -> tuple[Paper, ...]:
        """Returns the papers that matched `keyword`, newest first by `published`."""
        values = {"canonical": keyword.canonical, "since": since or _BEGINNING, "limit": limit}
        async with self._database.reading() as connection:
            return tuple(map(row_to_paper, await connection.all(_NEWEST, values)))

    async def matching(
        self, keyword: Keyword, limit: int, period: Period | None = None, *, by_update: bool = False
    ) -> tuple[Paper, ...]:
        """Returns papers that matched `keyword` in a period, newest first by `published`, or by `updated`."""
        since, until = (_BEGINNING, _END) if period is None else (period.start, period.end)
        values = {"canonical": keyword.canonical, "since": since, "until": until, "limit": limit}
        async with self._database.reading() as connection:
            return tuple(map(row_to_paper, await connection.all(_MATCHING[by_update], values)))

    async def titles(self, limit: int) -> tuple[str, ...]:
        """Returns the titles of the newest papers, of stored ones first, then of those on trending lists."""
        async with self._database.reading() as connection:
            titles = await connection.scalars(_TITLES, {"limit": limit})  # 3,000 titles take 10 ms
            trending = await connection.scalars(_TRENDING_TITLES, {"limit": limit - len(titles)})
        return (*titles, *trending)

    async def count_by_category(self, keyword: Keyword, since: datetime) -> tuple[tuple[str, int], ...]:
        """Returns how many papers since `since` that matched `keyword` are in each category, primary or not."""
        async with self._database.reading() as connection:
            papers_categories = await connection.scalars(_CATEGORIES, {"canonical": keyword.canonical, "since": since})
        counts = Counter(category for categories in papers_categories for category in categories)
        return tuple(sorted(counts.items(), key=lambda counted: (-counted[1], counted[0])))

    async def newest_in_channel(self, channel_id: int, limit: int) -> tuple[tuple[Paper, tuple[str, ...]], ...]:
        """Returns the newest papers that matched a channel's keywords, with these keywords, oldest paper first."""
        async with self._database.reading() as connection:
            since = await connection.scalar(_NEWEST_SINCE, {"channel": channel_id, "before": limit - 1})
            rows = await connection.all(_CHANNEL_SINCE, {"channel": channel_id, "since": since or _BEGINNING})
            reasons: dict[tuple[datetime, ArxivId], list[str]] = defaultdict(list)
            for row in rows:
                reasons[row.published, ArxivId(row.arxiv_id)].append(row.shown)
            newest = sorted(reasons)[-limit:]
            found = await read_papers(connection, [arxiv_id for _, arxiv_id in newest])
        return tuple((found[arxiv_id], tuple(reasons[date, arxiv_id])) for date, arxiv_id in newest)

    async def count(self, keyword: Keyword, since: datetime) -> int:
        """Returns how many papers since `since` matched `keyword`."""
        async with self._database.reading() as connection:
            return int(await connection.scalar(_COUNT, {"canonical": keyword.canonical, "since": since}))
