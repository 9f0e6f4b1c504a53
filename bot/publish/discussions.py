"""Starts the threads that channels want on their posts, after the posts were sent.

A thread that cannot be started never delays a post: it is tried again for a day, and then dropped. The requests are
stored with the messages, and starting a message's thread again is safe, because Discord allows one per message.
"""

import logging
from datetime import datetime, timedelta
from typing import Final, Protocol, assert_never

from bot.domain.discussion import MessageDeleted, ThreadOutcome, ThreadRequest, ThreadStarted
from bot.domain.outgoing import Blocked, OutcomeUnknown, Rejected, RetryLater
from bot.publish.second_bot import SecondBot
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.metrics import Metrics, Step
from bot.store.discussions import Discussions

log = logging.getLogger(__name__)

# How often threads are looked for that are to be tried again; also the delay after a request without an answer.
THREAD_CHECK_INTERVAL_S: Final = 60.0
# How long a thread is wanted after its message was settled: a later discussion would hardly be noticed.
THREADS_WANTED_FOR: Final = timedelta(hours=24)
# How long to wait before trying again where the bot may not start threads: the attempt may be an invalid request.
BLOCKED_THREAD_RETRY: Final = timedelta(minutes=10)


class ThreadStarter(Protocol):
    """What the loop needs from Discord."""

    async def start(self, request: ThreadRequest, *, attempted_since: datetime | None = None) -> ThreadOutcome:
        """Starts a thread, or returns the one that exists already.

        `attempted_since`: an earlier attempt may have started it since then.
        """
        ...


class DiscussionLoop:
    """Starts what is due; another loop notifies it of a new message."""

    def __init__(
        self,
        *,
        discussions: Discussions,
        starter: ThreadStarter,
        second_bot: SecondBot,
        clock: Clock,
        metrics: Metrics,
        wakeup: Wakeup,
    ) -> None:
        self._discussions = discussions
        self._starter = starter
        self._second_bot = second_bot
        self._clock = clock
        self._metrics = metrics
        self._wakeup = wakeup

    async def run(self) -> None:
        """Starts what is due until it is cancelled."""
        while True:
            if self._second_bot.pause_s() == 0 and await self._discussions.is_any_wanted():
                await self._drop_expired()
                await self._start_all()
            await self._wakeup.wait(THREAD_CHECK_INTERVAL_S)

    async def _drop_expired(self) -> None:
        dropped = await self._discussions.drop_expired(self._clock.now() - THREADS_WANTED_FOR)
        if dropped:
            log.error("threads given up", extra={"threads": dropped, "reason": "not possible for a day"})

    async def _start_all(self) -> None:
        """Starts the threads that are due, each once; stops where no request may leave."""
        postponed: dict[int, RetryLater | Blocked] = {}
        tried: set[tuple[str, str]] = set()
        while True:
            due = await self._discussions.due(self._clock.now())
            requests = [each for each in due if (each.message.key, each.arxiv_id) not in tried]
            if not requests:
                return
            for request in requests:
                tried.add((request.message.key, request.arxiv_id))
                if not await self._start(request, postponed):
                    return

    async def _start(self, request: ThreadRequest, postponed: dict[int, RetryLater | Blocked]) -> bool:
        """Starts one thread; returns False where no request may leave."""
        channel_id = request.message.channel_id
        # One rejection applies to the whole channel: each further attempt would count against the bot's address.
        outcome = postponed.get(channel_id) or await self._attempt(request)
        match outcome:
            case ThreadStarted(thread_id):
                await self._discussions.started(request, thread_id, is_complete=True)
                log.info("thread started", extra={"channel_id": channel_id})
            case MessageDeleted():
                await self._drop(request, "the message was deleted")
            case Blocked(reason, gone=True):
                await self._drop(request, reason)
            case Rejected(reason):
                await self._discussions.drop(request)
                log.error("thread rejected", extra={"channel_id": channel_id, "reason": reason})
            case RetryLater(everywhere=True):
                return False
            case RetryLater(not_before, reason):
                postponed[channel_id] = outcome
                await self._postpone(request, not_before, reason)
            case Blocked(reason):
                postponed[channel_id] = outcome
                await self._postpone(request, self._clock.now() + BLOCKED_THREAD_RETRY, reason)
            case OutcomeUnknown(reason):
                await self._postpone(request, self._clock.now() + timedelta(seconds=THREAD_CHECK_INTERVAL_S), reason)
            case _:
                assert_never(outcome)
        return True

    async def _attempt(self, request: ThreadRequest) -> ThreadOutcome:
        with self._metrics.step(Step.START_THREAD):
            return await self._starter.start(request)

    async def _drop(self, request: ThreadRequest, reason: str) -> None:
        """Drops a thread because of something that people do: nothing is wrong."""
        await self._discussions.drop(request)
        log.info("thread dropped", extra={"channel_id": request.message.channel_id, "reason": reason})

    async def _postpone(self, request: ThreadRequest, not_before: datetime, reason: str) -> None:
        await self._discussions.postpone(request, not_before, reason, now=self._clock.now())
        fields = {"channel_id": request.message.channel_id, "reason": reason, "retry_at": not_before.isoformat()}
        log.warning("thread postponed", extra=fields)
