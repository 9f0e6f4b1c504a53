"""Starts the threads in which papers are discussed, and returns discord.py's exceptions as outcomes.

It makes at most one attempt per call, and none while Discord's rate limit lasts in the channel. A message's own thread
has the message's id, and Discord rejects a second one; a thread without a message is looked for before another one is
started.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

import aiohttp
import discord
from discord.http import Route

from bot.discord_api.attempts import track_attempts
from bot.discord_api.channel_access import ChannelAccess
from bot.discord_api.delivery import SEND_TIMEOUT_S
from bot.discord_api.history import UNKNOWN_CHANNEL, is_own, own_threads
from bot.discord_api.messages import plain_headline
from bot.discord_api.outcomes import OutcomeMapper
from bot.discord_api.permissions import find_thread_block
from bot.domain.discussion import (
    MessageDeleted,
    PostedMessage,
    ThreadOutcome,
    ThreadRequest,
    ThreadStarted,
    first_message,
    name_beside_message,
    name_ending,
    name_of_thread,
)
from bot.domain.history import snowflake
from bot.domain.outgoing import Blocked, Delivered, Rejected, RetryLater, SendOutcome
from bot.domain.paper import Paper
from bot.runtime.clock import Clock
from bot.runtime.limits import NONCE_MAX

# How long to wait where a server has as many active threads as Discord allows: inactive threads are archived.
TOO_MANY_THREADS_RETRY: Final = timedelta(hours=1)
# Threads that were archived longer before the first attempt are not looked at. That time is by the clock of this
# machine, which may have been wrong.
SEARCHED_BEFORE: Final = timedelta(days=1)
# In how many channels a rate limit is remembered.
LIMITED_CHANNELS_MAX: Final = 1000
TOO_MANY_THREADS: Final = "The server has as many active threads as Discord allows."

# Discord's error codes (topics/opcodes-and-status-codes).
_UNKNOWN_MESSAGE: Final = 10008
_MISSING_ACCESS: Final = frozenset({50001, 50013})
_THREAD_EXISTS: Final = 160004
_TOO_MANY_THREADS: Final = 160006


class LimitedChannels:
    """The channels in which Discord's rate limit for new threads is reached, and until when."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # The outcome and the monotonic time until which it lasts, oldest first.
        self._limits: dict[int, tuple[float, RetryLater]] = {}

    def get(self, channel_id: int) -> RetryLater | None:
        """Returns the outcome of any attempt in a channel now; None if the limit allows one."""
        if channel_id not in self._limits:
            return None
        until_s, limit = self._limits[channel_id]
        wait_s = until_s - self._clock.monotonic()
        return None if wait_s <= 0 else RetryLater(self._clock.now() + timedelta(seconds=wait_s), limit.reason)

    def add(self, channel_id: int, limit: RetryLater) -> None:
        """Remembers a limit; forgets those that are over, and the oldest if there are too many."""
        now_s = self._clock.monotonic()
        wait_s = (limit.not_before - self._clock.now()).total_seconds()
        self._limits = {each: until for each, until in self._limits.items() if until[0] > now_s and each != channel_id}
        if len(self._limits) >= LIMITED_CHANNELS_MAX:
            del self._limits[next(iter(self._limits))]
        self._limits[channel_id] = (now_s + wait_s, limit)

    def __len__(self) -> int:
        return len(self._limits)


