"""The papers that backfills found, for the page and the charts. They never change what is new to a channel."""

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
    """The backfilled papers by keyword, and the months that are complete."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def months(self) -> dict[tuple[int, Month], datetime]:
        """Returns when each month was last fetched completely, by keyword id and month."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall("SELECT keyword_id, month, fetched_at FROM backfilled_months")
        return {(row["keyword_id"], Month.parse(row["month"])): to_datetime(row["fetched_at"]) for row in rows}

    async def add(
        self, keywords: Collection[WatchedKeyword], papers: Sequence[Paper], matches: Collection[Match]
    ) -> int:
        """Stores the papers that matched, and newer versions of known ones; returns how many are new to the store."""
        ids = {watched.keyword: watched.id for watched in keywords}
        fetched = {paper.arxiv_id for paper in papers}
        pairs = [(ids[match.keyword], match.arxiv_id.value) for match in matches if match.arxiv_id in fetched]
        matched = {arxiv_id for _, arxiv_id in pairs}
        async with self._database.transaction() as connection:
            known = await known_papers(connection, papers)
            kept = [paper for paper in papers if paper.arxiv_id.value in matched or paper.arxiv_id in known]
            await write_papers(connection, kept)
            await connection.executemany(
                "INSERT INTO backfilled_papers (keyword_id, arxiv_id) VALUES (?, ?) ON CONFLICT DO NOTHING", pairs
            )
        return sum(paper.arxiv_id not in known for paper in kept)

    async def complete_month(self, keywords: Collection[WatchedKeyword], month: Month, fetched_at: datetime) -> None:
        """Records that every paper of the month that arXiv had at `fetched_at` is stored for these keywords."""
        async with self._database.transaction() as connection:
            await connection.executemany(
                """INSERT INTO backfilled_months (keyword_id, month, fetched_at) VALUES (?, ?, ?)
                   ON CONFLICT DO UPDATE SET fetched_at = excluded.fetched_at""",
                [(watched.id, str(month), to_text(fetched_at)) for watched in keywords],
            )
