"""How many papers arXiv has for a keyword in a month, whether the keyword is watched or not."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from bot.domain.charts.trend import MonthCount
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.store.columns import Text
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.schema import month_counts


def _upsert() -> Insert:
    statement = insert(month_counts)
    return statement.on_conflict_do_update(
        index_elements=[month_counts.c.canonical, month_counts.c.month],
        set_={"papers": statement.excluded.papers, "counted_at": statement.excluded.counted_at},
    )


_UPSERT: Final = _upsert()


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
            rows = await connection.all(
                sa.select(month_counts).where(
                    month_counts.c.canonical.in_(listed(by_canonical, Text)),
                    month_counts.c.month.in_(listed([str(month) for month in months], Text)),
                )
            )
        return {
            (by_canonical[row.canonical], Month.parse(row.month)): MonthCount(row.papers, row.counted_at)
            for row in rows
        }

    async def write(self, keyword: Keyword, month: Month, papers: int, counted_at: datetime) -> None:
        """Stores a count, replacing an earlier one."""
        values = {"canonical": keyword.canonical, "month": str(month), "papers": papers, "counted_at": counted_at}
        async with self._database.transaction() as connection:
            await connection.write(_UPSERT, values)
