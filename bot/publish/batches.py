"""How each channel's batch goes out: its layout is settled when it begins, and its first message says what it is.

What is due and what the channel prefers enter; the frame of the next message leaves. A batch begins with the first
message after a channel had nothing left, and ends when it has nothing left again.
"""

from dataclasses import replace
from datetime import datetime

from bot.domain.layout.message import BatchKind, headline, layout_of
from bot.domain.outgoing import Delivered
from bot.domain.poll_schedule import last_announcement
from bot.domain.post import MessageHeader, Post
from bot.store.channel_settings import ChannelSettingsStore
from bot.store.outbox import Outbox


class Batches:
    """The batches in hand."""

    def __init__(self, outbox: Outbox, channel_settings: ChannelSettingsStore) -> None:
        self._outbox = outbox
        self._channel_settings = channel_settings
        self._in_hand: dict[int, MessageHeader] = {}
        self._backlog_pending: set[int] = set()
        self._lost_threads: set[int | None] = set()

    async def next_header(self, channel_id: int, now: datetime) -> MessageHeader:
        """What the channel's next message has beside its papers."""
        wanted = await self._channel_settings.get(channel_id)
        if channel_id in self._in_hand and wanted.backlog_pending == (channel_id in self._backlog_pending):
            return self._in_hand[channel_id]
        # An admin's pause may have come, or its backlog gone, in the middle of a batch: that one is over.
        self._in_hand.pop(channel_id, None)
        (self._backlog_pending.add if wanted.backlog_pending else self._backlog_pending.discard)(channel_id)
        due = await self._outbox.due_now(channel_id, now)
        announced = None if due.arrived is None else last_announcement(due.arrived)
        begun = await self._outbox.partly_posted(channel_id, now)
        if begun is not None:  # by a run of the program that ended in the middle: nobody is pinged twice
            thread_id = None if begun.thread_id in self._lost_threads else begun.thread_id
            heading = headline(due.papers, due.keywords, announced, BatchKind.REST)
            return replace(begun, heading=heading, thread_id=thread_id)
        kind = BatchKind.BACKLOG if wanted.backlog_pending else BatchKind.PAST if due.arrived is None else BatchKind.NEW
        return MessageHeader(
            layout=layout_of(wanted.style, due.papers, backlog=wanted.backlog_pending),
            heading=headline(due.papers, due.keywords, announced, kind),
            mention_role=wanted.mention_role,
        )

    def message_sent(self, post: Post, held: Delivered) -> None:
        """A message of the batch is there: those that follow it carry on, in a forum in its thread."""
        thread_id = held.thread_id or post.header.thread_id
        self._in_hand[post.channel_id] = MessageHeader(post.header.layout, thread_id=thread_id)

    def thread_lost(self, post: Post) -> None:
        """The forum post in which the batch went on takes no more: what is left begins another."""
        self._lost_threads.add(post.header.thread_id)
        self._in_hand.pop(post.channel_id, None)

    async def ended(self, channel_id: int) -> None:
        """Nothing of the batch is left."""
        self._in_hand.pop(channel_id, None)
        if channel_id in self._backlog_pending:
            self._backlog_pending.discard(channel_id)
            await self._channel_settings.clear_backlog(channel_id)

    async def publishes(self, channel_id: int) -> bool:
        """Whether the channel's followers are to get its messages."""
        return (await self._channel_settings.get(channel_id)).publish
