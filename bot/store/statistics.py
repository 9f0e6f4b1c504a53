"""Counts posted papers by week and keyword."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.charts.chart import Series
from bot.domain.charts.weekly import WEEK, Weekly
from bot.store.columns import Id
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.schema import channels as channels_table
from bot.store.schema import keywords, outbox, outbox_keywords, posts
from bot.store.spellings import spelling

_OF_GUILD: Final = (
    sa.select(channels_table.c.channel_id)
    .where(channels_table.c.guild_id == sa.bindparam("guild", type_=Id))
    .order_by(channels_table.c.channel_id)
)


class Statistics:
    """The counts of delivered papers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def channels(self, guild_id: int) -> tuple[int, ...]:
        """Returns a server's channels that ever had settings or subscriptions, including those that are gone."""
        async with self._database.reading() as connection:
            return tuple(await connection.scalars(_OF_GUILD, {"guild": guild_id}))

    async def weekly(self, channels: Collection[int], since: datetime, weeks: int) -> Weekly:
        """Returns the papers posted in these channels in `weeks` weeks from `since` on."""
        delivered = _delivered(channels, since, weeks)
        async with self._database.reading() as connection:
            all_rows = await connection.all(_count_by_week(delivered))
            rows = await connection.all(_count_by_keyword(delivered, channels))
        papers = [0] * weeks
        for row in all_rows:
            papers[row.week] = row.papers
        by_keyword: dict[str, list[int]] = defaultdict(lambda: [0] * weeks)
        for row in rows:
            by_keyword[row.shown][row.week] += row.papers
        return Weekly(since, tuple(papers), tuple(Series(name, tuple(counts)) for name, counts in by_keyword.items()))


def _delivered(channels: Collection[int], since: datetime, weeks: int) -> sa.Subquery:
    """Returns the outbox rows of papers posted in these channels, with the number of the week from `since` on."""
    week = sa.case(
        *((posts.c.settled_at < since + number * WEEK, number - 1) for number in range(1, weeks)), else_=weeks - 1
    )
    return (
        sa.select(outbox.c.id, week.label("week"))
        .join(posts, posts.c.key == outbox.c.post_key)
        .where(
            posts.c.channel_id.in_(listed(channels, Id)),
            posts.c.settled_at >= since,
            posts.c.settled_at < since + weeks * WEEK,
            outbox.c.state == "delivered",
        )
        .subquery()
    )


def _count_by_week(delivered: sa.Subquery) -> sa.Select[Any]:
    return sa.select(delivered.c.week, sa.func.count().label("papers")).group_by(delivered.c.week)


def _count_by_keyword(delivered: sa.Subquery, channels: Collection[int]) -> sa.Select[Any, Any, Any]:
    counted = (
        sa.select(outbox_keywords.c.keyword_id, delivered.c.week, sa.func.count().label("papers"))
        .join(outbox_keywords, outbox_keywords.c.outbox_id == delivered.c.id)
        .group_by(outbox_keywords.c.keyword_id, delivered.c.week)
        .subquery()
    )
    spelled_by = sa.select(channels_table.c.channel_id).where(channels_table.c.channel_id.in_(listed(channels, Id)))
    return (
        sa.select(spelling(spelled_by).label("shown"), counted.c.week, counted.c.papers)
        .join(keywords, keywords.c.id == counted.c.keyword_id)
        .order_by(counted.c.keyword_id)
    )
