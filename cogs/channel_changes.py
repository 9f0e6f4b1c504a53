"""What `/channel …` and its panel change in a channel: each change with its checks and its reply.

Its callers have checked that the person may manage the channel, and send the replies.
"""

import asyncio
from functools import partial
from typing import Final

import discord

from bot.discord_api.client import AnyClient
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.custom_ids import NO_POST_KEY
from bot.discord_api.delivery import post_sample
from bot.discord_api.messages import RenderedMessage, embeds, reading_components
from bot.domain.channel_schedule import DailySchedule, describe_schedule, next_daily_time
from bot.domain.channel_settings import Style, ThreadMode
from bot.domain.discussion import style_of
from bot.domain.layout.message import layout_of
from bot.domain.text import plural
from bot.domain.weekdays import Weekdays
from bot.services.channel_settings import ChannelSettingsService
from bot.services.exclusions import AlreadyExcluded, ExclusionAdded, ExclusionService, QuotaReached
from bot.services.trending import TrendingLists
from cogs.channel_texts import STYLE_TEXTS, backlog_text
from cogs.exclusion_input import find_exclusion, read_exclusion
from cogs.exclusion_texts import added_lines, exclusion_name, limit_text, quota_text
from cogs.input import parse_in_thread
from cogs.permissions import (
    CommandRejected,
    TargetChannel,
    check_bot_may_post,
    check_may_ping,
    find_posting_problem,
)
from cogs.replies import local_time
from cogs.schedule_input import parse_schedule
from cogs.thread_texts import THREAD_EFFECTS, check_may_start_threads, find_thread_problem, may_have_threads

EXCLUSIONS_ADDED_PER_MINUTE: Final = 10


