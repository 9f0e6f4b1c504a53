"""Sends a notice about a blocked channel: to its subscriber by direct message, else to a channel of the server.

A notice names no keyword and pings nobody. In a channel of the server it names the blocked channel only if everyone
can view that one.
"""

import asyncio
import hashlib

import aiohttp
import discord

from bot.discord_api.attempts import InvalidRequests
from bot.discord_api.delivery import SEND_TIMEOUT_S
from bot.discord_api.outcomes import is_from_discord
from bot.discord_api.permissions import find_block
from bot.domain.subscription import BlockedNotice
from bot.runtime.limits import NONCE_MAX


class DiscordNotices:
    """Sends notices through a discord.py client that is logged in."""

    def __init__(self, client: discord.Client, invalid_requests: InvalidRequests) -> None:
        self._client = client
        self._invalid_requests = invalid_requests

    async def send(self, notice: BlockedNotice) -> bool:
        if self._invalid_requests.pause_s() > 0:  # a user who accepts no direct messages causes another one
            return False
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                if not await self._send_to_subscriber(notice):
                    await self._send_to_server(notice)
        except discord.HTTPException as error:
            return _is_definite(error)
        except (discord.DiscordException, aiohttp.ClientError, OSError):
            return False
        return True

    async def _send_to_subscriber(self, notice: BlockedNotice) -> bool:
        if notice.subscriber is None:
            return False
        try:
            await self._send(await self._client.create_dm(discord.Object(notice.subscriber)), notice)
        except discord.HTTPException as error:
            if not _is_definite(error):
                raise
            return False  # the account accepts no direct messages from the bot, or is deleted
        return True

    async def _send_to_server(self, notice: BlockedNotice) -> None:
        """Sends nothing if the bot left the server, or the server has no such channel that the bot can post in."""
        guild = self._guild_of(notice)
        if guild is None:
            return
        for channel in (guild.public_updates_channel, guild.system_channel):
            if channel is not None and channel.id != notice.channel_id and find_block(channel) is None:
                await self._send(channel, notice, is_named=_is_public(guild, notice.channel_id))
                return

    def _guild_of(self, notice: BlockedNotice) -> discord.Guild | None:
        """Returns the server of the channel, also before it is stored: the settings file has only channel ids."""
        if notice.guild_id is not None:
            return self._client.get_guild(notice.guild_id)
        channel = self._client.get_channel(notice.channel_id)
        return channel.guild if isinstance(channel, discord.abc.GuildChannel | discord.Thread) else None

    async def _send(self, channel: discord.abc.Messageable, notice: BlockedNotice, *, is_named: bool = True) -> None:
        where = f"<#{notice.channel_id}>" if is_named else "a channel that not everyone can view"
        which = "" if is_named else " `/status` shows the channel to those who can view it."
        text = (
            f"Papers can't be posted in {where}. {notice.reason} "
            f"New papers are queued and will be posted once this is fixed.{which}"
        )
        # Every attempt has the same nonce, so that a notice whose answer was lost is not stored twice.
        nonce = hashlib.sha256(f"{notice.channel_id} {text}".encode()).hexdigest()[:NONCE_MAX]
        await channel.send(text, nonce=nonce, allowed_mentions=discord.AllowedMentions.none())


def _is_public(guild: discord.Guild, channel_id: int) -> bool:
    """Whether everyone can view a channel; False if nothing is known about it."""
    channel = guild.get_channel_or_thread(channel_id)
    if channel is None or (isinstance(channel, discord.Thread) and (channel.parent is None or channel.is_private())):
        return False
    return channel.permissions_for(guild.default_role).view_channel


def _is_definite(error: discord.HTTPException) -> bool:
    """Whether Discord would reject another attempt as well."""
    return error.status < 500 and error.status != 429 and is_from_discord(error)
