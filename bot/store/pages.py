"""Reads the page's data: each keyword's matched and backfilled papers, newest first, with their trending entries.

It never writes, and never renders.
"""

from collections.abc import Collection, Mapping, Sequence
from heapq import merge
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.paper import ArxivId, Paper
from bot.page.model import Page, Section
from bot.store.columns import Id
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.papers import read_papers
from bot.store.schema import backfilled_months, backfilled_papers, keywords, matches, subscriptions
from bot.store.schema import channels as channels_table
from bot.store.spellings import spelling
from bot.store.trending_entries import read_trending_entries

# Papers that are read in one statement.
_PAPERS_AT_ONCE: Final = 500

_KEYWORD: Final = sa.bindparam("keyword", type_=Id)
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)
# A channel that is gone has no readers.
_CHANNELS: Final = (
    sa.select(subscriptions.c.channel_id)
    .join(channels_table, channels_table.c.channel_id == subscriptions.c.channel_id)
    .where(channels_table.c.gone_since.is_(None))
)


def _newest(table: sa.Table) -> sa.Select[Any]:
    """Returns the query for the newest papers of a keyword in one of the tables, in the order of its index."""
    return (
        sa.select(table.c.updated, table.c.arxiv_id)
        .where(table.c.keyword_id == _KEYWORD)
        .order_by(table.c.updated.desc(), table.c.arxiv_id.desc())
        .limit(_LIMIT)
    )


_NEWEST: Final = (_newest(matches), _newest(backfilled_papers))


class PageStore:
    """The papers of the page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def data_version(self) -> int:
        """Returns a number that changes whenever the database is written; cheap."""
        return await self._database.version()

    async def channels(self) -> frozenset[int]:
        """Returns the channels with a keyword that are not gone."""
        async with self._database.reading() as connection:
            return frozenset(await connection.scalars(_CHANNELS.distinct()))

    async def page(self, channels: Collection[int] | None, limit: int) -> Page:
        """Returns the keywords of these channels (None: all), each once, with at most `limit` of their newest papers.

        Papers are ordered by the date of their latest version, which the page shows.
        """
        async with self._database.reading() as connection:
            rows = await connection.all(_keywords(channels))
            ids = [await _newest_ids(connection, row.id, limit) for row in rows]
            papers = await _papers(connection, {arxiv_id for section in ids for arxiv_id in section})
            trending_entries = await read_trending_entries(connection, papers)
        sections = tuple(
            Section(row.shown, tuple(papers[arxiv_id] for arxiv_id in section))
            for row, section in zip(rows, ids, strict=True)
        )
        times = [time for row in rows for time in (row.synced_until, row.backfilled_at) if time is not None]
        return Page(updated=max(times, default=None), sections=sections, trending_entries=trending_entries)


def _keywords(selected: Collection[int] | None) -> sa.Select[Any]:
    """Returns the query for the keywords of these channels, as the channels spell them."""
    chosen = _CHANNELS
    if selected is not None:
        chosen = chosen.where(subscriptions.c.channel_id.in_(listed(selected, Id)))
    fetched_at = (
        sa.select(sa.func.max(backfilled_months.c.fetched_at))
        .where(backfilled_months.c.keyword_id == keywords.c.id)
        .scalar_subquery()
    )
    shown = spelling(chosen)
    return (
        sa.select(keywords.c.id, shown.label("shown"), keywords.c.synced_until, fetched_at.label("backfilled_at"))
        .where(keywords.c.id.in_(chosen.with_only_columns(subscriptions.c.keyword_id)))
        .order_by(sa.func.lower(shown))
    )


async def _newest_ids(connection: Connection, keyword_id: int, limit: int) -> Sequence[ArxivId]:
    """Returns the newest matched or backfilled papers of a keyword, newest first."""
    values = {"keyword": keyword_id, "limit": limit}
    read = [[tuple(row) for row in await connection.all(statement, values)] for statement in _NEWEST]
    unique = dict.fromkeys(arxiv_id for _, arxiv_id in merge(*read, reverse=True))
    return [ArxivId(arxiv_id) for arxiv_id in islice(unique, limit)]


async def _papers(connection: Connection, ids: Collection[ArxivId]) -> Mapping[ArxivId, Paper]:
    """Returns these papers; one that several keywords have is read once."""
    papers: dict[ArxivId, Paper] = {}
    ordered = sorted(ids)
    for start in range(0, len(ordered), _PAPERS_AT_ONCE):
        papers |= await read_papers(connection, ordered[start : start + _PAPERS_AT_ONCE])
    return papers
