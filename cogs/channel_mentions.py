"""`/channel mention`: the roles that messages ping, of the channel or of one of its keywords.

The command checks the caller's permissions in the target channel, and who may ping the role.
"""

from itertools import islice

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.runtime.errors import InvalidKeyword
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX
from bot.services.subscriptions import SubscriptionService
from cogs.channel_changes import ChannelChanges
from cogs.own_keywords import OwnKeywords
from cogs.permissions import Target, TargetChannel, check_and_defer, check_may_ping, managed_channel_id
from cogs.replies import answer, bold
from cogs.suggestions import choice_name, choice_value


class ChannelMentions(commands.Cog):
    """Changes which roles are pinged; part of the commands of `/channel`, which have the services."""

    _changes: ChannelChanges
    _subscription_service: SubscriptionService

    @app_commands.command(description="Ping a role with each batch of papers, or with the papers of one keyword")
    @app_commands.describe(
        role="The role to ping (default: nobody)",
        keyword="Only with papers of this keyword of the channel (default: with each batch)",
        channel="The channel (default: this channel)",
    )
    async def mention(
        self,
        interaction: discord.Interaction[Client],
        role: discord.Role | None = None,
        keyword: str | None = None,
        channel: Target | None = None,
    ) -> None:
        target = await check_and_defer(interaction, channel)
        if keyword is None:
            await answer(interaction, await self._changes.mention(interaction, target, role))
        else:
            await answer(interaction, await self._set_role(interaction, target, keyword, role))

    async def _set_role(
        self, interaction: discord.Interaction[Client], target: TargetChannel, typed: str, role: discord.Role | None
    ) -> str:
        """Sets or removes the role of a keyword; returns the reply."""
        if role is not None:
            check_may_ping(interaction, target, role)
        own_keywords = OwnKeywords(self._subscription_service)
        keyword = await own_keywords.only(typed, interaction.guild_id or 0, target.channel_id)
        role_id = None if role is None else role.id
        if not await self._subscription_service.set_role(keyword, target.channel_id, role_id):
            raise InvalidKeyword(f"{target.mention} no longer has that keyword. See `/keywords`.")
        effect = "won't ping a role of their own" if role is None else f"will ping {role.mention}"
        return f"Papers for {bold(keyword.label)} in {target.mention} {effect}."

    @mention.autocomplete("keyword")
    async def complete_keyword(
        self, interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        channel_id = managed_channel_id(interaction)
        if channel_id is None:
            return []
        index = await self._subscription_service.index(interaction.guild_id or 0)
        keywords = index.channels.get(channel_id)
        found = () if keywords is None else islice(keywords.containing(typed), AUTOCOMPLETE_CHOICES_MAX)
        return [
            app_commands.Choice(name=choice_name(each.label), value=choice_value(each.keyword_id)) for each in found
        ]
