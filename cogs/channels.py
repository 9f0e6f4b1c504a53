"""`/channel …`: the settings of a channel.

Every command checks the caller's permissions in the target channel.
"""

import asyncio

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.discord_api.custom_ids import NO_POST_KEY
from bot.discord_api.delivery import post_sample
from bot.discord_api.messages import RenderedMessage, embeds, reading_components
from bot.domain.channel_schedule import DailySchedule, describe_schedule, next_daily_time
from bot.domain.channel_settings import ChannelSettings, Style, ThreadMode
from bot.domain.discussion import style_of
from bot.domain.layout.message import layout_of
from bot.domain.text import plural
from bot.domain.trending.parsing import TRENDING_COUNT_MAX
from bot.domain.weekdays import suggest_weekdays
from bot.domain.zones import suggest_zones
from bot.runtime.limits import SELECT_OPTION_MAX
from bot.services.channel_settings import ChannelSettingsService
from bot.services.exclusions import ExclusionService, HeldBack
from bot.services.subscriptions import SubscriptionService
from bot.services.trending import TrendingLists
from cogs.channel_mentions import ChannelMentions
from cogs.channel_texts import KEYWORDS_SHOWN, STYLE_TEXTS, backlog_text, pings_line, settings_lines, trending_line
from cogs.exclusion_texts import rule_lines
from cogs.permissions import (
    CommandRejected,
    Target,
    TargetChannel,
    check_and_defer,
    check_bot_may_post,
    find_posting_problem,
)
from cogs.replies import answer, local_time, relative_time, shown_reason
from cogs.schedule_input import AS_THEY_COME, chosen_days, parse_schedule
from cogs.threads import ThreadCommands, find_thread_problem, thread_lines

_CHANNEL_OPTION = "The channel (default: this channel)"
_SUGGESTED_TIMES = ("07:00", "08:00", "08:30", "09:00", "12:00", "18:00")


