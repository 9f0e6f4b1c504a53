"""How often one person may ask for what costs something."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client


class Cooldown:
    """Counts each person's requests; held by a cog, since a decorator would count for every bot of the process."""

    def __init__(self, per_minute: int) -> None:
        self._cooldowns = commands.CooldownMapping.from_cooldown(per_minute, 60.0, _caller)

    def check(self, interaction: discord.Interaction[Client]) -> None:
        """Count this request, or refuse it with how long to wait."""
        cooldown = self._cooldowns.get_bucket(interaction)
        if cooldown is not None and (wait_s := cooldown.update_rate_limit()) is not None:
            raise app_commands.CommandOnCooldown(cooldown, wait_s)


def _caller(interaction: discord.Interaction[Client]) -> int:
    return interaction.user.id
