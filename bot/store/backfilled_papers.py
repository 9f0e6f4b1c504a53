"""The papers that backfills found, for the page and the charts. They never change what is new to a channel."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from bot.domain.matching import Match
from bot.domain.months import Month
from bot.domain.paper import Paper
from bot.domain.subscription import WatchedKeyword
from bot.store.column_types import Id, Text
from bot.store.database import Database
from bot.store.expressions import listed_rows
from bot.store.papers import known_papers, write_papers
from bot.store.schema import backfilled_months, backfilled_papers, papers
from bot.store.search_writes import read_terms


def _upsert_month() -> Insert:
    statement = insert(backfilled_months)
    return statement.on_conflict_do_update(
        index_elements=[backfilled_months.c.keyword_id, backfilled_months.c.month],
        set_={"fetched_at": statement.excluded.fetched_at},
    )


_MONTHS: Final = sa.select(backfilled_months)
_UPSERT_MONTH: Final = _upsert_month()


class BackfilledPapers:
    """The backfilled papers by keyword, and the months that are complete."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def months(self) -> dict[tuple[int, Month], datetime]:
        """Returns when each month was last fetched completely, by keyword id and month."""
        async with self._database.reading() as connection:
            rows = await connection.all(_MONTHS)
        return {(row.keyword_id, Month.parse(row.month)): row.fetched_at for row in rows}

    async def add(
        self, keywords: Collection[WatchedKeyword], found: Sequence[Paper], matches: Collection[Match]
    ) -> int:
        """Stores the papers that matched, and newer versions of known ones; returns how many are new to the store."""
        ids = {watched.keyword: watched.id for watched in keywords}
        fetched = {paper.arxiv_id for paper in found}
        pairs = [(ids[match.keyword], match.arxiv_id) for match in matches if match.arxiv_id in fetched]
        matched = {arxiv_id for _, arxiv_id in pairs}
        terms = await read_terms(self._database, [paper for paper in found if paper.arxiv_id in matched])
        async with self._database.transaction() as connection:
            known = await known_papers(connection, found)
            kept = [paper for paper in found if paper.arxiv_id in matched or paper.arxiv_id in known]
            await write_papers(connection, kept, terms)
            await connection.write(_insert([(keyword_id, arxiv_id.value) for keyword_id, arxiv_id in pairs]))
        return sum(paper.arxiv_id not in known for paper in kept)

    async def complete_month(self, keywords: Collection[WatchedKeyword], month: Month, fetched_at: datetime) -> None:
        """Records that every paper of the month that arXiv had at `fetched_at` is stored for these keywords."""
        values = [{"keyword_id": watched.id, "month": str(month), "fetched_at": fetched_at} for watched in keywords]
        async with self._database.transaction() as connection:
            await connection.write(_UPSERT_MONTH, values)


def _insert(pairs: Collection[tuple[int, str]]) -> Insert:
    """Returns the statement that inserts these keywords' papers with the dates by which they are read."""
    found = listed_rows(
        [{"keyword": keyword_id, "paper": arxiv_id} for keyword_id, arxiv_id in pairs], {"keyword": Id, "paper": Text}
    )
    rows = (
        sa.select(found.c.keyword, papers.c.updated, papers.c.arxiv_id)
        .join(papers, papers.c.arxiv_id == found.c.paper)
        .where(sa.true())  # or SQLite would take ON CONFLICT for a condition of the join
    )
    return (
        insert(backfilled_papers)
        .from_select(["keyword_id", "updated", "arxiv_id"], rows)
        .on_conflict_do_nothing(index_elements=[backfilled_papers.c.arxiv_id, backfilled_papers.c.keyword_id])
    )
