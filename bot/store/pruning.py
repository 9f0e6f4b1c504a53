"""Removes the abstracts of old papers, which take most of the space; everything else of a paper is kept.

A paper without an abstract is still seen, so it is not posted again. The abstracts of papers stay that wait to be
posted or are shown by messages that may still be edited, and those that alone say that the paper was withdrawn.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.search.terms import paper_terms
from bot.domain.withdrawal import is_withdrawn
from bot.store.codecs import row_to_paper
from bot.store.column_types import Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.edits import EDITED_FOR
from bot.store.expressions import listed
from bot.store.schema import edits, outbox, papers, posts
from bot.store.schema.papers import HAS_ABSTRACT
from bot.store.schema.posts import IS_WAITING
from bot.store.search_writes import STORED, Terms, change_entries, without_abstracts

# How many papers are examined at once: their transaction takes 0.1 s, most of it in the full-text index.
PAPERS_AT_ONCE: Final = 200

_BEFORE: Final = sa.bindparam("before", type_=Utc)
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)
_POSITION: Final = sa.tuple_(papers.c.updated, papers.c.arxiv_id)
_AFTER: Final = sa.tuple_(sa.bindparam("after_time", type_=Utc), sa.bindparam("after_id", type_=Text))
_OLD: Final = (
    sa.select(papers)
    .where(HAS_ABSTRACT, papers.c.updated < _BEFORE, _POSITION > _AFTER)
    .order_by(papers.c.updated, papers.c.arxiv_id)
    .limit(_LIMIT)
)
_IS_TO_BE_EDITED: Final = sa.exists().where(edits.c.post_key == posts.c.key)
_IS_NEEDED: Final = (
    sa.exists()
    .select_from(outbox.outerjoin(posts, posts.c.key == outbox.c.post_key))
    .where(
        outbox.c.arxiv_id == papers.c.arxiv_id,
        sa.or_(
            IS_WAITING,
            posts.c.settled_at > sa.bindparam("edited_since", type_=Utc),
            _IS_TO_BE_EDITED.correlate(posts),
        ),
    )
    .correlate(papers)
)
# SQLite does not merge the pages of rows that became shorter (`sqlite3BtreeInsert` in sqlite.org/src): the space would
# be lost until a VACUUM. Rows that move to the end leave free pages, which new rows use.
_ROWS: Final = sa.table("papers", sa.column("rowid", sa.Integer), sa.column("arxiv_id", Text))
_MOVE: Final = (
    sa.update(_ROWS)
    .where(_ROWS.c.arxiv_id == sa.bindparam("id", type_=Text))
    .values(rowid=sa.select(sa.func.max(_ROWS.alias("other").c.rowid) + 1).scalar_subquery())
)


@dataclass(frozen=True, slots=True)
class PruningPosition:
    """The last paper that was examined: papers are examined in the order of their last update."""

    updated: datetime
    arxiv_id: str


@dataclass(frozen=True, slots=True)
class PrunedPart:
    """How many abstracts were removed, and from where to continue; `position` is None after the last paper."""

    papers: int
    position: PruningPosition | None


BEGINNING: Final = PruningPosition(datetime.min.replace(tzinfo=UTC), "")


class AbstractPruning:
    """The papers whose abstracts are older than they are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prune(
        self, kept: timedelta, now: datetime, after: PruningPosition = BEGINNING, *, limit: int = PAPERS_AT_ONCE
    ) -> PrunedPart:
        """Removes the abstracts of the next papers that were last updated more than `kept` ago.

        At most `limit` papers are examined. Nothing else of a paper changes, and no message is edited.
        """
        before = now - kept
        position = {"after_time": after.updated, "after_id": after.arxiv_id}
        async with self._database.reading() as connection:
            rows = await connection.all(_OLD, {"before": before, "limit": limit, **position})
        if not rows:
            return PrunedPart(0, None)
        ids = await asyncio.to_thread(_without_need_of_abstract, rows)
        async with self._database.reading() as connection:
            stored = await _stored(connection, ids)
        terms = await asyncio.to_thread(_with_and_without_abstracts, stored)
        async with self._database.transaction() as connection:
            stored = await _stored(connection, ids)
            # A newer version may have been stored in the meantime.
            is_old = sa.and_(papers.c.arxiv_id.in_(listed(ids, Text)), HAS_ABSTRACT, papers.c.updated < _BEFORE)
            pruned = await connection.scalars(
                sa.update(papers).where(is_old, ~_IS_NEEDED).values(abstract="").returning(papers.c.arxiv_id),
                {"before": before, "edited_since": now - EDITED_FOR},
            )
            removed = frozenset(pruned)
            changes = await asyncio.to_thread(without_abstracts, [row for row in stored if row.arxiv_id in removed])
            await change_entries(connection, changes, terms)
            if connection.is_sqlite:
                await connection.write(_MOVE, [{"id": arxiv_id} for arxiv_id in pruned])
        return PrunedPart(len(pruned), PruningPosition(rows[-1].updated, rows[-1].arxiv_id))


async def _stored(connection: Connection, ids: Iterable[str]) -> Sequence[sa.Row[Any]]:
    return await connection.all(STORED.where(papers.c.arxiv_id.in_(listed(ids, Text))))


def _with_and_without_abstracts(stored: Iterable[sa.Row[Any]]) -> Terms:
    """Returns the terms of these papers, and their terms without abstracts."""
    changes = without_abstracts(stored)
    found = [change.paper for change in changes] + [change.outdated for change in changes if change.outdated]
    return {paper: paper_terms(paper) for paper in found}


def _without_need_of_abstract(rows: Iterable[sa.Row[Any]]) -> list[str]:
    """Returns the ids of the papers that, without their abstracts, count as withdrawn or not, as they do now."""
    found = map(row_to_paper, rows)
    return [
        paper.arxiv_id.value for paper in found if not is_withdrawn(paper) or is_withdrawn(replace(paper, abstract=""))
    ]
