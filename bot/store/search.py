"""Searches the full-text index: it proposes the newest papers that may match, the most relevant first.

The index finds every paper that the matcher accepts, and some others. It never decides what matches.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.paper import Paper
from bot.domain.search.documents import ALL_DOCUMENTS, DocumentRange, Hits, IndexProgress
from bot.domain.search.query import AllOf, AnyOf, Everything, IndexQuery, Words, ranked_words
from bot.domain.search.terms import TERMS_VERSION
from bot.store.codecs import row_to_paper
from bot.store.column_types import Id
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.schema import papers, search_documents, search_progress
from bot.store.search_parts import SearchParts
from bot.store.search_text import fts5_query, tsquery, tsquery_any

# How many of the newest papers that a query finds are ranked.
HITS_MAX: Final = 5_000
# How important a word in the title and in the abstract is; facts do not count.
_WEIGHTS: Final = "10.0, 1.0, 0.0"
# From how many of the newest papers PostgreSQL learns how often a query finds any.
SAMPLE: Final = 10_000

_RANGE: Final = {"low": sa.bindparam("low", type_=Id), "high": sa.bindparam("high", type_=Id)}
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)
_NEWEST_ROWS: Final = sa.text(
    "SELECT json_group_array(id) FROM (SELECT rowid AS id FROM search_index"
    " WHERE search_index MATCH :query AND rowid >= :low AND rowid < :high ORDER BY rowid DESC LIMIT :limit)"
)
_RANKED_ROWS: Final = sa.text(
    "SELECT json_group_array(id) FROM (SELECT rowid AS id FROM search_index"
    " WHERE search_index MATCH :query AND rowid >= :low AND rowid < :high"
    f" ORDER BY bm25(search_index, {_WEIGHTS}), rowid DESC LIMIT :limit)"
)
# Sorting by an expression keeps PostgreSQL from reading all papers in the order of their ids.
_NEWEST_LEXEMES: Final = sa.text(
    "SELECT CAST(json_agg(json_build_array(id, rank)) AS text) FROM ("
    " SELECT id, ts_rank(terms, CAST(:ranking AS tsquery)) AS rank FROM ("
    "  SELECT id, terms FROM search_index WHERE terms @@ CAST(:query AS tsquery) AND id >= :low AND id < :high"
    "  ORDER BY id + 0 DESC LIMIT :limit) AS newest) AS ranked"
)
_IN_RANGE: Final = sa.and_(search_documents.c.id >= _RANGE["low"], search_documents.c.id < _RANGE["high"])
_NEWEST: Final = sa.select(search_documents.c.id).where(_IN_RANGE).order_by(search_documents.c.id.desc()).limit(_LIMIT)
_BOUNDS: Final = sa.select(
    sa.select(sa.func.min(search_documents.c.id)).where(_IN_RANGE).scalar_subquery().label("oldest"),
    sa.select(sa.func.max(search_documents.c.id)).where(_IN_RANGE).scalar_subquery().label("newest"),
    sa.select(search_documents.c.id)
    .where(_IN_RANGE)
    .order_by(search_documents.c.id.desc())
    .limit(1)
    .offset(sa.bindparam("offset", type_=sa.Integer))
    .scalar_subquery()
    .label("sample_start"),
)
_LAST: Final = (
    sa.select(search_documents.c.id).where(search_documents.c.id >= 0).order_by(search_documents.c.id.desc()).limit(1)
)
_PROGRESS: Final = sa.select(search_progress).where(search_progress.c.version == TERMS_VERSION)


class SearchIndex:
    """The index, for searches."""

    def __init__(self, database: Database, *, hits_max: int = HITS_MAX, sample: int = SAMPLE) -> None:
        self._database = database
        self._hits_max = hits_max
        self._sample = sample

    async def progress(self) -> IndexProgress:
        """Returns how far the index is built."""
        async with self._database.reading() as connection:
            row = await connection.first(_PROGRESS)
        return IndexProgress(0, 0, is_complete=False) if row is None else as_progress(row)

    async def find(self, query: IndexQuery, within: DocumentRange = ALL_DOCUMENTS, *, by_date: bool = False) -> Hits:
        """Returns the papers that may match, the most relevant first, or the newest first."""
        async with self._database.reading() as connection:
            if isinstance(query, Everything):
                newest = await connection.scalars(_NEWEST, self._values(within))
                return self._hits(newest)
            ranking = () if by_date else ranked_words(query)
            if connection.is_sqlite:
                return await self._find_fts5(connection, query, ranking, within)
            return await self._find_tsvector(connection, query, ranking, within)

    async def end(self) -> int:
        """Returns the first document after those that papers have."""
        async with self._database.reading() as connection:
            last: int | None = await connection.scalar(_LAST)
        return 0 if last is None else last + 1

    async def papers(self, documents: Sequence[int]) -> dict[int, Paper]:
        """Returns the papers at these documents."""
        statement = (
            sa.select(papers, search_documents.c.id.label("document"))
            .join(papers, papers.c.arxiv_id == search_documents.c.arxiv_id)
            .where(search_documents.c.id.in_(listed(documents, Id)))
        )
        async with self._database.reading() as connection:
            rows = await connection.all(statement)
        return await asyncio.to_thread(lambda: {row.document: row_to_paper(row) for row in rows})

    def _values(self, within: DocumentRange) -> dict[str, Any]:
        return {"low": within.low, "high": within.high, "limit": self._hits_max + 1}

    def _hits(self, documents: Sequence[int]) -> Hits:
        return Hits(tuple(documents[: self._hits_max]), has_more=len(documents) > self._hits_max)

    # --- SQLite ----------------------------------------------------------------------------------

    async def _find_fts5(
        self, connection: Connection, query: Words | AllOf | AnyOf, ranking: Sequence[Words], within: DocumentRange
    ) -> Hits:
        values = self._values(within) | {"query": fts5_query(query)}
        hits = self._hits(json.loads(await connection.scalar(_NEWEST_ROWS, values)))
        if not ranking or len(hits.documents) < 2:
            return hits
        # Papers that were stored in the meantime may be among these.
        values |= {"low": hits.documents[-1], "high": hits.documents[0] + 1}
        ranked = json.loads(await connection.scalar(_RANKED_ROWS, values))
        return Hits(tuple(ranked[: self._hits_max]), hits.has_more)

    # --- PostgreSQL ------------------------------------------------------------------------------

    async def _find_tsvector(
        self, connection: Connection, query: Words | AllOf | AnyOf, ranking: Sequence[Words], within: DocumentRange
    ) -> Hits:
        """Searches the newest papers first, in as many parts as are needed."""
        found: list[tuple[int, float]] = []
        parts = await self._parts(connection, within)
        while (part := parts.next_part(len(found))) is not None:
            values = {
                "query": tsquery(query, part.blocks),
                "ranking": tsquery_any(ranking),
                "low": part.within.low,
                "high": part.within.high,
                "limit": self._hits_max + 1 - len(found),
            }
            rows = json.loads(await connection.scalar(_NEWEST_LEXEMES, values) or "[]")
            found += sorted(((document, rank) for document, rank in rows), reverse=True)
        newest = found[: self._hits_max]
        if ranking:
            newest.sort(key=lambda hit: hit[1], reverse=True)
        return Hits(tuple(document for document, _ in newest), has_more=len(found) > self._hits_max)

    async def _parts(self, connection: Connection, within: DocumentRange) -> SearchParts:
        bounds = {"low": within.low, "high": within.high}
        row = await connection.first(_BOUNDS, bounds | {"offset": self._sample})
        oldest, newest = (row.oldest, row.newest) if row is not None and row.oldest is not None else (0, -1)
        start = oldest if row is None or row.sample_start is None else row.sample_start
        return SearchParts(within, self._hits_max + 1, oldest, newest, start)


def as_progress(row: sa.Row[Any]) -> IndexProgress:
    """Returns the progress of a row of the table `search_progress`."""
    return IndexProgress(row.done, row.papers, is_complete=row.position is None)
