"""An in-memory Discord that starts threads, and the loop that uses it."""

from collections import defaultdict, deque
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from random import Random

from bot.domain.discussion import PostedMessage, ThreadOutcome, ThreadRequest, ThreadStarted
from bot.domain.outgoing import Delivered, SendOutcome
from bot.domain.paper import Paper
from bot.publish.discussions import DiscussionLoop
from bot.publish.second_bot import SecondBot
from bot.runtime.metrics import Metrics
from bot.runtime.problems import ReportedProblems
from tests.support.clock import FakeClock
from tests.support.loops import LoopUnderTest
from tests.support.store import Store

# The ids of threads without a message.
FIRST_ID = 9_000


class FakeThreads:
    """Threads in memory: every attempt succeeds, unless the test configures another outcome."""

    def __init__(self) -> None:
        # The outcomes of the next attempts in a channel; after them every attempt succeeds.
        self.answers: defaultdict[int, deque[ThreadOutcome]] = defaultdict(deque)
        self.first_message_outcomes: deque[SendOutcome] = deque()
        # The requests of all attempts, and since when each thread may have existed.
        self.requests: list[ThreadRequest] = []
        self.attempted_since: list[datetime | None] = []
        # The threads that got a first message, and the messages and papers that these are about.
        self.first_message_threads: list[int] = []
        self.first_message_subjects: list[tuple[str, str]] = []
        self.deleted: set[int] = set()
        # The thread of each request, by the key of its message and the paper.
        self.started: dict[tuple[str, str], int] = {}

    async def start(self, request: ThreadRequest, *, attempted_since: datetime | None = None) -> ThreadOutcome:
        self.requests.append(request)
        self.attempted_since.append(attempted_since)
        answers = self.answers[request.message.channel_id]
        return answers.popleft() if answers else self.store(request, is_searched=attempted_since is not None)

    def store(self, request: ThreadRequest, *, is_searched: bool = False) -> ThreadStarted:
        """Starts a thread, or returns the one that exists.

        Discord rejects a second thread of a message; one without a message has to be searched for before.
        """
        key = (request.message.key, request.arxiv_id)
        is_new = key not in self.started
        assert is_new or is_searched or request.is_at_message, "a second thread was started"
        new_id = request.message.message_id if request.is_at_message else FIRST_ID + len(self.started)
        return ThreadStarted(self.started.setdefault(key, new_id), is_new)

    async def send_first_message(self, message: PostedMessage, paper: Paper, thread_id: int) -> SendOutcome:
        self.first_message_threads.append(thread_id)
        self.first_message_subjects.append((message.key, paper.arxiv_id.value))
        return self.first_message_outcomes.popleft() if self.first_message_outcomes else Delivered(1)

    async def exists(self, thread_id: int) -> bool:
        return thread_id not in self.deleted


class DiscussionHarness(LoopUnderTest):
    """The loop with a real store and a fake Discord."""

    def __init__(self, store: Store, threads: FakeThreads, clock: FakeClock) -> None:
        super().__init__(clock)
        self.second_bot = SecondBot(clock, Random(1), ReportedProblems())
        self._loop = DiscussionLoop(
            discussions=store.discussions,
            starter=threads,
            second_bot=self.second_bot,
            clock=clock,
            metrics=Metrics(),
            wakeup=self.wakeup,
        )

    def run(self) -> Coroutine[object, object, None]:
        return self._loop.run()


def running_discussions(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> AbstractAsyncContextManager[DiscussionHarness]:
    """Runs the loop inside the block; what was due at its start has been attempted."""
    return DiscussionHarness(store, threads, clock).running()
