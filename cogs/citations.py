"""`/cite` and the button **Cite**: a paper as BibTeX, RIS or CSL-JSON, visible only to the person who asked for it."""

import asyncio
import io
import re
from typing import Final, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient, Client
from bot.discord_api.custom_ids import CitationButtonId, CiteButtonId
from bot.discord_api.private_replies import reply
from bot.domain.paper import ArxivId, Paper
from bot.domain.paper_ids import parse_paper_id
from bot.domain.text import utf16_length
from bot.page.bibtex import key
from bot.page.references import CITATION_FORMATS, ReferenceFormat, write_citation
from bot.runtime.errors import DailyPapersError
from bot.runtime.limits import CONTENT_MAX
from cogs.input import caller_of, parse_in_thread
from cogs.papers import PaperCommands, not_found_text
from cogs.replies import PersistentItem, cog_of, defer_update

_FORMS: Final = [app_commands.Choice(name=each.label, value=each.value) for each in CITATION_FORMATS]
# The names of languages by which Discord colours a code block.
_LANGUAGES: Final = {ReferenceFormat.BIBTEX: "bibtex", ReferenceFormat.CSL_JSON: "json"}


class CitationCommands(commands.Cog):
    """Cites papers in servers, in direct messages, and wherever a person installed the app."""

    def __init__(self, paper_commands: PaperCommands) -> None:
        self._paper_commands = paper_commands

    @app_commands.command(description="Cite a paper: BibTeX, RIS or CSL-JSON")
    @app_commands.rename(form="format")
    @app_commands.describe(
        paper="An arXiv id, DOI or link, such as 2403.01234 or https://arxiv.org/abs/2403.01234",
        form="Format (default: BibTeX)",
    )
    @app_commands.choices(form=_FORMS)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def cite(
        self, interaction: discord.Interaction[Client], paper: str, form: str = ReferenceFormat.BIBTEX.value
    ) -> None:
        arxiv_id = await parse_in_thread(lambda: parse_paper_id(paper), paper)
        self._paper_commands.cooldown.check(interaction)
        await interaction.response.defer(ephemeral=True)
        await _show(interaction, self._paper_commands, arxiv_id, ReferenceFormat(form))


class CiteButton(PersistentItem[discord.ui.Button[discord.ui.View]], template=CiteButtonId.TEMPLATE):
    """Shows the citation of a message's only paper; the custom id names it, so the button works after a restart."""

    def __init__(self, custom_id: CiteButtonId) -> None:
        super().__init__(discord.ui.Button(label="Cite", custom_id=custom_id.encode()))
        self._arxiv_id = custom_id.arxiv_id

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(CiteButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            await _show(interaction, cog_of(interaction, PaperCommands), self._arxiv_id, ReferenceFormat.BIBTEX)
        except DailyPapersError as error:
            await reply(interaction, str(error))


class CitationButton(PersistentItem[discord.ui.Button[discord.ui.View]], template=CitationButtonId.TEMPLATE):
    """Replaces a citation by the same one in another format."""

    def __init__(self, custom_id: CitationButtonId, *, is_shown: bool = False) -> None:
        self._form = ReferenceFormat(custom_id.form)  # raises ValueError for another text
        self._arxiv_id = custom_id.arxiv_id
        super().__init__(
            discord.ui.Button(label=self._form.label, custom_id=custom_id.encode(), disabled=is_shown),
        )

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(CitationButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        await defer_update(interaction)
        try:
            await _show(interaction, cog_of(interaction, PaperCommands), self._arxiv_id, self._form)
        except DailyPapersError as error:
            await reply(interaction, str(error))


async def _show(
    interaction: discord.Interaction[AnyClient], cog: PaperCommands, arxiv_id: ArxivId, form: ReferenceFormat
) -> None:
    """Fills the deferred reply with the citation; a paper that is not stored is fetched from arXiv."""
    found = await cog.service.find([arxiv_id], caller_of(interaction))
    if not found.papers:
        await reply(interaction, not_found_text(found))
        return
    text, files = await _rendered(found.papers[0], form)
    await interaction.edit_original_response(content=text, attachments=files, view=_format_buttons(arxiv_id, form))


async def _rendered(paper: Paper, form: ReferenceFormat) -> tuple[str, list[discord.File]]:
    """The citation as a code block; as a file if it is long, or if it would end the code block."""
    citation = await asyncio.to_thread(write_citation, paper, form)
    block = f"```{_LANGUAGES.get(form, '')}\n{citation}```"
    if "```" not in citation and utf16_length(block) <= CONTENT_MAX:
        return block, []
    name = f"{key(paper)}.{form.extension}"
    return f"{form.label} of `{paper.arxiv_id}` as a file.", [discord.File(io.BytesIO(citation.encode()), name)]


def _format_buttons(arxiv_id: ArxivId, shown: ReferenceFormat) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for form in CITATION_FORMATS:
        view.add_item(CitationButton(CitationButtonId(form.value, arxiv_id), is_shown=form is shown))
    view.stop()  # discord.py need not remember the view: the custom ids hold everything
    return view
