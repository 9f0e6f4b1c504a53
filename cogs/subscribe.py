"""`/subscribe`: what a channel is to watch, how many papers that is, and how they will look there."""

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
from bot.ingest.initial_sync import SyncStatus
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, INTERACTION_TOKEN_S, SELECT_OPTION_MAX
from bot.services.channel_settings import ChannelSettingsService
from bot.services.status import StatusService
from bot.services.subscriptions import PREVIEW_PAPERS, KeywordPreview, SubscriptionService
from cogs.input import parse_keywords
from cogs.permissions import Target, TargetChannel, check_bot_may_post, check_may_manage, target_channel
from cogs.replies import bold, edit_reply, relative_time
from cogs.subscribe_buttons import subscribed_view

# How long a reply waits for arXiv before it says that reading is queued.
REPLY_WAIT_S: Final = 20.0

_SILENT = (
    "arXiv is out of reach at the moment. As soon as it answers, the papers that it has are read silently, and this "
    "message says what was found; what is new after that is posted."
)
_QUEUED = "Reading the papers that arXiv has is queued; this message will say what was found."


class SubscribeCommand(commands.Cog):
    """Adds to a channel's keywords."""

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
        keyword="What to look for in titles and abstracts; several separated by commas",
        channel="Where to post them (default: here)",
        category="Only papers of this arXiv category, such as cs.CL",
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
        typed = parse_keywords(keyword, category)
        keywords = [part for part in typed if isinstance(part, Keyword)]
        new = {each for each in keywords if await self._subscribe_one(interaction, target, each)}
        answers = [part if isinstance(part, str) else _subscribed(part, target, new=part in new) for part in typed]
        await self._say_what_was_found(interaction, target, keywords, answers, new)

    async def _subscribe_one(
        self, interaction: discord.Interaction[Client], target: TargetChannel, keyword: Keyword
    ) -> bool:
        return await self._subscription_service.subscribe(
            keyword, target.channel_id, interaction.guild_id or 0, interaction.user.id
        )

    async def _say_what_was_found(
        self,
        interaction: discord.Interaction[Client],
        target: TargetChannel,
        keywords: Sequence[Keyword],
        answers: list[str],
        new: Collection[Keyword],
    ) -> None:
        progress = await self._subscription_service.wait_until_read(keywords, REPLY_WAIT_S, keep_waiting=False)
        if progress is not SyncStatus.SYNCED:
            note = _SILENT if progress is SyncStatus.ARXIV_UNAVAILABLE else _QUEUED
            await edit_reply(interaction, [*answers, note])
            progress = await self._subscription_service.wait_until_read(
                keywords, INTERACTION_TOKEN_S - REPLY_WAIT_S, keep_waiting=True
            )
        if progress is SyncStatus.SYNCED:
            found = [await self._subscription_service.found(parsed) for parsed in keywords]
            lines = [*answers, *map(_forecast, found), await self._outlook(target, keywords)]
            await self._show_preview(interaction, target, found, lines, new)

    async def _show_preview(
        self,
        interaction: discord.Interaction[Client],
        target: TargetChannel,
        found: Sequence[KeywordPreview],
        lines: Sequence[str],
        new: Collection[Keyword],
    ) -> None:
        """What the channel will look like, and what to begin with; undoing ends what was begun here, nothing older."""
        papers: dict[ArxivId, tuple[Paper, tuple[str, ...]]] = {}
        for each in found:
            for paper in each.newest:
                _, names = papers.get(paper.arxiv_id, (paper, ()))
                papers[paper.arxiv_id] = (paper, (*names, each.keyword.shown))
        shown = sorted(papers.values(), key=lambda entry: entry[0].published)[-PREVIEW_PAPERS:]
        layout = layout_of((await self._settings_service.of(target.channel_id)).style, len(shown))
        ids = await self._subscription_service.ids_of(new)
        view = subscribed_view(target.channel_id, ids)
        rendered = await asyncio.to_thread(embeds, shown, layout) if shown else []
        await edit_reply(interaction, lines, embeds=rendered, view=view)

    async def _outlook(self, target: TargetChannel, keywords: Sequence[Keyword]) -> str:
        if not keywords:
            return ""
        wanted = await self._settings_service.of(target.channel_id)
        if wanted.paused_since is not None:
            posted = "wait for `/channel resume`: posting there is paused"
        elif isinstance(wanted.schedule, DailySchedule):
            posted = f"are posted {describe_schedule(wanted.schedule)}"
        else:
            posted = "are posted as arXiv announces them"
        return f"New papers {posted}; next look {relative_time(await self._status_service.next_poll())}."

    @subscribe.autocomplete("category")
    async def complete_category(self, _: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=f"{code}: {name}"[:SELECT_OPTION_MAX], value=code)
            for code, name in suggest_categories(typed, AUTOCOMPLETE_CHOICES_MAX)
        ]


def _subscribed(keyword: Keyword, target: TargetChannel, *, new: bool) -> str:
    return f"{bold(keyword.shown)}: {'subscribed' if new else 'already subscribed'} in {target.mention}."


def _forecast(found: KeywordPreview) -> str:
    """`about 18 papers a week`, and narrower ideas for what is broad."""
    name = bold(found.keyword.shown)
    if not found.papers:
        return f"{name}: no paper in the last 30 days."
    words = f"{name}: {plural(found.papers, 'paper')} in the last 30 days, about {max(1, found.per_week):,} a week."
    if not found.narrower:
        return words
    ideas = ", ".join(f"{bold(idea.keyword.shown)} (about {idea.per_week:,})" for idea in found.narrower)
    return f"{words} That is broad; narrower ideas: {ideas}."
