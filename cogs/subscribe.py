"""`/subscribe`: adds keywords to a channel and previews their papers in the channel's style.

Each keyword of the command gets a line of its own in the reply, whether or not it could be added.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.discord_api.messages import embeds
from bot.domain.categories import suggest_categories
from bot.domain.channel_schedule import DailySchedule, describe_schedule
from bot.domain.keyword import Keyword
from bot.domain.layout.message import layout_of
from bot.domain.paper import ArxivId, Paper
from bot.domain.text import plural
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from bot.services.channel_settings import ChannelSettingsService
from bot.services.charts import REPLY_EDIT_S
from bot.services.status import StatusService
from bot.services.subscriptions import PREVIEW_PAPERS, KeywordPreview, SubscriptionService, SyncStatus
from cogs.input import parse_keywords
from cogs.permissions import Target, TargetChannel, check_bot_may_post, check_may_manage, target_channel
from cogs.replies import bold, edit_reply, relative_time
from cogs.subscribe_buttons import subscribed_view

# How long the reply waits for the initial sync before it says that the sync is queued.
REPLY_WAIT_S: Final = 20.0

_ARXIV_UNAVAILABLE: Final = (
    "arXiv is unavailable right now. Once it is back, the bot reads the existing papers without posting them, and this "
    "message shows what it found. Newer papers will be posted."
)
_QUEUED: Final = "The existing papers are queued for reading. This message will show what was found."


class SubscribeCommand(commands.Cog):
    """Adds keywords to a channel."""

    def __init__(
        self,
        subscription_service: SubscriptionService,
        status_service: StatusService,
        settings_service: ChannelSettingsService,
    ) -> None:
        self._subscription_service = subscription_service
        self._status_service = status_service
        self._settings_service = settings_service

    @app_commands.command(description="Post new arXiv papers that match a keyword in a channel")
    @app_commands.describe(
        keyword="What to find in titles and abstracts; separate several with commas",
        channel="Where to post them (default: this channel)",
        category="Only papers in this arXiv category, e.g. cs.CL",
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_channels=True)
    async def subscribe(
        self,
        interaction: discord.Interaction[Client],
        keyword: str,
        channel: Target | None = None,
        category: str | None = None,
    ) -> None:
        target = target_channel(interaction, channel)
        check_may_manage(target)
        await interaction.response.defer(ephemeral=True)
        await check_bot_may_post(interaction, target)
        parts = parse_keywords(keyword, category)
        keywords = [part for part in parts if isinstance(part, Keyword)]
        added = {each for each in keywords if await self._subscribe(interaction, target, each)}
        lines = [part if isinstance(part, str) else _subscribed(part, target, new=part in added) for part in parts]
        await self._reply_with_previews(interaction, target, keywords, lines, added)

    async def _subscribe(
        self, interaction: discord.Interaction[Client], target: TargetChannel, keyword: Keyword
    ) -> bool:
        return await self._subscription_service.subscribe(
            keyword, target.channel_id, interaction.guild_id or 0, interaction.user.id
        )

    async def _reply_with_previews(
        self,
        interaction: discord.Interaction[Client],
        target: TargetChannel,
        keywords: Sequence[Keyword],
        lines: list[str],
        added: Collection[Keyword],
    ) -> None:
        status = await self._subscription_service.wait_until_synced(keywords, REPLY_WAIT_S, keep_waiting=False)
        if status is not SyncStatus.SYNCED:
            note = _ARXIV_UNAVAILABLE if status is SyncStatus.ARXIV_UNAVAILABLE else _QUEUED
            await edit_reply(interaction, [*lines, note])
            status = await self._subscription_service.wait_until_synced(
                keywords, REPLY_EDIT_S - REPLY_WAIT_S, keep_waiting=True
            )
        if status is SyncStatus.SYNCED:
            previews = [await self._subscription_service.preview(keyword) for keyword in keywords]
            lines = [*lines, *map(_preview_line, previews), await self._next_papers(target, keywords)]
            await self._show_papers(interaction, target, previews, lines, added)

    async def _show_papers(
        self,
        interaction: discord.Interaction[Client],
        target: TargetChannel,
        previews: Sequence[KeywordPreview],
        lines: Sequence[str],
        added: Collection[Keyword],
    ) -> None:
        """Shows the newest papers as the channel will show them; the buttons affect only keywords that were added."""
        papers: dict[ArxivId, tuple[Paper, tuple[str, ...]]] = {}
        for preview in previews:
            for paper in preview.newest:
                _, names = papers.get(paper.arxiv_id, (paper, ()))
                papers[paper.arxiv_id] = (paper, (*names, preview.keyword.shown))
        shown = sorted(papers.values(), key=lambda entry: entry[0].published)[-PREVIEW_PAPERS:]
        layout = layout_of((await self._settings_service.get(target.channel_id)).style, len(shown))
        view = subscribed_view(target.channel_id, await self._subscription_service.keyword_ids(added))
        rendered = await asyncio.to_thread(embeds, shown, layout) if shown else []
        await edit_reply(interaction, lines, embeds=rendered, view=view)

    async def _next_papers(self, target: TargetChannel, keywords: Sequence[Keyword]) -> str:
        """When new papers will be posted; nothing if no keyword was valid."""
        if not keywords:
            return ""
        settings = await self._settings_service.get(target.channel_id)
        if settings.paused_since is not None:
            posted = f"queued until `/channel resume`: {target.mention} is paused"
        elif isinstance(settings.schedule, DailySchedule):
            posted = f"posted {describe_schedule(settings.schedule)}"
        else:
            posted = "posted as arXiv announces them"
        return f"New papers are {posted}; next check {relative_time(await self._status_service.next_poll())}."

    @subscribe.autocomplete("category")
    async def complete_category(self, _: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=f"{code}: {name}"[:SELECT_OPTION_MAX], value=code)
            for code, name in suggest_categories(typed, AUTOCOMPLETE_CHOICES_MAX)
        ]


def _subscribed(keyword: Keyword, target: TargetChannel, *, new: bool) -> str:
    return f"{bold(keyword.shown)}: {'added to' if new else 'already in'} {target.mention}."


def _preview_line(preview: KeywordPreview) -> str:
    """`**x**: 77 papers in the last 30 days, about 18 per week.`, with narrower keywords if that is a lot."""
    name = bold(preview.keyword.shown)
    if not preview.papers:
        return f"{name}: no papers in the last 30 days."
    count = plural(preview.papers, "paper")
    text = f"{name}: {count} in the last 30 days, about {max(1, preview.per_week):,} per week."
    if not preview.narrower:
        return text
    narrower = ", ".join(f"{bold(each.keyword.shown)} (about {each.per_week:,} per week)" for each in preview.narrower)
    return f"{text} That is a lot; narrower keywords: {narrower}."
