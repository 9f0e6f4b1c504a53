"""Checks what the caller and the bot may do in the channel that a command targets.

A server's admins can override `default_permissions`, so every command checks here, too.
"""

from dataclasses import dataclass
from typing import Final

import discord
from discord import app_commands

from bot.discord_api.channel_directory import DeletedChannel, ExistingChannel
from bot.discord_api.client import AnyClient, Client, client_of
from bot.discord_api.permissions import UNSUPPORTED_CHANNEL_TYPE, Postable, find_block, missing_permissions
from bot.runtime.errors import DailyPapersError

_MENTION_EVERYONE: Final = "**Mention @everyone, @here, and All Roles**"

Target = app_commands.AppCommandChannel | app_commands.AppCommandThread


class CommandRejected(DailyPapersError):
    """The command cannot be run here; the message says why and what fixes it."""


@dataclass(frozen=True, slots=True)
class TargetChannel:
    """The channel that a command acts on, with the caller's permissions there."""

    channel_id: int
    is_thread: bool
    permissions: discord.Permissions

    @property
    def mention(self) -> str:
        return f"<#{self.channel_id}>"


def target_channel(interaction: discord.Interaction, chosen: Target | None) -> TargetChannel:
    """The chosen channel, or else the one in which the command was run; Discord sends the caller's permissions."""
    _remember_thread(interaction, interaction.channel if chosen is None else chosen)
    if chosen is not None:
        return TargetChannel(chosen.id, isinstance(chosen, app_commands.AppCommandThread), chosen.permissions)
    if interaction.channel_id is None:
        raise CommandRejected("Please choose a channel in the `channel` option.")
    is_thread = isinstance(interaction.channel, discord.Thread)
    return TargetChannel(interaction.channel_id, is_thread, interaction.permissions)


def _remember_thread(interaction: discord.Interaction, channel: object) -> None:
    """Passes a thread on to the directory, which has to know its parent once it is archived."""
    if isinstance(channel, discord.Thread | app_commands.AppCommandThread) and interaction.guild_id is not None:
        client_of(interaction).directory.remember_thread(
            interaction.guild_id,
            channel.id,
            channel.parent_id,
            is_private=channel.type is discord.ChannelType.private_thread,
        )


def check_may_manage(target: TargetChannel) -> None:
    """Rejects a caller who may not manage the target channel."""
    if not target.permissions.view_channel:
        raise CommandRejected("You can't view that channel.")
    if target.is_thread and not target.permissions.manage_threads:
        raise CommandRejected(f"You need **Manage Threads** in {target.mention} to do that.")
    if not target.is_thread and not target.permissions.manage_channels:
        raise CommandRejected(f"You need **Manage Channels** in {target.mention} to do that.")


async def check_and_defer(interaction: discord.Interaction[Client], channel: Target | None) -> TargetChannel:
    """Returns the target channel after checking that the caller may manage it, and defers the reply."""
    target = target_channel(interaction, channel)
    check_may_manage(target)
    check_takes_papers(interaction, target)
    await interaction.response.defer(ephemeral=True)
    return target


def check_takes_papers(interaction: discord.Interaction[AnyClient], target: TargetChannel) -> None:
    """Rejects a channel whose type allows no posts; a channel that the gateway does not know may be allowed."""
    guild = interaction.guild
    channel = None if guild is None else guild.get_channel_or_thread(target.channel_id)
    if channel is not None and not isinstance(channel, Postable):
        raise CommandRejected(f"I can't post in {target.mention}. {UNSUPPORTED_CHANNEL_TYPE.reason}")


async def check_bot_may_post(interaction: discord.Interaction, target: TargetChannel) -> None:
    """Rejects a channel in which the bot cannot post or cannot look its posts up."""
    if interaction.guild is None:
        raise CommandRejected("Direct messages can't have subscriptions. Use this command in a server.")
    problem = await find_posting_problem(interaction.guild, target)
    if problem is not None:
        raise CommandRejected(problem)


async def find_posting_problem(guild: discord.Guild, target: TargetChannel) -> str | None:
    """Returns why the bot cannot post in a channel or look its posts up, and what fixes it; None if it can."""
    channel = guild.get_channel_or_thread(target.channel_id) or await _fetch(guild, target)
    if channel is None:
        return _missing(target, ("View Channel",))
    blocked = find_block(channel)
    if blocked is None:
        return None
    is_locked = isinstance(channel, discord.Thread) and channel.locked
    if isinstance(channel, Postable) and not is_locked:
        return _missing(target, missing_permissions(channel))
    return f"I can't post in {target.mention}. {blocked.reason}"


async def _fetch(guild: discord.Guild, target: TargetChannel) -> discord.abc.GuildChannel | discord.Thread | None:
    """A channel that the gateway did not announce: an archived thread. None if the bot cannot view the channel."""
    try:
        return await guild.fetch_channel(target.channel_id)
    except (discord.Forbidden, discord.NotFound, discord.InvalidData):
        return None


def _missing(target: TargetChannel, permissions: tuple[str, ...]) -> str:
    names = " and ".join(f"**{name}**" for name in permissions)
    return f"I can't post in {target.mention}. Please give me {names} there."


