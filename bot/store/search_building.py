"""Builds the full-text index of the papers that were stored before there was one, in small parts, the newest first.

Each part is a transaction with the position, so that an interrupted build continues. Papers that are stored meanwhile
are put into the index with their transaction.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from bot.domain.search.documents import IndexProgress
from bot.domain.search.terms import TERMS_VERSION, paper_terms
from bot.store.codecs import row_to_paper
from bot.store.column_types import Text
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.disk import FREE_BYTES_MIN
from bot.store.expressions import listed
from bot.store.schema import papers, search_documents, search_progress
from bot.store.search import as_progress
from bot.store.search_writes import STORED, IndexChange, change_entries

# Reading their terms takes 50 ms, and the transaction 30 ms.
PAPERS_AT_ONCE: Final = 100

# Measured for abstracts of 1,300 characters: the index of a paper, and its part of the -wal file.
BYTES_PER_PAPER: Final = 1_500

# Greater than each id, which consists of ASCII characters.
_END: Final = "\x7f"
_PROGRESS: Final = sa.select(search_progress)
_COUNT: Final = sa.select(sa.func.count()).select_from(papers)
_PART: Final = (
    sa.select(papers.c.arxiv_id)
    .where(papers.c.arxiv_id < sa.bindparam("before", type_=Text))
    .order_by(papers.c.arxiv_id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_FTS5_CLEAR: Final = sa.text("INSERT INTO search_index (search_index) VALUES ('delete-all')")
_TSVECTOR_CLEAR: Final = sa.text("TRUNCATE search_index")


class SearchIndexBuilding:
    """The papers that are not in the index yet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self) -> IndexProgress:
        """Returns how far the index is built; begins with an empty one if there is none with the present terms."""
        async with self._database.reading() as connection:
            row = await connection.first(_PROGRESS)
            if row is not None and row.version == TERMS_VERSION:
                return as_progress(row)
            count = await connection.scalar(_COUNT)
        async with self._database.transaction() as connection:
            await connection.write(_FTS5_CLEAR if connection.is_sqlite else _TSVECTOR_CLEAR)
            await connection.write(sa.delete(search_documents))
            await connection.write(sa.delete(search_progress))
            position = _END if count else None
            values = {"version": TERMS_VERSION, "position": position, "papers": count, "done": 0}
            await connection.write(sa.insert(search_progress), values)
        return IndexProgress(0, count, is_complete=not count)

    async def lacking_bytes(self) -> int:
        """Returns how much space the disk lacks for what is not in the index; 0 if it has enough, or is a server's."""
        free = await self._database.free_bytes()
        if free is None:
            return 0
        async with self._database.reading() as connection:
            progress = await connection.first(_PROGRESS)
        missing = 0 if progress is None else progress.papers - progress.done
        return max(0, missing * BYTES_PER_PAPER + FREE_BYTES_MIN - free)

    async def build_part(self, *, limit: int = PAPERS_AT_ONCE) -> IndexProgress:
        """Puts the next papers into the index; at most `limit` are read. `begin` must have been called."""
        async with self._database.reading() as connection:
            progress = await connection.first(_PROGRESS)
            if progress is None or progress.position is None:
                raise ValueError("there is nothing to build")
            ids = await connection.scalars(_PART, {"before": progress.position, "limit": limit})
            missing = await _missing(connection, ids)
        position = ids[-1] if len(ids) == limit else None
        terms = await asyncio.to_thread(lambda: {each.paper: paper_terms(each.paper) for each in missing})
        async with self._database.transaction() as connection:
            await change_entries(connection, await _missing(connection, ids), terms)
            done = min(progress.papers, progress.done + len(ids))
            await connection.write(sa.update(search_progress).values(position=position, done=done))
        return IndexProgress(done, progress.papers, is_complete=position is None)


async def _missing(connection: Connection, ids: Sequence[str]) -> list[IndexChange]:
    """Returns those of these papers that are not in the index, as they are stored now."""
    rows = await connection.all(STORED.where(papers.c.arxiv_id.in_(listed(ids, Text)), search_documents.c.id.is_(None)))
    return await asyncio.to_thread(lambda: [IndexChange(row_to_paper(row)) for row in rows])
