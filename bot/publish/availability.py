"""Channels that have to wait: until Discord allows more, until an answer may come, until an admin has set them right.

A channel and why it has to wait enter; the store, the log and whoever tells admins know of it then. It sends nothing.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from bot.domain.post import Obstructed, RetryLater, Unanswered
from bot.runtime.clock import Clock
from bot.runtime.limits import OBSTACLE_RECHECK, SEND_BACKOFF_CEILING_S, SEND_BACKOFF_FLOOR_S
from bot.runtime.metrics import Metrics
from bot.runtime.retry import backoff
from bot.store.channels import Channels

log = logging.getLogger(__name__)


class Pausing:
    """Lets channels wait, and go on."""

    def __init__(
        self, channels: Channels, clock: Clock, rng: Random, metrics: Metrics, on_pause: Callable[[], None]
    ) -> None:
        self._channels = channels
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._on_pause = on_pause
        self._failures: dict[int, int] = {}
        self._paused: set[int] = set()

    async def wait_for(self, channel_id: int, cause: Obstructed | RetryLater | Unanswered) -> None:
        """Try nothing in the channel for a while."""
        match cause:
            case Obstructed():
                await self._pause(channel_id, cause)
            case RetryLater(not_before, why):
                await self._rest(channel_id, not_before, why)
            case Unanswered(why):
                await self._rest(channel_id, self._next_try(channel_id), why)

    async def is_open(self, channel_id: int, obstacle: Obstructed | RetryLater | None) -> bool:
        """Whether something can be posted in the channel now, where this is what stands in its way."""
        if obstacle is not None:
            await self.wait_for(channel_id, obstacle)
            return False
        if channel_id in self._paused:
            await self._resume(channel_id)
        return True

    async def look_over(self, channel_id: int, obstacle: Obstructed | RetryLater | None) -> None:
        """Say of a channel whether it can be posted in: an admin should know before anything waits."""
        if isinstance(obstacle, Obstructed):
            await self._pause(channel_id, obstacle)
        elif obstacle is None:
            await self._resume(channel_id)

    def answered(self, channel_id: int) -> None:
        """Discord said what became of a message: the next failure is the first again."""
        self._failures.pop(channel_id, None)

    async def _rest(self, channel_id: int, not_before: datetime, why: str) -> None:
        await self._channels.rest(channel_id, not_before)
        wait_s = (not_before - self._clock.now()).total_seconds()
        self._metrics.waits.labels("Discord").inc(max(0.0, wait_s))
        log.warning("channel rests", extra={"channel": channel_id, "until": not_before, "why": why})

    async def _pause(self, channel_id: int, cause: Obstructed) -> None:
        now = self._clock.now()
        self._paused.add(channel_id)
        if await self._channels.pause(channel_id, cause, now=now, not_before=now + OBSTACLE_RECHECK):
            log.warning("channel paused", extra={"channel": channel_id, "reason": cause.reason})
            self._on_pause()

    async def _resume(self, channel_id: int) -> None:
        self._paused.discard(channel_id)
        if await self._channels.resume(channel_id):
            log.info("channel resumed", extra={"channel": channel_id})

    def _next_try(self, channel_id: int) -> datetime:
        attempt = self._failures.get(channel_id, 0) + 1
        self._failures[channel_id] = attempt
        delay_s = backoff(
            attempt, floor_s=SEND_BACKOFF_FLOOR_S, ceiling_s=SEND_BACKOFF_CEILING_S, jitter=self._rng.random()
        )
        return self._clock.now() + timedelta(seconds=delay_s)
