"""How many papers arXiv has for a keyword in a month, whether the keyword is watched or not."""

import json
from collections.abc import Collection
from datetime import datetime

from bot.domain.charts.trend import MonthCount
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.store.codecs import to_datetime, to_text
from bot.store.database import Database


class MonthCounts:
    """The stored counts; `MonthCount` decides whether one is still valid."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(
        self, keywords: Collection[Keyword], months: Collection[Month]
    ) -> dict[tuple[Keyword, Month], MonthCount]:
        """Returns the stored counts of these keywords in these months."""
        by_canonical = {keyword.canonical: keyword for keyword in keywords}
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT canonical, month, papers, counted_at FROM month_counts
                   WHERE canonical IN (SELECT value FROM json_each(?)) AND month IN (SELECT value FROM json_each(?))""",
                (json.dumps(list(by_canonical)), json.dumps([str(month) for month in months])),
            )
        return {
            (by_canonical[row["canonical"]], Month.parse(row["month"])): MonthCount(
                row["papers"], to_datetime(row["counted_at"])
            )
            for row in rows
        }

    async def write(self, keyword: Keyword, month: Month, papers: int, counted_at: datetime) -> None:
        """Stores a count, replacing an earlier one."""
        async with self._database.transaction() as connection:
            await connection.execute(
                """INSERT INTO month_counts (canonical, month, papers, counted_at) VALUES (?, ?, ?, ?)
                   ON CONFLICT DO UPDATE SET papers = excluded.papers, counted_at = excluded.counted_at""",
                (keyword.canonical, str(month), papers, to_text(counted_at)),
            )
