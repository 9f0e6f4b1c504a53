"""Checks whether the bot can post in a channel, from the gateway's cache where possible, else by one REST request.

It remembers channels that Discord rejected, so that it does not repeat a request that counts as invalid. It sends no
message.
"""

import asyncio
from dataclasses import replace
from typing import Final

import aiohttp
import discord

from bot.discord_api.attempts import TOO_MANY_INVALID, InvalidRequests
from bot.discord_api.backoff import GlobalBackoff
from bot.discord_api.outcomes import OutcomeMapper, is_from_discord
from bot.discord_api.permissions import NOT_IN_SERVER, AnyChannel, find_block, is_unknown_to_gateway
from bot.domain.outgoing import Blocked, RetryLater
from bot.publish.availability import SEND_BACKOFF_FLOOR_S
from bot.runtime.clock import Clock

# How long to remember a rejection that the gateway's cache does not explain: each attempt may be an invalid request.
REJECTION_RECHECK_S: Final = 600.0
CHANNEL_FETCH_TIMEOUT_S: Final = 60.0


class ChannelAccess:
    """Checks channels through a discord.py client that is logged in."""

    def __init__(
        self,
        client: discord.Client,
        clock: Clock,
        invalid_requests: InvalidRequests,
        backoff: GlobalBackoff | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._invalid_requests = invalid_requests
        self._backoff = backoff
        self._outcomes = OutcomeMapper(clock)
        # Rejections by channel and by whether the gateway's cache had the channel, each with its expiry.
        self._rejections: dict[tuple[int, bool], tuple[float, Blocked]] = {}

    async def check_channel(self, channel_id: int) -> Blocked | RetryLater | None:
        """Returns why the bot cannot post in the channel now, or None if it can."""
        pause_s = self._invalid_requests.pause_s()
        channel = self._client.get_channel(channel_id)
        is_cached = channel is not None
        if channel is not None and (blocked := find_block(channel)) is not None:
            self._rejections.pop((channel_id, True), None)  # the cache explains it, and changes when it is over
            return blocked
        if (rejection := self._remembered(channel_id, is_cached=is_cached)) is not None:
            return rejection
        if self._backoff is not None and (error := self._backoff.error()) is not None:
            return self._outcomes.of_read(error)
        if pause_s > 0:
            return replace(self._outcomes.retry_in(pause_s, TOO_MANY_INVALID), everywhere=True)
        return None if is_cached else await self._check_by_rest(channel_id)

    def record_rejection(self, channel_id: int, blocked: Blocked) -> None:
        """Remembers that Discord rejected a message because of its channel."""
        self._remember(channel_id, blocked, is_cached=self._client.get_channel(channel_id) is not None)

    async def _check_by_rest(self, channel_id: int) -> Blocked | RetryLater | None:
        fetched = await self._fetch(channel_id)
        if isinstance(fetched, RetryLater):
            return fetched
        if is_unknown_to_gateway(fetched):
            return self._outcomes.retry_in(SEND_BACKOFF_FLOOR_S, "the gateway has not sent the channel's server yet")
        blocked = fetched if isinstance(fetched, Blocked) else find_block(fetched)
        if blocked is not None:
            self._remember(channel_id, blocked, is_cached=False)
        return blocked

    async def _fetch(self, channel_id: int) -> AnyChannel | Blocked | RetryLater:
        """Fetches a channel that is not in the cache: an archived thread, or one that the bot cannot see."""
        try:
            async with asyncio.timeout(CHANNEL_FETCH_TIMEOUT_S):
                return await self._client.fetch_channel(channel_id)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            if isinstance(error, discord.Forbidden) and is_from_discord(error):
                return NOT_IN_SERVER
            return self._outcomes.of_read(error)

    def _remembered(self, channel_id: int, *, is_cached: bool) -> Blocked | None:
        now_s = self._clock.monotonic()
        expires_at_s, blocked = self._rejections.get((channel_id, is_cached), (now_s, None))
        return blocked if now_s < expires_at_s else None

    def _remember(self, channel_id: int, blocked: Blocked, *, is_cached: bool) -> None:
        self._rejections[channel_id, is_cached] = (self._clock.monotonic() + REJECTION_RECHECK_S, blocked)
