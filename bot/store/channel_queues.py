"""Reads what the next messages of several channels depend on, with the same few statements for one channel or many.

It changes nothing: `outbox.py` binds the entries to a message, and checks again that they are not bound.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.channel_settings import ChannelSettings
from bot.domain.post import Due, MessageHeader, OutboxEntry
from bot.runtime.limits import SELECT_OPTIONS_MAX
from bot.store.channel_settings import to_settings
from bot.store.column_types import Id, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import collected, listed, listed_rows, uncollected
from bot.store.posts import read_entries, to_header
from bot.store.schema import channel_settings, channels, keywords, outbox, outbox_keywords, posts, subscriptions
from bot.store.schema.posts import IS_BY_FOLLOWED, IS_UNBOUND
from bot.store.spellings import KEYWORD_LABEL

# No message holds more papers: each is an option of its menu.
ENTRIES_MAX: Final = SELECT_OPTIONS_MAX

_NOW: Final = sa.bindparam("now", type_=Utc)
_IS_DUE: Final = sa.and_(IS_UNBOUND, outbox.c.due_at <= _NOW)
# In words for which SQLite has no index: it would sort all due papers instead of reading the first ones.
_IS_TIME: Final = sa.func.greatest(outbox.c.due_at, _NOW) == _NOW
# Each subquery reads the queue of one channel. PostgreSQL may read those of all channels for a join.
_IN_CHANNEL: Final = outbox.c.channel_id == channels.c.channel_id
_DUE: Final = sa.select(
    channels.c.channel_id,
    sa.select(sa.func.count()).where(_IS_DUE, _IN_CHANNEL).correlate(channels).scalar_subquery().label("papers"),
    sa.select(sa.func.min(outbox.c.arrived_at))
    .where(_IS_DUE, _IN_CHANNEL)
    .correlate(channels)
    .scalar_subquery()
    .label("arrived"),
    collected(
        sa.select(outbox_keywords.c.keyword_id)
        .distinct()
        .join(outbox, outbox.c.id == outbox_keywords.c.outbox_id)
        .where(_IS_DUE, _IN_CHANNEL)
        .correlate(channels)
    ).label("keyword_ids"),
)


def _first_due(condition: sa.ColumnElement[bool]) -> sa.ScalarSelect[str | None]:
    """Returns a query for the first due papers of a channel that are unbound by this condition, the oldest first."""
    return collected(
        sa.select(outbox.c.id)
        .where(condition, _IS_TIME, _IN_CHANNEL)
        .order_by(outbox.c.published, outbox.c.arxiv_id)
        .limit(ENTRIES_MAX)
        .correlate(channels)
    )


# Those of followed authors come before the others, which are read as if there were none.
_FIRST_DUE: Final = sa.select(_first_due(IS_BY_FOLLOWED).label("by_followed"), _first_due(IS_UNBOUND).label("any"))
_ENTRY: Final = (
    outbox.c.id, outbox.c.channel_id, outbox.c.published, outbox.c.arxiv_id, outbox.c.alone, outbox.c.by_followed,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BatchStart:
    """What the first message of a batch depends on.

    `earlier_header` has the layout and the thread of the last message, if that contains part of the due batch, and the
    roles that the batch has pinged.
    """

    due: Due
    earlier_header: MessageHeader | None


_NOTHING_DUE: Final = BatchStart(Due(0, (), None), None)


@dataclass(frozen=True, slots=True)
class ChannelQueue:
    """What is due in a channel; `entries` are the first of it in their order, none while the channel is paused.

    `has_unsettled`: a message may have been sent whose outcome is not stored. `start` is None if it was not read.
    """

    channel_id: int
    settings: ChannelSettings
    entries: tuple[OutboxEntry, ...]
    has_unsettled: bool
    start: BatchStart | None


class ChannelQueues:
    """The queues of channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(
        self, channel_ids: Sequence[int], now: datetime, *, continued: Collection[int] = ()
    ) -> tuple[ChannelQueue, ...]:
        """Returns the queues of these channels, in their order.

        What is due as a whole is not read for the `continued` channels, which are in the middle of a batch: it takes
        time in proportion to the papers that are due, and only the first message of a batch depends on it.
        """
        continuing = [channel_id for channel_id in channel_ids if channel_id in continued]
        beginning = [channel_id for channel_id in channel_ids if channel_id not in continuing]
        async with self._database.reading() as connection:
            settings = await _settings(connection, channel_ids)
            unsettled = await _unsettled(connection, channel_ids)
            starts = await _starts(connection, beginning, now) if beginning else {}
            # Papers that arrive between these statements belong to a batch whose start has them.
            entries = await _entries(connection, [*continuing, *starts], now)
        return tuple(
            ChannelQueue(
                channel_id,
                settings.get(channel_id, ChannelSettings()),
                () if channel_id in settings and settings[channel_id].paused_since else entries.get(channel_id, ()),
                channel_id in unsettled,
                None if channel_id in continuing else starts.get(channel_id, _NOTHING_DUE),
            )
            for channel_id in channel_ids
        )


