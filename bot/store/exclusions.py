"""The exclusions of channels. Adding one withholds what waits, and removing one queues again what would still wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.exclusions import ChannelExclusion, ExclusionQuotas, QuotaReached
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId
from bot.store.author_matches import put_followed_first
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.effects import count_entries_as_posted
from bot.store.expressions import listed
from bot.store.newest import add_reasons
from bot.store.outbox import drop_unmatched
from bot.store.papers import skip_withdrawn
from bot.store.schema import channel_settings, channels, exclusions, matches, outbox, subscriptions, withheld
from bot.store.schema.posts import IS_QUEUED, IS_UNBOUND
from bot.store.subscription_writes import write_channel
from bot.store.withholding import read_exclusions, to_exclusion, withhold_excluded

# An exclusion that is removed within this time was a mistake: all that it withheld is queued again.
UNDO_PERIOD: Final = timedelta(hours=24)

_CHANNEL: Final = sa.bindparam("channel", type_=Id)
_COUNT: Final = sa.select(sa.func.count()).select_from(exclusions)
_COUNT_IN_CHANNEL: Final = _COUNT.where(exclusions.c.channel_id == _CHANNEL)
_COUNT_IN_SERVER: Final = _COUNT.where(
    exclusions.c.channel_id.in_(
        sa.select(channels.c.channel_id).where(channels.c.guild_id == sa.bindparam("guild", type_=Id))
    )
)
_MATCHED_SINCE: Final = (
    sa.select(matches.c.published, matches.c.arxiv_id)
    .distinct()
    .join(subscriptions, subscriptions.c.keyword_id == matches.c.keyword_id)
    .where(subscriptions.c.channel_id == _CHANNEL, matches.c.published >= sa.bindparam("since", type_=Utc))
)
# A paper whose channel is paused or blocked since before it was due would still wait.
_STOPPED_SINCE: Final = (
    sa.select(channel_settings.c.paused_since).where(channel_settings.c.channel_id == withheld.c.channel_id),
    sa.select(channels.c.blocked_since).where(channels.c.channel_id == withheld.c.channel_id),
)
_WOULD_WAIT: Final = sa.or_(
    withheld.c.due_at > sa.bindparam("now", type_=Utc),
    withheld.c.withheld_at > sa.bindparam("undone_since", type_=Utc),
    *(withheld.c.due_at >= since.correlate(withheld).scalar_subquery() for since in _STOPPED_SINCE),
)
_RETURNING: Final = sa.select(withheld.c.arxiv_id).where(
    withheld.c.exclusion_id == sa.bindparam("exclusion", type_=Id), _WOULD_WAIT
)
_QUEUED_AGAIN: Final = ("channel_id", "arxiv_id", "published", "arrived_at", "due_at")


@dataclass(frozen=True, slots=True)
class ExclusionAdded:
    """The channel has the exclusion now; `withheld` papers left its queue."""

    exclusion: ChannelExclusion
    withheld: int


@dataclass(frozen=True, slots=True)
class AlreadyExcluded:
    """The channel had the exclusion before."""

    exclusion: ChannelExclusion


@dataclass(frozen=True, slots=True)
class ExclusionRemoved:
    """The exclusion was removed, and `queued` papers that it withheld are queued again."""

    exclusion: ChannelExclusion
    queued: int


class Exclusions:
    """The exclusions of all channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def in_channel(self, channel_id: int) -> tuple[ChannelExclusion, ...]:
        """Returns a channel's exclusions, oldest first."""
        return await self.in_channels([channel_id])

    async def in_channels(self, channel_ids: Sequence[int]) -> tuple[ChannelExclusion, ...]:
        """Returns the exclusions of these channels, by channel, oldest first."""
        async with self._database.reading() as connection:
            return await read_exclusions(connection, channel_ids)

    async def add(
        self, channel_id: int, guild_id: int, keyword: Keyword, *, added_by: int, now: datetime, quotas: ExclusionQuotas
    ) -> ExclusionAdded | AlreadyExcluded | QuotaReached:
        """Adds an exclusion within the quotas, and withholds the papers that wait and match it."""
        async with self._database.transaction() as connection:
            await write_channel(connection, channel_id, guild_id)
            known = await read_exclusions(connection, [channel_id])
            for exclusion in known:
                if exclusion.keyword == keyword:
                    return AlreadyExcluded(exclusion)
            in_channel = int(await connection.scalar(_COUNT_IN_CHANNEL, {"channel": channel_id}))
            in_server = int(await connection.scalar(_COUNT_IN_SERVER, {"guild": guild_id}))
            if (reached := quotas.reached(in_channel, in_server)) is not None:
                return reached
            row = insert(exclusions).values(
                channel_id=channel_id,
                canonical=keyword.canonical,
                shown=keyword.shown,
                added_by=added_by,
                added_at=now,
            )
            exclusion_id = int(await connection.scalar(row.returning(exclusions.c.id)))
            removed = await withhold_excluded(connection, now, IS_UNBOUND, outbox.c.channel_id == channel_id)
            await drop_unmatched(connection, channel_id)  # where nothing waits any more, the backlog ends
            return ExclusionAdded(ChannelExclusion(exclusion_id, channel_id, keyword, added_by, now), len(removed))

    async def remove(self, channel_id: int, exclusion_id: int, now: datetime) -> ExclusionRemoved | None:
        """Removes a channel's exclusion; returns None if the channel does not have it.

        Queues again the papers that would still wait without it: those that are not due, those that became due while
        the channel was paused or blocked, and all that it withheld within UNDO_PERIOD. The others stay withheld.
        """
        async with self._database.transaction() as connection:
            row = await connection.first(
                sa.select(exclusions).where(exclusions.c.id == exclusion_id, exclusions.c.channel_id == channel_id)
            )
            if row is None:
                return None
            times = {"now": now, "undone_since": now - UNDO_PERIOD}
            returning = await connection.scalars(_RETURNING, {"exclusion": exclusion_id, **times})
            await connection.write(sa.delete(exclusions).where(exclusions.c.id == exclusion_id))
            return ExclusionRemoved(to_exclusion(row), await _queue_again(connection, channel_id, returning, now))

    async def papers_since(self, channel_id: int, since: datetime) -> list[ArxivId]:
        """Returns the papers since `since` that match keywords of the channel, excluded or not, newest first."""
        async with self._database.reading() as connection:
            rows = await connection.all(_MATCHED_SINCE, {"channel": channel_id, "since": since})
        return [ArxivId(row.arxiv_id) for row in sorted(rows, key=tuple, reverse=True)]


