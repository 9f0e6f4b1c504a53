"""Rate limits per person, for commands and for the components of messages."""

import time
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

# Buttons and menus of messages together. Turning pages fast is one click per second.
CLICKS_PER_MINUTE: Final = 60


class Cooldown:
    """How often a person may do something; discord.py's decorator would share it between all bots of the process."""

    def __init__(self, per_minute: int, *, per_server: int | None = None, per_channel: int | None = None) -> None:
        """`per_server`, `per_channel`: how often all people of a server, or in a channel, together may do it."""
        self._cooldowns = [commands.CooldownMapping.from_cooldown(per_minute, 60.0, _user_id)]
        if per_server is not None:
            self._cooldowns.append(commands.CooldownMapping.from_cooldown(per_server, 60.0, _place_id))
        if per_channel is not None:
            self._cooldowns.append(commands.CooldownMapping.from_cooldown(per_channel, 60.0, _channel_id))

    def check(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Counts this request, or raises CommandOnCooldown with the time to wait."""
        # The system clock, which discord.py uses by default, can be set back by days.
        now_s = time.monotonic()
        for cooldowns in self._cooldowns:
            cooldown = cooldowns.get_bucket(interaction, now_s)
            if cooldown is not None and (wait_s := cooldown.update_rate_limit(now_s)) is not None:
                raise app_commands.CommandOnCooldown(cooldown, wait_s)


def _place_id(interaction: discord.Interaction) -> int:
    """The server; outside of servers, the person."""
    return interaction.guild_id or interaction.user.id


def _channel_id(interaction: discord.Interaction) -> int:
    return interaction.channel_id or interaction.user.id


def _user_id(interaction: discord.Interaction) -> int:
    return interaction.user.id
