"""`/unsubscribe`: ends subscriptions, and suggests the keywords of the channel and of deleted channels.

Callers see only channels that they can view; a deleted channel is visible to those with Manage Channels.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.domain.expressions.splitting import split_list
from bot.domain.keyword import Keyword, keyword_key
from bot.domain.subscription import Spelling
from bot.runtime.errors import InvalidKeyword
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from bot.services.subscriptions import KeptByConfig, NotSubscribed, SubscriptionService, Unsubscribed
from cogs.input import parse_in_thread
from cogs.own_keywords import OwnKeywords, several_text, similar_hint, typed_name
from cogs.permissions import (
    Target,
    can_manage_by_id,
    can_view,
    check_may_manage,
    is_deleted,
    look_up_channels,
    target_channel,
)
from cogs.quota_texts import command_quota_line
from cogs.replies import bold, edit_reply
from cogs.suggestions import choice_name, choice_value, chosen_id, suggested

# An autocompleted keyword of a deleted channel or an archived thread ends with its id, because it cannot be chosen.
_DELETED: Final = " (deleted channel)"
_ARCHIVED: Final = " (archived thread)"
_KEYWORD_AND_CHANNEL = re.compile(r"(?P<keyword>.*\S)\s+#(?P<channel>\d{17,20})", re.DOTALL)


class SubscriptionCommands(commands.Cog):
    """Ends subscriptions."""

    def __init__(self, subscription_service: SubscriptionService) -> None:
        self._subscription_service = subscription_service
        self._own_keywords = OwnKeywords(subscription_service)

    @app_commands.command(description="Stop posting papers for a keyword in a channel")
    @app_commands.describe(keyword="One of the channel's keywords", channel="The channel (default: this channel)")
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_channels=True)
    async def unsubscribe(
        self, interaction: discord.Interaction[Client], keyword: str, channel: Target | None = None
    ) -> None:
        await interaction.response.defer(ephemeral=True)
        suffixed = _KEYWORD_AND_CHANNEL.fullmatch(keyword)
        if suffixed is not None and channel is None:
            channel_id = await self._checked_channel(interaction, int(suffixed["channel"]))
            typed = suffixed["keyword"]
        else:
            target = target_channel(interaction, channel)
            check_may_manage(target)
            channel_id, typed = target.channel_id, keyword
        keyword_id = chosen_id(typed)
        if keyword_id is not None:
            chosen = await self._own_keywords.chosen(keyword_id, channel_id)
            await edit_reply(interaction, [await self._unsubscribe(chosen, channel_id)])
            return
        parts = await self._parts(typed, interaction.guild_id or 0, channel_id)
        if not parts:
            raise InvalidKeyword("Please enter one of the channel's keywords.")
        taken = parts[: self._subscription_service.keywords_per_command]
        several = len(parts) > 1
        lines = [await self._unsubscribe_typed(interaction, each, channel_id, is_named=several) for each in taken]
        left_out = command_quota_line("unsubscribe", len(parts), parts[len(taken) :])
        await edit_reply(interaction, [left_out, *lines])

    async def _parts(self, typed: str, guild_id: int, channel_id: int) -> Sequence[str]:
        """The keywords that were typed; a label can contain commas."""
        parts = await parse_in_thread(partial(_unique, typed), typed)
        if len(parts) > 1 and await self._own_keywords.labelled(typed, guild_id, channel_id):
            return [typed]
        return parts

    async def _unsubscribe_typed(
        self, interaction: discord.Interaction[Client], typed: str, channel_id: int, *, is_named: bool
    ) -> str:
        """Ends the subscription to what typed text means in the channel: a keyword, or the label of one."""
        meanings = await self._own_keywords.meanings(typed, interaction.guild_id or 0, channel_id)
        if len(meanings.found) > 1:
            return several_text(typed, meanings.found)
        if meanings.found or meanings.possible:
            return await self._unsubscribe((*meanings.found, *meanings.possible)[0], channel_id)
        return f"{typed_name(typed)}: {meanings.mistake}" if is_named else meanings.mistake

    async def _unsubscribe(self, keyword: Keyword, channel_id: int) -> str:
        match await self._subscription_service.unsubscribe(keyword, channel_id):
            case Unsubscribed(removed):
                return f"{bold(removed.label)}: removed from <#{channel_id}>."
            case KeptByConfig(kept):
                return (
                    f"{bold(kept.label)} is in config.json for <#{channel_id}>. "
                    "Remove it from `subscriptions` there and restart the bot."
                )
            case NotSubscribed(keyword_typed, similar):
                return f"<#{channel_id}> has no keyword {bold(keyword_typed)}. {similar_hint(similar)}"

    async def _checked_channel(self, interaction: discord.Interaction[Client], channel_id: int) -> int:
        """Returns the id if the channel belongs to this server and the caller may manage it."""
        await look_up_channels(interaction)
        if not can_manage_by_id(interaction, channel_id):
            raise InvalidKeyword("That channel isn't in this server, or you can't manage it.")
        return channel_id

    @unsubscribe.autocomplete("keyword")
    async def complete_own_keyword(
        self, interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        chosen = interaction.namespace.channel
        target_id = chosen.id if chosen is not None else interaction.channel_id
        index = await self._subscription_service.index(interaction.guild_id or 0)
        choices: list[app_commands.Choice[str]] = []
        may_show = partial(_may_suggest, interaction, target_id)
        # A choice that was made is typed text when the person returns to the option.
        searched = typed.removesuffix(_DELETED).removesuffix(_ARCHIVED)
        async for spelling in suggested(index, searched, may_show):
            choices.append(_choice(interaction, spelling, target_id))
            if len(choices) == AUTOCOMPLETE_CHOICES_MAX:
                break
        return choices


def _unique(typed: str) -> Sequence[str]:
    """The items of a list; of equal phrases, only the first."""
    unique: dict[str, str] = {}
    for part in split_list(typed):
        unique.setdefault(keyword_key(part) or part, part)
    return tuple(unique.values())


def _may_suggest(interaction: discord.Interaction[Client], target_id: int | None, channel_id: int) -> bool:
    """Whether the keywords of a channel are suggested: it is the target channel, or one that cannot be chosen."""
    if channel_id == target_id:
        return target_id == interaction.channel_id or can_view(interaction, channel_id)
    guild = interaction.guild
    if guild is None or guild.get_channel_or_thread(channel_id) is not None:
        return False
    return can_manage_by_id(interaction, channel_id)


def _choice(
    interaction: discord.Interaction[Client], spelling: Spelling, target_id: int | None
) -> app_commands.Choice[str]:
    """A keyword of the target channel, or one of a channel that cannot be chosen, with the channel's id."""
    value = choice_value(spelling.keyword_id)
    if spelling.channel_id == target_id:
        return app_commands.Choice(name=choice_name(spelling.label), value=value)
    note = _DELETED if is_deleted(interaction, spelling.channel_id) else _ARCHIVED
    name = choice_name(spelling.label, SELECT_OPTION_MAX - len(note)) + note
    return app_commands.Choice(name=name, value=f"{value} #{spelling.channel_id}")
