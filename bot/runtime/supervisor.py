"""Keeps the loops running: restarts one that failed, with a backoff, and keeps the reason for `/status`.

Only a StartupError, which a restart would not fix, ends all loops. After a failure of the database, a loop restarts as
soon as the database can be written again. The supervisor never knows what a loop does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

from bot.runtime.clock import Clock
from bot.runtime.errors import DiscordUnavailable, StartupError, StoreUnavailable
from bot.runtime.metrics import Metrics
from bot.runtime.retry import backoff_delay_s

log = logging.getLogger(__name__)

RESTART_BACKOFF_FLOOR_S: Final = 1.0
RESTART_BACKOFF_CEILING_S: Final = 300.0
# A failure is reported until the restarted loop has run for this long.
PROBLEM_SHOWN_S: Final = 60.0
# How often the database is checked while a loop waits for it.
STORE_CHECK_INTERVAL_S: Final = 2.0

Loop = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _LoopFailure:
    reason: str
    shown_until_s: float


async def _no_problem() -> str | None:
    return None


class Supervisor:
    """Runs loops concurrently; `store_problem` returns why the database cannot be written now, or None."""

    def __init__(
        self,
        clock: Clock,
        rng: Random,
        metrics: Metrics,
        store_problem: Callable[[], Awaitable[str | None]] = _no_problem,
    ) -> None:
        self._store_problem = store_problem
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._failures: dict[str, _LoopFailure] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """Recent failures, each as a sentence without a full stop."""
        now_s = self._clock.monotonic()
        return tuple(
            f"{name} {failure.reason}" for name, failure in self._failures.items() if now_s < failure.shown_until_s
        )

    async def run(self, loops: Mapping[str, Loop]) -> None:
        """Runs every loop until it ends by itself; cancelling this cancels all of them."""
        async with asyncio.TaskGroup() as group:
            for name, loop in loops.items():
                group.create_task(self._supervise(name, loop), name=name)

    async def _supervise(self, name: str, loop: Loop) -> None:
        failures = 0
        while True:
            started_at_s = self._clock.monotonic()
            try:
                await loop()
            except StartupError:
                raise
            except Exception as error:  # noqa: BLE001 - any failure: the other loops continue and this one is restarted
                ran_for_s = self._clock.monotonic() - started_at_s
                failures = 1 if ran_for_s > RESTART_BACKOFF_CEILING_S else failures + 1
                if await self._back_off(name, error, failures):
                    failures = 0
            else:
                return

    async def _back_off(self, name: str, error: Exception, failures: int) -> bool:
        """Reports a failure and waits; returns whether its cause, an outage of the database, is over."""
        self._metrics.loop_failures.labels(name).inc()
        delay_s = backoff_delay_s(failures, RESTART_BACKOFF_FLOOR_S, RESTART_BACKOFF_CEILING_S, self._rng.random())
        retry_at = self._clock.now() + timedelta(seconds=delay_s)
        cause = root_cause(error)
        is_expected = isinstance(cause, StoreUnavailable | DiscordUnavailable)
        reason = f"stopped: {cause}" if is_expected else f"stopped unexpectedly ({type(cause).__name__})"
        self._failures[name] = _LoopFailure(reason, self._clock.monotonic() + delay_s + PROBLEM_SHOWN_S)
        log.error(
            "loop failed",
            extra={"loop": name, "reason": str(cause), "failures": failures, "retry_at": retry_at.isoformat()},
            exc_info=None if is_expected else error,
        )
        if isinstance(cause, StoreUnavailable):
            return await self._wait_for_store(delay_s)
        await self._clock.sleep(delay_s)
        return False

    async def _wait_for_store(self, delay_s: float) -> bool:
        """Waits, but not after the end of an outage; returns whether there was one that is over."""
        end_s = self._clock.monotonic() + delay_s
        was_down = False
        while (left_s := end_s - self._clock.monotonic()) > 0:
            is_down = await self._store_problem() is not None
            if was_down and not is_down:
                return True
            was_down = is_down
            await self._clock.sleep(min(left_s, STORE_CHECK_INTERVAL_S))
        return False


def root_cause(error: BaseException) -> BaseException:
    """Returns the first error inside the nested groups that task groups raise."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
