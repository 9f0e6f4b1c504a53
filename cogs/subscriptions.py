"""`/unsubscribe`: ends subscriptions, and suggests the keywords of the channel and of deleted channels.

Callers see only channels that they can view; a deleted channel is visible to those with Manage Channels.
"""

import asyncio
import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.domain.keyword import Keyword, split_keywords
from bot.domain.subscription import Spelling, Subscription
from bot.domain.text import cut, utf16_length
from bot.runtime.errors import InvalidKeyword
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from bot.services.subscriptions import KeptByConfig, NotSubscribed, SubscriptionService, Unsubscribed
from cogs.input import parse_in_thread, parse_stored_keywords
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
from cogs.suggestions import suggested

# An autocompleted keyword of a deleted channel or an archived thread ends with its id, because it cannot be chosen.
_DIGEST_PREFIX: Final = "keyword:"
_COMMAS: Final = ",\uff0c"
_DELETED: Final = " (deleted channel)"
_ARCHIVED: Final = " (archived thread)"
_KEYWORD_AND_CHANNEL = re.compile(r"(?P<keyword>.*\S)\s+#(?P<channel>\d{17,20})", re.DOTALL)


class SubscriptionCommands(commands.Cog):
    """Ends subscriptions."""

    def __init__(self, subscription_service: SubscriptionService) -> None:
        self._subscription_service = subscription_service

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
        keywords = await self._chosen(typed, channel_id) or await parse_in_thread(partial(_read, typed), typed)
        if not keywords:
            raise InvalidKeyword("Please enter one of the channel's keywords.")
        taken = keywords[: self._subscription_service.keywords_per_command]
        lines = [await self._unsubscribe_one(each, channel_id) for each in taken]
        left_out = command_quota_line("unsubscribe", len(keywords), keywords[len(taken) :])
        await edit_reply(interaction, [left_out, *lines])

    async def _chosen(self, value: str, channel_id: int) -> Sequence[Keyword | str]:
        """The keyword whose choice has this value; none if the value is a keyword itself."""
        if not value.startswith(_DIGEST_PREFIX):
            return []
        subscriptions = await self._subscription_service.in_channel(channel_id)
        # In a thread, because the digests of 10,000 keywords take 20 ms.
        return await asyncio.to_thread(_with_digest, subscriptions, value)

    async def _unsubscribe_one(self, typed: Keyword | str, channel_id: int) -> str:
        if isinstance(typed, str):
            return typed
        match await self._subscription_service.unsubscribe(typed, channel_id):
            case Unsubscribed(keyword):
                return f"{bold(keyword.shown)}: removed from <#{channel_id}>."
            case KeptByConfig(keyword):
                return (
                    f"{bold(keyword.shown)} is in config.json for <#{channel_id}>. "
                    "Remove it from `subscriptions` there and restart the bot."
                )
            case NotSubscribed(keyword_typed, similar):
                hint = f"Did you mean {' or '.join(map(bold, similar))}?" if similar else "See `/keywords`."
                return f"<#{channel_id}> has no keyword {bold(keyword_typed)}. {hint}"

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


def _read(typed: str) -> Sequence[Keyword | str]:
    return parse_stored_keywords(typed) if split_keywords(typed) else []


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
    """A keyword of the target channel, or one of a channel that cannot be chosen, with its id."""
    if spelling.channel_id == target_id:
        return app_commands.Choice(
            name=_choice_name(spelling.shown, SELECT_OPTION_MAX), value=_choice_value(spelling, "")
        )
    note = _DELETED if is_deleted(interaction, spelling.channel_id) else _ARCHIVED
    return app_commands.Choice(
        name=_choice_name(spelling.shown, SELECT_OPTION_MAX - len(note)) + note,
        value=_choice_value(spelling, f" #{spelling.channel_id}"),
    )


def _choice_name(shown: str, limit: int) -> str:
    """The keyword without its middle if it is too long: long keywords often begin alike."""
    return shown if utf16_length(shown) <= limit else f"{cut(shown, limit // 2)} {shown[-(limit // 2 - 1) :]}"


def _choice_value(spelling: Spelling, suffix: str) -> str:
    """The keyword as text, or its digest if the text is too long for Discord or would be split at a comma."""
    fits = len(spelling.shown + suffix) <= SELECT_OPTION_MAX and not set(_COMMAS) & set(spelling.shown)
    return (spelling.shown if fits else _digest(spelling.canonical)) + suffix


def _digest(canonical: str) -> str:
    return f"{_DIGEST_PREFIX}{hashlib.sha256(canonical.encode()).hexdigest()[:16]}"


def _with_digest(subscriptions: Iterable[Subscription], digest: str) -> list[Keyword | str]:
    keywords = (subscription.keyword for subscription in subscriptions)
    return [keyword for keyword in keywords if _digest(keyword.canonical) == digest]
