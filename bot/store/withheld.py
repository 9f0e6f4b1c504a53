"""The papers that channels did not get: why, how many, and those that a message's limit left out. It never writes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.domain.exclusions import WithheldPaper, WithheldReason
from bot.domain.paper import ArxivId, Paper
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.papers import read_papers
from bot.store.schema import channels, matches, posts, subscriptions, withheld

_KEY: Final = sa.bindparam("post", type_=Text)
_CHANNEL_OF_POST: Final = sa.select(posts.c.channel_id).where(posts.c.key == _KEY)
_OF_POST: Final = withheld.c.post_key == _KEY
_COUNT_OF_POST: Final = sa.select(sa.func.count()).where(_OF_POST)
_PAGE: Final = (
    sa.select(withheld.c.arxiv_id)
    .where(_OF_POST)
    .order_by(withheld.c.published, withheld.c.arxiv_id)
    .limit(sa.bindparam("count", type_=sa.Integer))
    .offset(sa.bindparam("start", type_=sa.Integer))
)
_WITHHELD_SINCE: Final = withheld.c.withheld_at >= sa.bindparam("since", type_=Utc)


def _count(reason: WithheldReason) -> sa.Label[int]:
    """Returns how many papers of a row's channel were withheld; PostgreSQL may read all channels' for a join."""
    of_channel = sa.and_(withheld.c.channel_id == channels.c.channel_id, _WITHHELD_SINCE, withheld.c.reason == reason)
    found = sa.select(sa.func.count()).select_from(withheld).where(of_channel).correlate(channels)
    return found.scalar_subquery().label(reason)


_COUNTS: Final = sa.select(channels.c.channel_id, *map(_count, WithheldReason))
_COUNT_BY_EXCLUSION: Final = (
    sa.select(withheld.c.exclusion_id, sa.func.count().label("papers"))
    .where(
        withheld.c.channel_id == sa.bindparam("channel", type_=Id),
        _WITHHELD_SINCE,
        withheld.c.exclusion_id.is_not(None),
    )
    .group_by(withheld.c.exclusion_id)
)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """How many papers of a channel its limit and its exclusions withheld."""

    by_limit: int = 0
    by_exclusions: int = 0


@dataclass(frozen=True, slots=True)
class RestPage:
    """Part of the papers that the limit withheld from a message's batch, each with its keywords, oldest first."""

    channel_id: int
    total: int
    papers: tuple[tuple[Paper, tuple[str, ...]], ...]


class WithheldPapers:
    """The withheld papers of all channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_papers(self, channel_ids: Collection[int], arxiv_ids: Iterable[str]) -> tuple[WithheldPaper, ...]:
        """Returns what is known about these papers in these channels; nothing about those that were not withheld."""
        async with self._database.reading() as connection:
            rows = await connection.all(
                sa.select(withheld).where(
                    withheld.c.arxiv_id.in_(listed(arxiv_ids, Text)), withheld.c.channel_id.in_(listed(channel_ids, Id))
                )
            )
        return tuple(
            WithheldPaper(
                row.channel_id,
                row.arxiv_id,
                WithheldReason(row.reason),
                row.withheld_at,
                row.exclusion,
                row.exclusion_id,
                row.post_key,
            )
            for row in rows
        )

    async def count_since(self, channel_ids: Collection[int], since: datetime) -> Mapping[int, HeldBack]:
        """Returns how many papers were withheld since `since`, by channel; channels without any are missing."""
        statement = _COUNTS.where(channels.c.channel_id.in_(listed(channel_ids, Id)))
        async with self._database.reading() as connection:
            rows = await connection.all(statement, {"since": since})
        return {row.channel_id: HeldBack(row.limit, row.exclusion) for row in rows if row.limit or row.exclusion}

    async def count_by_exclusion(self, channel_id: int, since: datetime) -> Mapping[int, int]:
        """Returns how many papers each exclusion of a channel withheld since `since`, by its id."""
        async with self._database.reading() as connection:
            rows = await connection.all(_COUNT_BY_EXCLUSION, {"channel": channel_id, "since": since})
        return {row.exclusion_id: row.papers for row in rows}

    async def rest(self, post_key: str, start: int, count: int) -> RestPage | None:
        """Returns the papers from `start` on that a message says were withheld; None for an unknown message."""
        async with self._database.reading() as connection:
            channel_id = await connection.scalar(_CHANNEL_OF_POST, {"post": post_key})
            if channel_id is None:
                return None
            total = int(await connection.scalar(_COUNT_OF_POST, {"post": post_key}))
            ids = await connection.scalars(_PAGE, {"post": post_key, "count": count, "start": start})
            papers = await read_papers(connection, map(ArxivId, ids))
            keywords = await _keywords(connection, channel_id, ids)
        return RestPage(
            channel_id, total, tuple((papers[ArxivId(each)], tuple(keywords.get(each, ()))) for each in ids)
        )


async def _keywords(connection: Connection, channel_id: int, arxiv_ids: Iterable[str]) -> Mapping[str, list[str]]:
    """Returns the keywords of the channel that papers match, in its spelling, by paper."""
    rows = await connection.all(
        sa.select(matches.c.arxiv_id, subscriptions.c.shown)
        .join(subscriptions, subscriptions.c.keyword_id == matches.c.keyword_id)
        .where(matches.c.arxiv_id.in_(listed(arxiv_ids, Text)), subscriptions.c.channel_id == channel_id)
        .order_by(subscriptions.c.keyword_id)
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.arxiv_id, []).append(row.shown)
    return found
