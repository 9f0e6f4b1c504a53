"""Posts one channel's messages, one after the other: an unsettled message first, then the papers that are due.

It never starts a message before the one before it is settled or released.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import assert_never

from bot.domain.channel_settings import Discussion
from bot.domain.discussion import next_discussed
from bot.domain.outgoing import Blocked, Delivered, MessageAbsent, OutcomeUnknown, Rejected, RetryLater
from bot.domain.pings import with_keyword_roles
from bot.domain.post import MessageHeader, Post
from bot.publish.availability import ChannelAvailability
from bot.publish.batches import Batches
from bot.publish.history_check import HistoryCheck
from bot.publish.lifecycle import ForumPostLost, MessageLifecycle, StepOutcome
from bot.publish.posting_limit import PostingLimit
from bot.runtime.metrics import Metrics
from bot.store.channel_queues import ChannelQueue
from bot.store.group_commit import Grouped
from bot.store.outbox import Outbox

log = logging.getLogger(__name__)


class PaperPostStorage:
    """Stores paper posts in the outbox. A rejected group is released, and each of its papers posted alone."""

    def __init__(
        self, outbox: Outbox, on_publishable: Callable[[], None], on_discussable: Callable[[], None] = lambda: None
    ) -> None:
        self._outbox = outbox
        self._on_publishable = on_publishable
        self._on_discussable = on_discussable

    async def record_attempt(self, message: Post, now: datetime, attempted_at: datetime | None) -> None:
        await self._outbox.record_attempt(message, now, attempted_at)

    async def record_search(self, message: Post, after: int) -> None:
        await self._outbox.record_search(message, after)

    async def delivered(self, message: Post, delivered: Delivered, now: datetime) -> None:
        if await self._outbox.delivered(message, delivered, now):
            self._on_publishable()
        if message.header.discussion is Discussion.THREAD:
            self._on_discussable()

    async def rejected(self, message: Post, reason: str, now: datetime) -> None:
        if len(message.entries) > 1:  # one of them is the cause, and must not hold up the others
            await self._outbox.release(message, alone=True)
        else:
            await self._outbox.rejected(message, reason, now)

    async def release(self, message: Post) -> None:
        await self._outbox.release(message)


class ChannelWorker:
    """Posts the papers that are due, one message per call."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        queues: Grouped[int, ChannelQueue],
        batches: Batches,
        posting_limit: PostingLimit,
        lifecycle: MessageLifecycle[Post],
        availability: ChannelAvailability,
        history_check: HistoryCheck,
        metrics: Metrics,
    ) -> None:
        self._outbox = outbox
        self._queues = queues
        self._batches = batches
        self._posting_limit = posting_limit
        self._lifecycle = lifecycle
        self._availability = availability
        self._history_check = history_check
        self._metrics = metrics

    async def post_next(self, channel_id: int) -> bool:
        """Advances the channel by one step; returns False if it has to wait or nothing is due."""
        if not await self._availability.is_open(channel_id):
            return False
        if not await self._history_check.may_post(channel_id):
            return False
        queue = await self._queues.submit(channel_id)
        if queue.has_unsettled:
            return await self._resume(channel_id)
        header = self._batches.next_header(queue)
        if header is None:  # an admin paused or resumed the channel meanwhile
            return True
        if await self._posting_limit.withhold_rest(queue):
            return True
        post = await self._bind_next(queue, header)
        return post is not None and self._handle(post, await self._lifecycle.send(post))

    async def _resume(self, channel_id: int) -> bool:
        post = await self._outbox.unsettled_post(channel_id)
        if post is None:  # it was settled since
            return True
        # Of a message whose papers are in a later one, the outcome was known to the bot that sent that one.
        resend = not await self._outbox.has_found_papers(post)
        return self._handle(post, await self._lifecycle.resume(post, resend=resend))

    async def _bind_next(self, queue: ChannelQueue, header: MessageHeader) -> Post | None:
        header, entries = next_discussed(queue.entries, header, queue.settings.threads)
        if not entries:
            await self._batches.ended(queue.channel_id)
            return None
        entries, header = with_keyword_roles(entries, header)
        share = self._posting_limit.share(queue, entries)
        return await self._lifecycle.bind(partial(self._outbox.bind, queue.channel_id, entries, header, share=share))

    def _handle(self, post: Post, outcome: StepOutcome) -> bool:
        """Updates the channel's batch; returns whether the next message may follow now."""
        match outcome:
            case Delivered():
                self._batches.message_sent(post, outcome)
                self._history_check.posted(post.channel_id)
                self._metrics.papers_posted.inc(len(post.entries))
                log.info("message sent", extra={"channel_id": post.channel_id, "papers": len(post.entries)})
                return True
            case Rejected(reason):
                if len(post.entries) == 1:
                    arxiv_id = post.entries[0].paper.arxiv_id.value
                    fields = {"channel_id": post.channel_id, "arxiv_id": arxiv_id, "reason": reason}
                    log.error("message rejected", extra=fields)
                return True
            case ForumPostLost():
                self._batches.thread_lost(post)
                return True
            case MessageAbsent():
                return True
            case Blocked() | RetryLater() | OutcomeUnknown():
                return False
            case _:
                assert_never(outcome)
