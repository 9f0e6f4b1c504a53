"""An in-memory Discord behind the `Delivery` protocol, and a dispatcher that posts to it."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from bot.domain.channel_settings import Layout
from bot.domain.found import FoundMessage, HistoryPage
from bot.domain.history import Position
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
from bot.publish.channel_worker import ChannelWorker, PaperPostStorage
from bot.publish.dispatcher import Dispatcher
from bot.publish.history_check import HistoryCheck
from bot.publish.lifecycle import MessageLifecycle
from bot.publish.posting_limit import PostingLimit
from bot.publish.second_bot import SecondBot
from bot.publish.sender import Sender
from bot.runtime.metrics import Metrics
from bot.runtime.problems import ReportedProblems
from bot.store.found_messages import FoundMessages
from bot.store.group_commit import Grouped
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.loops import LoopUnderTest
from tests.support.store import CHANNEL, NOW, Store

# Discord compares a nonce with those of the past few minutes.
NONCE_KEPT: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Answer:
    """What happens to an attempt: whether Discord stores the message, and the outcome that the bot sees."""

    stored: bool
    outcome: SendOutcome


LOST_ANSWER: Final = Answer(True, OutcomeUnknown("no answer"))
LOST_MESSAGE: Final = Answer(False, OutcomeUnknown("no answer"))


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message in a channel."""

    id: int
    at: datetime
    post: OutgoingMessage


class FakeDelivery:
    """Channels in memory: they accept every message, unless the test configures another outcome."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        # Channels that cannot be posted in.
        self.blocked: dict[int, Blocked | RetryLater] = {}
        # The answers to a channel's next attempts; after them it accepts every message.
        self.answers: defaultdict[int, deque[Answer]] = defaultdict(deque)
        # The outcome of every attempt at a post; None: the channel accepts it.
        self.outcome_of: Callable[[OutgoingMessage], SendOutcome | None] = lambda _post: None
        # Channels whose history cannot be read.
        self.lookup_failures: dict[int, Blocked | RetryLater] = {}
        # Channels in which a message begins a thread and has no nonce: only a lookup prevents a duplicate.
        self.forums: set[int] = set()
        self.attempts: list[OutgoingMessage] = []
        self.attempts_at_s: list[float] = []
        self.lookups: list[OutgoingMessage] = []
        # The last id of a history that is read page by page before the messages of the test.
        self.history_end = 0
        self.page_size = 100
        # The bot's messages in each channel's history, how many one request returns, and why it returns none.
        self.found: defaultdict[int, list[FoundMessage]] = defaultdict(list)
        self.found_per_page = 100
        # What the gateway shows: the newest message of each channel; nothing is known of the others.
        self.newest_messages: dict[int, int] = {}
        self.history_failures: dict[int, Blocked | RetryLater] = {}
        # The channels whose history was read, and after which message id.
        self.checks: list[tuple[int, int]] = []
        self._started_at = clock.server_now()
        # Where each lookup began.
        self.positions: list[Position] = []
        # Held channels with an attempt under way.
        self.waiting: set[int] = set()
        self._stored: defaultdict[int, list[StoredMessage]] = defaultdict(list)
        self._held: dict[int, asyncio.Event] = {}

    def hold(self, channel_id: int) -> None:
        """Leaves the channel's attempts without an outcome until `finish_held`."""
        self._held[channel_id] = asyncio.Event()

    def finish_held(self, channel_id: int) -> None:
        """Lets the held attempts of a channel complete."""
        self.waiting.discard(channel_id)
        self._held.pop(channel_id).set()

    def stored(self, channel_id: int = CHANNEL) -> tuple[StoredMessage, ...]:
        """The messages in a channel."""
        return tuple(self._stored[channel_id])

    def messages(self, channel_id: int = CHANNEL) -> list[list[str]]:
        """The arXiv ids in each message of a channel."""
        return [_ids(message.post) for message in self._stored[channel_id]]

    def attempted(self, channel_id: int = CHANNEL) -> list[list[str]]:
        """The arXiv ids in each attempt to send to a channel."""
        return [_ids(post) for post in self.attempts if post.channel_id == channel_id]

    @property
    def headlines(self) -> list[str]:
        """The headline of each attempt."""
        return [post.header.headline for post in self.attempts]

    @property
    def pings(self) -> list[int | None]:
        """The role that each attempt pings."""
        return [post.header.mention_role for post in self.attempts]

    @property
    def layouts(self) -> list[Layout]:
        """The layout of each attempt."""
        return [post.header.layout for post in self.attempts]

    @property
    def threads(self) -> list[int | None]:
        """The thread of each attempt; None: it was to begin one."""
        return [post.header.thread_id for post in self.attempts]

    def takes_nonce(self, post: OutgoingMessage) -> bool:
        return post.channel_id not in self.forums or post.header.thread_id is not None

    async def check_channel(self, channel_id: int) -> Blocked | RetryLater | None:
        return self.blocked.get(channel_id)

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
            if answer.stored:
                self._store(post)
            return answer.outcome
        return self.outcome_of(post) or self._delivered(self._store(post))

    def _delivered(self, message: StoredMessage) -> Delivered:
        """Returns what Discord answers for a stored message; a new thread has the id of its first message."""
        return Delivered(message.id, thread_id=None if self.takes_nonce(message.post) else message.id)

    def _store(self, post: OutgoingMessage) -> StoredMessage:
        """Stores a message, unless the channel has one with the same nonce."""
        stored = self._stored[post.channel_id]
        for message in stored:
            same_nonce = message.post.nonce == post.nonce and self.takes_nonce(post)
            if same_nonce and self._clock.server_now() - message.at < NONCE_KEPT:
                return message
        stored.append(StoredMessage(len(self.attempts), self._clock.server_now(), post))
        return stored[-1]

    def server_time(self) -> datetime | None:
        return self._clock.server_now()

    def newest_message(self, channel_id: int) -> int | None:
        return self.newest_messages.get(channel_id)

    def started_at(self) -> datetime | None:
        return self._started_at

    async def read_history(self, channel_id: int, position: Position) -> HistoryPage | RetryLater | Blocked:
        self.checks.append((channel_id, position.after))
        if channel_id in self.history_failures:
            return self.history_failures[channel_id]
        later = [message for message in self.found[channel_id] if message.message_id > position.after]
        page = tuple(sorted(later, key=lambda message: message.message_id)[: self.found_per_page])
        read_until = max((message.message_id for message in page), default=position.after)
        return HistoryPage(page, read_until, Position(read_until) if len(page) < len(later) else None)

    async def find(
        self, post: OutgoingMessage, position: Position
    ) -> Delivered | MessageAbsent | Position | RetryLater | Blocked:
        self.lookups.append(post)
        self.positions.append(position)
        if post.channel_id in self.lookup_failures:
            return self.lookup_failures[post.channel_id]
        if position.after < self.history_end:
            return Position(position.after + self.page_size, self.history_end)
        found = (message for message in self._stored[post.channel_id] if message.post.key == post.key)
        return next((self._delivered(message) for message in found), MessageAbsent())


