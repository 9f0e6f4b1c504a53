"""`/page`: the newest papers of a channel's keywords as a file, for people who can view the channel."""

from io import BytesIO
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.private_replies import reply
from bot.domain.text import plural
from bot.page.model import PAGE_PAPERS, PageFormat
from bot.services.pages import FittedPage, PageService
from cogs.permissions import CommandRejected, Target, can_view, may_show_publicly, target_channel
from cogs.replies import relative_time

# Rendering a page takes up to a second.
PAGES_PER_MINUTE: Final = 5

_FORMS: Final = [
    app_commands.Choice(name="HTML: for a browser (default)", value=PageFormat.HTML.value),
    app_commands.Choice(name="Markdown: as on GitHub", value=PageFormat.MD.value),
    app_commands.Choice(name="Atom: for feed readers", value=PageFormat.ATOM.value),
    app_commands.Choice(name="JSON: for programs", value=PageFormat.JSON.value),
]


class PageCommands(commands.Cog):
    """Sends the page of a channel."""

    def __init__(self, pages: PageService) -> None:
        self._pages = pages
        self._cooldown = Cooldown(PAGES_PER_MINUTE)

    @app_commands.command(description="Get a file with the newest papers for a channel's keywords")
    @app_commands.rename(form="format")
    @app_commands.describe(
        form="File format (default: HTML)",
        channel="Whose keywords (default: this channel)",
        public="Show the file to everyone here (default: only to you)",
    )
    @app_commands.choices(form=_FORMS)
    @app_commands.guild_only()
    async def page(
        self,
        interaction: discord.Interaction[Client],
        form: str = PageFormat.HTML.value,
        channel: Target | None = None,
        public: bool = False,
    ) -> None:
        channel_id = _checked_channel(interaction, channel, public=public)
        self._cooldown.check(interaction)
        await interaction.response.defer(ephemeral=not public)
        fitted = await self._pages.fitted_page(frozenset({channel_id}), PageFormat(form), interaction.filesize_limit)
        if not fitted.page.facts.keywords:
            text = f"<#{channel_id}> has no keywords yet. Add one with `/subscribe`."
            await reply(interaction, text)
            return
        file = discord.File(BytesIO(fitted.page.body), fitted.page.page_format.filename)
        await interaction.edit_original_response(content=_summary(channel_id, fitted), attachments=[file])


def _checked_channel(interaction: discord.Interaction[Client], chosen: Target | None, *, public: bool) -> int:
    """The id of this channel, or of a chosen one that the caller can view."""
    channel_id = target_channel(interaction, chosen).channel_id
    if channel_id == interaction.channel_id:
        return channel_id
    if not can_view(interaction, channel_id):
        # Discord does not say who is in a private thread.
        raise CommandRejected("You can't view that channel. If you're in that private thread, run `/page` there.")
    if public and not may_show_publicly(interaction, channel_id):
        raise CommandRejected(
            f"Not everyone can view <#{channel_id}>, so only people who manage it may show its page in another "
            "channel. Leave out `public`."
        )
    return channel_id


def _summary(channel_id: int, fitted: FittedPage) -> str:
    facts = fitted.page.facts
    updated = f"updated {relative_time(facts.updated)}" if facts.updated is not None else "not updated yet"
    counts = f"{plural(facts.keywords, 'keyword')}, {plural(facts.papers, 'paper')}"
    text = f"<#{channel_id}>: {counts}, {updated}."
    if fitted.per_keyword is not None:
        text += (
            f"\nOnly the newest {plural(fitted.per_keyword, 'paper')} per keyword fit into a file that Discord accepts."
        )
    elif facts.per_keyword < PAGE_PAPERS:
        text += f"\nA file has at most the newest {plural(facts.per_keyword, 'paper')} of each keyword: there are many."
    if facts.more_keywords:
        text += f"\n{plural(facts.more_keywords, 'more keyword')} did not fit."
    return text
