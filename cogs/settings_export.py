"""Sends the settings of the channels that the caller manages as a file, for `/export settings`."""

from io import BytesIO
from typing import Final

import discord

from bot.discord_api.client import Client
from bot.discord_api.private_replies import reply
from bot.domain.text import plural
from bot.services.server_settings import ServerSettingsService
from cogs.permissions import can_manage_by_id, is_deleted, look_up_channels

SETTINGS_EXPORTS_PER_MINUTE: Final = 5
SETTINGS_FILE_NAME: Final = "daily-papers-settings.json"


async def send_settings(interaction: discord.Interaction[Client], server_settings: ServerSettingsService) -> None:
    """Replies with the file, or says why there is nothing to export."""
    await interaction.response.defer(ephemeral=True)
    await look_up_channels(interaction)
    guild_id = interaction.guild_id or 0
    # A deleted channel cannot be imported again.
    configured = [
        each
        for each in await server_settings.configured(guild_id, _listed(interaction.guild))
        if not is_deleted(interaction, each)
    ]
    managed = [each for each in configured if can_manage_by_id(interaction, each)]
    if not managed:
        await reply(interaction, _nothing(is_any=bool(configured)))
        return
    text = await server_settings.export(guild_id, {each: channel_name(interaction.guild, each) for each in managed})
    left_out = len(configured) - len(managed)
    lines = [f"The settings of {plural(len(managed), 'channel')}. `/import` applies the file, also after you edit it."]
    if left_out:
        lines.append(
            f"{plural(left_out, 'channel')} that you don't manage {'is' if left_out == 1 else 'are'} left out."
        )
    file = discord.File(BytesIO(text.encode()), SETTINGS_FILE_NAME)
    await interaction.edit_original_response(content="\n".join(lines), attachments=[file])


def _listed(guild: discord.Guild | None) -> list[int]:
    """The channels and threads that Discord lists."""
    return [] if guild is None else [each.id for each in (*guild.channels, *guild.threads)]


def _nothing(*, is_any: bool) -> str:
    if is_any:
        return (
            "You don't manage any of the channels that have settings. It takes **Manage Channels** there; in a thread, "
            "**Manage Threads**."
        )
    return "No channel of this server has keywords or settings yet. Add a keyword with `/subscribe`."


def channel_name(guild: discord.Guild | None, channel_id: int) -> str:
    """The name of a channel for a file; empty for an archived thread."""
    channel = None if guild is None else guild.get_channel_or_thread(channel_id)
    return "" if channel is None else channel.name
