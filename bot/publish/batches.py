"""Keeps each channel's current batch: its layout is fixed when it begins, and only its first message has a headline.

A batch begins with the first message after nothing was due in the channel, and ends when nothing is due any more. The
first message pings the channel's role; `bot.domain.pings` decides about those of keywords. This module sends nothing.
"""

from collections.abc import Collection
from dataclasses import replace

from bot.domain.channel_settings import ChannelSettings
from bot.domain.discussion import style_of
from bot.domain.layout.message import BatchKind, headline, layout_of
from bot.domain.outgoing import Delivered
from bot.domain.poll_schedule import last_announcement
from bot.domain.post import MessageHeader, Post
from bot.store.channel_queues import BatchStart, ChannelQueue
from bot.store.channel_settings import ChannelSettingsStore


class Batches:
    """The current batches of all channels."""

    def __init__(self, channel_settings: ChannelSettingsStore) -> None:
        self._channel_settings = channel_settings
        # The header of a batch's next message, by channel.
        self._current: dict[int, MessageHeader] = {}
        self._backlog_pending: set[int] = set()
        self._lost_threads: set[int | None] = set()

    @property
    def continued(self) -> Collection[int]:
        """The channels in the middle of a batch."""
        return self._current.keys()

    def next_header(self, queue: ChannelQueue) -> MessageHeader | None:
        """Returns the header of the channel's next message; None if another batch begins whose start was not read."""
        channel_id, settings = queue.channel_id, queue.settings
        if channel_id in self._current and settings.backlog_pending == (channel_id in self._backlog_pending):
            return self._current[channel_id]
        # If an admin paused or resumed the channel in the middle of a batch, the batch has ended.
        self._current.pop(channel_id, None)
        if queue.start is None:
            return None
        (self._backlog_pending.add if settings.backlog_pending else self._backlog_pending.discard)(channel_id)
        return self._first_header(settings, queue.start)

    def _first_header(self, settings: ChannelSettings, start: BatchStart) -> MessageHeader:
        due, earlier_header = start.due, start.earlier_header
        announced = None if due.arrived is None else last_announcement(due.arrived)
        if earlier_header is not None:  # an earlier run began this batch: do not ping the same roles again
            thread_id = None if earlier_header.thread_id in self._lost_threads else earlier_header.thread_id
            first_line = headline(due.papers, due.keywords, announced, BatchKind.REST)
            return replace(earlier_header, headline=first_line, thread_id=thread_id)
        if settings.backlog_pending:
            kind = BatchKind.BACKLOG
        else:
            kind = BatchKind.PAST if due.arrived is None else BatchKind.NEW
        return MessageHeader(
            layout=layout_of(style_of(settings), due.papers, backlog=settings.backlog_pending),
            headline=headline(due.papers, due.keywords, announced, kind),
            mention_role=settings.mention_role,
            begins_batch=True,
        )

    def message_sent(self, post: Post, delivered: Delivered) -> None:
        """Continues the batch after a delivered message: without a headline, in a forum in the same thread."""
        self._current[post.channel_id] = post.header.followed_by(delivered.thread_id or post.header.thread_id)

    def thread_lost(self, post: Post) -> None:
        """Continues the batch in another forum post: the one of this message accepts no more messages."""
        self._lost_threads.add(post.header.thread_id)
        self._current.pop(post.channel_id, None)

    async def ended(self, channel_id: int) -> None:
        """Ends the channel's batch: nothing is due any more."""
        self._current.pop(channel_id, None)
        if channel_id in self._backlog_pending:
            self._backlog_pending.discard(channel_id)
            await self._channel_settings.clear_backlog(channel_id)
