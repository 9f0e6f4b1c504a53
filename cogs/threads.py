"""`/channel threads`: when threads are started on a channel's posts.

The command checks the caller's permissions in the target channel, and the bot's where it starts threads.
"""

from collections.abc import Sequence
from typing import Final

import discord
from discord import app_commands

from bot.discord_api.client import Client
from bot.discord_api.permissions import missing_thread_permissions
from bot.domain.channel_settings import ChannelSettings, ThreadMode
from cogs.channel_rules import ChannelRules
from cogs.permissions import CommandRejected, Target, TargetChannel, check_and_defer
from cogs.replies import answer

_CHANNEL_OPTION: Final = "The channel (default: this channel)"
_MODES: Final = [app_commands.Choice(name=mode.value, value=mode.value) for mode in ThreadMode]
_EFFECTS: Final = {
    ThreadMode.OFF: "No threads are started in {channel}.",
    ThreadMode.ON_CLICK: (
        "New posts in {channel} have the button **Discuss**, which starts a thread for a paper, or links the one "
        "that there is."
    ),
    ThreadMode.PER_BATCH: "I start a thread on the first message of each batch in {channel}.",
    ThreadMode.PER_PAPER: "From the next batch on, each paper in {channel} is a message of its own, with a thread.",
}


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
        chosen = ThreadMode(mode)
        if chosen is not ThreadMode.OFF:
            check_may_start_threads(interaction.guild, target)
        await self._settings_service.set_threads(target.channel_id, chosen)
        await answer(interaction, _EFFECTS[chosen].format(channel=target.mention))


def check_may_start_threads(guild: discord.Guild | None, target: TargetChannel) -> None:
    """Rejects a channel that has no threads, and one in which the bot may not start them."""
    channel = None if guild is None else guild.get_channel_or_thread(target.channel_id)
    if not isinstance(channel, discord.TextChannel):
        raise CommandRejected(
            f"Threads can be started in text channels and announcement channels, and {target.mention} is neither."
        )
    problem = find_thread_problem(guild, target.channel_id)
    if problem is not None:
        raise CommandRejected(problem)


def find_thread_problem(guild: discord.Guild | None, channel_id: int) -> str | None:
    """Returns why the bot cannot start threads in a channel, and what fixes it; None if nothing is known."""
    channel = None if guild is None else guild.get_channel(channel_id)
    if not isinstance(channel, discord.TextChannel):
        return None
    missing = " and ".join(f"**{name}**" for name in missing_thread_permissions(channel))
    return f"I can't start threads in <#{channel_id}>. Please give me {missing} there." if missing else None


def thread_lines(guild: discord.Guild | None, target: TargetChannel, settings: ChannelSettings) -> Sequence[str]:
    """When threads are started in a channel, and what prevents it; nothing where they are switched off."""
    if settings.threads is ThreadMode.OFF:
        return ()
    problem = find_thread_problem(guild, target.channel_id)
    return (f"- Threads: {settings.threads.value}", *(() if problem is None else (f"- ⚠️ {problem}",)))
