"""Checks whether the caller may import a settings file: which channels it names, and what it changes there.

The checks are those of the commands that change the same settings. They run for the preview and again when it is
applied.
"""

from collections.abc import Collection
from typing import Final

import discord

from bot.discord_api.client import AnyClient
from bot.domain.channel_settings import ThreadMode
from bot.domain.server_settings.changes import ChannelChange
from bot.domain.server_settings.model import SettingsFile
from bot.domain.subscription import QuotaExceeded, QuotaScope
from bot.domain.text import plural
from bot.services.trending import TrendingLists
from cogs.permissions import (
    CommandRejected,
    TargetChannel,
    check_bot_may_post,
    check_may_manage,
    check_may_ping,
    check_takes_papers,
    find_role,
    is_deleted,
    look_up_channels,
    target_by_id,
)
from cogs.thread_texts import check_may_start_threads

_NAMED_MAX: Final = 3


async def importable(interaction: discord.Interaction[AnyClient], file: SettingsFile) -> SettingsFile:
    """The file without channels that were deleted; raises CommandRejected unless the caller manages all others."""
    await look_up_channels(interaction)
    existing = file.without([each for each in file.channel_ids if is_deleted(interaction, each)])
    unknown = [each for each in existing.channel_ids if target_by_id(interaction, each) is None]
    if unknown:
        raise CommandRejected(
            f"The file names {_named(unknown)}, which {'is' if len(unknown) == 1 else 'are'} not in this server, or "
            "hidden from you. Export the settings of this server, or remove them from the file. Nothing was changed."
        )
    for channel_id in existing.channel_ids:
        check_may_manage(_target(interaction, channel_id))
    return existing


async def check_changes(
    interaction: discord.Interaction[AnyClient],
    changes: Collection[ChannelChange],
    trending: TrendingLists,
    exceeded: tuple[ChannelChange, QuotaExceeded] | None,
) -> None:
    """Raises CommandRejected, or TrendingDisabled, unless the caller and the bot may make all these changes."""
    for change in changes:
        target = _target(interaction, change.channel_id)
        check_may_manage(target)
        check_takes_papers(interaction, target)
        if change.added:
            await check_bot_may_post(interaction, target)
        await _check_settings(interaction, target, change, trending)
    if exceeded is not None:
        raise CommandRejected(quota_text(*exceeded))


async def _check_settings(
    interaction: discord.Interaction[AnyClient], target: TargetChannel, change: ChannelChange, trending: TrendingLists
) -> None:
    before, after = change.before, change.after
    new_role = None if after.mention_role == before.mention_role else after.mention_role
    for role_id in dict.fromkeys((new_role, *(each.after for each in change.roles))):
        if role_id is not None:
            _check_role(interaction, target, role_id)
    if after.publish and not before.publish:
        channel = None if interaction.guild is None else interaction.guild.get_channel(target.channel_id)
        if not isinstance(channel, discord.TextChannel) or not channel.is_news():
            raise CommandRejected(f"{target.mention} isn't an announcement channel; only those have followers.")
    if after.threads not in (ThreadMode.OFF, before.threads):
        check_may_start_threads(interaction.guild, target)
    if after.trending is not None and before.trending is None:
        trending.check_enabled()
        await check_bot_may_post(interaction, target)


def _check_role(interaction: discord.Interaction[AnyClient], target: TargetChannel, role_id: int) -> None:
    role = find_role(interaction, role_id)
    if role is None:
        raise CommandRejected(f"The role `{role_id}` for {target.mention} is not in this server. Nothing was changed.")
    check_may_ping(interaction, target, role)


def _target(interaction: discord.Interaction[AnyClient], channel_id: int) -> TargetChannel:
    target = target_by_id(interaction, channel_id)
    if target is None:
        raise CommandRejected(f"<#{channel_id}> is no longer in this server, or hidden from you. Nothing was changed.")
    return target


def check_may_undo(interaction: discord.Interaction[AnyClient], channel_ids: Collection[int]) -> None:
    """Rejects a caller who no longer manages one of the channels of an import."""
    for channel_id in channel_ids:
        check_may_manage(_target(interaction, channel_id))


def quota_text(change: ChannelChange, exceeded: QuotaExceeded) -> str:
    """The reply to an import that exceeds a quota."""
    owner = f"<#{change.channel_id}>" if exceeded.scope is QuotaScope.CHANNEL else "This server"
    return f"{owner} would have {exceeded.used:,} keywords of at most {exceeded.limit:,}. Nothing was changed."


def _named(channel_ids: Collection[int]) -> str:
    names = [f"`{each}`" for each in channel_ids]
    if len(names) == 1:
        return f"the channel {names[0]}"
    more = f" and {len(names) - _NAMED_MAX:,} more" if len(names) > _NAMED_MAX else ""
    return f"{plural(len(names), 'channel')} ({', '.join(names[:_NAMED_MAX])}{more})"
