"""`/export settings`: the settings of a server's channels as a file, for people who manage them.

Only the caller sees the reply, and only channels that the caller manages are in the file.
"""

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.discord_api.cooldown import Cooldown
from bot.services.server_settings import ServerSettingsService
from cogs.settings_export import SETTINGS_EXPORTS_PER_MINUTE, send_settings


@app_commands.guild_only()
class ExportCommands(commands.GroupCog, name="export", description="Get papers or settings as a file"):
    """Exports settings."""

    def __init__(self, server_settings: ServerSettingsService) -> None:
        super().__init__()
        self._server_settings = server_settings
        self._settings_cooldown = Cooldown(SETTINGS_EXPORTS_PER_MINUTE)

    @app_commands.command(description="Get a file with the settings and keywords of the channels that you manage")
    async def settings(self, interaction: discord.Interaction[Client]) -> None:
        self._settings_cooldown.check(interaction)
        await send_settings(interaction, self._server_settings)
