"""`/subscribe`: adds keywords to a channel and previews their papers.

The reply fits on a phone: a line per keyword, whether or not it could be added, and a line per paper, newest first.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, assert_never

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.discord_api.cooldown import Cooldown
from bot.domain.categories import suggest_categories
from bot.domain.channel_schedule import DailySchedule, describe_schedule
from bot.domain.keyword import Keyword, split_keywords
from bot.domain.layout.parts import title_of
from bot.domain.text import cut, escape_label, plural
from bot.domain.unsupported import without_ending_wildcards
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from bot.services.channel_settings import ChannelSettingsService
from bot.services.charts import REPLY_EDIT_S
from bot.services.status import StatusService
from bot.services.subscriptions import (
    PREVIEW_PAPERS,
    Added,
    AddResult,
    AlreadyWatched,
    KeywordPreview,
    QuotaExceeded,
    SubscriptionService,
    SyncStatus,
)
from cogs.input import parse_in_thread, read_keywords
from cogs.permissions import Target, TargetChannel, check_bot_may_post, check_may_manage, target_channel
from cogs.quota_texts import command_quota_line, exceeded_lines
from cogs.replies import bold, defer_if_slow, edit_reply, local_time, send_reply, spelling_hint
from cogs.subscribe_buttons import subscribed_view

# How long the reply waits for the initial sync before it says that the sync is queued.
REPLY_WAIT_S: Final = 20.0
# Enough to set up a server with many channels.
SUBSCRIBE_PER_MINUTE: Final = 20

# Discord lets the bot edit a reply for 15 minutes only, and a bot that is killed never does: these texts stay true.
_PREVIEW: Final = "If no preview follows here, see `/status`."
_ARXIV_UNAVAILABLE: Final = (
    "arXiv is unavailable right now. Once it is back, the bot reads the existing papers without posting them. "
    f"Newer papers will be posted. {_PREVIEW}"
)
READING: Final = f"-# The papers of the last 30 days are read first, without being posted. {_PREVIEW}"
_WILDCARD_IGNORED: Final = "`*` is ignored: other endings of a word are found anyway."
# A longer title takes two lines on a phone of 390 pixels.
_TITLE_MAX: Final = 38
_QUEUED: Final = f"The existing papers are queued for reading. {_PREVIEW}"


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
        self._cooldown = Cooldown(SUBSCRIBE_PER_MINUTE)

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
        self._cooldown.check(interaction)
        results, left_out, lines = await defer_if_slow(
            interaction, self._subscribe(interaction, target, keyword, category)
        )
        keywords = [result.keyword for result in results if isinstance(result, Added | AlreadyWatched)]
        # The keywords are stored: if the bot is killed from now on, the reply is still true.
        await send_reply(interaction, [*left_out, *lines, READING if keywords else ""])
        if keywords:
            await self._show_previews(interaction, target, results, left_out, lines)

    async def _subscribe(
        self, interaction: discord.Interaction[Client], target: TargetChannel, typed: str, category: str | None
    ) -> tuple[Sequence[str | AddResult], Sequence[str], Sequence[str]]:
        """Adds the keywords; returns one result for each, what quotas left out, and the lines of the reply.

        What was left out comes first in the reply: a long reply is cut at its end.
        """
        await check_bot_may_post(interaction, target)
        parts = await read_keywords(typed, category)
        taken = parts[: self._subscription_service.keywords_per_command]
        keywords = [part for part in taken if isinstance(part, Keyword)]
        added = iter(
            await self._subscription_service.subscribe(
                keywords, target.channel_id, interaction.guild_id or 0, interaction.user.id
            )
        )
        results = [part if isinstance(part, str) else next(added) for part in taken]
        left_out = [
            *exceeded_lines(results, target.mention),
            command_quota_line("subscribe", len(parts), parts[len(taken) :]),
        ]
        lines = [*(_status_line(part, result, target) for part, result in zip(taken, results, strict=True))]
        if "*" in typed and await parse_in_thread(partial(_has_wildcard, typed), typed):
            lines.append(_WILDCARD_IGNORED)
        return results, left_out, lines

    async def _show_previews(
        self,
        interaction: discord.Interaction[Client],
        target: TargetChannel,
        results: Sequence[str | AddResult],
        left_out: Sequence[str],
        lines: Sequence[str],
    ) -> None:
        """Edits the reply when the initial sync of the keywords is complete.

        `lines` begins with one line per result.
        """
        keywords = [result.keyword for result in results if isinstance(result, Added | AlreadyWatched)]
        wait = partial(self._subscription_service.wait_until_synced, keywords)
        status = await wait(REPLY_WAIT_S, keep_waiting=False)
        if status is not SyncStatus.SYNCED:
            note = _ARXIV_UNAVAILABLE if status is SyncStatus.ARXIV_UNAVAILABLE else _QUEUED
            await edit_reply(interaction, [*left_out, *lines, note], messages_max=1)
            status = await wait(REPLY_EDIT_S - REPLY_WAIT_S, keep_waiting=True)
        if status is SyncStatus.SYNCED:
            previews = {keyword: await self._subscription_service.preview(keyword) for keyword in keywords}
            with_facts = [
                f"{line} {_facts(previews[result.keyword])}" if isinstance(result, Added | AlreadyWatched) else line
                for line, result in zip(lines, results, strict=False)
            ]
            papers = await asyncio.to_thread(_paper_lines, [*previews.values()])
            await edit_reply(
                interaction,
                [*left_out, *with_facts, *lines[len(results) :], *papers, await self._next_papers(target)],
                view=await self._buttons(target, results, previews),
            )

    async def _buttons(
        self,
        target: TargetChannel,
        results: Sequence[str | AddResult],
        previews: Mapping[Keyword, KeywordPreview],
    ) -> discord.ui.View | None:
        """The buttons, which affect only keywords that were added."""
        added = [result.keyword for result in results if isinstance(result, Added)]
        return subscribed_view(
            target.channel_id,
            await self._subscription_service.keyword_ids(added),
            with_past=any(previews[keyword].newest for keyword in added),
        )

    async def _next_papers(self, target: TargetChannel) -> str:
        """When new papers will be posted."""
        settings = await self._settings_service.get(target.channel_id)
        if settings.paused_since is not None:
            posted = f"queued until `/channel resume`: {target.mention} is paused"
        elif isinstance(settings.schedule, DailySchedule):
            posted = f"posted {describe_schedule(settings.schedule)}"
        else:
            posted = "posted as arXiv announces them"
        # A relative time would soon be wrong: Discord does not update the text "in 5 minutes" to the check after it.
        next_check = local_time(await self._status_service.next_poll())
        return f"-# New papers are {posted}; next check {next_check}."

    @subscribe.autocomplete("category")
    async def complete_category(self, _: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=f"{code}: {name}"[:SELECT_OPTION_MAX], value=code)
            for code, name in suggest_categories(typed, AUTOCOMPLETE_CHOICES_MAX)
        ]


def _has_wildcard(typed: str) -> bool:
    return any(without_ending_wildcards(part) != part for part in split_keywords(typed))


def _status_line(typed: Keyword | str, result: str | AddResult, target: TargetChannel) -> str:
    """The line for one keyword; empty for one that exceeds a quota: these are named together."""
    match result:
        case Added(keyword):
            return f"{bold(keyword.shown)}: added to {target.mention}."
        case AlreadyWatched(keyword) if (
            isinstance(typed, Keyword) and typed.shown.casefold() != keyword.shown.casefold()
        ):
            return f"{bold(typed.shown)}: Already watched as {bold(keyword.shown)} in {target.mention}."
        case AlreadyWatched(keyword):
            return f"{bold(keyword.shown)}: already in {target.mention}."
        case QuotaExceeded():
            return ""
        case str():
            return result
        case _ as unexpected:
            assert_never(unexpected)


def _facts(preview: KeywordPreview) -> str:
    """`77 papers in the last 30 days, about 18 per week.`, with narrower keywords if that is a lot."""
    if not preview.papers:
        similar = f" Did you mean {' or '.join(map(bold, preview.similar_terms))}?" if preview.similar_terms else ""
        commas = " Separate several keywords with commas." if " or " in preview.keyword.shown.lower() else ""
        hint = "Check the spelling." if similar or commas else spelling_hint(preview.keyword.shown)
        return f"No papers in the last 30 days. {hint}{similar}{commas}"
    count = plural(preview.papers, "paper")
    text = f"{count} in the last 30 days, about {max(1, preview.per_week):,} per week."
    if not preview.narrower:
        return text
    narrower = ", ".join(f"{bold(each.keyword.shown)} (about {each.per_week:,} per week)" for each in preview.narrower)
    return f"{text} That is a lot; narrower keywords: {narrower}."


def _paper_lines(previews: Sequence[KeywordPreview]) -> list[str]:
    """One line for each of the newest papers of all keywords, newest first."""
    papers = {paper.arxiv_id: paper for preview in previews for paper in preview.newest}
    newest = sorted(papers.values(), key=lambda paper: (paper.published, paper.arxiv_id), reverse=True)
    # In angle brackets, Discord shows no preview of the page.
    return [
        f"- [{cut(escape_label(title_of(paper)), _TITLE_MAX)}](<{paper.arxiv_id.abs_url}>)"
        for paper in newest[:PREVIEW_PAPERS]
    ]
