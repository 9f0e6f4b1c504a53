"""Reads what the next messages of several channels depend on, with the same few statements for one channel or many.

It changes nothing: `outbox.py` binds the entries to a message, and checks again that they are not bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import aiosqlite

from bot.domain.channel_settings import ChannelSettings, Layout
from bot.domain.post import Due, MessageHeader, OutboxEntry
from bot.runtime.limits import SELECT_OPTIONS_MAX
from bot.store.channel_settings import to_settings
from bot.store.codecs import one_of, to_datetime, to_text
from bot.store.database import Database
from bot.store.posts import read_entries

# No message holds more papers: each is an option of its menu.
ENTRIES_MAX: Final = SELECT_OPTIONS_MAX

_DUE: Final = "outbox.state = 'waiting' AND outbox.post_key IS NULL AND outbox.due_at <= ?"


@dataclass(frozen=True, slots=True)
class ChannelQueue:
    """What is due in a channel; `entries` are the first of it, oldest paper first, none while the channel is paused.

    `has_unsettled`: a message may have been sent whose outcome is not stored. `earlier_header` has the layout and the
    thread of the last message, if that contains part of the due batch.
    """

    channel_id: int
    settings: ChannelSettings
    due: Due
    entries: tuple[OutboxEntry, ...]
    has_unsettled: bool
    earlier_header: MessageHeader | None


class ChannelQueues:
    """The queues of channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, channel_ids: Sequence[int], now: datetime) -> tuple[ChannelQueue, ...]:
        """Returns the queues of these channels, in their order."""
        async with self._database.reading() as connection:
            settings = await _settings(connection, channel_ids)
            unsettled = await _unsettled(connection, channel_ids)
            arrivals = await _arrivals(connection, channel_ids, now)
            waiting = tuple(arrivals)
            keywords = await _keywords(connection, waiting, now)
            headers = await _earlier_headers(connection, waiting, now)
            entries = await _entries(connection, waiting, now)
        return tuple(
            ChannelQueue(
                channel_id,
                settings.get(channel_id, ChannelSettings()),
                Due(
                    arrivals.get(channel_id, (0, None))[0],
                    tuple(keywords.get(channel_id, ())),
                    arrivals.get(channel_id, (0, None))[1],
                ),
                () if channel_id in settings and settings[channel_id].paused_since else entries.get(channel_id, ()),
                channel_id in unsettled,
                headers.get(channel_id),
            )
            for channel_id in channel_ids
        )


async def _settings(connection: aiosqlite.Connection, channel_ids: Sequence[int]) -> Mapping[int, ChannelSettings]:
    rows = await connection.execute_fetchall(
        f"SELECT * FROM channel_settings WHERE channel_id IN {one_of(channel_ids)}", channel_ids
    )
    return {row["channel_id"]: to_settings(row) for row in rows}


async def _unsettled(connection: aiosqlite.Connection, channel_ids: Sequence[int]) -> frozenset[int]:
    rows = await connection.execute_fetchall(
        f"SELECT channel_id FROM posts WHERE settled_at IS NULL AND channel_id IN {one_of(channel_ids)}", channel_ids
    )
    return frozenset(row["channel_id"] for row in rows)


async def _arrivals(
    connection: aiosqlite.Connection, channel_ids: Sequence[int], now: datetime
) -> dict[int, tuple[int, datetime | None]]:
    """Returns how many papers are due, and when the first of them arrived, by channel, for channels that have any."""
    rows = await connection.execute_fetchall(
        f"""SELECT channel_id, count(*) AS papers, min(arrived_at) AS arrived FROM outbox
            WHERE {_DUE} AND channel_id IN {one_of(channel_ids)} GROUP BY channel_id""",
        (to_text(now), *channel_ids),
    )
    return {
        row["channel_id"]: (row["papers"], None if row["arrived"] is None else to_datetime(row["arrived"]))
        for row in rows
    }


async def _keywords(
    connection: aiosqlite.Connection, channel_ids: Sequence[int], now: datetime
) -> Mapping[int, Sequence[str]]:
    """Returns the keywords of the papers that are due, by channel, in the channel's spelling."""
    rows = await connection.execute_fetchall(
        f"""SELECT DISTINCT outbox.channel_id, keywords.id, coalesce(subscriptions.shown, keywords.shown) AS shown
            FROM outbox JOIN outbox_keywords ON outbox_keywords.outbox_id = outbox.id
            JOIN keywords ON keywords.id = outbox_keywords.keyword_id
            LEFT JOIN subscriptions ON subscriptions.channel_id = outbox.channel_id
                 AND subscriptions.keyword_id = keywords.id
            WHERE {_DUE} AND outbox.channel_id IN {one_of(channel_ids)} ORDER BY outbox.channel_id, keywords.id""",
        (to_text(now), *channel_ids),
    )
    by_channel: dict[int, list[str]] = {}
    for row in rows:
        by_channel.setdefault(row["channel_id"], []).append(row["shown"])
    return by_channel


async def _earlier_headers(
    connection: aiosqlite.Connection, channel_ids: Sequence[int], now: datetime
) -> Mapping[int, MessageHeader]:
    """Returns the layout and thread of the last message of a channel, if it contains papers of the due batch."""
    rows = await connection.execute_fetchall(
        f"""SELECT posts.channel_id, posts.layout, posts.thread_id
            FROM channels JOIN posts ON posts.channel_id = channels.channel_id AND posts.message_id = (
                SELECT max(later.message_id) FROM posts AS later
                WHERE later.channel_id = channels.channel_id AND later.message_id IS NOT NULL)
            WHERE channels.channel_id IN {one_of(channel_ids)} AND EXISTS (
                SELECT * FROM outbox AS posted
                JOIN outbox ON outbox.channel_id = posted.channel_id AND outbox.due_at = posted.due_at
                WHERE posted.post_key = posts.key AND posted.state = 'delivered' AND {_DUE})""",
        (*channel_ids, to_text(now)),
    )
    return {row["channel_id"]: MessageHeader(Layout(row["layout"]), thread_id=row["thread_id"]) for row in rows}


async def _entries(
    connection: aiosqlite.Connection, channel_ids: Sequence[int], now: datetime
) -> Mapping[int, tuple[OutboxEntry, ...]]:
    """Returns the first due entries by channel. A paper that waits in many channels is read once."""
    rows = list(
        await connection.execute_fetchall(
            f"""SELECT id, channel_id, arxiv_id, alone FROM (
                    SELECT outbox.id, outbox.channel_id, arxiv_id, alone, row_number() OVER (
                        PARTITION BY outbox.channel_id ORDER BY published, arxiv_id) AS position
                    FROM outbox JOIN papers USING (arxiv_id)
                    WHERE {_DUE} AND outbox.channel_id IN {one_of(channel_ids)}) AS ordered
                WHERE position <= {ENTRIES_MAX} ORDER BY channel_id, position""",
            (to_text(now), *channel_ids),
        )
    )
    by_channel: dict[int, tuple[OutboxEntry, ...]] = {}
    for row, entry in zip(rows, await read_entries(connection, rows), strict=True):
        by_channel[row["channel_id"]] = (*by_channel.get(row["channel_id"], ()), entry)
    return by_channel
