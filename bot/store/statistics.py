"""Counts posted papers by week and keyword."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.charts.chart import Series
from bot.domain.charts.weekly import WEEK, Weekly
from bot.store.column_types import Id, Text
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.schema import channels as channels_table
from bot.store.schema import keywords, outbox, outbox_keywords, posts, subscriptions
from bot.store.spellings import SUBSCRIPTION_LABEL

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
            rows = await connection.all(_count_by_keyword(delivered))
            shown = await _spellings(connection, channels, {row.keyword_id for row in rows})
        papers = [0] * weeks
        for row in all_rows:
            papers[row.week] = row.papers
        by_keyword: dict[str, list[int]] = defaultdict(lambda: [0] * weeks)
        for row in rows:
            by_keyword[shown.get(row.keyword_id, row.shown)][row.week] += row.papers
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


def _count_by_keyword(delivered: sa.Subquery) -> sa.Select[Any]:
    counted = (
        sa.select(outbox_keywords.c.keyword_id, delivered.c.week, sa.func.count().label("papers"))
        .join(outbox_keywords, outbox_keywords.c.outbox_id == delivered.c.id)
        .group_by(outbox_keywords.c.keyword_id, delivered.c.week)
        .subquery()
    )
    return (
        sa.select(
            counted.c.keyword_id,
            sa.func.coalesce(keywords.c.label, keywords.c.shown, type_=Text).label("shown"),
            counted.c.week,
            counted.c.papers,
        )
        .join(keywords, keywords.c.id == counted.c.keyword_id)
        .order_by(counted.c.keyword_id)
    )


async def _spellings(
    connection: Connection, channels: Collection[int], keyword_ids: Collection[int]
) -> Mapping[int, str]:
    """Returns how channels spell these keywords, each as in its first subscription; see `spellings.py`.

    Read at once: PostgreSQL takes 2 ms for the spelling of each keyword.
    """
    rows = await connection.all(
        sa.select(subscriptions.c.keyword_id, SUBSCRIPTION_LABEL.label("shown"))
        .where(
            subscriptions.c.channel_id.in_(listed(channels, Id)),
            subscriptions.c.keyword_id.in_(listed(keyword_ids, Id)),
        )
        .order_by(subscriptions.c.added_at, subscriptions.c.channel_id)
    )
    return {row.keyword_id: row.shown for row in reversed(rows)}
