"""Greets each server that the bot joins once, in the server's system channel, if the bot may post there.

It never greets a server that is known already: after an outage, a restart or an upgrade, or when a server removed the
bot and adds it again soon. A greeting that could not be sent is not sent later.
"""

import asyncio
import hashlib
import logging
from collections.abc import Collection, Sequence
from typing import Final

import aiohttp
import discord

from bot.discord_api.delivery import SEND_TIMEOUT_S
from bot.discord_api.outcomes import describe_failure
from bot.runtime.clock import Clock
from bot.runtime.limits import NONCE_MAX
from bot.store.known_guilds import KnownGuilds

log = logging.getLogger(__name__)

GREETING: Final = """\
Hello! I post new arXiv papers for the keywords of a channel, each paper once.
- **Start:** in the channel that should get papers, type `/subscribe reward model`, with your own topic. This needs \
**Manage Channels**.
- **Try it:** `/latest reward model` shows the newest papers for any topic.
- **More:** `/help` lists all commands."""


class Greeter:
    """Keeps the list of known servers up to date, and greets the new ones."""

    def __init__(self, known_guilds: KnownGuilds, clock: Clock) -> None:
        self._known_guilds = known_guilds
        self._clock = clock

    async def connected(self, ids_at_connect: Collection[int], guilds: Sequence[discord.Guild]) -> None:
        """Greets the servers that were joined while the bot was not connected, and since it connected.

        `ids_at_connect` are the servers at the time of the connection, `guilds` those of now.
        """
        new = set(await self._known_guilds.replace(ids_at_connect, self._clock.now()))
        known = set(ids_at_connect) - new
        for guild in guilds:
            if guild.id in new:
                await _greet(guild)
            elif guild.id not in known:
                await self.joined(guild)

    async def joined(self, guild: discord.Guild) -> None:
        """Greets a server that the bot has just joined."""
        if await self._known_guilds.add(guild.id, self._clock.now()):
            await _greet(guild)

    async def left(self, guild: discord.Guild) -> None:
        """Records that the bot was removed from a server, or that the server was deleted."""
        await self._known_guilds.remove(guild.id, self._clock.now())


async def _greet(guild: discord.Guild) -> None:
    channel = guild.system_channel
    reason = _problem(guild, channel)
    if channel is not None and reason is None:
        # The same nonce for the same server: Discord stores a repeated request once.
        nonce = hashlib.sha256(f"greeting {guild.id}".encode()).hexdigest()[:NONCE_MAX]
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await channel.send(GREETING, nonce=nonce, allowed_mentions=discord.AllowedMentions.none())
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            reason = describe_failure(error)
    if reason is None:
        log.info("server greeted", extra={"guild_id": guild.id})
    else:
        log.info("server not greeted", extra={"guild_id": guild.id, "reason": reason})


def _problem(guild: discord.Guild, channel: discord.TextChannel | None) -> str | None:
    if channel is None:
        return "it has no system channel"
    permissions = channel.permissions_for(guild.me)
    return None if permissions.view_channel and permissions.send_messages else "the bot may not post there"
