"""`/why`: explains why a paper was posted in a channel, or was not.

Callers see only channels that they can view; others are as if they did not exist.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.discord_api.cooldown import Cooldown
from bot.domain.paper import ArxivId
from bot.domain.paper_ids import parse_paper_id
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import collapse, cut
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from bot.services.explanations import ExplanationService
from cogs.input import caller_of, parse_in_thread
from cogs.permissions import CommandRejected, Target, can_view, look_up_channels, target_channel
from cogs.replies import edit_reply
from cogs.suggestions import visible
from cogs.why_texts import why_lines

WHY_PER_MINUTE: Final = 10


class WhyCommand(commands.Cog):
    """Explains papers."""

    def __init__(self, explanation_service: ExplanationService) -> None:
        self._explanation_service = explanation_service
        self._cooldown = Cooldown(WHY_PER_MINUTE)

    @app_commands.command(description="Explain why a paper was posted, or why not")
    @app_commands.describe(
        paper="An arXiv id or a link to the paper",
        channel="Only this channel (default: this channel, then every channel that you can view)",
    )
    @app_commands.guild_only()
    async def why(self, interaction: discord.Interaction[Client], paper: str, channel: Target | None = None) -> None:
        arxiv_id = await parse_in_thread(partial(parse_paper_id, paper), paper)
        self._cooldown.check(interaction)
        if interaction.guild is None:
            raise CommandRejected("Use this command in a server that the bot is in.")
        await interaction.response.defer(ephemeral=True)
        channel_ids = await self._channels(interaction, channel)
        explanation = await self._explanation_service.explain(arxiv_id, channel_ids, caller_of(interaction))
        # In a thread, like all rendering: an abstract full of TeX takes a third of a second.
        lines = await asyncio.to_thread(why_lines, interaction.guild, explanation)
        await edit_reply(interaction, lines)

    async def _channels(self, interaction: discord.Interaction[Client], chosen: Target | None) -> list[int]:
        """The channels to explain: the chosen one, or this one and the others that the caller can view."""
        target = target_channel(interaction, chosen)
        await look_up_channels(interaction)
        if chosen is not None:
            is_here = target.channel_id == interaction.channel_id
            if not (is_here or (target.permissions.view_channel and can_view(interaction, target.channel_id))):
                raise CommandRejected("You can't view that channel.")
            return [target.channel_id]
        known = await self._explanation_service.channels(interaction.guild_id or 0)
        others = [channel_id for channel_id in known if channel_id != target.channel_id]
        return [target.channel_id, *await visible(others, partial(can_view, interaction))]

    @why.autocomplete("paper")
    async def complete_paper(
        self, interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        """Suggests papers that were posted in the channel."""
        chosen = interaction.namespace.channel
        channel_id = chosen.id if chosen is not None else interaction.channel_id
        if channel_id is None or (channel_id != interaction.channel_id and not can_view(interaction, channel_id)):
            return []
        recent = await self._explanation_service.recently_posted(channel_id)
        return await asyncio.to_thread(_choices, recent, typed)  # a hundred titles take 10 ms


def _choices(recent: Sequence[tuple[ArxivId, str]], typed: str) -> list[app_commands.Choice[str]]:
    """The papers whose id or title contains what was typed, the last one first."""
    wanted = typed.strip().lower()
    shown = ((arxiv_id, f"{arxiv_id}: {collapse(tex_to_text(title))}") for arxiv_id, title in recent)
    found = (
        app_commands.Choice(name=cut(text, SELECT_OPTION_MAX), value=arxiv_id.value)
        for arxiv_id, text in shown
        if wanted in text.lower()
    )
    return list(islice(found, AUTOCOMPLETE_CHOICES_MAX))
