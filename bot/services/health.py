"""Checks whether the bot is connected, reads arXiv and posts: for `/healthz` and the gauges of `/metrics`.

It reports problems and never tries to repair them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.poll_schedule import BatchMissing, Poll, PollCompleted
from bot.runtime.clock import Clock
from bot.runtime.errors import StoreUnavailable
from bot.runtime.metrics import Metrics
from bot.store.outbox import Outbox
from bot.store.polls import Polls
from bot.store.subscriptions import Subscriptions

# A working bot polls at least once a day; a message takes seconds, and most outages of Discord end within minutes.
READING_LATE: Final = timedelta(hours=26)
POSTING_LATE: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """The result of one check, with an explanation for people."""

    name: str
    ok: bool
    detail: str


class Health:
    """Checks the gateway, the polls, the queue and the database."""

    def __init__(
        self,
        *,
        polls: Polls,
        outbox: Outbox,
        subscriptions: Subscriptions,
        clock: Clock,
        metrics: Metrics,
        gateway_is_up: Callable[[], bool],
        second_bot_problems: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self._polls = polls
        self._outbox = outbox
        self._subscriptions = subscriptions
        self._clock = clock
        self._metrics = metrics
        self._gateway_is_up = gateway_is_up
        self._second_bot_problems = second_bot_problems
        self._started_at = clock.now()

    async def checks(self) -> tuple[HealthCheck, ...]:
        """The results as of now; an unreadable database replaces the checks that need it."""
        is_up = self._gateway_is_up()
        gateway = HealthCheck("gateway", is_up, "connected to Discord" if is_up else "not connected to Discord")
        second_bot = (HealthCheck("second bot", ok=False, detail=problem) for problem in self._second_bot_problems())
        try:
            return (gateway, *second_bot, await self._check_reading(), await self._check_posting())
        except StoreUnavailable as error:
            return (gateway, HealthCheck("database", ok=False, detail=str(error)))

    async def _check_reading(self) -> HealthCheck:
        if not await self._subscriptions.watched():
            return HealthCheck("reading", ok=True, detail="no keyword is watched")
        success = _last_success(await self._polls.recent())
        since = max(success, self._started_at) if success is not None else self._started_at
        is_late = self._clock.now() - since > READING_LATE
        if success is None:
            return HealthCheck("reading", not is_late, "arXiv has not been read yet")
        return HealthCheck("reading", not is_late, f"arXiv last answered at {success.isoformat(timespec='seconds')}")

    async def _check_posting(self) -> HealthCheck:
        age = await self._queue_age()
        due_for = f"the oldest queued paper has been due for {age.total_seconds():.0f} s"
        return HealthCheck("posting", age <= POSTING_LATE, "no paper is due" if age == timedelta() else due_for)

    async def _queue_age(self) -> timedelta:
        due = await self._outbox.oldest_due()
        return timedelta() if due is None else max(timedelta(), self._clock.now() - due)

    async def update_gauges(self) -> None:
        """Updates the gauges of `/metrics`."""
        self._metrics.gateway_up.set(self._gateway_is_up())
        self._metrics.outbox_papers.set(sum((await self._outbox.waiting()).values()))
        self._metrics.outbox_age.set((await self._queue_age()).total_seconds())


def _last_success(polls: tuple[Poll, ...]) -> datetime | None:
    """When arXiv last answered, with or without new papers."""
    return next((poll.at for poll in reversed(polls) if isinstance(poll.result, PollCompleted | BatchMissing)), None)
