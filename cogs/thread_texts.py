"""Whether the bot may start threads in a channel, and what commands say about threads."""

from typing import Final

import discord

from bot.discord_api.permissions import missing_thread_permissions
from bot.domain.channel_settings import ThreadMode
from cogs.permissions import CommandRejected, TargetChannel

THREAD_EFFECTS: Final = {
    ThreadMode.OFF: "No threads are started in {channel}.",
    ThreadMode.ON_CLICK: (
        "New posts in {channel} have the button **Discuss**, which starts a thread for a paper, or links the one "
        "that there is."
    ),
    ThreadMode.PER_BATCH: "I start a thread on the first message of each batch in {channel}.",
    ThreadMode.PER_PAPER: "From the next batch on, each paper in {channel} is a message of its own, with a thread.",
}


def may_have_threads(guild: discord.Guild | None, channel_id: int) -> bool:
    """Whether threads can be started on a channel's messages: not in forums and in threads."""
    return isinstance(None if guild is None else guild.get_channel(channel_id), discord.TextChannel)


def check_may_start_threads(guild: discord.Guild | None, target: TargetChannel) -> None:
    """Rejects a channel that has no threads, and one in which the bot may not start them."""
    if not may_have_threads(guild, target.channel_id):
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
