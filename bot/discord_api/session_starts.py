"""Lets shards start sessions of the gateway within Discord's limits: one per bucket in five seconds, some per day.

A bot that exceeds the limit of the day loses its token (events/gateway#identifying). Resuming a session is not limited.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import aiohttp
import discord

from bot.discord_api.http_client import UnreadableAnswer
from bot.runtime.clock import Clock
from bot.runtime.limits import IDENTIFY_INTERVAL_S
from bot.runtime.problems import Problem, ReportedProblems

log = logging.getLogger(__name__)

# Two IDENTIFYs may arrive closer together than they were sent; one that arrives too early invalidates its session.
IDENTIFY_MARGIN_S: Final = 0.2
# How many shards of a bucket connect at the same time: each waits for its turn, connected, for less than a heartbeat.
CONNECTING_AT_ONCE: Final = 4
# How long an answer about the limits is used: another process with this token may start sessions, too.
LIMITS_FRESH_S: Final = 60.0
# How long to wait for another shard that may be starting the last session of the day.
LAST_SESSION_WAIT_S: Final = 1.0
# The name of the problem that Discord allows no further session today.
SESSIONS_USED_UP: Final = "sessions"


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """Discord's answer about sharding; `reset_at_s` is monotonic."""

    shards: int
    total: int
    remaining: int
    reset_at_s: float
    max_concurrency: int


def parse_limits(answer: object, now_s: float) -> GatewayLimits:
    """Returns the limits in the answer of GET /gateway/bot; raises UnreadableAnswer if one is missing."""
    try:
        content = answer if isinstance(answer, Mapping) else {}
        limit = content["session_start_limit"]
        return GatewayLimits(
            shards=max(1, int(content["shards"])),
            total=int(limit["total"]),
            remaining=int(limit["remaining"]),
            reset_at_s=now_s + max(0, int(limit["reset_after"])) / 1000,
            max_concurrency=max(1, int(limit["max_concurrency"])),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise UnreadableAnswer(f"Discord's answer about shards is unreadable ({type(error).__name__})") from error


class SessionStarts:
    """The limits, and the sessions that this process started; `fetch` returns the answer of GET /gateway/bot."""

    def __init__(self, fetch: Callable[[], Awaitable[object]], clock: Clock, problems: ReportedProblems) -> None:
        self._fetch = fetch
        self._clock = clock
        self._problems = problems
        self._limits: GatewayLimits | None = None
        self._fetched_at_s = 0.0
        self._fetching = asyncio.Lock()
        self._starting = 0  # shards that may identify and have not been counted by Discord yet
        self._buckets: defaultdict[int, _IdentifyBucket] = defaultdict(_IdentifyBucket)

    async def fetch_limits(self) -> GatewayLimits:
        """Asks Discord; raises what discord.py raises, and UnreadableAnswer."""
        async with self._fetching:
            self._limits = parse_limits(await self._fetch(), self._clock.monotonic())
            self._fetched_at_s = self._clock.monotonic()
        return self._limits

    @asynccontextmanager
    async def starting(self, shard_id: int) -> AsyncIterator[None]:
        """Waits until a session of this shard may be started; it connects and identifies inside the block."""
        limits = await self._current()
        async with self._buckets[shard_id % limits.max_concurrency].places:
            await self._wait_for_allowance()
            self._starting += 1
            try:
                yield
            finally:
                self._starting -= 1

    async def take_turn(self, shard_id: int) -> None:
        """Waits until the shard may send IDENTIFY; called inside `starting`, immediately before it is sent."""
        limits = await self._current()
        bucket = self._buckets[shard_id % limits.max_concurrency]
        async with bucket.turn:
            delay_s = bucket.next_at_s - self._clock.monotonic()
            if delay_s > 0:
                await self._clock.sleep(delay_s)
            bucket.next_at_s = self._clock.monotonic() + IDENTIFY_INTERVAL_S + IDENTIFY_MARGIN_S
        if self._limits is not None:
            self._limits = replace(self._limits, remaining=self._limits.remaining - 1)

    async def _wait_for_allowance(self) -> None:
        while True:
            limits = await self._current()
            if limits.remaining > self._starting:
                break
            await self._clock.sleep(LAST_SESSION_WAIT_S if limits.remaining > 0 else self._report(limits))
        if self._problems.resolve(SESSIONS_USED_UP):
            log.info("sessions allowed again", extra={"sessions": limits.remaining})

    def _report(self, limits: GatewayLimits) -> float:
        """Reports that no session is left today; returns how many seconds to wait."""
        delay_s = max(LAST_SESSION_WAIT_S, limits.reset_at_s - self._clock.monotonic())
        retry_at = self._clock.now() + timedelta(seconds=delay_s)
        reason = f"Discord allows {limits.total} connections per day, and all of them were used"
        if self._problems.report(SESSIONS_USED_UP, Problem(reason, retry_at)):
            log.warning("sessions used up", extra={"reason": reason, "retry_at": retry_at.isoformat()})
        return delay_s

    async def _current(self) -> GatewayLimits:
        """The limits, from Discord if the last answer is old; the last answer if Discord gives none."""
        now_s, limits = self._clock.monotonic(), self._limits
        if limits is not None and now_s < min(self._fetched_at_s + LIMITS_FRESH_S, limits.reset_at_s):
            return limits
        try:
            return await self.fetch_limits()
        except (discord.DiscordException, aiohttp.ClientError, OSError):
            if limits is None or now_s >= limits.reset_at_s:
                raise
            return limits


class _IdentifyBucket:
    """The shards that share one IDENTIFY in five seconds."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(CONNECTING_AT_ONCE)
        self.turn = asyncio.Lock()
        self.next_at_s = float("-inf")
