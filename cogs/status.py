"""`/status`: what the bot is doing, and what is in its way."""

from collections.abc import Collection
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.domain.text import plural
from bot.services.status import StatusReport, StatusService
from cogs.permissions import can_view
from cogs.replies import channel_link, edit_reply, relative_time, shown_reason

# arXiv's terms of use ask for this sentence (info.arxiv.org/help/api/tou.html).
ACKNOWLEDGEMENT: Final = "Thank you to arXiv for use of its open access interoperability."


class StatusCommand(commands.Cog):
    """Says how things stand."""

    def __init__(self, status_service: StatusService) -> None:
        self._status_service = status_service

    @app_commands.command(description="When arXiv was looked at, what came of it, and what waits")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def status(self, interaction: discord.Interaction[Client]) -> None:
        await interaction.response.defer(ephemeral=True)
        report = await self._status_service.report()
        lines = [*_arxiv(report), *_channels(interaction, report), f"-# {ACKNOWLEDGEMENT}"]
        await edit_reply(interaction, lines)


def _arxiv(report: StatusReport) -> list[str]:
    last = (
        f"{relative_time(report.last_poll)}, {shown_reason(report.result)}"
        if report.last_poll is not None
        else "none yet"
    )
    following = (
        relative_time(report.next_poll) if report.next_poll is not None else "as soon as a channel watches a keyword"
    )
    lines = [f"**Last look at arXiv**: {last}.", f"**Next look**: {following}."]
    if report.unsynced_keywords:
        why = "" if report.sync_problem is None else f", put off: {shown_reason(report.sync_problem)}"
        lines.append(f"**Being read for the first time**: {plural(report.unsynced_keywords, 'keyword')}{why}.")
    if report.votes is not None:
        again = f"Read again {relative_time(report.votes.again_at)}."
        lines.append(f"⚠️ Votes and code are not up to date: {shown_reason(report.votes.words)}. {again}")
    return lines + [f"⚠️ {problem}." for problem in report.problems]


def _channels(interaction: discord.Interaction[Client], report: StatusReport) -> list[str]:
    if interaction.guild is None or not interaction.is_guild_integration():  # installed by the caller alone
        return []
    # A channel that is deleted or archived is none of the server's at the moment, but its papers are kept.
    ours = {blocked.channel_id for blocked in report.blocked if blocked.guild_id == interaction.guild_id}
    waiting = sum(papers for channel_id, papers in report.waiting.items() if _concerns(interaction, channel_id, ours))
    lines = [f"**Waiting to be posted**: {plural(waiting, 'paper')}."]
    for blocked in report.blocked:
        if blocked.guild_id is None and interaction.permissions.manage_guild:
            lines.append(f"⏸️ Channel `{blocked.channel_id}` of the settings file: {blocked.reason}")
        elif blocked.guild_id == interaction.guild_id and can_view(interaction, blocked.channel_id):
            target = channel_link(interaction.guild, blocked.channel_id)
            lines.append(f"⏸️ {target}, paused {relative_time(blocked.since)}: {blocked.reason}")
    for channel_id, since in report.paused.items():
        if _concerns(interaction, channel_id, ours):
            lines.append(
                f"⏸️ <#{channel_id}>, paused {relative_time(since)} by `/channel pause`; `/channel resume` goes on."
            )
    return lines


def _concerns(interaction: discord.Interaction[Client], channel_id: int, ours: Collection[int]) -> bool:
    guild = interaction.guild
    if guild is None or (channel_id not in ours and guild.get_channel_or_thread(channel_id) is None):
        return False
    return can_view(interaction, channel_id)
