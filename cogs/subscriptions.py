"""`/unsubscribe` and `/keywords`: ends and lists the subscriptions of a server.

Callers see only channels that they can view; a deleted channel is visible to those with Manage Server.
"""

import hashlib
import re
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.domain.keyword import Keyword, split_keywords
from bot.domain.subscription import Source, Subscription
from bot.domain.text import cut, utf16_length
from bot.domain.unsupported import unsupported_syntax
from bot.runtime.errors import InvalidKeyword
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from bot.services.subscriptions import KeptByConfig, NotSubscribed, SubscriptionService, Unsubscribed
from cogs.input import parse_stored_keywords
from cogs.permissions import (
    Target,
    can_manage_by_id,
    can_view,
    check_may_manage,
    is_deleted,
    look_up_channels,
    target_channel,
)
from cogs.replies import bold, channel_link, edit_reply

# An autocompleted keyword of a deleted channel or an archived thread ends with its id, because it cannot be chosen.
_IN_CHANNEL = re.compile(r"(?P<keyword>.*\S)\s+#(?P<channel>\d{17,20})", re.DOTALL)


class SubscriptionCommands(commands.Cog):
    """Ends and lists subscriptions."""

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
        suffixed = _IN_CHANNEL.fullmatch(keyword)
        if suffixed is not None and channel is None:
            channel_id = await self._checked_channel(interaction, int(suffixed["channel"]))
            typed = suffixed["keyword"]
        else:
            target = target_channel(interaction, channel)
            check_may_manage(target)
            channel_id, typed = target.channel_id, keyword
        keywords = await self._chosen(typed, channel_id) or parse_stored_keywords(typed)
        if not split_keywords(typed):
            raise InvalidKeyword("Please enter one of the channel's keywords.")
        await edit_reply(interaction, [await self._unsubscribe_one(each, channel_id) for each in keywords])

    async def _chosen(self, value: str, channel_id: int) -> Sequence[Keyword | str]:
        """The keyword whose choice has this value; none if the value is a keyword itself."""
        return [
            subscription.keyword
            for subscription in await self._subscription_service.in_channel(channel_id)
            if value == _digest(subscription.keyword)
        ]

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
        subscriptions = await self._subscription_service.in_guild(interaction.guild_id or 0)
        choices = [
            choice
            for subscription in subscriptions
            if (choice := _choice(interaction, subscription, target_id)) is not None
            and typed.casefold() in choice.name.casefold()
        ]
        return choices[:AUTOCOMPLETE_CHOICES_MAX]

    @app_commands.command(description="List this server's keywords by channel")
    @app_commands.describe(channel="Only the keywords of this channel (default: all channels)")
    @app_commands.guild_only()
    async def keywords(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        await interaction.response.defer(ephemeral=True)
        await look_up_channels(interaction)
        shown = [
            subscription
            for subscription in await self._subscription_service.in_guild(interaction.guild_id or 0)
            if (channel is None or subscription.channel_id == channel.id)
            and can_view(interaction, subscription.channel_id)
        ]
        if not shown:
            subject = f"<#{channel.id}> has" if channel is not None else "The channels that you can view have"
            await edit_reply(interaction, [f"{subject} no keywords yet. Add one with `/subscribe`."])
            return
        await edit_reply(interaction, _by_channel(interaction.guild, shown))


def _choice(
    interaction: discord.Interaction[Client], subscription: Subscription, target_id: int | None
) -> app_commands.Choice[str] | None:
    """A keyword of the target channel, or one of a channel that cannot be chosen, with its id; None for others."""
    shown = subscription.keyword.shown
    if subscription.channel_id == target_id:
        if target_id != interaction.channel_id and not can_view(interaction, target_id):
            return None
        return app_commands.Choice(
            name=_choice_name(shown, SELECT_OPTION_MAX), value=_choice_value(subscription.keyword, "")
        )
    guild = interaction.guild
    if guild is None or guild.get_channel_or_thread(subscription.channel_id) is not None:
        return None
    if not can_manage_by_id(interaction, subscription.channel_id):
        return None
    note = " (deleted channel)" if is_deleted(interaction, subscription.channel_id) else " (archived thread)"
    return app_commands.Choice(
        name=_choice_name(shown, SELECT_OPTION_MAX - len(note)) + note,
        value=_choice_value(subscription.keyword, f" #{subscription.channel_id}"),
    )


def _choice_name(shown: str, limit: int) -> str:
    """The keyword without its middle if it is too long: long keywords often begin alike."""
    return shown if utf16_length(shown) <= limit else f"{cut(shown, limit // 2)} {shown[-(limit // 2 - 1) :]}"


def _choice_value(keyword: Keyword, suffix: str) -> str:
    """The keyword as text, or its digest if the text is too long for Discord or would be split at a comma."""
    fits = len(keyword.shown + suffix) <= SELECT_OPTION_MAX and len(split_keywords(keyword.shown)) == 1
    return (keyword.shown if fits else _digest(keyword)) + suffix


def _digest(keyword: Keyword) -> str:
    return f"keyword:{hashlib.sha256(keyword.canonical.encode()).hexdigest()[:16]}"


def _by_channel(guild: discord.Guild | None, subscriptions: Sequence[Subscription]) -> list[str]:
    lines: list[str] = []
    channel_id = None
    for subscription in subscriptions:
        if subscription.channel_id != channel_id:
            channel_id = subscription.channel_id
            lines.append(channel_link(guild, channel_id))
        lines.append(f"- {bold(subscription.keyword.shown)} · {_added_by(subscription)}")
        # Stored by an earlier version, or in config.json.
        if (problem := unsupported_syntax(subscription.keyword.shown)) is not None:
            lines.append(f"  Unlikely to match. {problem}")
    return lines


def _added_by(subscription: Subscription) -> str:
    day = discord.utils.format_dt(subscription.added_at, "d")
    by = [f"<@{subscription.added_by}>"] if subscription.added_by is not None else []
    if Source.FILE in subscription.sources:
        by.append("config.json")
    return f"added by {' and '.join(by)} on {day}"