async def _settings(connection: Connection, channel_ids: Sequence[int]) -> Mapping[int, ChannelSettings]:
    rows = await connection.all(
        sa.select(channel_settings).where(channel_settings.c.channel_id.in_(listed(channel_ids, Id)))
    )
    return {row.channel_id: to_settings(row) for row in rows}


async def _unsettled(connection: Connection, channel_ids: Sequence[int]) -> frozenset[int]:
    return frozenset(
        await connection.scalars(
            sa.select(posts.c.channel_id).where(
                posts.c.settled_at.is_(None), posts.c.channel_id.in_(listed(channel_ids, Id))
            )
        )
    )


async def _starts(connection: Connection, channel_ids: Sequence[int], now: datetime) -> Mapping[int, BatchStart]:
    """Returns the starts of batches by channel, for channels in which anything is due."""
    statement = _DUE.where(channels.c.channel_id.in_(listed(channel_ids, Id)))
    rows = [row for row in await connection.all(statement, {"now": now}) if row.papers]
    spellings = await _spellings(connection, {row.channel_id: uncollected(row.keyword_ids) for row in rows})
    headers = await _earlier_headers(connection, [row.channel_id for row in rows], now)
    return {
        row.channel_id: BatchStart(
            Due(row.papers, tuple(spellings.get(row.channel_id, ())), row.arrived), headers.get(row.channel_id)
        )
        for row in rows
    }


async def _spellings(connection: Connection, keyword_ids: Mapping[int, Collection[int]]) -> Mapping[int, Sequence[str]]:
    """Returns these keywords by channel, in the channel's spelling."""
    pairs = listed_rows(
        [{"channel_id": channel_id, "keyword_id": each} for channel_id, ids in keyword_ids.items() for each in ids],
        {"channel_id": Id, "keyword_id": Id},
    )
    rows = await connection.all(
        sa.select(pairs.c.channel_id, KEYWORD_LABEL.label("shown"))
        .join(keywords, keywords.c.id == pairs.c.keyword_id)
        .outerjoin(
            subscriptions,
            sa.and_(subscriptions.c.channel_id == pairs.c.channel_id, subscriptions.c.keyword_id == pairs.c.keyword_id),
        )
        .order_by(pairs.c.channel_id, pairs.c.keyword_id)
    )
    by_channel: dict[int, list[str]] = {}
    for row in rows:
        by_channel.setdefault(row.channel_id, []).append(row.shown)
    return by_channel


async def _earlier_headers(
    connection: Connection, channel_ids: Sequence[int], now: datetime
) -> Mapping[int, MessageHeader]:
    """Returns the header that follows the last message of a channel, if that contains papers of the due batch."""
    later, posted = posts.alias(), outbox.alias()
    last = (
        sa.select(sa.func.max(later.c.message_id))
        .where(later.c.channel_id == channels.c.channel_id, later.c.message_id.is_not(None))
        .correlate(channels)
        .scalar_subquery()
    )
    # Not EXISTS: PostgreSQL may read what is due in all channels.
    due = (
        sa.select(sa.func.min(outbox.c.due_at))
        .where(_IS_DUE, outbox.c.channel_id == posted.c.channel_id, outbox.c.due_at == posted.c.due_at)
        .correlate(posted)
        .scalar_subquery()
    )
    is_of_batch = sa.exists().where(posted.c.post_key == posts.c.key, posted.c.state == "delivered", due.is_not(None))
    rows = await connection.all(
        sa.select(posts)
        .select_from(channels)
        .join(
            posts,
            sa.and_(
                posts.c.channel_id == channels.c.channel_id,
                posts.c.message_id.is_not(None),
                posts.c.message_id == last,
            ),
        )
        .where(channels.c.channel_id.in_(listed(channel_ids, Id)), is_of_batch.correlate(posts)),
        {"now": now},
    )
    return {row.channel_id: to_header(row).followed_by(row.thread_id) for row in rows}


async def _entries(
    connection: Connection, channel_ids: Sequence[int], now: datetime
) -> Mapping[int, tuple[OutboxEntry, ...]]:
    """Returns the first due entries by channel, in the order in which they are posted."""
    statement = _FIRST_DUE.where(channels.c.channel_id.in_(listed(channel_ids, Id)))
    found = await connection.all(statement, {"now": now})
    ids = {each for row in found for value in row for each in uncollected(value)}
    rows = await connection.all(sa.select(*_ENTRY).where(outbox.c.id.in_(listed(ids, Id))))
    queued: dict[int, list[sa.Row[Any]]] = {}
    for row in sorted(rows, key=lambda row: (not row.by_followed, row.published, row.arxiv_id)):
        queued.setdefault(row.channel_id, []).append(row)
    first = [row for queue in queued.values() for row in queue[:ENTRIES_MAX]]
    by_channel: dict[int, tuple[OutboxEntry, ...]] = {}
    for row, entry in zip(first, await read_entries(connection, first), strict=True):
        by_channel[row.channel_id] = (*by_channel.get(row.channel_id, ()), entry)
    return by_channel