class DiscordThreads:
    """Starts threads through a discord.py client that is logged in.

    One object serves all callers: Discord's rate limit for new threads applies to a channel, and discord.py does not
    know it, see `_route`. Each request beyond it would count against the bot's address.
    """

    def __init__(self, client: discord.Client, clock: Clock, channel_access: ChannelAccess) -> None:
        self._client = client
        self._clock = clock
        self._channel_access = channel_access
        self._outcomes = OutcomeMapper(clock)
        self._limited_channels = LimitedChannels(clock)
        # Of several attempts at the same time in a channel, only the first may meet a limit.
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def start(self, request: ThreadRequest, *, attempted_since: datetime | None = None) -> ThreadOutcome:
        """Starts a thread, or returns the one that exists already.

        `attempted_since`: an earlier attempt may have started it since then.
        """
        message = request.message
        problem = await self._channel_access.check_channel(message.channel_id)
        if problem is not None:
            return problem
        channel = self._client.get_channel(message.channel_id)
        if not isinstance(channel, discord.TextChannel):
            return Rejected("Threads can be started in text channels and announcement channels.")
        if (blocked := find_thread_block(channel)) is not None:
            return blocked
        lock = self._locks.setdefault(channel.id, asyncio.Lock())
        async with lock:
            return self._limited_channels.get(channel.id) or await self._attempt(channel, request, attempted_since)

    async def _attempt(
        self, channel: discord.TextChannel, request: ThreadRequest, attempted_since: datetime | None
    ) -> ThreadOutcome:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                if request.is_at_message or request.paper is None:
                    return await self._start_at_message(channel, request)
                return await self._start_beside_message(channel, request, request.paper, attempted_since)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._outcome_of(error, request)

    async def _start_at_message(self, channel: discord.TextChannel, request: ThreadRequest) -> ThreadStarted:
        message = request.message
        if channel.get_thread(message.message_id) is not None:
            return ThreadStarted(message.message_id, is_new=False)
        paper = request.paper
        name = plain_headline(message.headline) if paper is None else await asyncio.to_thread(name_of_thread, paper)
        path = "/channels/{channel_id}/messages/{message_id}/threads"
        route = _route(path, request, message_id=message.message_id)
        return await self._create(route, {"name": name})

    async def _start_beside_message(
        self, channel: discord.TextChannel, request: ThreadRequest, paper: Paper, attempted_since: datetime | None
    ) -> ThreadStarted:
        ending = name_ending(paper)
        for thread in channel.threads:
            if is_own(self._client, thread.owner_id) and thread.name.endswith(ending):
                return ThreadStarted(thread.id, is_new=False)
        if attempted_since is not None:
            after = snowflake(min(attempted_since, self._clock.now()) - SEARCHED_BEFORE)
            found = own_threads(self._client, channel, lambda each: each.name.endswith(ending), after)
            async for thread in found:
                return ThreadStarted(thread.id, is_new=False)
        name = await asyncio.to_thread(name_beside_message, paper)
        kind = discord.ChannelType.news_thread if channel.is_news() else discord.ChannelType.public_thread
        route = _route("/channels/{channel_id}/threads", request)
        # Discord would start a second one: whatever became of the first attempt is looked for before another one.
        with track_attempts(once=True):
            return await self._create(route, {"name": name, "type": kind.value})

    async def _create(self, route: Route, body: Mapping[str, str | int]) -> ThreadStarted:
        """Sends a request; without a duration, the thread is archived as the channel's others are."""
        try:
            created = await self._client.http.request(route, json=body)
        finally:
            # discord.py keeps a bucket's name for each route, forever; this route is used once.
            self._client.http._bucket_hashes.pop(route.key, None)  # noqa: SLF001
        try:
            return ThreadStarted(int(created["id"]))
        except (KeyError, TypeError, ValueError):
            raise aiohttp.ClientPayloadError("an answer without the id of a thread") from None

    async def send_first_message(self, message: PostedMessage, paper: Paper, thread_id: int) -> SendOutcome:
        """Sends the first message of a thread without a message; a second attempt soon after it sends no second one."""
        channel = self._client.get_channel(message.channel_id)
        guild_id = channel.guild.id if isinstance(channel, discord.TextChannel) else "@me"
        link = f"https://discord.com/channels/{guild_id}/{message.channel_id}/{message.message_id}"
        text = await asyncio.to_thread(first_message, paper, link)
        nonce = hashlib.sha256(f"first message of {thread_id}".encode()).hexdigest()[:NONCE_MAX]
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                sent = await self._client.get_partial_messageable(thread_id).send(
                    text, nonce=nonce, allowed_mentions=discord.AllowedMentions.none()
                )
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._outcomes.of_write(error)
        return Delivered(sent.id)

    async def exists(self, thread_id: int) -> bool:
        """Whether a thread exists, as far as is known: archived ones are not in the gateway's cache."""
        if self._client.get_channel(thread_id) is not None:
            return True
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._client.fetch_channel(thread_id)
        except discord.NotFound as error:
            return error.code != UNKNOWN_CHANNEL
        except (discord.DiscordException, aiohttp.ClientError, OSError):
            return True
        return True

    def _outcome_of(self, error: Exception, request: ThreadRequest) -> ThreadOutcome:
        code = error.code if isinstance(error, discord.HTTPException) else None
        if code == _THREAD_EXISTS:
            return ThreadStarted(request.message.message_id, is_new=False)
        if code == _UNKNOWN_MESSAGE:
            return MessageDeleted()
        if code == _TOO_MANY_THREADS:
            return RetryLater(self._clock.now() + TOO_MANY_THREADS_RETRY, TOO_MANY_THREADS)
        if code in _MISSING_ACCESS:
            return Blocked("To start threads, the bot needs the Create Public Threads permission there.")
        outcome = self._outcomes.of_write(error)
        if isinstance(outcome, RetryLater) and not outcome.everywhere:
            self._limited_channels.add(request.message.channel_id, outcome)
        return MessageDeleted() if isinstance(outcome, Delivered) else outcome


def _route(path: str, request: ThreadRequest, **ids: int) -> Route:
    """Returns the route of a new thread, with a rate limit bucket of its own.

    discord.py raises RateLimited for any bucket whose window is longer than `max_ratelimit_timeout`, even if requests
    are left in it: it would start only one thread per window. `LimitedChannels` replaces it.
    """
    metadata = f"{request.message.key} {request.arxiv_id}"
    return Route("POST", path, channel_id=request.message.channel_id, metadata=metadata, **ids)
