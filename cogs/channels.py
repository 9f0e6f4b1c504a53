"""`/channel …`: the settings of a channel.

Every command checks the caller's permissions in the target channel.
"""

import asyncio

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.domain.channel_settings import Style
from bot.domain.trending.parsing import TRENDING_COUNT_MAX
from bot.domain.weekdays import suggest_weekdays
from bot.domain.zones import suggest_zones
from bot.runtime.limits import SELECT_OPTION_MAX
from bot.services.exclusions import ExclusionService
from bot.services.subscriptions import SubscriptionService
from cogs.channel_changes import ChannelChanges
from cogs.channel_mentions import ChannelMentions
from cogs.channel_reports import ChannelReports
from cogs.permissions import Target, check_and_defer
from cogs.replies import answer
from cogs.schedule_input import AS_THEY_COME, chosen_days
from cogs.settings_panel import SettingsPanel
from cogs.threads import ThreadCommands

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
        changes: ChannelChanges,
        reports: ChannelReports,
        panel: SettingsPanel,
        exclusion_service: ExclusionService,
        subscription_service: SubscriptionService,
    ) -> None:
        super().__init__(changes, exclusion_service)
        self._reports = reports
        self._panel = panel
        self._subscription_service = subscription_service

    @app_commands.command(name="settings", description="See all settings of a channel in a panel, and change them")
    @app_commands.describe(channel=_CHANNEL_OPTION)
    async def show_panel(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        await self._panel.show(interaction, target)

    @app_commands.command(description="Choose how papers look: as cards, as a compact list, or automatically")
    @app_commands.describe(
        style="cards: one embed per paper; compact: a list; auto: cards for up to five papers", channel=_CHANNEL_OPTION
    )
    async def style(
        self, interaction: discord.Interaction[Client], style: Style, channel: Target | None = None
    ) -> None:
        target = await check_and_defer(interaction, channel)
        await answer(interaction, await self._changes.style(target, style))

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
        await answer(interaction, await self._changes.schedule(interaction, target, time, zone, chosen))

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
        await answer(interaction, await self._changes.pause(target))

    @app_commands.command(description="Resume posting, beginning with the papers queued during the pause")
    @app_commands.describe(channel=_CHANNEL_OPTION)
    async def resume(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        await answer(interaction, await self._changes.resume(interaction, target))

    @app_commands.command(description="Publish new papers to the followers of an announcement channel")
    @app_commands.describe(wanted="True: publish; False: don't", channel=_CHANNEL_OPTION)
    async def publish(
        self, interaction: discord.Interaction[Client], wanted: bool, channel: Target | None = None
    ) -> None:
        target = await check_and_defer(interaction, channel)
        await answer(interaction, await self._changes.publish(interaction, target, wanted=wanted))

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
        await answer(interaction, await self._changes.enable_trending(interaction, target, votes))

    @trending.command(name="off", description="Stop posting lists of trending papers")
    @app_commands.describe(channel=_CHANNEL_OPTION)
    async def disable_trending(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        await answer(interaction, await self._changes.disable_trending(target))

    @app_commands.command(description="Show a channel's settings and how many papers are queued")
    @app_commands.describe(channel=_CHANNEL_OPTION)
    async def show(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        report = await self._reports.read(interaction, target)
        await answer(interaction, "\n".join(report.lines()))

    @app_commands.command(description="Post sample papers to see how they look; pings nobody")
    @app_commands.describe(channel=_CHANNEL_OPTION)
    async def test(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        await answer(interaction, await self._changes.post_sample(interaction, target))