def _ids(post: OutgoingMessage) -> list[str]:
    if isinstance(post, Post):
        return [entry.paper.arxiv_id.value for entry in post.entries]
    return [each.trending_entry.arxiv_id.value for each in post.papers]


def arxiv_ids(*numbers: int) -> list[str]:
    """Returns the arXiv ids of numbered papers, as `messages` lists them."""
    return [f"2611.{number:05}" for number in numbers]


async def record_papers(store: Store, *numbers: int, now: datetime = NOW) -> None:
    """Records the papers of a poll, all with the keyword "graph"; a greater number is a later paper."""
    await store.poll(
        *(
            paper(arxiv_id, title="Graph", published=NOW + timedelta(minutes=number))
            for number, arxiv_id in zip(numbers, arxiv_ids(*numbers), strict=True)
        ),
        now=now,
    )


def history_check(
    store: Store,
    delivery: FakeDelivery,
    clock: FakeClock,
    availability: ChannelAvailability,
    second_bot: SecondBot,
) -> HistoryCheck:
    """Returns a check of the fake Discord's histories."""
    return HistoryCheck(
        reader=delivery,
        found_messages=FoundMessages(store.database),
        availability=availability,
        second_bot=second_bot,
        clock=clock,
        metrics=Metrics(),
    )


class DispatcherHarness(LoopUnderTest):
    """A dispatcher with a real store and a fake Discord."""

    def __init__(self, store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
        super().__init__(clock)
        self.delivery = delivery
        self.blocks = self.publishable = self.edits_requested = 0
        self.metrics = Metrics()
        storage = PaperPostStorage(store.outbox, self._count_publishable)
        availability = ChannelAvailability(
            store.channels, delivery.check_channel, clock, Random(1), self.metrics, self._count_block
        )
        self.second_bot = SecondBot(clock, Random(1), ReportedProblems())
        sender = Sender(delivery, clock, self.metrics, self.second_bot)
        self.history_check = history_check(store, delivery, clock, availability, self.second_bot)
        batches = Batches(store.channel_settings)
        channel_worker = ChannelWorker(
            outbox=store.outbox,
            queues=Grouped(
                lambda channel_ids: store.channel_queues.read(channel_ids, clock.now(), continued=batches.continued)
            ),
            batches=batches,
            posting_limit=PostingLimit(store.outbox, clock, self._count_edit),
            lifecycle=MessageLifecycle(storage, sender, availability, clock, self.metrics),
            availability=availability,
            history_check=self.history_check,
            metrics=self.metrics,
        )
        self.dispatcher = Dispatcher(
            outbox=store.outbox,
            channels=store.channels,
            availability=availability,
            channel_worker=channel_worker,
            second_bot=self.second_bot,
            clock=clock,
            wakeup=self.wakeup,
        )

    def _count_publishable(self) -> None:
        self.publishable += 1

    def _count_edit(self) -> None:
        self.edits_requested += 1

    def _count_block(self) -> None:
        self.blocks += 1

    def run(self) -> Coroutine[object, object, None]:
        return self.dispatcher.run()

    def is_quiet(self) -> bool:
        """Whether the loop and its workers sleep, wait for a held channel, or have ended."""
        if self._task is not None and self._task.done():
            return True
        return super().is_quiet() and self.dispatcher.active_channels == self.delivery.waiting


def running_dispatcher(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> AbstractAsyncContextManager[DispatcherHarness]:
    """Runs a dispatcher inside the block; what was due at its start has been attempted."""
    return DispatcherHarness(store, delivery, clock).running()