async def _queue_again(connection: Connection, channel_id: int, arxiv_ids: Sequence[str], now: datetime) -> int:
    """Queues withheld papers of a channel, unless something else prevents that; returns how many wait now."""
    if not arxiv_ids:
        return 0
    chosen = sa.and_(withheld.c.channel_id == channel_id, withheld.c.arxiv_id.in_(listed(arxiv_ids, Text)))
    rows = sa.select(*(withheld.c[name] for name in _QUEUED_AGAIN)).where(chosen)
    added = await connection.scalars(
        insert(outbox).from_select(_QUEUED_AGAIN, rows, include_defaults=False).returning(outbox.c.id)
    )
    await connection.write(sa.delete(withheld).where(chosen))
    of_added = outbox.c.id.in_(listed(added, Id))
    await connection.write(sa.update(outbox).where(of_added, outbox.c.due_at < now).values(due_at=now))  # not late
    await add_reasons(connection, added)
    await put_followed_first(connection, arxiv_ids)
    await count_entries_as_posted(connection, added)
    await skip_withdrawn(connection, map(ArxivId, arxiv_ids))
    await withhold_excluded(connection, now, of_added)  # by another exclusion
    await drop_unmatched(connection, channel_id)
    return int(await connection.scalar(sa.select(sa.func.count()).where(of_added, IS_QUEUED)))
