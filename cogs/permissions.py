"""Who may do what where: the caller's rights on the target channel, and the bot's own.

`default_permissions` of a command can be overridden by a server's admins, so every command asks here.
"""

from dataclasses import dataclass

import discord
from discord import app_commands

from bot.discord_api.client import AnyClient
from bot.discord_api.permissions import UNSUPPORTED_CHANNEL_TYPE, Postable, find_block
from bot.runtime.errors import DailyPapersError

Target = app_commands.AppCommandChannel | app_commands.AppCommandThread


class CommandRejected(DailyPapersError):
    """Somebody lacks a permission; the message says who and which."""


@dataclass(frozen=True, slots=True)
class TargetChannel:
    """Where a command acts: the channel that was named, or the one where it was typed."""

    channel_id: int
    is_thread: bool
    permissions: discord.Permissions

    @property
    def mention(self) -> str:
        return f"<#{self.channel_id}>"


def target_channel(interaction: discord.Interaction, named: Target | None) -> TargetChannel:
    """The target of a command, with the caller's rights there as Discord computed them."""
    if named is not None:
        return TargetChannel(named.id, isinstance(named, app_commands.AppCommandThread), named.permissions)
    if interaction.channel_id is None:
        raise CommandRejected("Name a channel: this command does not know where it was typed.")
    is_thread = isinstance(interaction.channel, discord.Thread)
    return TargetChannel(interaction.channel_id, is_thread, interaction.permissions)


def check_may_manage(target: TargetChannel) -> None:
    """Refuse who may not manage the target channel."""
    if not target.permissions.view_channel:
        raise CommandRejected("You cannot see that channel.")
    if target.is_thread and not target.permissions.manage_threads:
        raise CommandRejected(f"You need the permission Manage Threads in {target.mention} for this.")
    if not target.is_thread and not target.permissions.manage_channels:
        raise CommandRejected(f"You need the permission Manage Channels in {target.mention} for this.")


def check_takes_papers(interaction: discord.Interaction[AnyClient], target: TargetChannel) -> None:
    """Refuse a channel of a type that no paper can be posted in; one that the gateway did not tell of may be fit."""
    guild = interaction.guild
    channel = None if guild is None else guild.get_channel_or_thread(target.channel_id)
    if channel is not None and not isinstance(channel, Postable):
        raise CommandRejected(f"Nothing can be posted in {target.mention}. {UNSUPPORTED_CHANNEL_TYPE.reason}")


async def check_bot_may_post(interaction: discord.Interaction, target: TargetChannel) -> None:
    """Refuse a channel in which the bot cannot post and find its posts again."""
    guild = interaction.guild
    if guild is None:
        raise CommandRejected("Subscriptions are for a server's channels, not for direct messages.")
    blocked = find_block(guild.get_channel_or_thread(target.channel_id) or await _fetch(guild, target))
    if blocked is not None:
        raise CommandRejected(f"Nothing can be posted in {target.mention}. {blocked.reason}")


async def _fetch(guild: discord.Guild, target: TargetChannel) -> discord.abc.GuildChannel | discord.Thread:
    """A channel that the gateway did not tell of: an archived thread, or one that the bot cannot see."""
    try:
        return await guild.fetch_channel(target.channel_id)
    except (discord.Forbidden, discord.NotFound, discord.InvalidData):
        raise CommandRejected(
            f"Nothing can be posted in {target.mention}. The bot needs the View Channel permission there."
        ) from None


def can_view(interaction: discord.Interaction, channel_id: int) -> bool:
    """Whether the caller can view a channel of their server; one that is gone only those who manage the server."""
    guild, member = interaction.guild, interaction.user
    if guild is None or not isinstance(member, discord.Member):
        return False
    channel = guild.get_channel_or_thread(channel_id)
    if channel is None:
        return member.guild_permissions.manage_guild
    if isinstance(channel, discord.Thread) and channel.is_private():
        return channel.permissions_for(member).manage_threads
    return channel.permissions_for(member).view_channel


def can_manage_by_id(interaction: discord.Interaction[AnyClient], channel_id: int) -> bool:
    """Whether the caller may manage a channel named by its id; one that is gone takes Manage Channels of the server."""
    guild, member = interaction.guild, interaction.user
    if guild is None or not isinstance(member, discord.Member):
        return False
    channel = guild.get_channel_or_thread(channel_id)
    if channel is None:
        return member.guild_permissions.manage_channels
    held = channel.permissions_for(member)
    return held.manage_threads if isinstance(channel, discord.Thread) else held.manage_channels
