"""Finds or starts the thread for a paper of a posted message, when someone clicks **Discuss**.

It never checks permissions: the cog does that before it calls it.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from weakref import WeakValueDictionary

from bot.domain.channel_settings import ThreadMode
from bot.domain.discussion import DiscussionState, PostedMessage, ThreadOutcome, ThreadRequest, ThreadStarted
from bot.domain.outgoing import Delivered, OutcomeUnknown, RetryLater, SendOutcome
from bot.domain.paper import Paper
from bot.runtime.clock import Clock
from bot.store.channel_settings import ChannelSettingsStore
from bot.store.discussions import Discussions, StoredDiscussion

# How long a click waits for the outcome of a message that was just sent, and how often it is looked for.
OUTCOME_WAIT_S: Final = 5.0
OUTCOME_CHECK_INTERVAL_S: Final = 0.25
# How long Discord may still carry out an attempt without an answer: before that, looking for the thread proves nothing.
UNANSWERED_FOR: Final = timedelta(seconds=60)
UNANSWERED: Final = "Discord did not answer a moment ago, and the thread may still appear."


class PaperThreads(Protocol):
    """What the service needs from Discord."""

    async def start(self, request: ThreadRequest, *, attempted_since: datetime | None = None) -> ThreadOutcome:
        """Starts a thread, or returns the one that exists already."""
        ...

    async def send_first_message(self, message: PostedMessage, paper: Paper, thread_id: int) -> SendOutcome:
        """Sends the first message of a thread without a message."""
        ...

    async def exists(self, thread_id: int) -> bool:
        """Whether a thread exists, as far as is known."""
        ...


@dataclass(frozen=True, slots=True)
class NotDiscussable:
    """The channel has no such message, or the message no such paper."""


@dataclass(frozen=True, slots=True)
class MessageUnsettled:
    """The outcome of sending the message is not known yet."""


@dataclass(frozen=True, slots=True)
class ThreadsOff:
    """Threads are switched off in the channel, and there is none for the paper."""


@dataclass(frozen=True, slots=True)
class SeveralPapers:
    """The message has several papers: which one is to be discussed has to be chosen."""

    message: PostedMessage


@dataclass(frozen=True, slots=True)
class ExistingThread:
    """There is a thread for the paper, unless it `is_deleted`."""

    thread_id: int
    is_deleted: bool


DiscussionFound = NotDiscussable | MessageUnsettled | ThreadsOff | SeveralPapers | ExistingThread | ThreadRequest


class DiscussionService:
    """The threads that people request."""

    def __init__(
        self, discussions: Discussions, channel_settings: ChannelSettingsStore, threads: PaperThreads, clock: Clock
    ) -> None:
        self._discussions = discussions
        self._channel_settings = channel_settings
        self._threads = threads
        self._clock = clock
        # Two people may click at the same time: the second one gets the thread of the first.
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def find(self, channel_id: int, key: str, arxiv_id: str | None = None) -> DiscussionFound:
        """Returns the thread for a paper of a message in this channel, or what has to be done to get one.

        Without `arxiv_id`, the message has to have one paper.
        """
        message = await self._message(key)
        if isinstance(message, MessageUnsettled):
            return message
        if message is None or message.channel_id != channel_id or not message.papers:
            return NotDiscussable()
        if arxiv_id is None and len(message.papers) > 1:
            return SeveralPapers(message)
        paper = next((each for each in message.papers if arxiv_id in (None, each.arxiv_id.value)), None)
        if paper is None:
            return NotDiscussable()
        is_off = (await self._channel_settings.get(channel_id)).threads is ThreadMode.OFF
        stored = await self._discussions.get(key, paper.arxiv_id.value)
        if stored is not None and stored.thread_id is not None:
            is_deleted = not await self._threads.exists(stored.thread_id)
            # Otherwise its first message has to be sent.
            if is_deleted or is_off or stored.state is DiscussionState.OPEN:
                return ExistingThread(stored.thread_id, is_deleted)
        if is_off:
            return ThreadsOff()
        return ThreadRequest(message, paper)

    async def _message(self, key: str) -> PostedMessage | MessageUnsettled | None:
        """Returns a message; waits for a moment if it was just sent: people can click before its outcome is stored."""
        waited_s = 0.0
        while (message := await self._discussions.message(key)) is None:
            if not await self._discussions.is_being_sent(key):
                return await self._discussions.message(key)  # it may have been stored in between
            if waited_s >= OUTCOME_WAIT_S:
                return MessageUnsettled()
            await self._clock.sleep(OUTCOME_CHECK_INTERVAL_S)
            waited_s += OUTCOME_CHECK_INTERVAL_S
        return message

    async def start(self, request: ThreadRequest) -> ThreadOutcome:
        """Starts the thread that `find` returned a request for; if somebody else just did, returns that one."""
        key = (request.message.key, request.arxiv_id)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            stored = await self._discussions.request(request, self._clock.now())
            if stored is not None and stored.thread_id is not None:
                outcome: ThreadOutcome = ThreadStarted(stored.thread_id, is_new=False)
                is_complete = stored.state is DiscussionState.OPEN
            else:
                outcome, is_complete = self._unanswered(request, stored) or await self._attempt(request, stored), False
            if isinstance(outcome, ThreadStarted) and not is_complete:
                await self._send_first_message(request, outcome.thread_id)
            return outcome

    def _unanswered(self, request: ThreadRequest, stored: StoredDiscussion | None) -> RetryLater | None:
        """Returns that no attempt may be made yet, because Discord may still carry out the last one.

        Discord itself rejects a second thread of a message, but not a second one without a message.
        """
        if request.is_at_message or stored is None or stored.attempted_at is None:
            return None
        age = self._clock.now() - stored.attempted_at
        is_recent = timedelta() <= age < UNANSWERED_FOR
        return RetryLater(stored.attempted_at + UNANSWERED_FOR, UNANSWERED) if is_recent else None

    async def _attempt(self, request: ThreadRequest, stored: StoredDiscussion | None) -> ThreadOutcome:
        """Makes an attempt, and stores its outcome if that is known."""
        if stored is not None:
            await self._discussions.attempted(request, self._clock.now())
        outcome = await self._threads.start(request, attempted_since=None if stored is None else stored.requested_at)
        if isinstance(outcome, ThreadStarted):
            await self._discussions.started(request, outcome.thread_id, is_complete=request.is_at_message)
        elif isinstance(outcome, OutcomeUnknown):
            pass
        elif stored is None:
            await self._discussions.withdraw(request)
        else:
            await self._discussions.attempted(request, stored.attempted_at)
        return outcome

    async def _send_first_message(self, request: ThreadRequest, thread_id: int) -> None:
        """Sends the first message of a thread without a message; if that fails, the next click tries again."""
        if request.is_at_message or request.paper is None:
            return
        if isinstance(await self._threads.send_first_message(request.message, request.paper, thread_id), Delivered):
            await self._discussions.started(request, thread_id, is_complete=True)
