"""Touches messages again that are posted: drawn anew when their papers changed, published to followers.

Durable wishes come from the store; edits and crossposts go to Discord, one after the other. It never posts a paper.
"""

import logging
from datetime import timedelta
from typing import Protocol, assert_never

from bot.domain.post import Delivered, Obstructed, Outcome, Post, RetryLater, Unanswered, Undeliverable
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.limits import OBSTRUCTED_EDIT_RETRY, RETOUCH_EVERY_S
from bot.store.edits import Edits

log = logging.getLogger(__name__)


class Retoucher(Protocol):
    """What is asked of Discord; Delivered also where the message is no longer there."""

    async def ready(self) -> None:
        """Wait until the servers are known."""
        ...

    async def edit(self, post: Post) -> Outcome:
        """Draw a message anew from its papers as they are now."""
        ...

    async def publish(self, post: Post) -> Outcome:
        """Let the followers of the message's announcement channel have it."""
        ...


class Retouch:
    """Looks for messages to be touched again; rung when one was posted."""

    def __init__(self, edits: Edits, retoucher: Retoucher, clock: Clock, wakeup: Wakeup) -> None:
        self._edits = edits
        self._retoucher = retoucher
        self._clock = clock
        self._wakeup = wakeup

    async def run(self) -> None:
        """Touch what is to be touched, for ever."""
        await self._retoucher.ready()
        while True:
            await self._edit_all()
            await self._publish_all()
            await self._wakeup.wait(RETOUCH_EVERY_S)

    async def _edit_all(self) -> None:
        resting: dict[int, RetryLater | Obstructed] = {}
        for edit in await self._edits.due(self._clock.now()):
            place = edit.post.frame.thread_id or edit.post.channel_id
            # One refusal tells of all that wait in the place; each counts against the bot's address.
            outcome = resting.get(place) or await self._retoucher.edit(edit.post)
            match outcome:
                case Delivered():
                    await self._edits.done(edit)
                    log.info("message drawn anew", extra={"channel": edit.post.channel_id})
                case Undeliverable(reason) | Obstructed(reason, gone=True):
                    await self._edits.done(edit)
                    log.error("edit refused", extra={"channel": edit.post.channel_id, "reason": reason})
                case RetryLater(not_before):
                    resting[place] = outcome
                    await self._edits.later(edit, not_before)
                case Obstructed():
                    resting[place] = outcome
                    await self._edits.later(edit, self._clock.now() + OBSTRUCTED_EDIT_RETRY)
                case Unanswered():
                    await self._edits.later(edit, self._clock.now() + timedelta(seconds=RETOUCH_EVERY_S))
                case _:
                    assert_never(outcome)

    async def _publish_all(self) -> None:
        resting: dict[int, RetryLater] = {}
        for post in await self._edits.to_publish(self._clock.now()):
            # Ten an hour (in practice): one refusal tells of all that wait in the channel.
            outcome = resting.get(post.channel_id) or await self._retoucher.publish(post)
            match outcome:
                case Delivered():
                    await self._edits.published(post)
                case Undeliverable(reason) | Obstructed(reason):
                    await self._edits.published(post)
                    log.error("message not published", extra={"channel": post.channel_id, "reason": reason})
                case RetryLater(not_before):
                    resting[post.channel_id] = outcome
                    await self._edits.published(post, again_at=not_before)
                case Unanswered():
                    again_at = self._clock.now() + timedelta(seconds=RETOUCH_EVERY_S)
                    await self._edits.published(post, again_at=again_at)
                case _:
                    assert_never(outcome)
