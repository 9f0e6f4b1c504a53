"""Tracks which channels can be posted in: blocked ones, and ones that back off after a failure.

It stores the reason and the time of the next attempt, and logs both. It sends nothing.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from random import Random
from typing import Final

from bot.domain.outgoing import Blocked, OutcomeUnknown, RetryLater
from bot.runtime.clock import Clock
from bot.runtime.metrics import Metrics
from bot.runtime.retry import backoff_delay_s
from bot.store.channels import CHANNEL_WAIT_MAX, Channels

log = logging.getLogger(__name__)

# How often a blocked channel is checked again (from the gateway's cache, without a request).
BLOCKED_RECHECK: Final = timedelta(minutes=1)
# The first delay after an attempt whose outcome is unknown.
SEND_BACKOFF_FLOOR_S: Final = 2.0
SEND_BACKOFF_CEILING_S: Final = 300.0

# Returns why the bot cannot post in a channel now, or None if it can.
ChannelCheck = Callable[[int], Awaitable[Blocked | RetryLater | None]]


class ChannelAvailability:
    """Decides whether a channel can be posted in now, and postpones those that cannot."""

    def __init__(
        self,
        channels: Channels,
        check: ChannelCheck,
        clock: Clock,
        rng: Random,
        metrics: Metrics,
        on_block: Callable[[], None],
    ) -> None:
        self._channels = channels
        self._check = check
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._on_block = on_block
        self._failures: dict[int, int] = {}
        self._blocked: set[int] = set()

    async def is_open(self, channel_id: int) -> bool:
        """Checks whether the channel can be posted in now; if not, postpones it."""
        problem = await self._check(channel_id)
        if problem is not None:
            await self.postpone(channel_id, problem)
            return False
        if channel_id in self._blocked:
            await self._unblock(channel_id)
        return True

    async def update(self, channel_id: int, *, was_blocked: bool) -> None:
        """Checks a channel before anything is due in it, so that its admins learn early that it is blocked.

        `was_blocked`: whether it is stored as blocked.
        """
        match await self._check(channel_id):
            case Blocked() as blocked:
                await self._block(channel_id, blocked)
            case None if was_blocked or channel_id in self._blocked:
                await self._unblock(channel_id)
            case None | RetryLater():
                pass

    async def postpone(self, channel_id: int, cause: Blocked | RetryLater | OutcomeUnknown) -> None:
        """Stores that nothing is sent to the channel for a while."""
        match cause:
            case Blocked():
                await self._block(channel_id, cause)
            case RetryLater(not_before, _, everywhere=True):
                await self._channels.back_off(channel_id, not_before, now=self._clock.now())
            case RetryLater(not_before, reason):
                await self._back_off(channel_id, not_before, reason)
            case OutcomeUnknown(reason):
                await self._back_off(channel_id, self._next_attempt(channel_id), reason)

    def reset_backoff(self, channel_id: int) -> None:
        """Starts the channel's backoff from its floor again: the outcome of a message became known."""
        self._failures.pop(channel_id, None)

    async def _back_off(self, channel_id: int, not_before: datetime, reason: str) -> None:
        now = self._clock.now()
        not_before = min(not_before, now + CHANNEL_WAIT_MAX)
        await self._channels.back_off(channel_id, not_before, now=now)
        wait_s = (not_before - now).total_seconds()
        self._metrics.wait_seconds.labels("Discord").inc(max(0.0, wait_s))
        fields = {"channel_id": channel_id, "reason": reason, "retry_at": not_before.isoformat()}
        log.warning("channel backoff", extra=fields)

    async def _block(self, channel_id: int, blocked: Blocked) -> None:
        now = self._clock.now()
        self._blocked.add(channel_id)
        retry_at = now + BLOCKED_RECHECK
        if await self._channels.block(channel_id, blocked, now=now, not_before=retry_at):
            fields = {"channel_id": channel_id, "reason": blocked.reason, "retry_at": retry_at.isoformat()}
            log.warning("channel blocked", extra=fields)
            self._on_block()

    async def _unblock(self, channel_id: int) -> None:
        self._blocked.discard(channel_id)
        if await self._channels.unblock(channel_id):
            log.info("channel unblocked", extra={"channel_id": channel_id})

    def _next_attempt(self, channel_id: int) -> datetime:
        failures = self._failures.get(channel_id, 0) + 1
        self._failures[channel_id] = failures
        delay_s = backoff_delay_s(
            failures, floor_s=SEND_BACKOFF_FLOOR_S, ceiling_s=SEND_BACKOFF_CEILING_S, jitter=self._rng.random()
        )
        return self._clock.now() + timedelta(seconds=delay_s)
