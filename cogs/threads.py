"""`/channel threads`: when threads are started on a channel's posts."""

from typing import Final

import discord
from discord import app_commands

from bot.discord_api.client import Client
from bot.domain.channel_settings import ThreadMode
from cogs.channel_rules import ChannelRules
from cogs.permissions import Target, check_and_defer
from cogs.replies import answer

_CHANNEL_OPTION: Final = "The channel (default: this channel)"
_MODES: Final = [app_commands.Choice(name=mode.value, value=mode.value) for mode in ThreadMode]


class ThreadCommands(ChannelRules):
    """Changes when threads are started; part of the commands of `/channel`."""

    @app_commands.command(description="Start threads to discuss papers: on a click, per batch or per paper")
    @app_commands.describe(
        mode="on click: a button on each post; per batch: one thread; per paper: one message and thread each",
        channel=_CHANNEL_OPTION,
    )
    @app_commands.choices(mode=_MODES)
    async def threads(self, interaction: discord.Interaction[Client], mode: str, channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        await answer(interaction, await self._changes.threads(interaction, target, ThreadMode(mode)))
