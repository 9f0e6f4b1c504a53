"""Checks whether the bot is connected, reads arXiv and posts: for `/healthz` and the gauges of `/metrics`.

It reports problems and never tries to repair them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.poll_schedule import POLL_AHEAD_MAX, BatchMissing, Poll, PollCompleted, past_polls
from bot.runtime.clock import Clock, Stopwatch
from bot.runtime.errors import StoreUnavailable
from bot.runtime.metrics import Metrics
from bot.runtime.problems import NO_PROBLEMS, Problem
from bot.runtime.shards import Shards
from bot.services.status import BACKOFF_SHOWN
from bot.store.channels import Channels
from bot.store.outbox import Outbox
from bot.store.polls import Polls
from bot.store.subscriptions import Subscriptions

# A working bot polls at least once a day; a message takes seconds, and most outages of Discord end within minutes.
READING_LATE: Final = timedelta(hours=26)
POSTING_LATE: Final = timedelta(minutes=30)
# A poll gets at least every third slot at the gate, and a request takes at most 90 s: usually this is a few seconds.
POLL_WAIT_LATE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """The result of one check, with an explanation for people."""

    name: str
    ok: bool
    detail: str


class Health:
    """Checks the gateway, the polls, the queue and the database, and includes the problems that others report."""

    def __init__(
        self,
        *,
        polls: Polls,
        outbox: Outbox,
        subscriptions: Subscriptions,
        clock: Clock,
        metrics: Metrics,
        gateway_is_up: Callable[[], bool],
        problems: Mapping[str, Problem] = NO_PROBLEMS,
        shards: Shards | None = None,
        channels: Channels | None = None,
        poll_wait_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._polls = polls
        self._outbox = outbox
        self._subscriptions = subscriptions
        self._clock = clock
        self._metrics = metrics
        self._gateway_is_up = gateway_is_up
        self._problems = problems
        self._shards = shards or Shards()
        self._channels = channels
        self._poll_wait_s = poll_wait_s
        self._uptime = Stopwatch(clock)

    async def checks(self) -> tuple[HealthCheck, ...]:
        """The results as of now; a database that cannot be read replaces the checks that need it."""
        gateway = HealthCheck("gateway", self._gateway_is_up(), self._gateway_detail())
        now = self._clock.now()
        shown = (_reported(name, problem) for name, problem in self._problems.items() if problem.is_shown(now))
        reported = (gateway, *shown)
        try:
            checks = (*reported, await self._check_reading(), await self._check_posting(), *await self._backing_off())
            problem = await self._polls.write_problem()
        except StoreUnavailable as error:
            return (*reported, HealthCheck("database", ok=False, detail=str(error)))
        return checks if problem is None else (*checks, HealthCheck("database", ok=False, detail=problem))

    def _gateway_detail(self) -> str:
        shards = self._shards.reports()
        failing = [shard for shard in shards if not shard.is_connected]
        if len(shards) <= 1:
            reason = "".join(f": {shard.reason}{_next_try(shard.retry_at)}" for shard in failing)
            return "connected to Discord" if self._gateway_is_up() else f"not connected to Discord{reason}"
        if not failing:
            return f"connected to Discord with {len(shards)} shards"
        reasons = "; ".join(f"shard {shard.shard_id}: {shard.reason}{_next_try(shard.retry_at)}" for shard in failing)
        return f"{len(failing)} of {len(shards)} shards are not connected to Discord: {reasons}"

    async def _check_reading(self) -> HealthCheck:
        if not await self._subscriptions.has_watched():
            return HealthCheck("reading", ok=True, detail="no keyword is watched")
        if (wait_s := self._poll_wait_s()) > POLL_WAIT_LATE_S:
            return HealthCheck("reading", ok=False, detail=f"a poll has waited {wait_s:.0f} s for the request gate")
        polls, now = await self._polls.recent(), self._clock.now()
        success, future = _last_success(past_polls(polls, now)), _last_success(polls)
        if future is not None and future > now + POLL_AHEAD_MAX:
            return HealthCheck("reading", ok=False, detail="unknown: the last answer of arXiv is in the future")
        is_late = min(self._uptime.elapsed, self._uptime.elapsed if success is None else now - success) > READING_LATE
        if success is None:
            return HealthCheck("reading", not is_late, "arXiv has not been read yet")
        return HealthCheck("reading", not is_late, f"arXiv last answered at {success.isoformat(timespec='seconds')}")

    async def _check_posting(self) -> HealthCheck:
        age = await self._queue_age()
        due_for = f"the oldest queued paper has been due for {age.total_seconds():.0f} s"
        return HealthCheck("posting", age <= POSTING_LATE, "no paper is due" if age == timedelta() else due_for)

    async def _backing_off(self) -> tuple[HealthCheck, ...]:
        """The channels that wait for long: Discord asked for it, so that the check passes."""
        if self._channels is None:
            return ()
        waits = await self._channels.backing_off(self._clock.now() + BACKOFF_SHOWN)
        if not waits:
            return ()
        last = max(waits.values()).isoformat(timespec="seconds")
        return (HealthCheck("backoff", ok=True, detail=f"channels that wait for Discord: {len(waits)}, until {last}"),)

    async def _queue_age(self) -> timedelta:
        due = await self._outbox.oldest_due()
        return timedelta() if due is None else max(timedelta(), self._clock.now() - due)

    async def update_gauges(self) -> None:
        """Updates the gauges of `/metrics`."""
        self._metrics.gateway_up.set(self._gateway_is_up())
        for shard in self._shards.reports():
            self._metrics.update_shard(shard)
        self._metrics.outbox_papers.set(sum((await self._outbox.waiting()).values()))
        self._metrics.outbox_age.set((await self._queue_age()).total_seconds())


def _reported(name: str, problem: Problem) -> HealthCheck:
    return HealthCheck(name, ok=not problem.fails_health, detail=problem.text + _next_try(problem.retry_at))


def _next_try(retry_at: datetime | None) -> str:
    return "" if retry_at is None else f"; next try at {retry_at.isoformat(timespec='seconds')}"


def _last_success(polls: tuple[Poll, ...]) -> datetime | None:
    """When arXiv last answered, with or without new papers."""
    return next((poll.at for poll in reversed(polls) if isinstance(poll.result, PollCompleted | BatchMissing)), None)
