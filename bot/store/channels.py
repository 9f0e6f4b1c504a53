"""Each channel's server, why it is blocked, and until when nothing is sent to it, also after a jump of the clock."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.outgoing import Blocked
from bot.domain.subscription import BlockedChannel, BlockedNotice, ChannelPlace
from bot.store.clock_repair import MAY_SEND, correct_due_times, has_future_arrivals, times_of_waits
from bot.store.column_types import Flag, Id, Text, Utc
from bot.store.database import Database
from bot.store.expressions import listed_rows
from bot.store.schema import channel_places, channel_settings, channels, subscriptions

# No wait of a channel is longer; Discord's longest rate limits are an hour.
CHANNEL_WAIT_MAX: Final = timedelta(hours=24)

_CHANNEL: Final = sa.bindparam("channel", type_=Id)
_NOW: Final = sa.bindparam("now", type_=Utc)


def _has_settings(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(channel_settings.c.channel_id == channels.c.channel_id, condition).correlate(channels)


_SUBSCRIBED: Final = sa.or_(
    sa.exists().where(subscriptions.c.channel_id == channels.c.channel_id).correlate(channels),
    _has_settings(channel_settings.c.trending_min_votes.is_not(None)),
)
_IS_BLOCKED: Final = channels.c.blocked_reason.is_not(None)
_IS_OF_GUILD: Final = channels.c.guild_id == sa.bindparam("guild", type_=Id)
_IS_CHANNEL: Final = channels.c.channel_id == _CHANNEL

_ALL_SUBSCRIBED: Final = sa.select(channels.c.channel_id).where(_SUBSCRIBED).order_by(channels.c.channel_id)
_IS_OF_GUILD_OR_UNKNOWN: Final = sa.or_(_IS_OF_GUILD, channels.c.guild_id.is_(None))
_SERVERS: Final = (
    sa.select(channels.c.channel_id, channels.c.guild_id)
    .where(sa.or_(_SUBSCRIBED, _has_settings(channel_settings.c.paused_since.is_not(None))))
    .order_by(channels.c.channel_id)
)
_IN_GUILD: Final = _SERVERS.where(_IS_OF_GUILD)
_BLOCKED_CHANNEL: Final = sa.select(sa.exists().where(_IS_CHANNEL, _IS_BLOCKED))
_REASON: Final = sa.bindparam("reason", type_=Text)
_BLOCK: Final = (
    sa.update(channels)
    .where(_IS_CHANNEL, channels.c.blocked_reason.is_distinct_from(_REASON))
    .values(blocked_reason=_REASON, blocked_since=sa.func.coalesce(channels.c.blocked_since, _NOW))
)
_WAIT: Final = (
    sa.update(channels).where(_IS_CHANNEL).values(not_before=sa.bindparam("until", type_=Utc), waits_since=_NOW)
)
_WAIT_GONE: Final = _WAIT.values(gone_since=sa.func.coalesce(channels.c.gone_since, _NOW))
_WAIT_NOT_GONE: Final = _WAIT.values(gone_since=None)
_UNBLOCK: Final = (
    sa.update(channels)
    .where(_IS_CHANNEL, _IS_BLOCKED)
    .values(blocked_reason=None, blocked_since=None, gone_since=None, not_before=None, waits_since=None)
)
_SUBSCRIBER: Final = (
    sa.select(subscriptions.c.added_by)
    .where(subscriptions.c.channel_id == channels.c.channel_id, subscriptions.c.added_by.is_not(None))
    .order_by(subscriptions.c.added_at, subscriptions.c.keyword_id)
    .limit(1)
    .correlate(channels)
    .scalar_subquery()
)
_PENDING_NOTICES: Final = (
    sa.select(channels.c.channel_id, channels.c.guild_id, channels.c.blocked_reason, _SUBSCRIBER.label("subscriber"))
    .where(
        _IS_BLOCKED,
        _SUBSCRIBED,
        sa.or_(
            channels.c.notified_at.is_(None),
            sa.and_(
                channels.c.notified_at < channels.c.blocked_since,
                channels.c.notified_at < sa.bindparam("notified_before", type_=Utc),
            ),
        ),
    )
    .order_by(channels.c.channel_id)
)
_RECORD_NOTICE: Final = sa.update(channels).where(_IS_CHANNEL).values(notified_at=_NOW)
_GONE: Final = _ALL_SUBSCRIBED.where(channels.c.gone_since <= sa.bindparam("since", type_=Utc))
_BACKING_OFF: Final = (
    sa.select(channels.c.channel_id, channels.c.not_before)
    .where(~_IS_BLOCKED, ~MAY_SEND, _SUBSCRIBED)
    .order_by(channels.c.not_before, channels.c.channel_id)
)
_BLOCKED: Final = (
    sa.select(channels.c.channel_id, channels.c.guild_id, channels.c.blocked_reason, channels.c.blocked_since)
    .where(_IS_BLOCKED, _SUBSCRIBED)
    .order_by(channels.c.blocked_since, channels.c.channel_id)
)
_ALL_BLOCKED: Final = sa.select(channels.c.channel_id).where(_IS_BLOCKED)
_PLACE_COLUMNS: Final = ("guild_id", "parent_id", "is_private", "is_deleted")


class Channels:
    """The channels that have or had subscriptions or trending lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_guild(self, guild_id: int, channel_ids: Collection[int]) -> None:
        """Records the server of those of these channels that are known; the settings file has only channel ids."""
        await self.set_servers(dict.fromkeys(channel_ids, guild_id))

    async def set_servers(self, guild_ids: Mapping[int, int]) -> None:
        """Records the servers of those of these channels that are known, by channel; most calls change nothing."""
        if not guild_ids:
            return
        rows = listed_rows(
            [{"channel_id": channel_id, "guild_id": guild_id} for channel_id, guild_id in guild_ids.items()],
            {"channel_id": Id, "guild_id": Id},
        )
        is_moved = sa.and_(
            channels.c.channel_id == rows.c.channel_id, channels.c.guild_id.is_distinct_from(rows.c.guild_id)
        )
        # A transaction would wait for the writes of others.
        async with self._database.reading() as connection:
            if await connection.scalar(sa.select(sa.func.count()).select_from(channels).where(is_moved)) == 0:
                return
        async with self._database.transaction() as connection:
            await connection.write(sa.update(channels).where(is_moved).values(guild_id=rows.c.guild_id))

    async def servers(self, guild_id: int | None = None) -> dict[int, int | None]:
        """Returns the server of each channel that has subscriptions or a trending list, or is paused; None if unknown.

        With `guild_id`, only the channels of this server, and those whose server is unknown.
        """
        async with self._database.reading() as connection:
            if guild_id is None:
                rows = await connection.all(_SERVERS)
            else:
                rows = await connection.all(_SERVERS.where(_IS_OF_GUILD_OR_UNKNOWN), {"guild": guild_id})
        return {row.channel_id: row.guild_id for row in rows}

    async def subscribed(self) -> tuple[int, ...]:
        """Returns the channels with a subscription or a trending list."""
        async with self._database.reading() as connection:
            return tuple(await connection.scalars(_ALL_SUBSCRIBED))

    async def in_guild(self, guild_id: int) -> tuple[int, ...]:
        """Returns the channels of a server that have a subscription or a trending list, or are paused."""
        async with self._database.reading() as connection:
            return tuple(await connection.scalars(_IN_GUILD, {"guild": guild_id}))

    async def block(self, channel_id: int, blocked: Blocked, *, now: datetime, not_before: datetime) -> bool:
        """Blocks a channel until it is checked again at `not_before`; returns whether the reason is new."""
        values = {"channel": channel_id, "now": now}
        wait = _WAIT_GONE if blocked.gone else _WAIT_NOT_GONE
        async with self._database.transaction() as connection:
            changed = await connection.write(_BLOCK, values | {"reason": blocked.reason})
            await connection.write(wait, values | {"until": not_before})
            return changed == 1

    async def unblock(self, channel_id: int) -> bool:
        """Unblocks a channel; returns whether it was blocked."""
        async with self._database.reading() as connection:  # most channels are not: they need no transaction
            if not await connection.scalar(_BLOCKED_CHANNEL, {"channel": channel_id}):
                return False
        async with self._database.transaction() as connection:
            return await connection.write(_UNBLOCK, {"channel": channel_id}) == 1

    async def pending_notices(self, notified_before: datetime) -> tuple[BlockedNotice, ...]:
        """Returns the blocked channels without a notice since they were blocked and since `notified_before`."""
        async with self._database.reading() as connection:
            rows = await connection.all(_PENDING_NOTICES, {"notified_before": notified_before})
        return tuple(BlockedNotice(row.channel_id, row.guild_id, row.blocked_reason, row.subscriber) for row in rows)

    async def record_notice(self, channel_id: int, now: datetime) -> None:
        """Records that a notice was sent, or that no one can receive it."""
        async with self._database.transaction() as connection:
            await connection.write(_RECORD_NOTICE, {"channel": channel_id, "now": now})

    async def gone(self, since: datetime) -> tuple[int, ...]:
        """Returns the subscribed channels that have been gone since `since` or longer."""
        async with self._database.reading() as connection:
            return tuple(await connection.scalars(_GONE, {"since": since}))

    async def back_off(self, channel_id: int, not_before: datetime, *, now: datetime) -> None:
        """Sends nothing to this channel from `now` until `not_before`."""
        async with self._database.transaction() as connection:
            await connection.write(_WAIT, {"channel": channel_id, "until": not_before, "now": now})

    async def correct_due_times(self, now: datetime, *, all_papers: bool) -> None:
        """Makes due what a clock that was ahead postponed: papers that arrived in the future, or all papers."""
        async with self._database.reading() as connection:
            is_needed = all_papers or await has_future_arrivals(connection, now)
        if is_needed:
            async with self._database.transaction() as connection:
                await correct_due_times(connection, now)

    async def backing_off(self, after: datetime) -> dict[int, datetime]:
        """Returns the subscribed channels that are not blocked and wait until later than `after`, and until when."""
        async with self._database.reading() as connection:
            rows = await connection.all(_BACKING_OFF, times_of_waits(after))
        return {row.channel_id: row.not_before for row in rows}

    async def blocked_ids(self) -> frozenset[int]:
        """Returns all channels that are blocked, without subscriptions, too."""
        async with self._database.reading() as connection:
            return frozenset(await connection.scalars(_ALL_BLOCKED))

    async def blocked_channels(self) -> tuple[BlockedChannel, ...]:
        """Returns the subscribed channels that are blocked, longest first."""
        async with self._database.reading() as connection:
            rows = await connection.all(_BLOCKED)
        return tuple(
            BlockedChannel(
                channel_id=row.channel_id, guild_id=row.guild_id, reason=row.blocked_reason, since=row.blocked_since
            )
            for row in rows
        )

    async def places(self) -> dict[int, ChannelPlace]:
        """Returns the recorded places of threads and deleted channels."""
        async with self._database.reading() as connection:
            rows = await connection.all(sa.select(channel_places))
        return {
            row.channel_id: ChannelPlace(
                row.guild_id, row.parent_id, is_private=row.is_private, is_deleted=row.is_deleted
            )
            for row in rows
        }

    async def record_places(self, places: Mapping[int, ChannelPlace]) -> frozenset[int]:
        """Records the places of those of these channels that are known to be in this server; returns these."""
        rows = listed_rows(
            [
                {
                    "channel_id": channel_id,
                    "guild_id": place.guild_id,
                    "parent_id": place.parent_id,
                    "is_private": int(place.is_private),
                    "is_deleted": int(place.is_deleted),
                }
                for channel_id, place in places.items()
            ],
            {"channel_id": Id, "guild_id": Id, "parent_id": Id, "is_private": Flag(), "is_deleted": Flag()},
        )
        known = sa.select(rows.c.channel_id, *(rows.c[name] for name in _PLACE_COLUMNS)).where(
            channels.c.channel_id == rows.c.channel_id, channels.c.guild_id == rows.c.guild_id
        )
        inserted = insert(channel_places).from_select(["channel_id", *_PLACE_COLUMNS], known, include_defaults=False)
        recorded = inserted.on_conflict_do_update(
            index_elements=["channel_id"], set_={name: inserted.excluded[name] for name in _PLACE_COLUMNS}
        ).returning(channel_places.c.channel_id)
        async with self._database.transaction() as connection:
            return frozenset(await connection.scalars(recorded))
