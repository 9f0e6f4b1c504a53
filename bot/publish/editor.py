"""Touches messages again that are posted: drawn anew when their papers changed, published to followers.

Durable wishes come from the store; edits and crossposts go to Discord, one after the other. It never posts a paper.
"""

import logging
from datetime import timedelta
from typing import Final, Protocol, assert_never

from bot.domain.outgoing import Blocked, Delivered, OutcomeUnknown, Rejected, RetryLater, SendOutcome
from bot.domain.post import Post
from bot.runtime.clock import Clock, Wakeup
from bot.store.edits import Edits

log = logging.getLogger(__name__)

# How often changed papers are looked for, to draw their messages anew; and the name of a forum's post.
EDIT_INTERVAL_S: Final = 60.0
# A message that may not be edited, as in a locked thread, is tried again so seldom: each is an invalid request.
BLOCKED_EDIT_RETRY: Final = timedelta(hours=1)


class MessageEditor(Protocol):
    """What is asked of Discord; Delivered also where the message is no longer there."""

    async def ready(self) -> None:
        """Wait until the servers are known."""
        ...

    async def edit(self, post: Post) -> SendOutcome:
        """Draw a message anew from its papers as they are now."""
        ...

    async def publish(self, post: Post) -> SendOutcome:
        """Let the followers of the message's announcement channel have it."""
        ...


class Editor:
    """Looks for messages to be touched again; rung when one was posted."""

    def __init__(self, edits: Edits, message_editor: MessageEditor, clock: Clock, wakeup: Wakeup) -> None:
        self._edits = edits
        self._message_editor = message_editor
        self._clock = clock
        self._wakeup = wakeup

    async def run(self) -> None:
        """Touch what is to be touched, for ever."""
        await self._message_editor.ready()
        while True:
            await self._edit_all()
            await self._publish_all()
            await self._wakeup.wait(EDIT_INTERVAL_S)

    async def _edit_all(self) -> None:
        resting: dict[int, RetryLater | Blocked] = {}
        for edit in await self._edits.due(self._clock.now()):
            place = edit.post.header.thread_id or edit.post.channel_id
            # One refusal tells of all that wait in the place; each counts against the bot's address.
            outcome = resting.get(place) or await self._message_editor.edit(edit.post)
            match outcome:
                case Delivered():
                    await self._edits.done(edit)
                    log.info("message drawn anew", extra={"channel": edit.post.channel_id})
                case Rejected(reason) | Blocked(reason, gone=True):
                    await self._edits.done(edit)
                    log.error("edit refused", extra={"channel": edit.post.channel_id, "reason": reason})
                case RetryLater(not_before):
                    resting[place] = outcome
                    await self._edits.postpone(edit, not_before)
                case Blocked():
                    resting[place] = outcome
                    await self._edits.postpone(edit, self._clock.now() + BLOCKED_EDIT_RETRY)
                case OutcomeUnknown():
                    await self._edits.postpone(edit, self._clock.now() + timedelta(seconds=EDIT_INTERVAL_S))
                case _:
                    assert_never(outcome)

    async def _publish_all(self) -> None:
        resting: dict[int, RetryLater] = {}
        for post in await self._edits.to_publish(self._clock.now()):
            # Ten an hour (in practice): one refusal tells of all that wait in the channel.
            outcome = resting.get(post.channel_id) or await self._message_editor.publish(post)
            match outcome:
                case Delivered():
                    await self._edits.published(post)
                case Rejected(reason) | Blocked(reason):
                    await self._edits.published(post)
                    log.error("message not published", extra={"channel": post.channel_id, "reason": reason})
                case RetryLater(not_before):
                    resting[post.channel_id] = outcome
                    await self._edits.postpone_publishing(post, not_before)
                case OutcomeUnknown():
                    again_at = self._clock.now() + timedelta(seconds=EDIT_INTERVAL_S)
                    await self._edits.postpone_publishing(post, again_at)
                case _:
                    assert_never(outcome)
