"""Reads everything that `/channel show` and the panel say about a channel. It changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import discord

from bot.discord_api.client import AnyClient
from bot.domain.channel_settings import ChannelSettings, ThreadMode
from bot.domain.exclusions import ChannelExclusion
from bot.domain.subscription import Subscription
from bot.services.channel_settings import ChannelSettingsService
from bot.services.exclusions import ExclusionService, HeldBack
from bot.services.subscriptions import SubscriptionService
from bot.services.trending import TrendingLists
from cogs.channel_texts import KEYWORDS_SHOWN, pings_text, settings_lines, trending_line
from cogs.exclusion_texts import rule_lines
from cogs.permissions import TargetChannel, find_posting_problem
from cogs.replies import relative_time, shown_reason
from cogs.thread_texts import find_thread_problem


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """A channel's settings, its queue, and everything that prevents posts, each with what to do."""

    target: TargetChannel
    settings: ChannelSettings
    queued: int
    problems: Sequence[str]
    exclusions: Sequence[ChannelExclusion]
    held_back: HeldBack
    with_roles: Sequence[Subscription]
    thread_problem: str | None
    is_trending_enabled: bool
    read_at: datetime

    @property
    def pings(self) -> str:
        """The roles that are pinged."""
        return pings_text(self.settings.mention_role, self.with_roles)

    def lines(self) -> list[str]:
        """The settings that differ from the defaults, and some more."""
        lines = settings_lines(self.target, self.settings, self.pings, self.queued, self.problems, self.read_at)
        if self.thread_problem is not None and self.settings.threads is not ThreadMode.OFF:
            lines.append(f"- ⚠️ {self.thread_problem}")
        if self.settings.trending is not None:
            lines.append(trending_line(self.settings.trending, is_enabled=self.is_trending_enabled))
        return lines + rule_lines(self.settings, len(self.exclusions), self.held_back)


class ChannelReports:
    """Reads reports."""

    def __init__(
        self,
        settings_service: ChannelSettingsService,
        exclusion_service: ExclusionService,
        subscription_service: SubscriptionService,
        trending: TrendingLists,
    ) -> None:
        self._settings_service = settings_service
        self._exclusion_service = exclusion_service
        self._subscription_service = subscription_service
        self._trending = trending

    async def read(self, interaction: discord.Interaction[AnyClient], target: TargetChannel) -> ChannelReport:
        """The report of a channel now."""
        settings = await self._settings_service.get(target.channel_id)
        queued = await self._settings_service.queued_count(target.channel_id)
        problems = await self._problems(interaction, target, settings)
        exclusions = await self._exclusion_service.in_channel(target.channel_id)
        held_back = await self._exclusion_service.held_back([target.channel_id])
        return ChannelReport(
            target,
            settings,
            queued,
            problems,
            exclusions,
            held_back.get(target.channel_id, HeldBack()),
            await self._subscription_service.with_roles(target.channel_id, KEYWORDS_SHOWN + 1),
            find_thread_problem(interaction.guild, target.channel_id),
            self._trending.is_enabled,
            interaction.created_at,
        )

    async def _problems(
        self, interaction: discord.Interaction[AnyClient], target: TargetChannel, settings: ChannelSettings
    ) -> list[str]:
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
