"""Keeps the full-text index in step with the papers, within the transaction that writes these.

On SQLite, an entry is removed by giving the terms that it has: they follow from the paper as it was stored. Reading the
terms of a paper takes half a millisecond, so that those of many papers are read before the transaction.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.paper import Paper
from bot.domain.search.documents import day_after, first_document
from bot.domain.search.terms import PaperTerms, paper_terms
from bot.store.codecs import row_to_paper
from bot.store.column_types import Id, Text
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed, listed_rows
from bot.store.schema import papers, search_documents
from bot.store.search_text import fts5_document, tsvector

# The papers as they are stored, with their documents in the index; NULL for one that is not in it.
STORED: Final = sa.select(papers, search_documents.c.id.label("document")).outerjoin(
    search_documents, search_documents.c.arxiv_id == papers.c.arxiv_id
)
Terms = Mapping[Paper, PaperTerms]
NO_TERMS: Final[Terms] = MappingProxyType({})
_ENTRIES_AT_ONCE: Final = 200
_INDEXED: Final = ("title", "abstract", "authors", "primary_category", "categories", "comment", "journal_ref")

_FTS5_INSERT: Final = sa.text(
    "INSERT INTO search_index (rowid, title, abstract, facts) VALUES (:id, :title, :abstract, :facts)"
)
_FTS5_DELETE: Final = sa.text(
    "INSERT INTO search_index (search_index, rowid, title, abstract, facts)"
    " VALUES ('delete', :id, :title, :abstract, :facts)"
)
_TSVECTOR_WRITE: Final = sa.text(
    "INSERT INTO search_index (id, terms) VALUES (:id, CAST(:terms AS tsvector))"
    " ON CONFLICT (id) DO UPDATE SET terms = excluded.terms"
)


@dataclass(frozen=True, slots=True)
class IndexChange:
    """A paper whose entry is missing or outdated; `outdated` is the paper as it is in the index at `document`."""

    paper: Paper
    document: int | None = None
    outdated: Paper | None = None


async def read_terms(database: Database, found: Iterable[Paper]) -> Terms:
    """Returns the terms of those papers that are not in the index, or not as they are; to be called before they are."""
    written = tuple(found)
    async with database.reading() as connection:
        stored = await stored_papers(connection, written)
    return await asyncio.to_thread(
        lambda: {each.paper: paper_terms(each.paper) for each in _changes(_newest(written, stored), stored)}
    )


async def stored_papers(connection: Connection, found: Iterable[Paper]) -> Mapping[str, sa.Row[Any]]:
    """Returns the rows of `STORED` for those of these papers that are stored."""
    ids = listed([paper.arxiv_id.value for paper in found], Text)
    return {row.arxiv_id: row for row in await connection.all(STORED.where(papers.c.arxiv_id.in_(ids)))}


async def update_index(
    connection: Connection, written: Iterable[Paper], stored: Mapping[str, sa.Row[Any]], terms: Terms
) -> None:
    """Puts written papers into the index; `stored` are the rows of `STORED` before they were written.

    `terms` may have the terms of some of them.
    """
    changes = await asyncio.to_thread(lambda: _changes(_newest(written, stored), stored))
    await change_entries(connection, changes, terms)


async def change_entries(connection: Connection, changes: Sequence[IndexChange], terms: Terms) -> None:
    """Inserts the missing entries, and replaces the outdated ones; in parts, as their values become parameters."""
    for start in range(0, len(changes), _ENTRIES_AT_ONCE):
        await _change_part(connection, changes[start : start + _ENTRIES_AT_ONCE], terms)


async def _change_part(connection: Connection, changes: Sequence[IndexChange], terms: Terms) -> None:
    missing = [change.paper for change in changes if change.document is None]
    documents = {change.paper.arxiv_id.value: change.document for change in changes if change.document is not None}
    if missing:
        assigned = await _assign_documents(connection, missing)
        await connection.write(
            sa.insert(search_documents),
            [{"id": document, "arxiv_id": arxiv_id} for arxiv_id, document in assigned.items()],
        )
        documents |= assigned
    new = [(documents[change.paper.arxiv_id.value], change.paper) for change in changes]
    if connection.is_sqlite:
        outdated = [(each.document, each.outdated) for each in changes if each.outdated and each.document is not None]
        await connection.write(_FTS5_DELETE, await asyncio.to_thread(_fts5_rows, outdated, terms))
        await connection.write(_FTS5_INSERT, await asyncio.to_thread(_fts5_rows, new, terms))
    else:
        await connection.write(_TSVECTOR_WRITE, await asyncio.to_thread(_tsvector_rows, new, terms))


def _newest(written: Iterable[Paper], stored: Mapping[str, sa.Row[Any]]) -> Mapping[str, Paper]:
    """Returns each paper that is written in its newest version, without versions that are older than the stored one."""
    newest: dict[str, Paper] = {}
    for paper in written:
        before = newest.get(paper.arxiv_id.value) or stored.get(paper.arxiv_id.value)
        if before is None or paper.version >= before.version:
            newest[paper.arxiv_id.value] = paper
    return newest


def _changes(newest: Mapping[str, Paper], stored: Mapping[str, sa.Row[Any]]) -> list[IndexChange]:
    changes = []
    for arxiv_id, paper in newest.items():
        row = stored.get(arxiv_id)
        if row is None or row.document is None:
            changes.append(IndexChange(paper))
        elif any(getattr(row, name) != getattr(paper, name) for name in _INDEXED):
            changes.append(IndexChange(paper, row.document, row_to_paper(row)))
    return changes


def without_abstracts(stored: Iterable[sa.Row[Any]]) -> list[IndexChange]:
    """Returns the changes of the index if the abstracts of these papers, rows of `STORED`, are removed."""
    outdated = [(row.document, row_to_paper(row)) for row in stored if row.document is not None]
    return [IndexChange(replace(paper, abstract=""), document, paper) for document, paper in outdated]


async def _assign_documents(connection: Connection, missing: Sequence[Paper]) -> dict[str, int]:
    """Returns the documents of papers that are not in the index: after those of the same day."""
    days = sorted({first_document(paper.published) for paper in missing})
    listed = listed_rows([{"first": day, "next": day_after(day)} for day in days], {"first": Id, "next": Id})
    last = (
        sa.select(sa.func.max(search_documents.c.id))
        .where(search_documents.c.id >= listed.c.first, search_documents.c.id < listed.c.next)
        .scalar_subquery()
    )
    rows = await connection.all(sa.select(listed.c.first, last.label("last")))
    free = {row.first: row.first if row.last is None else row.last + 1 for row in rows}
    assigned: dict[str, int] = {}
    for paper in missing:
        day = first_document(paper.published)
        assigned[paper.arxiv_id.value] = free[day]
        free[day] += 1
    return assigned


def _fts5_rows(entries: Iterable[tuple[int, Paper]], terms: Terms) -> list[dict[str, int | str]]:
    return [fts5_document(document, terms.get(paper) or paper_terms(paper)) for document, paper in entries]


def _tsvector_rows(entries: Iterable[tuple[int, Paper]], terms: Terms) -> list[dict[str, int | str]]:
    return [
        {"id": document, "terms": tsvector(document, terms.get(paper) or paper_terms(paper))}
        for document, paper in entries
    ]
