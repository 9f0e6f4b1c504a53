"""`/channel exclude` and `/channel limit`: which papers a channel does not get.

Every command checks the caller's permissions in the target channel.
"""

import re
from functools import partial
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.discord_api.cooldown import Cooldown
from bot.domain.exclusions import ChannelExclusion
from bot.domain.expressions.keywords import AmbiguousKeyword, read_keyword
from bot.domain.expressions.splitting import split_list
from bot.domain.keyword import Keyword
from bot.domain.posting_limit import PER_POSTING_MAX
from bot.domain.text import cut, plural
from bot.runtime.errors import InvalidKeyword
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from bot.services.channel_settings import ChannelSettingsService
from bot.services.exclusions import AlreadyExcluded, ExclusionAdded, ExclusionService, QuotaReached
from cogs.exclusion_texts import added_lines, exclusion_name, limit_text, list_lines, quota_text
from cogs.input import describe_mistake, parse_in_thread
from cogs.permissions import CommandRejected, Target, can_manage_by_id, check_and_defer
from cogs.replies import answer, edit_reply

EXCLUSIONS_ADDED_PER_MINUTE: Final = 10

_CHANNEL_OPTION: Final = "The channel (default: this channel)"
# What people type in front of words that they do not want, as in a search.
_NEGATION: Final = re.compile(r"\s*(?:-|!|(?:AND)?NOT\s)\s*(?=\S)")
# A suggested exclusion is chosen by its id: its text may be too long.
_ID: Final = re.compile(r"exclusion:(\d{1,18})")


class ChannelRules(commands.Cog):
    """Changes the exclusions and the limit of a channel; part of the commands of `/channel`."""

    def __init__(self, settings_service: ChannelSettingsService, exclusion_service: ExclusionService) -> None:
        super().__init__()
        self._settings_service = settings_service
        self._exclusion_service = exclusion_service
        self._cooldown = Cooldown(EXCLUSIONS_ADDED_PER_MINUTE)

    exclude = app_commands.Group(name="exclude", description="Papers that are not posted, although a keyword matches")

    @exclude.command(name="add", description="Don't post papers that match an expression")
    @app_commands.describe(
        expression='What is not posted, e.g. survey, au:"Hinton, G" or cat:cs.CV', channel=_CHANNEL_OPTION
    )
    async def add_exclusion(
        self, interaction: discord.Interaction[Client], expression: str, channel: Target | None = None
    ) -> None:
        self._cooldown.check(interaction)
        target = await check_and_defer(interaction, channel)
        keyword = await parse_in_thread(partial(read_exclusion, expression), expression)
        result = await self._exclusion_service.add(
            target.channel_id, interaction.guild_id or 0, keyword, interaction.user.id
        )
        match result:
            case ExclusionAdded(exclusion):
                effect = await self._exclusion_service.effect(exclusion)
                await edit_reply(interaction, added_lines(result, effect, target.mention))
            case AlreadyExcluded(exclusion):
                await answer(interaction, f"{target.mention} already excludes {exclusion_name(exclusion.keyword)}.")
            case QuotaReached():
                await answer(interaction, quota_text(result, target.mention))

    @exclude.command(name="remove", description="Post papers again that match an exclusion")
    @app_commands.describe(expression="One of the channel's exclusions", channel=_CHANNEL_OPTION)
    async def remove_exclusion(
        self, interaction: discord.Interaction[Client], expression: str, channel: Target | None = None
    ) -> None:
        target = await check_and_defer(interaction, channel)
        exclusions = await self._exclusion_service.in_channel(target.channel_id)
        exclusion = await parse_in_thread(partial(_find, exclusions, expression), expression)
        removed = None
        if exclusion is not None:
            removed = await self._exclusion_service.remove(target.channel_id, exclusion.id)
        if removed is None:
            hint = "`/channel exclude list` shows its exclusions." if exclusions else "It has no exclusions."
            await answer(interaction, f"{target.mention} does not exclude that. {hint}")
            return
        queued = f" {plural(removed.queued, 'paper')} that it held back will be posted." if removed.queued else ""
        name = exclusion_name(removed.exclusion.keyword)
        await answer(interaction, f"New papers that match {name} are posted in {target.mention} again.{queued}")

    @remove_exclusion.autocomplete("expression")
    async def complete_exclusion(
        self, interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        chosen = interaction.namespace.channel
        channel_id = chosen.id if chosen is not None else interaction.channel_id
        if channel_id is None or not can_manage_by_id(interaction, channel_id):
            return []
        exclusions = await self._exclusion_service.in_channel(channel_id)
        found = [each for each in exclusions if typed.casefold() in each.keyword.shown.casefold()]
        return [
            app_commands.Choice(name=cut(each.keyword.shown, SELECT_OPTION_MAX), value=f"exclusion:{each.id}")
            for each in found[:AUTOCOMPLETE_CHOICES_MAX]
        ]

    @exclude.command(name="list", description="List a channel's exclusions and how many papers each held back")
    @app_commands.describe(channel=_CHANNEL_OPTION)
    async def list_exclusions(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        target = await check_and_defer(interaction, channel)
        exclusions = await self._exclusion_service.in_channel(target.channel_id)
        counts = await self._exclusion_service.held_back_by_exclusion(target.channel_id)
        await edit_reply(interaction, list_lines(exclusions, counts, target.mention))

    @app_commands.command(description="Limit how many papers one posting contains; a button shows the rest")
    @app_commands.describe(papers="The most papers per posting (default: no limit)", channel=_CHANNEL_OPTION)
    async def limit(
        self,
        interaction: discord.Interaction[Client],
        papers: app_commands.Range[int, 1, PER_POSTING_MAX] | None = None,
        channel: Target | None = None,
    ) -> None:
        target = await check_and_defer(interaction, channel)
        await self._settings_service.set_limit(target.channel_id, papers)
        await answer(interaction, limit_text(target.mention, papers))


def read_exclusion(typed: str) -> Keyword:
    """The exclusion that was typed; raises CommandRejected with one sentence, and the place of a mistake."""
    parts = split_list(typed)
    if len(parts) > 1:
        raise CommandRejected(
            f"Those are {len(parts)} exclusions. Run the command once for each, or join them with `OR`."
        )
    try:
        keyword = read_keyword(typed)
    except InvalidKeyword as error:
        if (negation := _NEGATION.match(typed)) is not None:
            raise CommandRejected(
                f"An exclusion says what is not posted: leave out `{negation[0].strip()}` in front of it."
            ) from error
        raise CommandRejected(describe_mistake(error)) from error
    if isinstance(keyword, AmbiguousKeyword):
        readings = " or ".join(f"`{each.shown}`" for each in keyword.readings)
        raise CommandRejected(f"This can be read in several ways. Type {readings}.")
    return keyword


def _find(exclusions: tuple[ChannelExclusion, ...], typed: str) -> ChannelExclusion | None:
    """The exclusion that was chosen or typed."""
    if (chosen := _ID.fullmatch(typed.strip())) is not None:
        return next((each for each in exclusions if each.id == int(chosen[1])), None)
    keyword = read_exclusion(typed)
    return next((each for each in exclusions if each.keyword == keyword), None)
