"""Applies what the gateway sends about servers: where channels are, which of them are blocked, where threads are.

It looks only at channels that papers are posted to, whatever the number of servers and of their channels.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import discord

from bot.discord_api.channel_directory import ChannelDirectory
from bot.store.channels import Channels

# After so many servers other callbacks run: a server has up to 500 channels, besides its threads.
SERVERS_PER_STEP: Final = 50


_Guilds = Sequence[discord.Guild]


class _Batches:
    """Handles one batch of servers at a time; those that arrive in the meantime are the next one.

    The gateway can send thousands of servers within seconds, one event for each.
    """

    def __init__(self, handle: Callable[[Sequence[discord.Guild]], Awaitable[_Guilds]]) -> None:
        self._handle = handle
        self._waiting: dict[int, discord.Guild] = {}
        self._lock = asyncio.Lock()

    async def handle(self, guilds: _Guilds) -> _Guilds:
        """Handles these servers, with all others that wait; returns what that returns.

        If another call handled them meanwhile, returns nothing. If it fails, all of them wait for the next call.
        """
        added = {guild.id: guild for guild in guilds}
        self._waiting |= added
        async with self._lock:
            if guilds and added.keys().isdisjoint(self._waiting):
                return ()
            batch, self._waiting = self._waiting, {}
            try:
                return await self._handle(tuple(batch.values()))
            except BaseException:  # a cancelled event, too
                self._waiting = batch | self._waiting
                raise


class ServerChanges:
    """Observes changed servers; `check_channels` decides which of the given channels are blocked.

    `remember_servers` is called with the server of each known channel that the gateway's cache has.
    """

    def __init__(
        self,
        channels: Channels,
        directory: ChannelDirectory,
        check_channels: Callable[[Collection[int]], Awaitable[None]],
        remember_servers: Callable[[Mapping[int, int]], None],
    ) -> None:
        self._arrived = _Batches(self._observe_arrived)
        self._changed = _Batches(self._observe_changed)
        self._channels = channels
        self._directory = directory
        self._check_channels = check_channels
        self._remember_servers = remember_servers

    async def arrived(self, guilds: _Guilds) -> None:
        """The gateway has sent these servers: with a new session, or because the bot joined one.

        Channels whose server is not known are checked, too: they may be archived threads of these servers.
        """
        await self._observe_places(await self._arrived.handle(guilds))

    async def changed(self, guild: discord.Guild) -> None:
        """Channels or permissions of a server may have changed."""
        await self._observe_places(await self._changed.handle([guild]))

    async def _observe_arrived(self, guilds: _Guilds) -> _Guilds:
        recorded = await self._channels.servers()
        unknown = [channel_id for channel_id, guild_id in recorded.items() if guild_id is None]
        return await self._observe(guilds, recorded, unknown)

    async def _observe_changed(self, guilds: _Guilds) -> _Guilds:
        return await self._observe(guilds, await self._channels.servers(guilds[0].id if len(guilds) == 1 else None), [])

    async def _observe(self, guilds: _Guilds, recorded: Mapping[int, int | None], unknown: Collection[int]) -> _Guilds:
        """Returns the servers of which threads or uncached channels have to be looked at."""
        cached = await _servers_of_cached(guilds, recorded)
        self._remember_servers(cached)
        found = {channel_id: guild_id for channel_id, guild_id in cached.items() if recorded[channel_id] != guild_id}
        await self._channels.set_servers(found)
        ids = {guild.id for guild in guilds}
        wanted = [channel_id for channel_id, guild_id in {**recorded, **found}.items() if guild_id in ids]
        await self._check_channels(dict.fromkeys([*wanted, *unknown]).keys())
        current = {**recorded, **found}
        uncached = {current[channel_id] for channel_id in wanted if channel_id not in cached}
        return [
            guild for guild in guilds if guild.id in uncached or any(thread.id in recorded for thread in guild.threads)
        ]

    async def _observe_places(self, guilds: _Guilds) -> None:
        for guild in guilds:
            await self._directory.observe(guild)


async def _servers_of_cached(guilds: Sequence[discord.Guild], wanted: Collection[int]) -> dict[int, int]:
    """Returns the server of each wanted channel or thread that one of these servers has in the cache."""
    cached = {}
    for number, guild in enumerate(guilds, start=1):
        cached.update({channel.id: guild.id for channel in (*guild.channels, *guild.threads) if channel.id in wanted})
        if number % SERVERS_PER_STEP == 0:
            await asyncio.sleep(0)
    return cached