class ChannelChanges:
    """Changes the settings of a channel; every method returns the reply, or raises CommandRejected."""

    def __init__(
        self, settings_service: ChannelSettingsService, exclusion_service: ExclusionService, trending: TrendingLists
    ) -> None:
        self._settings_service = settings_service
        self._exclusion_service = exclusion_service
        self._trending = trending
        self._cooldown = Cooldown(EXCLUSIONS_ADDED_PER_MINUTE)

    async def style(self, target: TargetChannel, style: Style) -> str:
        """How papers look."""
        await self._settings_service.set_style(target.channel_id, style)
        text = f"From the next batch on, papers in {target.mention} are shown {STYLE_TEXTS[style]}."
        settings = await self._settings_service.get(target.channel_id)
        if style is Style.CARDS or settings.threads is not ThreadMode.PER_PAPER:
            return text
        return f"{text} While each paper gets a thread (`/channel threads`), each is a card."

    async def schedule(
        self,
        interaction: discord.Interaction[AnyClient],
        target: TargetChannel,
        time: str,
        zone: str | None,
        days: Weekdays | None,
    ) -> str:
        """When papers are posted; without a zone or days, those of the current schedule are kept."""
        # In a thread: the first look at all time zones takes longer than the event loop may be blocked.
        next_schedule = await asyncio.to_thread(parse_schedule, time, zone, days, interaction.created_at)
        schedule = await self._settings_service.set_schedule(target.channel_id, next_schedule)
        text = f"Papers in {target.mention} will be posted {describe_schedule(schedule)}."
        if isinstance(schedule, DailySchedule):  # in the reader's own time zone: a wrong zone is noticed at once
            text += f" Next: {local_time(next_daily_time(schedule, interaction.created_at))}."
        return text

    async def pause(self, target: TargetChannel) -> str:
        """Queues new papers."""
        if await self._settings_service.pause(target.channel_id):
            return f"Paused in {target.mention}. New papers are queued; post them with `/channel resume`."
        return f"{target.mention} is already paused. Resume it with `/channel resume`."

    async def resume(self, interaction: discord.Interaction[AnyClient], target: TargetChannel) -> str:
        """Posts again, queued papers first."""
        queued = await self._settings_service.resume(target.channel_id)
        if queued is None:
            return f"{target.mention} isn't paused."
        settings = await self._settings_service.get(target.channel_id)
        problem = None if interaction.guild is None else await find_posting_problem(interaction.guild, target)
        posted = backlog_text(queued, settings.schedule, problem, settings.papers_per_posting)
        return f"Resumed in {target.mention}. {posted}"

    async def mention(
        self, interaction: discord.Interaction[AnyClient], target: TargetChannel, role: discord.Role | None
    ) -> str:
        """Whom each batch pings."""
        if role is not None:
            check_may_ping(interaction, target, role)
        await self._settings_service.set_mention(target.channel_id, None if role is None else role.id)
        effect = "won't ping a role of the channel" if role is None else f"will ping {role.mention}"
        return f"Batches in {target.mention} {effect}."

    async def threads(
        self, interaction: discord.Interaction[AnyClient], target: TargetChannel, mode: ThreadMode
    ) -> str:
        """When threads are started on posts."""
        if mode is not ThreadMode.OFF:
            if may_have_threads(interaction.guild, target.channel_id):
                await check_bot_may_post(interaction, target)
            check_may_start_threads(interaction.guild, target)
        await self._settings_service.set_threads(target.channel_id, mode)
        return THREAD_EFFECTS[mode].format(channel=target.mention)

    async def publish(self, interaction: discord.Interaction[AnyClient], target: TargetChannel, *, wanted: bool) -> str:
        """Whether new papers are published to followers."""
        if not is_announcement_channel(interaction, target):
            raise CommandRejected(f"{target.mention} isn't an announcement channel; only those have followers.")
        await self._settings_service.set_publish(target.channel_id, enabled=wanted)
        state = "will be published to its followers, at most ten messages per hour" if wanted else "won't be published"
        return f"New papers in {target.mention} {state}."

    async def enable_trending(
        self, interaction: discord.Interaction[AnyClient], target: TargetChannel, votes: int
    ) -> str:
        """Posts each day's trending list, or only its papers with so many votes."""
        self._trending.check_enabled()
        await check_bot_may_post(interaction, target)
        schedule = await self._settings_service.enable_trending(target.channel_id, interaction.guild_id, votes)
        which = f" (papers with at least {plural(votes, 'vote')})" if votes else ""
        at = f" {describe_schedule(schedule)}," if isinstance(schedule, DailySchedule) else ""
        return (
            f"Each day's trending list{which} will be posted in {target.mention}{at} once the day is over (UTC). "
            "Matches for the channel's keywords come first. `/trending` shows a day's list at any time."
        )

    async def disable_trending(self, target: TargetChannel) -> str:
        """Posts no trending lists."""
        if await self._settings_service.disable_trending(target.channel_id):
            return f"Lists of trending papers will no longer be posted in {target.mention}."
        return f"Lists of trending papers aren't posted in {target.mention}."

    async def limit(self, target: TargetChannel, papers: int | None) -> str:
        """How many papers a posting contains; None: all."""
        await self._settings_service.set_limit(target.channel_id, papers)
        return limit_text(target.mention, papers)

    def count_exclusion(self, interaction: discord.Interaction[AnyClient]) -> None:
        """Counts an exclusion that is about to be added; raises CommandOnCooldown beyond the limit."""
        self._cooldown.check(interaction)

    async def add_exclusion(
        self, interaction: discord.Interaction[AnyClient], target: TargetChannel, expression: str
    ) -> list[str]:
        """Adds an exclusion; returns the lines of the reply."""
        keyword = await parse_in_thread(partial(read_exclusion, expression), expression)
        result = await self._exclusion_service.add(
            target.channel_id, interaction.guild_id or 0, keyword, interaction.user.id
        )
        match result:
            case ExclusionAdded(exclusion):
                effect = await self._exclusion_service.effect(exclusion)
                return added_lines(result, effect, target.mention)
            case AlreadyExcluded(exclusion):
                return [f"{target.mention} already excludes {exclusion_name(exclusion.keyword)}."]
            case QuotaReached():
                return [quota_text(result, target.mention)]

    async def remove_exclusion(self, target: TargetChannel, expression: str) -> str:
        """Removes an exclusion that was chosen or typed."""
        exclusions = await self._exclusion_service.in_channel(target.channel_id)
        exclusion = await parse_in_thread(partial(find_exclusion, exclusions, expression), expression)
        removed = None
        if exclusion is not None:
            removed = await self._exclusion_service.remove(target.channel_id, exclusion.id)
        if removed is None:
            hint = "`/channel exclude list` shows its exclusions." if exclusions else "It has no exclusions."
            return f"{target.mention} does not exclude that. {hint}"
        queued = f" {plural(removed.queued, 'paper')} that it held back will be posted." if removed.queued else ""
        name = exclusion_name(removed.exclusion.keyword)
        return f"New papers that match {name} are posted in {target.mention} again.{queued}"

    async def post_sample(self, interaction: discord.Interaction[AnyClient], target: TargetChannel) -> str:
        """Posts sample papers, without a ping."""
        await check_bot_may_post(interaction, target)
        newest = await self._settings_service.sample_papers(target.channel_id)
        papers = await self._exclusion_service.without_excluded(target.channel_id, newest)
        if not papers:
            return await self._no_sample_reason(target)
        settings = await self._settings_service.get(target.channel_id)
        papers = papers[: 1 if settings.threads is ThreadMode.PER_PAPER else settings.papers_per_posting]
        layout = layout_of(style_of(settings), len(papers))
        rendered = RenderedMessage(
            content="**Sample**: this is how papers look in this channel.",
            embeds=await asyncio.to_thread(embeds, papers, layout),
            components=reading_components([paper for paper, _ in papers], NO_POST_KEY),
            allowed_mentions=discord.AllowedMentions.none(),
        )
        message = await post_sample(interaction.client, target.channel_id, rendered)
        text = f"Posted a sample: {_message_link(interaction, message)}"
        problem = find_thread_problem(interaction.guild, target.channel_id)
        if settings.threads is ThreadMode.OFF or problem is None:
            return text
        return f"{text}\n⚠️ {problem}"

    async def _no_sample_reason(self, target: TargetChannel) -> str:
        if await self._settings_service.has_keywords(target.channel_id):
            return f"No papers for the keywords of {target.mention} are known yet. Try again later."
        return f"{target.mention} has no keywords yet. Add one with `/subscribe`."


def is_announcement_channel(interaction: discord.Interaction[AnyClient], target: TargetChannel) -> bool:
    """Whether the channel has followers."""
    channel = None if interaction.guild is None else interaction.guild.get_channel(target.channel_id)
    return isinstance(channel, discord.TextChannel) and channel.is_news()


def _message_link(interaction: discord.Interaction[AnyClient], message: discord.Message) -> str:
    """Built from the interaction: `message.jump_url` lacks the server if the channel is not in the cache."""
    return f"https://discord.com/channels/{interaction.guild_id}/{message.channel.id}/{message.id}"
