"""`/status`: the last and the next check of arXiv, the queue, and problems.

A caller sees only channels that they can view; one who installed the app for themselves sees no channels at all.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.domain.text import plural
from bot.page.text import ACKNOWLEDGEMENT
from bot.runtime.shards import ShardReport, shard_of
from bot.services.status import StatusReport, StatusService
from cogs.permissions import can_view, look_up_channels
from cogs.replies import channel_link, edit_reply, relative_time, shown_reason
from cogs.suggestions import visible
from cogs.thread_texts import find_thread_problem


class StatusCommand(commands.Cog):
    """Shows the state of the bot."""

    def __init__(self, status_service: StatusService) -> None:
        self._status_service = status_service

    @app_commands.command(description="Last check, next check, and queue")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def status(self, interaction: discord.Interaction[Client]) -> None:
        await interaction.response.defer(ephemeral=True)
        await look_up_channels(interaction)
        report = await self._status_service.report(interaction.guild_id)
        channels = await _visible_channels(interaction, report)
        shards = _shard_lines(report.shards, interaction.guild_id)
        lines = [
            *_arxiv_lines(report),
            *shards,
            *_channel_lines(interaction, report, channels),
            f"-# {ACKNOWLEDGEMENT}",
        ]
        await edit_reply(interaction, lines)


def _arxiv_lines(report: StatusReport) -> list[str]:
    last, next_poll = "not yet", "when a channel subscribes to a keyword"
    if report.last_poll is not None:
        last = f"{relative_time(report.last_poll)}, {shown_reason(report.result)}"
    if report.next_poll is not None:
        next_poll = relative_time(report.next_poll)
    lines = [f"**Last checked**: {last}.", f"**Next check**: {next_poll}."]
    if report.trending_problem is not None:
        reason = shown_reason(report.trending_problem.reason)
        next_try = relative_time(report.trending_problem.retry_at)
        lines.append(f"⚠️ Votes and code are out of date: {reason}. Next try {next_try}.")
    if not report.search_index.is_complete and report.search_index.papers:
        index = report.search_index
        lines.append(f"**Search index**: being built, {100 * index.done // index.papers}% of {index.papers:,} papers.")
    lines += [f"⚠️ {problem.text}.{_next_try(problem.retry_at)}" for problem in report.reported]
    return lines + [f"⚠️ {problem}." for problem in report.problems]


def _shard_lines(shards: Sequence[ShardReport], guild_id: int | None) -> list[str]:
    """The shards that are not connected, and the shard of the caller's server; nothing while there is only one."""
    if len(shards) <= 1:
        return []
    lines = [
        f"⚠️ Shard {shard.shard_id} of {len(shards)} is not connected to Discord: {shown_reason(shard.reason or '')}."
        f"{_next_try(shard.retry_at)}"
        for shard in shards
        if not shard.is_connected
    ]
    if guild_id is not None:
        state = f"{len(shards) - len(lines)} of {len(shards)} shards are connected"
        lines.insert(0, f"**Shard of this server**: {shard_of(guild_id, len(shards))} ({state}).")
    return lines


def _next_try(retry_at: datetime | None) -> str:
    return "" if retry_at is None else f" Next try {relative_time(retry_at)}."


async def _visible_channels(interaction: discord.Interaction[Client], report: StatusReport) -> frozenset[int]:
    """The channels in the report that the caller can view; other callbacks run while they are checked."""
    blocked = (each.channel_id for each in report.blocked if each.guild_id == interaction.guild_id)
    unsynced = (channel_id for channel_id, _ in report.unsynced)
    channels = {
        *report.queued,
        *report.threads,
        *report.held_back,
        *blocked,
        *report.backing_off,
        *report.paused,
        *unsynced,
    }
    return frozenset(await visible(sorted(channels), partial(can_view, interaction)))


def _held_back_lines(report: StatusReport, channels: Collection[int]) -> list[str]:
    shown = [counts for channel_id, counts in report.held_back.items() if channel_id in channels]
    by_exclusions, by_limit = sum(each.by_exclusions for each in shown), sum(each.by_limit for each in shown)
    texts = [f"{by_exclusions:,} by exclusions"] if by_exclusions else []
    texts += [f"{by_limit:,} by limits per posting"] if by_limit else []
    return [f"**Not posted** in 30 days: {', '.join(texts)}."] if texts else []


def _channel_lines(
    interaction: discord.Interaction[Client], report: StatusReport, channels: Collection[int]
) -> list[str]:
    if interaction.guild is None or not interaction.is_guild_integration():  # installed by the caller alone
        return []
    queued = sum(count for channel_id, count in report.queued.items() if channel_id in channels)
    lines = [f"**Queued**: {plural(queued, 'paper')}.", *_held_back_lines(report, channels)]
    if unsynced := {each for channel_id, each in report.unsynced if channel_id in channels}:
        problem = "" if report.sync_problem is None else f" ({shown_reason(report.sync_problem)})"
        lines.insert(0, f"**Initial sync pending**: {plural(len(unsynced), 'keyword')}{problem}.")
    for blocked in report.blocked:
        if blocked.guild_id is None and interaction.permissions.manage_guild:
            lines.append(f"⏸️ Channel `{blocked.channel_id}` in config.json: {blocked.reason}")
        elif blocked.guild_id == interaction.guild_id and blocked.channel_id in channels:
            link = channel_link(interaction.guild, blocked.channel_id)
            lines.append(f"⏸️ {link}, blocked {relative_time(blocked.since)}: {blocked.reason}")
    for channel_id, retry_at in report.backing_off.items():
        if channel_id in channels:
            lines.append(
                f"⏳ <#{channel_id}>: Discord accepts no message there now. Next try {relative_time(retry_at)}."
            )
    for channel_id, since in report.paused.items():
        if channel_id in channels:
            lines.append(f"⏸️ <#{channel_id}>, paused {relative_time(since)}; resume with `/channel resume`.")
    return [*lines, *_thread_lines(interaction.guild, report, channels)]


def _thread_lines(guild: discord.Guild, report: StatusReport, channels: Collection[int]) -> Iterator[str]:
    """Where threads are wanted that the bot cannot start."""
    for channel_id, reason in report.threads.items():
        if channel_id not in channels:
            continue
        if (problem := find_thread_problem(guild, channel_id)) is not None:
            yield f"⚠️ {problem}"
        elif reason is not None:
            yield f"⚠️ <#{channel_id}>: a thread waits: {shown_reason(reason)}"
