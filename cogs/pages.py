"""`/page`: the keywords of a channel and their papers, as a file."""

from io import BytesIO
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.domain.text import plural
from bot.page.model import PageFormat
from bot.services.pages import FittedPage, PageService, papers_on
from cogs.input import Cooldown
from cogs.permissions import CommandRejected, Target, can_view, target_channel
from cogs.replies import relative_time

# What /page answers takes up to a second of drawing.
PAGES_PER_MINUTE: Final = 5

_FORMS: Final = [
    app_commands.Choice(name="HTML: for a browser (default)", value=PageFormat.HTML.value),
    app_commands.Choice(name="Markdown: as on GitHub", value=PageFormat.MD.value),
    app_commands.Choice(name="Atom: for a reader of feeds", value=PageFormat.ATOM.value),
    app_commands.Choice(name="JSON: for programs", value=PageFormat.JSON.value),
]


class PageCommands(commands.Cog):
    """Hands a channel's page to whoever can view the channel."""

    def __init__(self, pages: PageService) -> None:
        self._pages = pages
        self._cooldown = Cooldown(PAGES_PER_MINUTE)

    @app_commands.command(description="A page with the newest papers of a channel's keywords, as a file")
    @app_commands.rename(form="format")
    @app_commands.describe(
        form="How it is written (default: HTML)",
        channel="Whose keywords (default: those of this channel)",
        public="Show it to everybody here (default: to you alone)",
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
        channel_id = _channel(interaction, channel, public=public)
        self._cooldown.check(interaction)
        await interaction.response.defer(ephemeral=not public)
        fitting = await self._pages.fitting(frozenset({channel_id}), PageFormat(form), interaction.filesize_limit)
        if not fitting.page.sections:
            words = f"No keyword is watched in <#{channel_id}> yet. `/subscribe` adds one."
            await interaction.edit_original_response(content=words)
            return
        file = discord.File(BytesIO(fitting.rendered.body), fitting.rendered.filename)
        await interaction.edit_original_response(content=_words(channel_id, fitting), attachments=[file])


def _channel(interaction: discord.Interaction[Client], named: Target | None, *, public: bool) -> int:
    """Whose page is asked for: here, where the caller is, or in a channel that they can view."""
    channel_id = target_channel(interaction, named).channel_id
    if channel_id == interaction.channel_id:
        return channel_id
    if not can_view(interaction, channel_id):
        # Of a private thread it is not known who is in it.
        raise CommandRejected("You cannot see that channel. If it is a private thread that you are in, ask there.")
    if public:
        raise CommandRejected(f"Not everybody here may see <#{channel_id}>: ask there, or for your eyes alone.")
    return channel_id


def _words(channel_id: int, fitting: FittedPage) -> str:
    keywords, papers = len(fitting.page.sections), papers_on(fitting.page)
    words = f"The page of <#{channel_id}>: {plural(keywords, 'keyword')}, {plural(papers, 'paper')}"
    words += f", read {relative_time(fitting.page.updated)}." if fitting.page.updated is not None else "; not read yet."
    if fitting.per_keyword is not None:
        words += (
            f"\nIt has only the newest {plural(fitting.per_keyword, 'paper')} of each keyword: "
            "more would not fit in a file on Discord."
        )
    return words
