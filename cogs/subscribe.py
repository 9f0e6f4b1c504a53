"""`/subscribe`: adds keywords to a channel and previews their papers.

A text that has several readings is added once the person has chosen one; the choice is checked like a command.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient, Client
from bot.discord_api.cooldown import Cooldown
from bot.domain.categories import suggest_categories
from bot.domain.channel_schedule import DailySchedule, describe_schedule
from bot.domain.expressions.keywords import AmbiguousKeyword
from bot.domain.expressions.parsing import NAME_MAX
from bot.domain.expressions.splitting import split_list
from bot.domain.keyword import Keyword
from bot.domain.question import Question
from bot.domain.text import cut
from bot.domain.unsupported import without_ending_wildcards
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from bot.services.channel_settings import ChannelSettingsService
from bot.services.charts import REPLY_EDIT_S
from bot.services.status import StatusService
from bot.services.subscriptions import KeywordPreview, SubscriptionService, SyncStatus
from cogs.input import TypedKeyword, parse_in_thread, read_keywords, shown
from cogs.permissions import (
    CommandRejected,
    Target,
    TargetChannel,
    check_bot_may_post,
    check_may_manage,
    check_may_ping,
    find_role,
    look_up_channels,
    target_by_id,
    target_channel,
)
from cogs.questions import QuestionButtons
from cogs.quota_texts import command_quota_line, exceeded_lines
from cogs.replies import bold, defer_if_slow, defer_update, edit_reply, local_time, send_reply
from cogs.subscribe_buttons import subscribed_view
from cogs.subscribe_texts import KeywordResult, SubscribeReply, paper_lines

# How long the reply waits for the initial sync before it says that the sync is queued.
REPLY_WAIT_S: Final = 20.0
# Enough to set up a server with many channels.
SUBSCRIBE_PER_MINUTE: Final = 20
# About how many keywords of a command the person is asked; the other ones have to be written without doubt.
QUESTIONS_MAX: Final = 3
_TYPED_MAX: Final = 60

# Discord lets the bot edit a reply for 15 minutes only, and a bot that is killed never does: these texts stay true.
_PREVIEW: Final = "If no preview follows here, see `/status`."
_ARXIV_UNAVAILABLE: Final = (
    "arXiv is unavailable right now. Once it is back, the bot reads the existing papers without posting them. "
    f"Newer papers will be posted. {_PREVIEW}"
)
READING: Final = f"-# The papers of the last 30 days are read first, without being posted. {_PREVIEW}"
_WILDCARD_IGNORED: Final = "`*` is ignored: other endings of a word are found anyway."
_QUEUED: Final = f"The existing papers are queued for reading. {_PREVIEW}"

Describe = Callable[[], Awaitable[Sequence[str]]]


async def _describe_nothing() -> Sequence[str]:
    return ()


class SubscribeCommand(commands.Cog):
    """Adds keywords to a channel."""

    def __init__(
        self,
        subscription_service: SubscriptionService,
        status_service: StatusService,
        settings_service: ChannelSettingsService,
        questions: QuestionButtons,
    ) -> None:
        self._subscription_service = subscription_service
        self._status_service = status_service
        self._settings_service = settings_service
        self._questions = questions
        self._cooldown = Cooldown(SUBSCRIBE_PER_MINUTE)
        questions.on_answer("subscribe", self._answered)

    @app_commands.command(description="Post new arXiv papers that match a keyword in a channel")
    @app_commands.describe(
        keyword='A phrase, or an expression such as ("reward model" OR RLHF) -survey; separate several with commas',
        channel="Where to post them (default: this channel)",
        category="Only papers in this arXiv category, e.g. cs.CL",
        name="A short name for the keyword, shown in posts and lists",
        role="A role to ping for its papers (default: none)",
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_channels=True)
    async def subscribe(
        self,
        interaction: discord.Interaction[Client],
        keyword: str,
        channel: Target | None = None,
        category: str | None = None,
        name: app_commands.Range[str, 1, NAME_MAX] | None = None,
        role: discord.Role | None = None,
    ) -> None:
        target = target_channel(interaction, channel)
        check_may_manage(target)
        if role is not None:
            check_may_ping(interaction, target, role)
        self._cooldown.check(interaction)
        role_id = None if role is None else role.id
        reading = self._read_and_add(interaction, target, keyword, category, name, role_id)
        added = await defer_if_slow(interaction, reading)
        if len(added.parts) == 1 and isinstance(ambiguous := added.parts[0], AmbiguousKeyword):
            await self._questions.ask(interaction, _question(interaction, target, ambiguous, role_id), ambiguous.typed)
            return
        await self.show(interaction, target, added)

    async def _answered(
        self, interaction: discord.Interaction[AnyClient], question: Question, keywords: Sequence[Keyword]
    ) -> None:
        """Adds the reading that was chosen, if the person may still do that."""
        await defer_update(interaction)
        await look_up_channels(interaction)
        target = target_by_id(interaction, question.channel_id or 0)
        if target is None:
            raise CommandRejected("You can no longer view that channel, or it was deleted.")
        check_may_manage(target)
        _check_role(interaction, target, question.mention_role)
        self._cooldown.check(interaction)
        added = await self.add(interaction, target, keywords, role_id=question.mention_role)
        await self.show(interaction, target, added)

    async def _read_and_add(
        self,
        interaction: discord.Interaction[AnyClient],
        target: TargetChannel,
        typed: str,
        category: str | None,
        name: str | None,
        role_id: int | None,
    ) -> SubscribeReply:
        parts = await read_keywords(typed, category, name)
        taken = parts[: self._subscription_service.keywords_per_command]
        names = [shown(part) for part in parts[len(taken) :] if not isinstance(part, str)]
        invalid = len(parts) - len(taken) - len(names)
        left_out = command_quota_line("subscribe", len(parts), names, invalid)
        has_wildcard = "*" in typed and await parse_in_thread(partial(_has_wildcard, typed), typed)
        notes = [_WILDCARD_IGNORED] if has_wildcard else []
        return await self.add(interaction, target, _asked_about_few(taken), left_out, notes, role_id=role_id)

    async def add(
        self,
        interaction: discord.Interaction[AnyClient],
        target: TargetChannel,
        parts: Sequence[TypedKeyword],
        left_out: str = "",
        notes: Sequence[str] = (),
        *,
        role_id: int | None = None,
    ) -> SubscribeReply:
        """Adds the keywords among the parts, which ping the role, if any; returns what became of each."""
        await check_bot_may_post(interaction, target)
        keywords = [part for part in parts if isinstance(part, Keyword)]
        added = iter(
            await self._subscription_service.subscribe(
                keywords,
                target.channel_id,
                interaction.guild_id or 0,
                interaction.user.id,
                role_id,
            )
        )
        results: list[KeywordResult] = [next(added) if isinstance(part, Keyword) else part for part in parts]
        left_out_lines = [*exceeded_lines(results, target.mention), left_out]
        return SubscribeReply(target.mention, parts, results, left_out_lines, notes, role_id)

    async def show(
        self,
        interaction: discord.Interaction[AnyClient],
        target: TargetChannel,
        added: SubscribeReply,
        describe: Describe = _describe_nothing,
    ) -> None:
        """Replies, and edits the reply when the initial sync of the keywords is complete.

        `describe` returns further lines for the previews.
        """
        # The keywords are stored: if the bot is killed from now on, the reply is still true.
        await send_reply(interaction, [*added.lines(), READING if added.keywords else ""])
        for ambiguous in added.results:
            if isinstance(ambiguous, AmbiguousKeyword):
                question = _question(interaction, target, ambiguous, added.role_id)
                await self._questions.ask_too(interaction, question, ambiguous.typed)
        if added.keywords:
            await self._show_previews(interaction, target, added, describe)

    async def _show_previews(
        self,
        interaction: discord.Interaction[AnyClient],
        target: TargetChannel,
        added: SubscribeReply,
        describe: Describe,
    ) -> None:
        wait = partial(self._subscription_service.wait_until_synced, added.keywords)
        status = await wait(REPLY_WAIT_S, keep_waiting=False)
        if status is not SyncStatus.SYNCED:
            note = _ARXIV_UNAVAILABLE if status is SyncStatus.ARXIV_UNAVAILABLE else _QUEUED
            await edit_reply(interaction, [*added.lines(), note], messages_max=1)
            status = await wait(REPLY_EDIT_S - REPLY_WAIT_S, keep_waiting=True)
        if status is SyncStatus.SYNCED:
            previews = {each: await self._subscription_service.preview(each) for each in added.keywords}
            papers = await asyncio.to_thread(paper_lines, [*previews.values()])
            await edit_reply(
                interaction,
                [*added.lines(previews), *await describe(), *papers, await self._next_papers(target)],
                view=await self._buttons(target, added.added, previews),
            )

    async def _buttons(
        self, target: TargetChannel, added: Sequence[Keyword], previews: Mapping[Keyword, KeywordPreview]
    ) -> discord.ui.View | None:
        """The buttons, which affect only keywords that were added."""
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
    return any(without_ending_wildcards(part) != part for part in split_list(typed))


def _question(
    interaction: discord.Interaction[AnyClient],
    target: TargetChannel,
    ambiguous: AmbiguousKeyword,
    role_id: int | None,
) -> Question:
    answers = tuple((reading,) for reading in ambiguous.readings)
    return Question(interaction.user.id, "subscribe", answers, channel_id=target.channel_id, mention_role=role_id)


def _check_role(interaction: discord.Interaction[AnyClient], target: TargetChannel, role_id: int | None) -> None:
    """Rejects the role of a question if it was deleted, or if the person or the bot may no longer ping it."""
    if role_id is None:
        return
    role = find_role(interaction, role_id)
    if role is None:
        raise CommandRejected("The role that you chose was deleted. Run the command again.")
    check_may_ping(interaction, target, role)


def _asked_about_few(parts: Sequence[TypedKeyword]) -> list[TypedKeyword]:
    """The parts, with a message instead of a question for those beyond the first few that need one."""
    ambiguous = [part for part in parts if isinstance(part, AmbiguousKeyword)]
    return [
        f"{bold(cut(part.typed, _TYPED_MAX))}: {part}" if part in ambiguous[QUESTIONS_MAX:] else part for part in parts
    ]
