"""A stand-in for Discord at our own protocol `Delivery`, and the lower half at work on it."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from bot.domain.outgoing import (
    Blocked,
    Delivered,
    MessageAbsent,
    OutcomeUnknown,
    OutgoingMessage,
    RetryLater,
    SendOutcome,
)
from bot.domain.post import Post
from bot.publish.availability import ChannelAvailability
from bot.publish.batches import Batches
from bot.publish.channel_worker import ChannelWorker
from bot.publish.dispatcher import Dispatcher
from bot.publish.sender import Sender
from bot.runtime.metrics import Metrics
from tests.support.clock import FakeClock
from tests.support.loops import LoopUnderTest
from tests.support.store import CHANNEL, Store

# Discord looks for a nonce among the messages of the past few minutes.
NONCE_KEPT: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Answer:
    """What happens to a message: whether the channel has it then, and what the bot is told."""

    arrives: bool
    outcome: SendOutcome


LOST_ANSWER: Final = Answer(True, OutcomeUnknown("no answer"))
LOST_MESSAGE: Final = Answer(False, OutcomeUnknown("no answer"))


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a channel holds."""

    id: int
    at: datetime
    post: OutgoingMessage


class FakeDelivery:
    """Channels in memory: they take messages, or do to them what the test says."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.online = asyncio.Event()
        self.online.set()
        self.obstacles: dict[int, Blocked | RetryLater] = {}
        # What happens to the next messages of a channel; it takes them when nothing is said.
        self.answers: defaultdict[int, deque[Answer]] = defaultdict(deque)
        # What the bot is told of a post, whenever it is sent; None: nothing special.
        self.verdict: Callable[[OutgoingMessage], SendOutcome | None] = lambda _post: None
        self.unreadable: dict[int, Blocked | RetryLater] = {}
        # Channels in which a message begins a thread, and takes no nonce: only the read-back keeps it from being there
        # twice.
        self.forums: set[int] = set()
        self.attempts: list[OutgoingMessage] = []
        self.attempts_at_s: list[float] = []
        self.searches: list[OutgoingMessage] = []
        self._messages: defaultdict[int, list[Message]] = defaultdict(list)
        self._held: dict[int, asyncio.Event] = {}
        self.waiting: set[int] = set()

    def hold(self, channel_id: int) -> None:
        """Let the channel's messages neither arrive nor fail, until `let_go`."""
        self._held[channel_id] = asyncio.Event()

    def let_go(self, channel_id: int) -> None:
        """Go on with what was held."""
        self.waiting.discard(channel_id)
        self._held.pop(channel_id).set()

    def messages(self, channel_id: int = CHANNEL) -> list[list[str]]:
        """The arXiv ids in each message that the channel holds."""
        return [_ids(message.post) for message in self._messages[channel_id]]

    def tried(self, channel_id: int = CHANNEL) -> list[list[str]]:
        """The arXiv ids of each attempt to send to the channel."""
        return [_ids(post) for post in self.attempts if post.channel_id == channel_id]

    async def ready(self) -> None:
        await self.online.wait()

    def takes_nonce(self, post: OutgoingMessage) -> bool:
        return post.channel_id not in self.forums or post.header.thread_id is not None

    async def blocked(self, channel_id: int) -> Blocked | RetryLater | None:
        return self.obstacles.get(channel_id)

    async def send(self, post: OutgoingMessage) -> SendOutcome:
        self.attempts.append(post)
        self.attempts_at_s.append(self._clock.monotonic())
        if post.channel_id in self._held:
            self.waiting.add(post.channel_id)
            try:
                await self._held[post.channel_id].wait()
            finally:
                self.waiting.discard(post.channel_id)
        return self._answer(post)

    def _answer(self, post: OutgoingMessage) -> SendOutcome:
        answers = self.answers[post.channel_id]
        if answers:
            answer = answers.popleft()
            if answer.arrives:
                self._arrived(post)
            return answer.outcome
        return self.verdict(post) or self._held_as(self._arrived(post))

    def _held_as(self, message: Message) -> Delivered:
        """How Discord tells of a message: one that began a thread has the thread's id."""
        return Delivered(message.id, thread_id=None if self.takes_nonce(message.post) else message.id)

    def _arrived(self, post: OutgoingMessage) -> Message:
        """The new message, or the one that is there with the same nonce."""
        held = self._messages[post.channel_id]
        for message in held:
            seen = message.post.nonce == post.nonce and self.takes_nonce(post)
            if seen and self._clock.now() - message.at < NONCE_KEPT:
                return message
        held.append(Message(len(self.attempts), self._clock.now(), post))
        return held[-1]

    async def find(self, post: OutgoingMessage) -> Delivered | MessageAbsent | RetryLater | Blocked:
        self.searches.append(post)
        if post.channel_id in self.unreadable:
            return self.unreadable[post.channel_id]
        found = (message for message in self._messages[post.channel_id] if message.post.key == post.key)
        return next((self._held_as(message) for message in found), MessageAbsent())


def _ids(post: OutgoingMessage) -> list[str]:
    if isinstance(post, Post):
        return [entry.paper.arxiv_id.value for entry in post.entries]
    return [each.trending_entry.arxiv_id.value for each in post.papers]


class PublishHarness(LoopUnderTest):
    """The lower half, run by a test."""

    def __init__(self, store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
        super().__init__(clock)
        self.delivery = delivery
        self.pauses = 0
        self.metrics = Metrics()
        channel_worker = ChannelWorker(
            outbox=store.outbox,
            batches=Batches(store.outbox, store.channel_settings),
            sender=Sender(delivery, clock, self.metrics),
            availability=ChannelAvailability(store.channels, clock, Random(1), self.metrics, self._paused),
            clock=clock,
            metrics=self.metrics,
            on_posted=lambda: None,
        )
        self.dispatcher = Dispatcher(store.outbox, store.channels, channel_worker, clock, self.wakeup)

    def _paused(self) -> None:
        self.pauses += 1

    def run(self) -> Coroutine[object, object, None]:
        return self.dispatcher.run()

    def is_quiet(self) -> bool:
        """Whether all sleep, wait for a held channel, or have ended."""
        if self._work is not None and self._work.done():
            return True
        return super().is_quiet() and self.dispatcher._at_work == self.delivery.waiting


def channel_worker(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> AbstractAsyncContextManager[PublishHarness]:
    """The lower half at work; what is due has been tried."""
    return PublishHarness(store, delivery, clock).at_work()