@app_commands.guild_only()
@app_commands.default_permissions(manage_channels=True)
class ChannelCommands(
    ThreadCommands,
    ChannelMentions,
    commands.GroupCog,
    group_name="channel",
    group_description="Settings for how papers are posted in a channel",
    name="ChannelCommands",
):
    """Changes and shows the settings of a channel."""

    def __init__(
        self,
        settings_service: ChannelSettingsService,
        exclusion_service: ExclusionService,
        subscription_service: SubscriptionService,
        trending: TrendingLists,
    ) -> None:
        super().__init__(settings_service, exclusion_service)
        self._subscription_service = subscription_service
        self._trending = trending

    @app_commands.command(description="Choose how papers look: as cards, as a compact list, or automatically")
    @app_commands.describe(
        style="cards: one embed per paper; compact: a list; auto: cards for up to five papers", channel=_CHANNEL_OPTION
    )
    async def style(
        self, interaction: discord.Interaction[Client], style: Style, channel: Target | None = None
    ) -> None:
        target = await check_and_defer(interaction, channel)
        await self._settings_service.set_style(target.channel_id, style)
        await answer(interaction, f"From the next batch on, papers in {target.mention} are shown {STYLE_TEXTS[style]}.")

    @app_commands.command(description="Post papers as they come, or at a fixed time, daily or on some days of the week")
    @app_commands.describe(
        time="A time of day such as 08:30, or: as they come",
        zone="Time zone, e.g. Europe/Berlin",
        weekdays="Skip Saturdays and Sundays",
        days="Only on these days, e.g. Mon, Thu or Mon-Fri (default: daily)",
        channel=_CHANNEL_OPTION,
    )
    async def schedule(
        self,
        interaction: discord.Interaction[Client],
        time: str,
        zone: str | None = None,
        weekdays: bool | None = None,
        days: str | None = None,
        channel: Target | None = None,
    ) -> None:
        target = await check_and_defer(interaction, channel)
        chosen = chosen_days(days, weekdays)
        # In a thread: the first look at all time zones takes longer than the event loop may be blocked.
        next_schedule = await asyncio.to_thread(parse_schedule, time, zone, chosen, interaction.created_at)
        schedule = await self._settings_service.set_schedule(target.channel_id, next_schedule)
        text = f"Papers in {target.mention} will be posted {describe_schedule(schedule)}."
        if isinstance(schedule, DailySchedule):  # in the reader's own time zone: a wrong zone is noticed at once
            text += f" Next: {local_time(next_daily_time(schedule, interaction.created_at))}."
        await answer(interaction, text)

    @schedule.autocomplete("time")
    async def complete_time(self, _: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        times = (AS_THEY_COME, *_SUGGESTED_TIMES)
        return [app_commands.Choice(name=time, value=time) for time in times if typed.casefold() in time]

    @schedule.autocomplete("days")
    async def complete_days(self, _: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=label, value=value) for label, value in suggest_weekdays(typed)]

    @schedule.autocomplete("zone")
    async def complete_zone(
        self, interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=zone[:SELECT_OPTION_MAX], value=zone[:SELECT_OPTION_MAX])
            for zone in await asyncio.to_thread(suggest_zones, typed, now=interaction.created_at)
        ]

    @app_commands.command(description="Pause posting; new papers are queued until you resume")
    @app_commands.describe(channel=_CHANNEL_OPTION)
    async def pause(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        if await self._settings_service.pause(target.channel_id):
            text = f"Paused in {target.mention}. New papers are queued; post them with `/channel resume`."
        else:
            text = f"{target.mention} is already paused. Resume it with `/channel resume`."
        await answer(interaction, text)

    @app_commands.command(description="Resume posting, beginning with the papers queued during the pause")
    @app_commands.describe(channel=_CHANNEL_OPTION)
    async def resume(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        queued = await self._settings_service.resume(target.channel_id)
        if queued is None:
            await answer(interaction, f"{target.mention} isn't paused.")
            return
        settings = await self._settings_service.get(target.channel_id)
        problem = None if interaction.guild is None else await find_posting_problem(interaction.guild, target)
        posted = backlog_text(queued, settings.schedule, problem, settings.papers_per_posting)
        await answer(interaction, f"Resumed in {target.mention}. {posted}")

    @app_commands.command(description="Publish new papers to the followers of an announcement channel")
    @app_commands.describe(wanted="True: publish; False: don't", channel=_CHANNEL_OPTION)
    async def publish(
        self, interaction: discord.Interaction[Client], wanted: bool, channel: Target | None = None
    ) -> None:
        target = await check_and_defer(interaction, channel)
        channel_in_guild = None if interaction.guild is None else interaction.guild.get_channel(target.channel_id)
        if not isinstance(channel_in_guild, discord.TextChannel) or not channel_in_guild.is_news():
            raise CommandRejected(f"{target.mention} isn't an announcement channel; only those have followers.")
        await self._settings_service.set_publish(target.channel_id, enabled=wanted)
        state = "will be published to its followers, at most ten messages per hour" if wanted else "won't be published"
        await answer(interaction, f"New papers in {target.mention} {state}.")

    trending = app_commands.Group(name="trending", description="Daily lists of trending papers from Hugging Face")

    @trending.command(
        name="daily", description="Post each day's trending papers, matches for the channel's keywords first"
    )
    @app_commands.describe(votes="Only papers with at least this many votes (default: all)", channel=_CHANNEL_OPTION)
    async def enable_trending(
        self,
        interaction: discord.Interaction[Client],
        votes: app_commands.Range[int, 0, TRENDING_COUNT_MAX] = 0,
        channel: Target | None = None,
    ) -> None:
        target = await check_and_defer(interaction, channel)
        self._trending.check_enabled()
        await check_bot_may_post(interaction, target)
        schedule = await self._settings_service.enable_trending(target.channel_id, interaction.guild_id, votes)
        which = f" (papers with at least {plural(votes, 'vote')})" if votes else ""
        at = f" {describe_schedule(schedule)}," if isinstance(schedule, DailySchedule) else ""
        await answer(
            interaction,
            f"Each day's trending list{which} will be posted in {target.mention}{at} once the day is over (UTC). "
            "Matches for the channel's keywords come first. `/trending` shows a day's list at any time.",
        )

    @trending.command(name="off", description="Stop posting lists of trending papers")
    @app_commands.describe(channel=_CHANNEL_OPTION)
    async def disable_trending(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        if await self._settings_service.disable_trending(target.channel_id):
            text = f"Lists of trending papers will no longer be posted in {target.mention}."
        else:
            text = f"Lists of trending papers aren't posted in {target.mention}."
        await answer(interaction, text)

    @app_commands.command(description="Show a channel's settings and how many papers are queued")
    @app_commands.describe(channel=_CHANNEL_OPTION)
    async def show(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        settings = await self._settings_service.get(target.channel_id)
        queued = await self._settings_service.queued_count(target.channel_id)
        problems = await self._posting_problems(interaction, target, settings)
        with_roles = await self._subscription_service.with_roles(target.channel_id, KEYWORDS_SHOWN + 1)
        pings = pings_line(settings.mention_role, with_roles)
        lines = settings_lines(target, settings, pings, queued, problems, interaction.created_at)
        lines += thread_lines(interaction.guild, target, settings)
        if settings.trending is not None:
            lines.append(trending_line(settings.trending, is_enabled=self._trending.is_enabled))
        exclusions = await self._exclusion_service.in_channel(target.channel_id)
        held_back = await self._exclusion_service.held_back([target.channel_id])
        lines += rule_lines(settings, len(exclusions), held_back.get(target.channel_id, HeldBack()))
        await answer(interaction, "\n".join(lines))

    async def _posting_problems(
        self, interaction: discord.Interaction[Client], target: TargetChannel, settings: ChannelSettings
    ) -> list[str]:
        """Everything that prevents posts in the channel, each with what to do."""
        found = []
        if settings.paused_since is not None:
            found.append(f"⏸️ Paused {relative_time(settings.paused_since)}; resume with `/channel resume`")
        problem = None if interaction.guild is None else await find_posting_problem(interaction.guild, target)
        if problem is None and (reason := await self._settings_service.blocked_reason(target.channel_id)):
            problem = f"I couldn't post in {target.mention}. {shown_reason(reason)}"
        if problem is not None:
            found.append(f"⚠️ {problem}")
        if settings.trending is None and not await self._settings_service.has_keywords(target.channel_id):
            found.append("⚠️ No keywords yet: nothing is posted. Add one with `/subscribe`")
        return found

    @app_commands.command(description="Post sample papers to see how they look; pings nobody")
    @app_commands.describe(channel=_CHANNEL_OPTION)
    async def test(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        await check_bot_may_post(interaction, target)
        newest = await self._settings_service.sample_papers(target.channel_id)
        papers = await self._exclusion_service.without_excluded(target.channel_id, newest)
        if not papers:
            await answer(interaction, await self._no_sample_reason(target))
            return
        settings = await self._settings_service.get(target.channel_id)
        papers = papers[: settings.papers_per_posting]
        layout = layout_of(style_of(settings), len(papers))
        rendered = RenderedMessage(
            content="**Sample**: this is how papers look in this channel.",
            embeds=await asyncio.to_thread(embeds, papers, layout),
            components=reading_components([paper for paper, _ in papers], NO_POST_KEY),
            allowed_mentions=discord.AllowedMentions.none(),
        )
        message = await post_sample(interaction.client, target.channel_id, rendered)
        text = f"Posted a sample: {_message_link(interaction, message)}"
        if settings.threads is not ThreadMode.OFF:
            problem = find_thread_problem(interaction.guild, target.channel_id)
            text += "" if problem is None else f"\n⚠️ {problem}"
        await answer(interaction, text)

    async def _no_sample_reason(self, target: TargetChannel) -> str:
        if await self._settings_service.has_keywords(target.channel_id):
            return f"No papers for the keywords of {target.mention} are known yet. Try again later."
        return f"{target.mention} has no keywords yet. Add one with `/subscribe`."


def _message_link(interaction: discord.Interaction[Client], message: discord.Message) -> str:
    """Built from the interaction: `message.jump_url` lacks the server if the channel is not in the cache."""
    return f"https://discord.com/channels/{interaction.guild_id}/{message.channel.id}/{message.id}"
