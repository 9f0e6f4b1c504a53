"""Channels that have to wait: until Discord allows more, until an answer may come, until an admin has set them right.

A channel and why it has to wait enter; the store, the log and whoever tells admins know of it then. It sends nothing.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Final

from bot.domain.outgoing import Blocked, OutcomeUnknown, RetryLater
from bot.publish.sender import SEND_BACKOFF_FLOOR_S
from bot.runtime.clock import Clock
from bot.runtime.metrics import Metrics
from bot.runtime.retry import backoff_delay_s
from bot.store.channels import Channels

log = logging.getLogger(__name__)

# How soon a channel that cannot be posted in is looked at again (from the gateway's cache, no request).
BLOCKED_RECHECK: Final = timedelta(minutes=1)
SEND_BACKOFF_CEILING_S: Final = 300.0


class ChannelAvailability:
    """Lets channels wait, and go on."""

    def __init__(
        self, channels: Channels, clock: Clock, rng: Random, metrics: Metrics, on_block: Callable[[], None]
    ) -> None:
        self._channels = channels
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._on_block = on_block
        self._failures: dict[int, int] = {}
        self._blocked: set[int] = set()

    async def wait_for(self, channel_id: int, cause: Blocked | RetryLater | OutcomeUnknown) -> None:
        """Try nothing in the channel for a while."""
        match cause:
            case Blocked():
                await self._block(channel_id, cause)
            case RetryLater(not_before, why):
                await self._back_off(channel_id, not_before, why)
            case OutcomeUnknown(why):
                await self._back_off(channel_id, self._next_try(channel_id), why)

    async def is_open(self, channel_id: int, blocked: Blocked | RetryLater | None) -> bool:
        """Whether something can be posted in the channel now, where this is what stands in its way."""
        if blocked is not None:
            await self.wait_for(channel_id, blocked)
            return False
        if channel_id in self._blocked:
            await self._unblock(channel_id)
        return True

    async def check_channel(self, channel_id: int, blocked: Blocked | RetryLater | None) -> None:
        """Say of a channel whether it can be posted in: an admin should know before anything waits."""
        if isinstance(blocked, Blocked):
            await self._block(channel_id, blocked)
        elif blocked is None:
            await self._unblock(channel_id)

    def answered(self, channel_id: int) -> None:
        """Discord said what became of a message: the next failure is the first again."""
        self._failures.pop(channel_id, None)

    async def _back_off(self, channel_id: int, not_before: datetime, why: str) -> None:
        await self._channels.back_off(channel_id, not_before)
        wait_s = (not_before - self._clock.now()).total_seconds()
        self._metrics.wait_seconds.labels("Discord").inc(max(0.0, wait_s))
        log.warning("channel rests", extra={"channel": channel_id, "until": not_before, "why": why})

    async def _block(self, channel_id: int, cause: Blocked) -> None:
        now = self._clock.now()
        self._blocked.add(channel_id)
        if await self._channels.block(channel_id, cause, now=now, not_before=now + BLOCKED_RECHECK):
            log.warning("channel paused", extra={"channel": channel_id, "reason": cause.reason})
            self._on_block()

    async def _unblock(self, channel_id: int) -> None:
        self._blocked.discard(channel_id)
        if await self._channels.unblock(channel_id):
            log.info("channel resumed", extra={"channel": channel_id})

    def _next_try(self, channel_id: int) -> datetime:
        attempt = self._failures.get(channel_id, 0) + 1
        self._failures[channel_id] = attempt
        delay_s = backoff_delay_s(
            attempt, floor_s=SEND_BACKOFF_FLOOR_S, ceiling_s=SEND_BACKOFF_CEILING_S, jitter=self._rng.random()
        )
        return self._clock.now() + timedelta(seconds=delay_s)
