"""The papers that expressions exclude: written with a window that was read, and counted for previews.

They are kept for some weeks, and never decide what is posted.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.expressions.exclusions import Exclusion
from bot.domain.keyword import Keyword
from bot.domain.paper import Paper
from bot.domain.subscription import WatchedKeyword
from bot.store.codecs import row_to_paper
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed_rows
from bot.store.schema import excluded_papers, keywords, papers

# Longer than a preview looks back.
KEPT: Final = timedelta(days=40)

_OF_KEYWORD: Final = sa.and_(
    excluded_papers.c.keyword_id
    == sa.select(keywords.c.id).where(keywords.c.canonical == sa.bindparam("canonical", type_=Text)).scalar_subquery(),
    excluded_papers.c.published >= sa.bindparam("since", type_=Utc),
)
_PER_EXCLUSION: Final = (
    sa.select(excluded_papers.c.excluded_by, sa.func.count().label("papers"))
    .where(_OF_KEYWORD)
    .group_by(excluded_papers.c.excluded_by)
)
_NEWEST: Final = (
    sa.select(papers)
    .select_from(excluded_papers.join(papers, papers.c.arxiv_id == excluded_papers.c.arxiv_id))
    .where(_OF_KEYWORD)
    .order_by(excluded_papers.c.published.desc(), excluded_papers.c.arxiv_id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


@dataclass(frozen=True, slots=True)
class ExcludedSummary:
    """How many papers each exclusion of a keyword removed, the most first, and the newest of these papers."""

    papers: Mapping[str, int]
    newest: tuple[Paper, ...]


NOTHING_EXCLUDED: Final = ExcludedSummary({}, ())


async def write_excluded(
    connection: Connection, planned: Collection[WatchedKeyword], exclusions: Collection[Exclusion], now: datetime
) -> None:
    """Stores exclusions of papers that are stored, and removes older ones."""
    rows = await asyncio.to_thread(_rows, planned, exclusions)
    found = listed_rows(rows, {"keyword": Id, "paper": Text, "excluded_by": Text})
    new = sa.select(found.c.keyword, papers.c.published, papers.c.arxiv_id, found.c.excluded_by).join(
        papers, papers.c.arxiv_id == found.c.paper
    )
    await connection.write(
        insert(excluded_papers)
        .from_select(["keyword_id", "published", "arxiv_id", "excluded_by"], new.where(sa.true()))
        .on_conflict_do_nothing(index_elements=[excluded_papers.c.arxiv_id, excluded_papers.c.keyword_id])
    )
    await connection.write(sa.delete(excluded_papers).where(excluded_papers.c.published < now - KEPT))


def _rows(planned: Collection[WatchedKeyword], exclusions: Collection[Exclusion]) -> Sequence[dict[str, int | str]]:
    ids = {watched.keyword: watched.id for watched in planned}
    return [
        {"keyword": ids[each.keyword], "paper": each.arxiv_id.value, "excluded_by": each.excluded_by}
        for each in exclusions
    ]


class ExcludedPapers:
    """What keywords exclude."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def summary(self, keyword: Keyword, since: datetime, limit: int) -> ExcludedSummary:
        """Returns what a watched keyword has excluded since then, with the `limit` newest papers."""
        values = {"canonical": keyword.canonical, "since": since}
        async with self._database.reading() as connection:
            counts = {row.excluded_by: row.papers for row in await connection.all(_PER_EXCLUSION, values)}
            newest = await connection.all(_NEWEST, values | {"limit": limit}) if counts else ()
        ordered = dict(sorted(counts.items(), key=lambda count: (-count[1], count[0])))
        return ExcludedSummary(ordered, tuple(map(row_to_paper, newest)))
