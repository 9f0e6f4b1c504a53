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
        self._channels = channels
        self._directory = directory
        self._check_channels = check_channels
        self._remember_servers = remember_servers

    async def arrived(self, guilds: Sequence[discord.Guild]) -> None:
        """The gateway has sent these servers: with a new session, or because the bot joined one.

        Channels whose server is not known are checked, too: they may be archived threads of these servers.
        """
        recorded = await self._channels.servers()
        unknown = [channel_id for channel_id, guild_id in recorded.items() if guild_id is None]
        await self._observe(guilds, recorded, unknown)

    async def changed(self, guild: discord.Guild) -> None:
        """Channels or permissions of a server may have changed."""
        await self._observe([guild], await self._channels.servers(guild.id), [])

    async def _observe(
        self, guilds: Sequence[discord.Guild], recorded: Mapping[int, int | None], unknown: Collection[int]
    ) -> None:
        cached = await _servers_of_cached(guilds, recorded)
        self._remember_servers(cached)
        found = {channel_id: guild_id for channel_id, guild_id in cached.items() if recorded[channel_id] != guild_id}
        await self._channels.set_servers(found)
        ids = {guild.id for guild in guilds}
        wanted = [channel_id for channel_id, guild_id in {**recorded, **found}.items() if guild_id in ids]
        await self._check_channels(dict.fromkeys([*wanted, *unknown]).keys())
        current = {**recorded, **found}
        uncached = {current[channel_id] for channel_id in wanted if channel_id not in cached}
        for guild in guilds:
            if guild.id in uncached or any(thread.id in recorded for thread in guild.threads):
                await self._directory.observe(guild)


async def _servers_of_cached(guilds: Sequence[discord.Guild], wanted: Collection[int]) -> dict[int, int]:
    """Returns the server of each wanted channel or thread that one of these servers has in the cache."""
    cached = {}
    for number, guild in enumerate(guilds, start=1):
        cached.update({channel.id: guild.id for channel in (*guild.channels, *guild.threads) if channel.id in wanted})
        if number % SERVERS_PER_STEP == 0:
            await asyncio.sleep(0)
    return cached