def check_may_ping(interaction: discord.Interaction[AnyClient], target: TargetChannel, role: discord.Role) -> None:
    """Rejects a role that the caller or the bot cannot ping in the channel.

    People who cannot ping a role must not do so through the bot; a ping by the bot without the right notifies no one.
    """
    if role.is_default():
        raise CommandRejected("@everyone can't be pinged. Pick a role that people opt into.")
    if role.mentionable:
        return
    if not target.permissions.mention_everyone:
        raise CommandRejected(
            f"You can't ping {role.mention}, so the bot won't either. Pick a role that everyone can mention, or ask "
            f"someone who has {_MENTION_EVERYONE} in {target.mention}."
        )
    guild = interaction.guild
    channel = None if guild is None else guild.get_channel_or_thread(target.channel_id)
    if guild is None or channel is None or channel.permissions_for(guild.me).mention_everyone:
        return
    raise CommandRejected(
        f"I can't ping {role.mention}. Make it mentionable, or give me {_MENTION_EVERYONE} in {target.mention}."
    )


def find_role(interaction: discord.Interaction[AnyClient], role_id: int) -> discord.Role | None:
    """The role of the caller's server with this id; None if there is none."""
    return None if interaction.guild is None else interaction.guild.get_role(role_id)


async def look_up_channels(interaction: discord.Interaction[AnyClient]) -> None:
    """Fetches what the gateway's cache lacks of the server's channels, before `can_view` or `can_manage_by_id`."""
    if interaction.guild is not None:
        await client_of(interaction).directory.look_up(interaction.guild)


def can_view(interaction: discord.Interaction[AnyClient], channel_id: int) -> bool:
    """Whether the caller can view a channel of their server; a deleted one takes Manage Server.

    Channels of other servers and channels that nothing is known about are hidden.
    """
    member, channel = _find(interaction, channel_id)
    if member is None or channel is None:
        return False
    if isinstance(channel, DeletedChannel):
        return member.guild_permissions.manage_guild
    permissions = channel.source.permissions_for(member)
    return permissions.view_channel and (permissions.manage_threads or not channel.is_private)


def may_show_publicly(interaction: discord.Interaction[AnyClient], channel_id: int) -> bool:
    """Whether a channel's papers may be shown in another channel: everyone can view it, or the caller manages it."""
    return can_everyone_view(interaction, channel_id) or can_manage_by_id(interaction, channel_id)


def can_everyone_view(interaction: discord.Interaction[AnyClient], channel_id: int) -> bool:
    """Whether everyone in the server can view a channel."""
    _, channel = _find(interaction, channel_id)
    if not isinstance(channel, ExistingChannel) or channel.is_private:
        return False
    return channel.source.permissions_for(channel.source.guild.default_role).view_channel


def managed_channel_id(interaction: discord.Interaction[AnyClient]) -> int | None:
    """Returns the channel of a command that is being typed: its option, or this one; None without the permission."""
    chosen = interaction.namespace.channel
    channel_id = chosen.id if chosen is not None else interaction.channel_id
    return channel_id if channel_id is not None and can_manage_by_id(interaction, channel_id) else None


def can_manage_by_id(interaction: discord.Interaction[AnyClient], channel_id: int) -> bool:
    """Whether the caller may manage a channel of their server given by id; a deleted one takes Manage Server."""
    member, channel = _find(interaction, channel_id)
    if member is None or channel is None:
        return False
    if isinstance(channel, DeletedChannel):
        return member.guild_permissions.manage_guild
    permissions = channel.source.permissions_for(member)
    return permissions.view_channel and (
        permissions.manage_threads if channel.is_thread else permissions.manage_channels
    )


def target_by_id(interaction: discord.Interaction[AnyClient], channel_id: int) -> TargetChannel | None:
    """A channel of the caller's server given by id; None if it is unknown, deleted, or hidden from the caller.

    `look_up_channels` has to be called before.
    """
    member, channel = _find(interaction, channel_id)
    if member is None or not isinstance(channel, ExistingChannel) or not can_view(interaction, channel_id):
        return None
    return TargetChannel(channel_id, channel.is_thread, channel.source.permissions_for(member))


async def check_may_manage_by_id(interaction: discord.Interaction[AnyClient], channel_id: int) -> TargetChannel:
    """Returns a channel of the caller's server given by id; rejects a caller who may not manage it, or not any more."""
    await look_up_channels(interaction)
    target = target_by_id(interaction, channel_id)
    if target is None:
        raise CommandRejected(f"You can no longer manage <#{channel_id}>.")
    check_may_manage(target)
    check_takes_papers(interaction, target)
    return target


def is_deleted(interaction: discord.Interaction[AnyClient], channel_id: int) -> bool:
    """Whether a channel of this server is known to be deleted."""
    return isinstance(_find(interaction, channel_id)[1], DeletedChannel)


def _find(
    interaction: discord.Interaction[AnyClient], channel_id: int
) -> tuple[discord.Member | None, ExistingChannel | DeletedChannel | None]:
    """The caller as a member of the server, and the channel as far as it is known."""
    guild, member = interaction.guild, interaction.user
    if guild is None or not isinstance(member, discord.Member):
        return None, None
    return member, client_of(interaction).directory.find(guild, channel_id)
