"""Counts posted papers by week and keyword."""

import json
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from bot.domain.charts.chart import Series
from bot.domain.charts.weekly import WEEK, Weekly
from bot.store.codecs import spelling, to_text
from bot.store.database import Database

_DELIVERED = """
    FROM outbox JOIN posts ON posts.key = post_key
    WHERE state = 'delivered' AND outbox.channel_id IN (SELECT value FROM json_each(:channels))
      AND settled_at >= :since AND settled_at < :until
"""
_WEEK = f"(CAST(strftime('%s', settled_at) AS INTEGER) - :start) / {int(WEEK.total_seconds())}"


class Statistics:
    """The counts of delivered papers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def channels(self, guild_id: int) -> tuple[int, ...]:
        """Returns a server's channels that ever had settings or subscriptions, including those that are gone."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                "SELECT channel_id FROM channels WHERE guild_id = ? ORDER BY channel_id", (guild_id,)
            )
        return tuple(row["channel_id"] for row in rows)

    async def weekly(self, channels: Collection[int], since: datetime, weeks: int) -> Weekly:
        """Returns the papers posted in these channels in `weeks` weeks from `since` on."""
        values = {
            "channels": json.dumps(list(channels)),
            "since": to_text(since),
            "until": to_text(since + weeks * WEEK),
            "start": int(since.timestamp()),
        }
        async with self._database.reading() as connection:
            all_rows = await connection.execute_fetchall(
                f"SELECT {_WEEK} AS week, count(*) AS papers {_DELIVERED} GROUP BY week", values
            )
            rows = await connection.execute_fetchall(
                f"""SELECT {spelling("SELECT value FROM json_each(:channels)")} AS shown, week, count(*) AS papers
                    FROM (SELECT outbox.id AS outbox_id, {_WEEK} AS week {_DELIVERED})
                    JOIN outbox_keywords USING (outbox_id) JOIN keywords ON keywords.id = keyword_id
                    GROUP BY keyword_id, week ORDER BY keyword_id""",
                values,
            )
        papers = [0] * weeks
        for row in all_rows:
            papers[min(row["week"], weeks - 1)] += row["papers"]
        by_keyword: dict[str, list[int]] = defaultdict(lambda: [0] * weeks)
        for row in rows:
            by_keyword[row["shown"]][min(row["week"], weeks - 1)] += row["papers"]
        return Weekly(since, tuple(papers), tuple(Series(name, tuple(counts)) for name, counts in by_keyword.items()))
