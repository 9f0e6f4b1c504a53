"""A stand-in for Discord at our own protocol `Delivery`, and the lower half at work on it."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from bot.clock import Alarm
from bot.domain.post import Absent, Delivered, Obstructed, Outcome, Post, RetryLater, Unanswered
from bot.domain.trending.digest import AnyPost
from bot.metrics import Metrics
from bot.pipeline.batches import Batches
from bot.pipeline.deliver import Deliver
from bot.pipeline.pausing import Pausing
from bot.pipeline.posting import Posting
from bot.pipeline.sending import Sending
from tests.support.clock import FakeClock, give_way, settle
from tests.support.store import CHANNEL, Store

DEADLINE_S: Final = 20.0
# Discord looks for a nonce among the messages of the past few minutes.
NONCE_KEPT: Final = timedelta(minutes=5)
# Sleeps as short as this are the pace of sending; whatever waits for something sleeps longer.
PACE_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """What happens to a message: whether the channel has it then, and what the bot is told."""

    arrives: bool
    outcome: Outcome


LOST_ANSWER: Final = Answer(True, Unanswered("no answer"))
LOST_MESSAGE: Final = Answer(False, Unanswered("no answer"))


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a channel holds."""

    id: int
    at: datetime
    post: AnyPost


class FakeDelivery:
    """Channels in memory: they take messages, or do to them what the test says."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.online = asyncio.Event()
        self.online.set()
        self.obstacles: dict[int, Obstructed | RetryLater] = {}
        # What happens to the next messages of a channel; it takes them when nothing is said.
        self.answers: defaultdict[int, deque[Answer]] = defaultdict(deque)
        # What the bot is told of a post, whenever it is sent; None: nothing special.
        self.verdict: Callable[[AnyPost], Outcome | None] = lambda _post: None
        self.unreadable: dict[int, Obstructed | RetryLater] = {}
        # Channels in which a message begins a thread, and takes no nonce: only the read-back keeps it from being there
        # twice.
        self.forums: set[int] = set()
        self.attempts: list[AnyPost] = []
        self.attempts_at_s: list[float] = []
        self.searches: list[AnyPost] = []
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

    def takes_nonce(self, post: AnyPost) -> bool:
        return post.channel_id not in self.forums or post.frame.thread_id is not None

    async def obstacle(self, channel_id: int) -> Obstructed | RetryLater | None:
        return self.obstacles.get(channel_id)

    async def send(self, post: AnyPost) -> Outcome:
        self.attempts.append(post)
        self.attempts_at_s.append(self._clock.monotonic())
        if post.channel_id in self._held:
            self.waiting.add(post.channel_id)
            try:
                await self._held[post.channel_id].wait()
            finally:
                self.waiting.discard(post.channel_id)
        return self._answer(post)

    def _answer(self, post: AnyPost) -> Outcome:
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

    def _arrived(self, post: AnyPost) -> Message:
        """The new message, or the one that is there with the same nonce."""
        held = self._messages[post.channel_id]
        for message in held:
            seen = message.post.nonce == post.nonce and self.takes_nonce(post)
            if seen and self._clock.now() - message.at < NONCE_KEPT:
                return message
        held.append(Message(len(self.attempts), self._clock.now(), post))
        return held[-1]

    async def find(self, post: AnyPost) -> Delivered | Absent | RetryLater | Obstructed:
        self.searches.append(post)
        if post.channel_id in self.unreadable:
            return self.unreadable[post.channel_id]
        found = (message for message in self._messages[post.channel_id] if message.post.key == post.key)
        return next((self._held_as(message) for message in found), Absent())


def _ids(post: AnyPost) -> list[str]:
    if isinstance(post, Post):
        return [entry.paper.arxiv_id.value for entry in post.entries]
    return [each.listing.arxiv_id.value for each in post.papers]


class WatchedAlarm(Alarm):
    """An alarm of which one can see that somebody sleeps on it."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._sleeping = False

    @property
    def is_slept_on(self) -> bool:
        """Whether the loop sleeps and nobody has woken it."""
        return self._sleeping and not self._rung.is_set()

    async def wait(self, delay_s: float | None) -> None:
        self._sleeping = True
        try:
            await super().wait(delay_s)
        finally:
            self._sleeping = False


class LowerHalf:
    """The lower half, run by a test."""

    def __init__(self, store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
        self.clock = clock
        self.delivery = delivery
        self.alarm = WatchedAlarm(clock)
        self.pauses = 0
        self.metrics = Metrics()
        posting = Posting(
            outbox=store.outbox,
            batches=Batches(store.outbox, store.preferences),
            sending=Sending(delivery, clock, self.metrics),
            pausing=Pausing(store.channels, clock, Random(1), self.metrics, self._paused),
            clock=clock,
            metrics=self.metrics,
            on_posted=lambda: None,
        )
        self.deliver = Deliver(store.outbox, store.channels, posting, clock, self.alarm)
        self._run: asyncio.Task[None] | None = None

    def _paused(self) -> None:
        self.pauses += 1

    def start(self) -> asyncio.Task[None]:
        """Begin to post."""
        self._run = asyncio.create_task(self.deliver.run())
        return self._run

    async def until_quiet(self) -> None:
        """Wait until nothing happens any more by itself: all sleep, or wait for a held channel."""
        async with asyncio.timeout(DEADLINE_S):
            while not await self._stays_quiet():
                next_in_s = self.clock.next_in_s
                if next_in_s is not None and next_in_s <= PACE_S:
                    await self.clock.advance(next_in_s)
                else:
                    await give_way()

    async def _stays_quiet(self) -> bool:
        """Whether all sleep, and did not merely lie down: a sleeper's alarm is set a moment later."""
        if not self._is_quiet():
            return False
        await settle()
        return self._is_quiet()

    def _is_quiet(self) -> bool:
        if self._run is not None and self._run.done():
            return True
        return self.alarm.is_slept_on and self.deliver._at_work == self.delivery.waiting

    async def ring(self) -> None:
        """Say that there is something new, and wait for what comes of it."""
        self.alarm.ring()
        await self.until_quiet()

    async def advance(self, delay_s: float) -> None:
        """Let time pass; whatever is due on the way happens at its moment."""
        await self.clock.advance_resting(delay_s, self.until_quiet)

    async def end(self) -> None:
        """Break off, as a killed process would; what it raised is not asked for."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.wait([self._run])
            self._run = None


@asynccontextmanager
async def posting(store: Store, delivery: FakeDelivery, clock: FakeClock) -> AsyncIterator[LowerHalf]:
    """The lower half at work; what is due has been tried."""
    lower = LowerHalf(store, delivery, clock)
    lower.start()
    try:
        await lower.until_quiet()
        yield lower
    finally:
        await lower.end()
