"""`/channel exclude` and `/channel limit`: which papers a channel does not get.

Every command checks the caller's permissions in the target channel.
"""

from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.domain.posting_limit import PER_POSTING_MAX
from bot.domain.text import cut
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from bot.services.exclusions import ExclusionService
from cogs.channel_changes import ChannelChanges
from cogs.exclusion_input import chosen_value
from cogs.exclusion_texts import list_lines
from cogs.permissions import Target, check_and_defer, managed_channel_id
from cogs.replies import answer, edit_reply

_CHANNEL_OPTION: Final = "The channel (default: this channel)"


class ChannelRules(commands.Cog):
    """Changes the exclusions and the limit of a channel; part of the commands of `/channel`."""

    def __init__(self, changes: ChannelChanges, exclusion_service: ExclusionService) -> None:
        super().__init__()
        self._changes = changes
        self._exclusion_service = exclusion_service

    exclude = app_commands.Group(name="exclude", description="Papers that are not posted, although a keyword matches")

    @exclude.command(name="add", description="Don't post papers that match an expression")
    @app_commands.describe(
        expression='What is not posted, e.g. survey, au:"Hinton, G" or cat:cs.CV', channel=_CHANNEL_OPTION
    )
    async def add_exclusion(
        self, interaction: discord.Interaction[Client], expression: str, channel: Target | None = None
    ) -> None:
        self._changes.count_exclusion(interaction)
        target = await check_and_defer(interaction, channel)
        await edit_reply(interaction, await self._changes.add_exclusion(interaction, target, expression))

    @exclude.command(name="remove", description="Post papers again that match an exclusion")
    @app_commands.describe(expression="One of the channel's exclusions", channel=_CHANNEL_OPTION)
    async def remove_exclusion(
        self, interaction: discord.Interaction[Client], expression: str, channel: Target | None = None
    ) -> None:
        target = await check_and_defer(interaction, channel)
        await answer(interaction, await self._changes.remove_exclusion(target, expression))

    @remove_exclusion.autocomplete("expression")
    async def complete_exclusion(
        self, interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        channel_id = managed_channel_id(interaction)
        if channel_id is None:
            return []
        exclusions = await self._exclusion_service.in_channel(channel_id)
        found = [each for each in exclusions if typed.casefold() in each.keyword.shown.casefold()]
        return [
            app_commands.Choice(name=cut(each.keyword.shown, SELECT_OPTION_MAX), value=chosen_value(each))
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
        await answer(interaction, await self._changes.limit(target, papers))
