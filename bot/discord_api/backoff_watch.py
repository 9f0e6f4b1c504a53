"""Keeps the global backoff over restarts, and sends its probes until Discord answers one.

It never sends anything else, and decides nothing: `backoff.py` does.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from random import Random
from typing import Final

import aiohttp
import discord
from discord.http import Route

from bot.discord_api.backoff import (
    BACKOFF_CEILING_S,
    BACKOFF_FLOOR_S,
    WAIT_MAX_S,
    BackoffPeriod,
    DiscordBackoff,
    GlobalBackoff,
    probing,
)
from bot.discord_api.http_client import UnreadableAnswer
from bot.discord_api.outcomes import describe_failure
from bot.runtime.clock import Clock
from bot.runtime.errors import DiscordUnavailable
from bot.runtime.retry import Backoff
from bot.store.polls import KeyValues

log = logging.getLogger(__name__)

PROBE_TIMEOUT_S: Final = 30.0

_KEY: Final = "Discord backoff"


class BackoffWatch:
    """Ends the global backoff of a discord.py client as soon as a probe is answered."""

    def __init__(
        self, client: discord.Client, backoff: GlobalBackoff, key_values: KeyValues, clock: Clock, rng: Random
    ) -> None:
        self._client = client
        self._backoff = backoff
        self._key_values = key_values
        self._clock = clock
        self._rng = rng
        self._logged_in = asyncio.Event()  # before a login there is no session for a probe

    async def restore(self) -> None:
        """Continues the backoff of an earlier run; called before the first request."""
        period = _parsed(await self._key_values.get(_KEY))
        if period is not None:
            self._backoff.restore(period)

    async def save(self) -> None:
        """Stores the current backoff, or that there is none."""
        value = _text(self._backoff.period)
        if value != (await self._key_values.get(_KEY) or ""):
            await self._key_values.set(_KEY, value)

    async def log_in(self, log_in: Callable[[], Awaitable[None]]) -> None:
        """Awaits `log_in`, repeatedly as long as Discord or Cloudflare ask the bot to wait; each is a probe.

        Raises DiscordUnavailable if the login fails otherwise, and discord.LoginFailure if the token is rejected.
        """
        delays = Backoff(self._rng, floor_s=BACKOFF_FLOOR_S, ceiling_s=BACKOFF_CEILING_S, requested_max_s=WAIT_MAX_S)
        while True:
            await self._clock.sleep(self._backoff.probe_due_in_s() or 0.0)
            try:
                with probing():
                    await log_in()
            except (DiscordBackoff, discord.RateLimited) as error:
                await self.save()
                delay_s = delays.failed(self._requested_s(error))
                retry_at = self._clock.now() + timedelta(seconds=delay_s)
                log.warning("login postponed", extra={"reason": str(error), "retry_at": retry_at.isoformat()})
                await self._clock.sleep(delay_s)
            except (discord.HTTPException, UnreadableAnswer) as error:
                raise DiscordUnavailable(f"Discord does not answer ({describe_failure(error)})") from None
            else:
                self._logged_in.set()
                return

    def _requested_s(self, error: DiscordBackoff | discord.RateLimited) -> float:
        if isinstance(error, discord.RateLimited):
            return error.retry_after
        return (error.not_before - self._clock.now()).total_seconds()

    async def run(self) -> None:
        """Sends a probe whenever one is due, until it is cancelled; begins after the login."""
        await self._logged_in.wait()
        while True:
            await self.save()
            await self._backoff.changed.wait(self._backoff.probe_due_in_s())
            if self._backoff.probe_due_in_s() == 0.0:
                await self._probe()

    async def _probe(self) -> None:
        try:
            with probing():
                async with asyncio.timeout(PROBE_TIMEOUT_S):
                    await self._client.http.request(Route("GET", "/gateway"))
        except (discord.DiscordException, aiohttp.ClientError, OSError):
            if self._backoff.probe_due_in_s() == 0.0:
                self._backoff.probe_failed()


def _text(period: BackoffPeriod | None) -> str:
    if period is None:
        return ""
    times = {"since": period.since.isoformat(), "not_before": period.not_before.isoformat()}
    return json.dumps({"reason": period.reason, "delay_s": period.delay_s, **times})


def _parsed(text: str | None) -> BackoffPeriod | None:
    """Returns the stored backoff; None if there is none, or if it cannot be read."""
    try:
        stored = json.loads(text or "{}")
        since, not_before = (datetime.fromisoformat(stored[name]) for name in ("since", "not_before"))
        if since.tzinfo is None or not_before.tzinfo is None:
            return None
        return BackoffPeriod(str(stored["reason"]), since, not_before, float(stored.get("delay_s", WAIT_MAX_S)))
    except (ValueError, LookupError, TypeError):
        return None
