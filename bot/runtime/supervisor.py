"""Keeps loops running: one that fails unexpectedly starts again after a while, and people are told.

Named loops enter; nothing leaves but the end of all of them, or a StartupError that no second try would mend.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from bot.runtime.clock import Clock
from bot.runtime.errors import StartupError, StoreUnavailable
from bot.runtime.metrics import Metrics
from bot.runtime.retry import backoff_delay_s

log = logging.getLogger(__name__)

RESTART_BACKOFF_FLOOR_S: Final = 1.0
RESTART_BACKOFF_CEILING_S: Final = 300.0
# A loop that failed is spoken of until its next try has held this long.
PROBLEM_SHOWN: Final = timedelta(minutes=1)

Loop = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _LoopFailure:
    words: str
    next_try: datetime


class Supervisor:
    """Runs loops side by side."""

    def __init__(self, clock: Clock, rng: Random, metrics: Metrics) -> None:
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._problems: dict[str, _LoopFailure] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong lately, in words: a loop that failed, until its next try has held for a while."""
        now = self._clock.now()
        return tuple(
            f"{name} {problem.words}"
            for name, problem in self._problems.items()
            if now < problem.next_try + PROBLEM_SHOWN
        )

    async def run(self, loops: Mapping[str, Loop]) -> None:
        """Run every loop until it ends by itself; cancelling this cancels them all."""
        async with asyncio.TaskGroup() as group:
            for name, loop in loops.items():
                group.create_task(self._keep(name, loop), name=name)

    async def _keep(self, name: str, loop: Loop) -> None:
        failures = 0
        while True:
            began_s = self._clock.monotonic()
            try:
                await loop()
            except StartupError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the other loops go on and this one starts again
                lasted_s = self._clock.monotonic() - began_s
                failures = 1 if lasted_s > RESTART_BACKOFF_CEILING_S else failures + 1
                await self._wait_before_next_try(name, error, failures)
            else:
                return

    async def _wait_before_next_try(self, name: str, error: Exception, failures: int) -> None:
        self._metrics.failures.labels(name).inc()
        delay_s = backoff_delay_s(failures, RESTART_BACKOFF_FLOOR_S, RESTART_BACKOFF_CEILING_S, self._rng.random())
        cause = root_cause(error)
        known = isinstance(cause, StoreUnavailable)
        words = f"stopped: {cause}" if known else f"stopped unexpectedly ({type(cause).__name__})"
        self._problems[name] = _LoopFailure(words, self._clock.now() + timedelta(seconds=delay_s))
        log.error(
            "loop failed",
            extra={"loop": name, "failures": failures, "next_try_s": round(delay_s, 1), "why": str(cause)},
            exc_info=None if known else error,
        )
        await self._clock.sleep(delay_s)


def root_cause(error: BaseException) -> BaseException:
    """What went wrong inside the groups that task groups raise."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
