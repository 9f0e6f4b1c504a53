"""Knows where channels are that the gateway's cache lacks: archived threads beneath their parents, deleted channels.

The cache holds all channels of a server, but no archived threads. The directory records the parents of the threads that
the bot posts to, and fetches what it has not recorded. It decides nothing about permissions.
"""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import aiohttp
import discord

from bot.discord_api.attempts import InvalidRequests
from bot.domain.subscription import ChannelPlace
from bot.runtime.clock import Clock
from bot.store.channels import Channels

# At most this many channels are fetched for one command or event, and how long that may take.
FETCHED_CHANNELS_MAX: Final = 20
DIRECTORY_FETCH_TIMEOUT_S: Final = 3.0
# How long a failed fetch is not repeated: a 403 is an invalid request, for which Discord bans an address.
FAILED_FETCH_RECHECK: Final = timedelta(minutes=1)

# Discord's code for a channel that does not exist (topics/opcodes-and-status-codes).
_UNKNOWN_CHANNEL: Final = 10003


@dataclass(frozen=True, slots=True)
class ExistingChannel:
    """A channel or thread that exists; a thread has the permissions of its parent, `source`."""

    source: discord.abc.GuildChannel
    is_thread: bool = False
    is_private: bool = False


class DeletedChannel:
    """A channel that existed in the server."""


class ChannelDirectory:
    """Finds channels by id; `None` means that nothing is known for certain, so that the channel must stay hidden."""

    def __init__(self, channels: Channels, invalid_requests: InvalidRequests, clock: Clock) -> None:
        self._channels = channels
        self._invalid_requests = invalid_requests
        self._clock = clock
        self._recorded: dict[int, ChannelPlace] = {}
        # Threads of commands that may be about to subscribe them: they are recorded with the next event.
        self._remembered: dict[int, ChannelPlace] = {}
        # Recorded places that were confirmed since the gateway's session began; when a failed fetch may be repeated.
        self._confirmed: set[int] = set()
        self._retry_at: dict[int, datetime] = {}

    async def load(self) -> None:
        """Reads the recorded places; called before the first event."""
        self._recorded = await self._channels.places()

    def find(self, guild: discord.Guild, channel_id: int) -> ExistingChannel | DeletedChannel | None:
        """Returns a channel of this server from the cache or the records."""
        channel = guild.get_channel_or_thread(channel_id)
        if isinstance(channel, discord.Thread):
            return _thread(guild, channel.parent_id, is_private=channel.is_private())
        if channel is not None:
            return ExistingChannel(channel)
        place = self._recorded.get(channel_id) or self._remembered.get(channel_id)
        if place is None or place.guild_id != guild.id or guild.unavailable:
            return None
        return DeletedChannel() if place.is_deleted else _thread(guild, place.parent_id, is_private=place.is_private)

    def remember_thread(self, guild_id: int, thread_id: int, parent_id: int, *, is_private: bool) -> None:
        """Remembers a thread in which a command was run: it may be archived before the next event."""
        self._remembered[thread_id] = ChannelPlace(guild_id, parent_id, is_private=is_private)

    def session_started(self, guild_ids: Collection[int]) -> None:
        """Confirms nothing about these servers any more: events before a new session of their shard are lost."""
        self._confirmed = {each for each in self._confirmed if self._recorded[each].guild_id not in guild_ids}

    async def observe(self, guild: discord.Guild) -> None:
        """Records the threads of a server that the bot posts to, and fetches channels that nothing is known about."""
        wanted = await self._channels.in_guild(guild.id)
        places = {channel_id: place for channel_id in wanted if (place := self._remembered.pop(channel_id, None))}
        places |= {thread.id: _place_of(thread) for each in wanted if (thread := guild.get_thread(each)) is not None}
        await self._record(places)
        await self._fetch_missing(guild, [channel_id for channel_id in wanted if channel_id not in self._recorded])

    async def thread_changed(self, thread: discord.Thread) -> None:
        """Records a thread that was archived or reopened, if the bot posts to it."""
        await self._record({thread.id: _place_of(thread)})

    async def channel_deleted(self, guild_id: int, channel_id: int) -> None:
        """Records that a channel was deleted with its threads, if the bot posts to it or them."""
        threads = [each for each, place in self._recorded.items() if place.parent_id == channel_id]
        await self._record(dict.fromkeys((channel_id, *threads), ChannelPlace(guild_id, is_deleted=True)))

    async def look_up(self, guild: discord.Guild) -> None:
        """Fetches the server's channels that are not in the cache, unless it was confirmed where they are."""
        await self._fetch_missing(guild, await self._channels.in_guild(guild.id))

    async def _fetch_missing(self, guild: discord.Guild, channel_ids: Iterable[int]) -> None:
        if self._invalid_requests.pause_s() > 0:
            return
        now = self._clock.now()
        missing = [
            channel_id
            for channel_id in channel_ids
            if guild.get_channel_or_thread(channel_id) is None
            and channel_id not in self._confirmed
            and now >= self._retry_at.get(channel_id, now)
        ]
        try:
            async with asyncio.timeout(DIRECTORY_FETCH_TIMEOUT_S):
                for channel_id in missing[:FETCHED_CHANNELS_MAX]:
                    # Until the request has succeeded: what is still unknown stays hidden.
                    self._retry_at[channel_id] = now + FAILED_FETCH_RECHECK
                    await self._fetch(guild, channel_id)
        except TimeoutError:
            return

    async def _fetch(self, guild: discord.Guild, channel_id: int) -> None:
        place = await _fetched_place(guild, channel_id)
        if place is not None:
            await self._record({channel_id: place})

    async def _record(self, places: dict[int, ChannelPlace]) -> None:
        changed = {each: place for each, place in places.items() if self._recorded.get(each) != place}
        for known in (self._recorded, self._remembered):  # before the write: a command may be handled meanwhile
            known |= {each: place for each, place in changed.items() if each in known}
        recorded = await self._channels.record_places(changed) if changed else frozenset()
        self._recorded |= {channel_id: changed[channel_id] for channel_id in recorded}
        for channel_id in recorded:
            self._retry_at.pop(channel_id, None)
        self._confirmed |= places.keys() & self._recorded.keys()


def _thread(guild: discord.Guild, parent_id: int | None, *, is_private: bool) -> ExistingChannel | None:
    parent = None if parent_id is None else guild.get_channel(parent_id)
    return None if parent is None else ExistingChannel(parent, is_thread=True, is_private=is_private)


def _place_of(thread: discord.Thread) -> ChannelPlace:
    return ChannelPlace(thread.guild.id, thread.parent_id, is_private=thread.is_private())


async def _fetched_place(guild: discord.Guild, channel_id: int) -> ChannelPlace | None:
    """Where Discord says that a channel is; None if it is not a thread of this server, or the request fails."""
    try:
        channel = await guild.fetch_channel(channel_id)
    except discord.NotFound as error:
        return ChannelPlace(guild.id, is_deleted=True) if error.code == _UNKNOWN_CHANNEL else None
    except (discord.DiscordException, aiohttp.ClientError, OSError):
        return None
    return _place_of(channel) if isinstance(channel, discord.Thread) else None
