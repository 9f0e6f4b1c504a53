"""Answers that may be longer than one message: the deferred reply, and what does not fit in further ones."""

from collections.abc import Iterable, Sequence

import discord

from bot.discord_api.client import Client
from cogs.wording import pages


async def edit_in_pages(
    interaction: discord.Interaction[Client],
    lines: Iterable[str],
    *,
    rendered: Sequence[discord.Embed] = (),
    view: discord.ui.View | None = None,
) -> None:
    """Put the lines in the place of the deferred reply; what does not fit follows for the caller's eyes."""
    first, *rest = pages(line for line in lines if line)
    await interaction.edit_original_response(content=first, embeds=rendered, view=view)
    for page in rest:
        await interaction.followup.send(page, ephemeral=True)
