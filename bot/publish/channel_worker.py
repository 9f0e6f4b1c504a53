"""One channel's messages of papers, one after the other: bound, sent, and settled by Discord's answer.

A channel in; posts and what became of them out. What was tried before and whose answer is missing comes first. It never
sends what it has not bound to a post before.
"""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from bot.domain.layout.message import next_message
from bot.domain.outgoing import Blocked, Delivered, MessageAbsent, OutcomeUnknown, Rejected, RetryLater, SendOutcome
from bot.domain.post import Post
from bot.publish.availability import ChannelAvailability
from bot.publish.batches import Batches
from bot.publish.sender import Sender
from bot.runtime.clock import Clock
from bot.runtime.limits import SELECT_OPTIONS_MAX
from bot.runtime.metrics import Metrics, Step
from bot.store.outbox import Outbox

log = logging.getLogger(__name__)


class ChannelWorker:
    """Brings channels forward, a message at a time."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        batches: Batches,
        sender: Sender,
        availability: ChannelAvailability,
        clock: Clock,
        metrics: Metrics,
        on_posted: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._batches = batches
        self._sender = sender
        self._availability = availability
        self._clock = clock
        self._metrics = metrics
        self._on_posted = on_posted

    async def ready(self) -> None:
        """Wait until the channels and permissions of every server are known."""
        await self._sender.ready()

    async def check_channel(self, channel_id: int) -> None:
        """Say of a channel whether it can be posted in: an admin should know before papers wait."""
        await self._availability.check_channel(channel_id, await self._sender.blocked(channel_id))

    async def post_next(self, channel_id: int) -> bool:
        """Bring the channel one message further; False when it has to wait or has nothing left."""
        if not await self._availability.is_open(channel_id, await self._sender.blocked(channel_id)):
            return False
        post = await self._outbox.unsettled_post(channel_id)
        if post is not None:
            return await self._post_again(post)
        post = await self._bind_next(channel_id)
        if post is None:
            return False
        outcome = await self._sender.first(post)
        if isinstance(outcome, Blocked):
            # The first attempt, and refused: surely nothing of it is there.
            await self._release(post)
            if post.header.thread_id is not None:
                self._batches.thread_lost(post)
                return True
        return await self._settle(post, outcome)

    async def _post_again(self, post: Post) -> bool:
        async def on_attempt(now: datetime) -> None:
            await self._outbox.record_attempt(post, now)

        outcome = await self._sender.again(post, on_attempt)
        if isinstance(outcome, Blocked) and outcome.gone and post.header.thread_id is not None:
            # Whatever the forum's post held went with it.
            self._batches.thread_lost(post)
            await self._release(post)
            return True
        if isinstance(outcome, MessageAbsent):
            await self._release(post)
            return True
        return await self._settle(post, outcome)

    async def _bind_next(self, channel_id: int) -> Post | None:
        now = self._clock.now()
        header = await self._batches.next_header(channel_id, now)
        entries = next_message(await self._outbox.due(channel_id, now, SELECT_OPTIONS_MAX), header.layout)
        if not entries:
            await self._batches.ended(channel_id)
            return None
        key, nonce = secrets.token_urlsafe(9), secrets.token_hex(12)
        with self._metrics.step(Step.CLAIM):
            return await self._outbox.bind(channel_id, entries, header, key=key, nonce=nonce, now=now)

    async def _settle(self, post: Post, outcome: SendOutcome) -> bool:
        """Write down what became of a message; True when the channel can go on."""
        match outcome:
            case Delivered():
                publish = await self._batches.publishes(post.channel_id)
                with self._metrics.step(Step.SETTLE):
                    await self._outbox.delivered(post, outcome, self._clock.now(), publish=publish)
                self._batches.message_sent(post, outcome)
                self._on_posted()
                self._metrics.papers_posted.inc(len(post.entries))
                self._forget(post)
                log.info("message posted", extra={"channel": post.channel_id, "papers": len(post.entries)})
                return True
            case Rejected(reason):
                return await self._set_aside(post, reason)
            case Blocked() | RetryLater() | OutcomeUnknown():
                await self._availability.wait_for(post.channel_id, outcome)
                return False
            case _:
                assert_never(outcome)

    async def _set_aside(self, post: Post, reason: str) -> bool:
        """One refused paper must not hold up its neighbours: a refused group goes again one by one."""
        if len(post.entries) > 1:
            await self._release(post, alone=True)
            return True
        await self._outbox.rejected(post, reason, self._clock.now())
        self._forget(post)
        paper = post.entries[0].paper.arxiv_id
        log.error("message refused", extra={"channel": post.channel_id, "paper": paper, "reason": reason})
        return True

    async def _release(self, post: Post, *, alone: bool = False) -> None:
        await self._outbox.release(post, alone=alone)
        self._forget(post)

    def _forget(self, post: Post) -> None:
        self._sender.forget(post)
        self._availability.answered(post.channel_id)
