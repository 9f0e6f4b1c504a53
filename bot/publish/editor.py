"""Edits posted messages whose papers changed, and publishes messages to the followers of announcement channels.

Both kinds of requests are stored, and served one after the other. It never posts a paper.
"""

import logging
from datetime import timedelta
from typing import Final, Protocol, assert_never

from bot.domain.outgoing import Blocked, Delivered, OutcomeUnknown, Rejected, RetryLater, SendOutcome
from bot.domain.post import Post
from bot.runtime.clock import Clock, Wakeup
from bot.store.edits import Edit, Edits

log = logging.getLogger(__name__)

# How often changed papers are looked for; also the delay after a request without an answer.
EDIT_INTERVAL_S: Final = 60.0
# How long to wait before retrying an edit that Discord does not allow, as in a locked thread: each attempt is an
# invalid request.
BLOCKED_EDIT_RETRY: Final = timedelta(hours=1)


class MessageEditor(Protocol):
    """What the editor needs from Discord. The outcome is Delivered also if the message was deleted."""

    async def edit(self, post: Post) -> SendOutcome:
        """Replaces a message by its re-rendered form."""
        ...

    async def publish(self, post: Post) -> SendOutcome:
        """Publishes a message to the followers of its announcement channel."""
        ...


class Editor:
    """Edits and publishes what is due; another loop notifies it of a new message or a changed paper."""

    def __init__(self, edits: Edits, message_editor: MessageEditor, clock: Clock, wakeup: Wakeup) -> None:
        self._edits = edits
        self._message_editor = message_editor
        self._clock = clock
        self._wakeup = wakeup

    async def run(self) -> None:
        """Edits and publishes what is due until it is cancelled."""
        while True:
            await self._edit_all()
            await self._publish_all()
            await self._wakeup.wait(EDIT_INTERVAL_S)

    async def _edit_all(self) -> None:
        """Makes the edits that are due; stops where no request may leave, and starts again with the next run."""
        postponed: dict[int, RetryLater | Blocked] = {}
        # Every edit of a group is done or postponed before the next group is read.
        while group := await self._edits.due(self._clock.now()):
            for edit in group:
                if not await self._edit(edit, postponed):
                    return

    async def _edit(self, edit: Edit, postponed: dict[int, RetryLater | Blocked]) -> bool:
        """Makes one edit; returns False where no request may leave."""
        target_id = edit.post.header.thread_id or edit.post.channel_id
        # One rejection applies to the whole channel: each further attempt would count against the bot's address.
        outcome = postponed.get(target_id) or await self._message_editor.edit(edit.post)
        match outcome:
            case Delivered():
                await self._edits.done(edit)
                log.info("message edited", extra={"channel_id": edit.post.channel_id})
            case Rejected(reason) | Blocked(reason, gone=True):
                await self._edits.done(edit)
                log.error("edit rejected", extra={"channel_id": edit.post.channel_id, "reason": reason})
            case RetryLater(everywhere=True):
                return False
            case RetryLater(not_before):
                postponed[target_id] = outcome
                await self._edits.postpone(edit, not_before, now=self._clock.now())
            case Blocked():
                postponed[target_id] = outcome
                await self._postpone(edit, BLOCKED_EDIT_RETRY)
            case OutcomeUnknown():
                await self._postpone(edit, timedelta(seconds=EDIT_INTERVAL_S))
            case _:
                assert_never(outcome)
        return True

    async def _postpone(self, edit: Edit, delay: timedelta) -> None:
        now = self._clock.now()
        await self._edits.postpone(edit, now + delay, now=now)

    async def _publish_all(self) -> None:
        """Publishes what is due; stops where no request may leave, and starts again with the next run."""
        postponed: dict[int, RetryLater] = {}
        while group := await self._edits.to_publish(self._clock.now()):
            for post in group:
                if not await self._publish(post, postponed):
                    return

    async def _publish(self, post: Post, postponed: dict[int, RetryLater]) -> bool:
        """Publishes one message; returns False where no request may leave."""
        # Discord allows about ten per hour and channel: after the first 429 the others wait too.
        outcome = postponed.get(post.channel_id) or await self._message_editor.publish(post)
        match outcome:
            case Delivered():
                await self._edits.published(post)
            case Rejected(reason) | Blocked(reason):
                await self._edits.published(post)
                log.error("publishing rejected", extra={"channel_id": post.channel_id, "reason": reason})
            case RetryLater(everywhere=True):
                return False
            case RetryLater(not_before):
                postponed[post.channel_id] = outcome
                await self._edits.postpone_publishing(post, not_before, now=self._clock.now())
            case OutcomeUnknown():
                now = self._clock.now()
                await self._edits.postpone_publishing(post, now + timedelta(seconds=EDIT_INTERVAL_S), now=now)
            case _:
                assert_never(outcome)
        return True
