"""Reads the page's data: each keyword's matched and backfilled papers, newest first, with their trending entries.

It never writes, and never renders.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.paper import ArxivId
from bot.page.model import Section
from bot.store.column_types import Id
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.papers import read_papers
from bot.store.schema import backfilled_months, backfilled_papers, keywords, matches, subscriptions
from bot.store.schema import channels as channels_table
from bot.store.spellings import spelling
from bot.store.trending_entries import read_trending_entries

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
    newest = (
        sa.select(table.c.updated, table.c.arxiv_id)
        .where(table.c.keyword_id == _KEYWORD)
        .order_by(table.c.updated.desc(), table.c.arxiv_id.desc())
        .limit(_LIMIT)
    )
    return sa.select(newest.subquery())


_NEWEST: Final = sa.union_all(_newest(matches), _newest(backfilled_papers))


@dataclass(frozen=True, slots=True)
class PageKeywords:
    """The keywords of a page in their order, by id and as they were typed.

    `updated` is when arXiv was last read completely, None before the first time.
    """

    updated: datetime | None
    ids: tuple[int, ...]
    shown: tuple[str, ...]


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

    async def keywords(self, channels: Collection[int] | None) -> PageKeywords:
        """Returns the keywords of these channels (None: all), each once."""
        async with self._database.reading() as connection:
            rows = await connection.all(_keywords(channels))
        times = [time for row in rows for time in (row.synced_until, row.backfilled_at) if time is not None]
        return PageKeywords(
            updated=max(times, default=None), ids=tuple(row.id for row in rows), shown=tuple(row.shown for row in rows)
        )

    async def sections(self, keywords: PageKeywords, limit: int) -> AsyncIterator[Section]:
        """Yields a section for each keyword, read when it is needed, with at most `limit` of its newest papers.

        Papers are ordered by the date of their latest version, which the page shows. No connection is held between
        two sections.
        """
        for keyword_id, shown in zip(keywords.ids, keywords.shown, strict=True):
            yield await self._section(keyword_id, shown, limit)

    async def _section(self, keyword_id: int, shown: str, limit: int) -> Section:
        async with self._database.reading() as connection:
            newest = await _newest_ids(connection, keyword_id, limit)
            papers = await read_papers(connection, newest)
            trending_entries = await read_trending_entries(connection, newest)
        return Section(shown, tuple(papers[arxiv_id] for arxiv_id in newest), trending_entries)


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
    rows = await connection.all(_NEWEST, {"keyword": keyword_id, "limit": limit})
    newest_first = sorted(map(tuple, rows), reverse=True)
    unique = dict.fromkeys(arxiv_id for _, arxiv_id in newest_first)
    return [ArxivId(arxiv_id) for arxiv_id in islice(unique, limit)]
