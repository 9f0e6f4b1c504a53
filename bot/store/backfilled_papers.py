"""What backfills found in the past, for the page alone: nothing in here makes a paper new to a channel, or old."""

from collections.abc import Collection, Sequence
from datetime import datetime

from bot.domain.matching import Match
from bot.domain.months import Month
from bot.domain.paper import Paper
from bot.domain.subscription import WatchedKeyword
from bot.store.codecs import to_datetime, to_text
from bot.store.database import Database
from bot.store.papers import known_papers, write_papers


class BackfilledPapers:
    """The papers of the past, by keyword, and which months are complete."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def months(self) -> dict[tuple[int, Month], datetime]:
        """When each month was last read to its end, by the keyword's id."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall("SELECT keyword_id, month, fetched_at FROM backfilled_months")
        return {(row["keyword_id"], Month.parse(row["month"])): to_datetime(row["fetched_at"]) for row in rows}

    async def add(
        self, keywords: Collection[WatchedKeyword], papers: Sequence[Paper], matches: Collection[Match]
    ) -> int:
        """Keep the papers that matched, and newer versions of those that are known; returns how many are new here."""
        ids = {watched.keyword: watched.id for watched in keywords}
        shown = {paper.arxiv_id for paper in papers}
        pairs = [(ids[each.keyword], each.arxiv_id.value) for each in matches if each.arxiv_id in shown]
        matched = {arxiv_id for _, arxiv_id in pairs}
        async with self._database.transaction() as connection:
            known = await known_papers(connection, papers)
            kept = [paper for paper in papers if paper.arxiv_id.value in matched or paper.arxiv_id in known]
            await write_papers(connection, kept)
            await connection.executemany(
                "INSERT INTO backfilled_papers (keyword_id, arxiv_id) VALUES (?, ?) ON CONFLICT DO NOTHING", pairs
            )
        return sum(paper.arxiv_id not in known for paper in kept)

    async def complete_month(self, keywords: Collection[WatchedKeyword], month: Month, read_at: datetime) -> None:
        """Everything that arXiv showed of the month at that moment is kept for these keywords."""
        async with self._database.transaction() as connection:
            await connection.executemany(
                """INSERT INTO backfilled_months (keyword_id, month, fetched_at) VALUES (?, ?, ?)
                   ON CONFLICT DO UPDATE SET fetched_at = excluded.fetched_at""",
                [(watched.id, str(month), to_text(read_at)) for watched in keywords],
            )
