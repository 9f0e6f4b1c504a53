"""`/channel …`: how a channel wants its papers."""

import asyncio
from datetime import datetime

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.discord_api.custom_ids import NO_POST_KEY
from bot.discord_api.delivery import post_sample
from bot.discord_api.messages import RenderedMessage, embeds, reading_components
from bot.domain.channel_schedule import (
    ChannelSchedule,
    DailySchedule,
    Immediate,
    describe_schedule,
    next_daily_time,
    parse_time,
)
from bot.domain.channel_settings import ChannelSettings, Style, TrendingSettings
from bot.domain.layout.message import layout_of
from bot.domain.text import plural
from bot.domain.trending.parsing import TRENDING_COUNT_MAX
from bot.domain.zones import parse_zone, suggest_zones
from bot.runtime.limits import SELECT_OPTION_MAX
from bot.services.channel_settings import ChannelSettingsService
from cogs.permissions import (
    CommandRejected,
    Target,
    TargetChannel,
    check_bot_may_post,
    check_may_manage,
    check_takes_papers,
    target_channel,
)
from cogs.replies import relative_time

_AS_THEY_COME = "as they come"
_USUAL_TIMES = ("07:00", "08:00", "08:30", "09:00", "12:00", "18:00")


@app_commands.guild_only()
@app_commands.default_permissions(manage_channels=True)
class ChannelCommands(
    commands.GroupCog, group_name="channel", group_description="How a channel wants its papers", name="ChannelCommands"
):
    """Arranges channels; every command checks the caller's permission on the channel that is meant."""

    def __init__(self, settings_service: ChannelSettingsService) -> None:
        super().__init__()
        self._settings_service = settings_service

    @app_commands.command(description="Lay papers out as cards, as a compact list, or by how many there are")
    @app_commands.describe(style="cards: an embed a paper; compact: a list; auto: cards up to five papers")
    async def style(
        self, interaction: discord.Interaction[Client], style: Style, channel: Target | None = None
    ) -> None:
        target = await _managed(interaction, channel)
        await self._settings_service.use_style(target.channel_id, style)
        words = {
            Style.AUTO: "as cards up to five papers and as a compact list beyond",
            Style.CARDS: "as cards",
            Style.COMPACT: "as a compact list",
        }
        await _answer(interaction, f"From the next batch on, papers in {target.mention} are laid out {words[style]}.")

    @app_commands.command(description="Post papers as they come, or once a day")
    @app_commands.describe(
        time="A time of day such as 08:30, or: as they come",
        zone="The time zone, such as Europe/Berlin",
        weekdays="Leave out Saturday and Sunday",
    )
    async def schedule(
        self,
        interaction: discord.Interaction[Client],
        time: str,
        zone: str | None = None,
        weekdays: bool = False,
        channel: Target | None = None,
    ) -> None:
        target = await _managed(interaction, channel)
        schedule = _parse_schedule(time, zone, await self._settings_service.of(target.channel_id), weekdays=weekdays)
        await self._settings_service.use_schedule(target.channel_id, schedule)
        await _answer(interaction, f"Papers in {target.mention} are posted {describe_schedule(schedule)}.")

    @schedule.autocomplete("time")
    async def complete_time(self, _: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        known = (_AS_THEY_COME, *_USUAL_TIMES)
        return [app_commands.Choice(name=time, value=time) for time in known if typed.casefold() in time]

    @schedule.autocomplete("zone")
    async def complete_zone(self, _: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=zone[:SELECT_OPTION_MAX], value=zone[:SELECT_OPTION_MAX])
            for zone in suggest_zones(typed)
        ]

    @app_commands.command(description="Post nothing for a while; what comes meanwhile is kept")
    async def pause(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await _managed(interaction, channel)
        if await self._settings_service.pause(target.channel_id):
            words = f"Posting in {target.mention} is paused. What comes is kept; `/channel resume` posts it."
        else:
            words = f"Posting in {target.mention} is paused already."
        await _answer(interaction, words)

    @app_commands.command(description="Post again after a pause, what came meanwhile first")
    async def resume(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await _managed(interaction, channel)
        waiting = await self._settings_service.resume(target.channel_id)
        if waiting is None:
            words = f"Posting in {target.mention} is not paused."
        elif waiting:
            words = f"Posting in {target.mention} goes on; {plural(waiting, 'paper')} waited."
            schedule = (await self._settings_service.of(target.channel_id)).schedule
            if isinstance(schedule, DailySchedule):
                words += f" What is not due yet is posted {describe_schedule(schedule)}."
        else:
            words = f"Posting in {target.mention} goes on; nothing waited."
        await _answer(interaction, words)

    @app_commands.command(description="Ping a role with each batch of papers; without a role, nobody")
    @app_commands.describe(role="The role to ping (default: nobody)")
    async def mention(
        self,
        interaction: discord.Interaction[Client],
        role: discord.Role | None = None,
        channel: Target | None = None,
    ) -> None:
        target = await _managed(interaction, channel)
        if role is not None:
            _check_may_ping(interaction, target, role)
        await self._settings_service.mention(target.channel_id, None if role is None else role.id)
        whom = "nobody" if role is None else role.mention
        await _answer(interaction, f"Each batch in {target.mention} pings {whom}.")

    @app_commands.command(description="Publish new papers to the followers of an announcement channel")
    @app_commands.describe(wanted="Whether to publish")
    async def publish(
        self, interaction: discord.Interaction[Client], wanted: bool, channel: Target | None = None
    ) -> None:
        target = await _managed(interaction, channel)
        channel_in_guild = None if interaction.guild is None else interaction.guild.get_channel(target.channel_id)
        if not isinstance(channel_in_guild, discord.TextChannel) or not channel_in_guild.is_news():
            raise CommandRejected(f"{target.mention} is no announcement channel: only those have followers.")
        await self._settings_service.publish(target.channel_id, wanted=wanted)
        state = "published to its followers, ten an hour at most" if wanted else "not published"
        await _answer(interaction, f"New papers in {target.mention} are {state}.")

    trending = app_commands.Group(name="trending", description="Each day's list of what is trending on Hugging Face")

    @trending.command(
        name="daily", description="Post each day's trending papers, those of the channel's keywords first"
    )
    @app_commands.describe(votes="Only papers with at least so many votes (default: all of the day)")
    async def enable_trending(
        self,
        interaction: discord.Interaction[Client],
        votes: app_commands.Range[int, 0, TRENDING_COUNT_MAX] = 0,
        channel: Target | None = None,
    ) -> None:
        target = await _managed(interaction, channel)
        if not self._settings_service.trending_enabled:
            raise CommandRejected("Trending papers are switched off here.")
        await check_bot_may_post(interaction, target)
        schedule = await self._settings_service.enable_trending(target.channel_id, interaction.guild_id, votes)
        which = f"with at least {plural(votes, 'vote')} " if votes else ""
        at = f", {describe_schedule(schedule)}" if isinstance(schedule, DailySchedule) else ""
        await _answer(
            interaction,
            f"The trending papers of each day {which}are posted in {target.mention} once the day is over (UTC){at}. "
            "Those of the channel's keywords come first. `/trending` shows a day's list at any time.",
        )

    @trending.command(name="off", description="Post no more lists of trending papers")
    async def disable_trending(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await _managed(interaction, channel)
        ended = await self._settings_service.disable_trending(target.channel_id)
        words = "no more" if ended else "no"
        await _answer(interaction, f"There are {words} lists of trending papers in {target.mention}.")

    @app_commands.command(description="How a channel wants its papers")
    async def show(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await _managed(interaction, channel)
        channel_settings = await self._settings_service.of(target.channel_id)
        waiting = await self._settings_service.waiting(target.channel_id)
        lines = _shown(target, channel_settings, waiting, interaction.created_at)
        if channel_settings.trending is not None:
            lines.append(_list_shown(channel_settings.trending, is_on=self._settings_service.trending_enabled))
        await _answer(interaction, "\n".join(lines))

    @app_commands.command(description="Post a sample of the channel's papers; nobody is pinged")
    async def test(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await _managed(interaction, channel)
        await check_bot_may_post(interaction, target)
        papers = await self._settings_service.sample(target.channel_id)
        if not papers:
            await interaction.edit_original_response(
                content=f"No paper of {target.mention}'s keywords is known yet: try `/subscribe` first."
            )
            return
        layout = layout_of((await self._settings_service.of(target.channel_id)).style, len(papers))
        rendered = RenderedMessage(
            content="**A sample** of how papers look here.",
            embeds=await asyncio.to_thread(embeds, papers, layout),
            components=reading_components([paper for paper, _ in papers], NO_POST_KEY),
            allowed_mentions=discord.AllowedMentions.none(),
        )
        message = await post_sample(interaction.client, target.channel_id, rendered)
        await _answer(interaction, f"Posted: {_link(interaction, message)}")


async def _managed(interaction: discord.Interaction[Client], channel: Target | None) -> TargetChannel:
    """The channel that is meant, once the caller may manage it and the answer is on its way."""
    target = target_channel(interaction, channel)
    check_may_manage(target)
    check_takes_papers(interaction, target)
    await interaction.response.defer(ephemeral=True)
    return target


def _link(interaction: discord.Interaction[Client], message: discord.Message) -> str:
    """Where the message stands; a channel that is known by its id alone does not know its server."""
    return f"https://discord.com/channels/{interaction.guild_id}/{message.channel.id}/{message.id}"


async def _answer(interaction: discord.Interaction[Client], words: str) -> None:
    await interaction.edit_original_response(content=words, allowed_mentions=discord.AllowedMentions.none())


def _parse_schedule(time: str, zone: str | None, before: ChannelSettings, *, weekdays: bool) -> ChannelSchedule:
    if time.strip().casefold() == _AS_THEY_COME:
        return Immediate()
    hour, minute = parse_time(time)
    if zone is not None:
        return DailySchedule(hour, minute, parse_zone(zone), weekdays_only=weekdays)
    if isinstance(before.schedule, DailySchedule):
        return DailySchedule(hour, minute, before.schedule.zone, weekdays_only=weekdays)
    raise CommandRejected("In which zone? Name it in `zone`, such as Europe/Berlin.")


def _check_may_ping(interaction: discord.Interaction[Client], target: TargetChannel, role: discord.Role) -> None:
    """Refuse a role that the bot cannot ping: Discord would show the mention and tell nobody."""
    if role.is_default():
        raise CommandRejected("Everybody is not a role to ping with each batch: choose one that people take for it.")
    guild = interaction.guild
    channel = None if guild is None else guild.get_channel_or_thread(target.channel_id)
    if guild is None or channel is None or role.mentionable or channel.permissions_for(guild.me).mention_everyone:
        return
    raise CommandRejected(
        f"{role.mention} cannot be pinged by me: let anyone mention the role, or give me the permission "
        f"Mention @everyone, @here, and All Roles in {target.mention}."
    )


def _shown(target: TargetChannel, channel_settings: ChannelSettings, waiting: int, now: datetime) -> list[str]:
    schedule = channel_settings.schedule
    digest = (
        f"; the next {relative_time(next_daily_time(schedule, now))}" if isinstance(schedule, DailySchedule) else ""
    )
    lines = [
        f"**{target.mention}**",
        f"- Posted {describe_schedule(schedule)}{digest}",
        f"- Style: {channel_settings.style.value}",
        f"- Pings: {'nobody' if channel_settings.mention_role is None else f'<@&{channel_settings.mention_role}>'}",
        f"- Waiting: {plural(waiting, 'paper')}",
    ]
    if channel_settings.publish:
        lines.append("- New papers are published to the followers")
    if channel_settings.paused_since is not None:
        lines.append(f"- ⏸️ Paused {relative_time(channel_settings.paused_since)}; `/channel resume` goes on")
    return lines


def _list_shown(trending_subscription: TrendingSettings, *, is_on: bool) -> str:
    which = (
        f", papers with at least {plural(trending_subscription.min_votes, 'vote')}"
        if trending_subscription.min_votes
        else ""
    )
    return f"- Trending: the list of each day{which}" + ("" if is_on else "; lists are switched off here")
