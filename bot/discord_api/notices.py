"""Tells people of a paused channel: the subscriber by direct message, else the server where its admins look.

A `Notice` in; whether it is settled out. It names no keyword, and pings nobody.
"""

import asyncio
import hashlib

import aiohttp
import discord

from bot.discord_api.attempts import InvalidRequests
from bot.discord_api.delivery import SEND_TIMEOUT_S
from bot.discord_api.permissions import find_block
from bot.domain.subscription import BlockedNotice
from bot.runtime.limits import NONCE_MAX


class DiscordNotices:
    """Writes notices through a discord.py client that is logged in."""

    def __init__(self, client: discord.Client, invalid_requests: InvalidRequests) -> None:
        self._client = client
        self._invalid_requests = invalid_requests

    async def ready(self) -> None:
        await self._client.wait_until_ready()

    async def tell(self, notice: BlockedNotice) -> bool:
        if self._invalid_requests.pause_s() > 0:  # who takes no direct messages answers with one more of them
            return False
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                if not await self._tell_subscriber(notice):
                    await self._tell_server(notice)
        except discord.HTTPException as error:
            return _is_definite(error)
        except (discord.DiscordException, aiohttp.ClientError, OSError):
            return False
        return True

    async def _tell_subscriber(self, notice: BlockedNotice) -> bool:
        if notice.subscriber is None:
            return False
        try:
            await self._send(await self._client.create_dm(discord.Object(notice.subscriber)), notice)
        except discord.HTTPException as error:
            if not _is_definite(error):
                raise
            return False  # they take no direct messages from here, or are gone
        return True

    async def _tell_server(self, notice: BlockedNotice) -> None:
        """Nothing is said where the bot was sent away, or no such channel of the server is open to it."""
        guild = None if notice.guild_id is None else self._client.get_guild(notice.guild_id)
        if guild is None:
            return
        for channel in (guild.public_updates_channel, guild.system_channel):
            if channel is not None and channel.id != notice.channel_id and find_block(channel) is None:
                await self._send(channel, notice)
                return

    async def _send(self, channel: discord.abc.Messageable, notice: BlockedNotice) -> None:
        words = (
            f"Papers cannot be posted in <#{notice.channel_id}> at the moment. {notice.reason} "
            "They are kept, and posted as soon as this is mended."
        )
        # The same for every try, so that a notice whose answer was lost is not there twice.
        nonce = hashlib.sha256(words.encode()).hexdigest()[:NONCE_MAX]
        await channel.send(words, nonce=nonce, allowed_mentions=discord.AllowedMentions.none())


def _is_definite(error: discord.HTTPException) -> bool:
    """Whether another try would be refused as well."""
    return error.status < 500 and error.status != 429
