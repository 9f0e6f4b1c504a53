"""Whether the program does its work: `/healthz`, and what `/metrics` asks of the store.

Nothing enters but the time; a verdict in words leaves.
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

# When a half counts as failing. A healthy night has a look at least once a day; a message leaves in seconds,
# and an outage of Discord's is over in minutes.
READING_LATE: Final = timedelta(hours=26)
POSTING_LATE: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One thing that was looked at: whether it is well, and how it stands in words."""

    name: str
    well: bool
    words: str


class Health:
    """Looks at the gateway, at both halves and at the database."""

    def __init__(
        self,
        *,
        polls: Polls,
        outbox: Outbox,
        subscriptions: Subscriptions,
        clock: Clock,
        metrics: Metrics,
        gateway_is_up: Callable[[], bool],
    ) -> None:
        self._polls = polls
        self._outbox = outbox
        self._subscriptions = subscriptions
        self._clock = clock
        self._metrics = metrics
        self._gateway_is_up = gateway_is_up
        self._began = clock.now()

    async def checks(self) -> tuple[HealthCheck, ...]:
        """How things stand now; a database that cannot be read speaks for the halves that live on it."""
        up = self._gateway_is_up()
        gateway = HealthCheck("gateway", up, "connected to Discord" if up else "not connected to Discord")
        try:
            return (gateway, await self._reading(), await self._posting())
        except StoreUnavailable as error:
            return (gateway, HealthCheck("database", well=False, words=str(error)))

    async def _reading(self) -> HealthCheck:
        if not await self._subscriptions.watched():
            return HealthCheck("reading", well=True, words="no keyword is watched")
        success = _last_success(await self._polls.recent())
        since = max(success, self._began) if success is not None else self._began
        late = self._clock.now() - since > READING_LATE
        if success is None:
            return HealthCheck("reading", not late, "arXiv was not read yet")
        return HealthCheck("reading", not late, f"arXiv answered last at {success.isoformat(timespec='seconds')}")

    async def _posting(self) -> HealthCheck:
        age = await self._queue_age()
        words = "nothing waits" if age == timedelta() else f"the oldest paper is due for {age.total_seconds():.0f} s"
        return HealthCheck("posting", age <= POSTING_LATE, words)

    async def _queue_age(self) -> timedelta:
        due = await self._outbox.oldest_due()
        return timedelta() if due is None else max(timedelta(), self._clock.now() - due)

    async def gauge(self) -> None:
        """Bring the gauges of `/metrics` up to date."""
        self._metrics.gateway_up.set(self._gateway_is_up())
        self._metrics.outbox_papers.set(sum((await self._outbox.waiting()).values()))
        self._metrics.outbox_age.set((await self._queue_age()).total_seconds())


def _last_success(polls: tuple[Poll, ...]) -> datetime | None:
    """When arXiv answered last, whether or not it had something new."""
    return next((poll.at for poll in reversed(polls) if isinstance(poll.result, PollCompleted | BatchMissing)), None)
