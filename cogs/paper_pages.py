"""Pages of papers that a command found: the message holds the query, and its buttons hold the page.

So the buttons work after a restart. For the person who ran the command a button changes the message; everyone else gets
a copy that only they see.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Final

import discord

from bot.discord_api.client import AnyClient
from bot.discord_api.custom_ids import NO_POST_KEY
from bot.discord_api.messages import embeds, reading_components
from bot.domain.channel_settings import Layout
from bot.domain.expressions.authors import matched_authors
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.trending.entry import TrendingEntry
from cogs.replies import PersistentItem

# The only code in these replies that is on a line of its own.
_QUERY: Final = re.compile(r"^-# `([^`\n]+)`", re.MULTILINE)


def query_line(keyword: Keyword, *notes: str) -> str:
    """The last line of a reply: the query as text to type, from which `query_of` reads it, and notes."""
    return " · ".join((f"-# `{keyword.text.replace('`', chr(39))}`", *notes))


def query_of(message: discord.Message | None) -> str | None:
    """The query in a reply; None if it has none."""
    found = _QUERY.search("" if message is None else message.content)
    return None if found is None else found[1]


async def defer_page(interaction: discord.Interaction[AnyClient]) -> None:
    """Defers the answer of a button that shows another page."""
    if _is_callers_message(interaction):
        await interaction.response.defer()
    else:
        await interaction.response.defer(ephemeral=True, thinking=True)


def _is_callers_message(interaction: discord.Interaction[AnyClient]) -> bool:
    """Whether the message is visible only to the caller, or the reply to a command that the caller ran."""
    message = interaction.message
    if message is None:
        return False
    command = message.interaction_metadata
    return message.flags.ephemeral or (command is not None and command.user.id == interaction.user.id)


async def show_papers(
    interaction: discord.Interaction[AnyClient],
    lines: Sequence[str],
    keyword: Keyword,
    papers: Sequence[Paper],
    layout: Layout,
    trending_entries: Mapping[ArxivId, TrendingEntry],
    buttons: Sequence[PersistentItem[discord.ui.Button[discord.ui.View]]],
) -> None:
    """Fills the reply with papers that match a keyword, between the lines above and the buttons below."""
    shown: list[discord.Embed] = []
    view = discord.ui.View(timeout=None)
    if papers:
        shown = await asyncio.to_thread(_embeds, keyword, papers, layout, trending_entries)
        for item in reading_components(papers, NO_POST_KEY):
            view.add_item(item)
    for button in buttons:
        view.add_item(button)
    view.stop()  # discord.py need not remember the view: the custom ids hold everything
    await interaction.edit_original_response(content="\n".join(lines), embeds=shown, view=view)


def _embeds(
    keyword: Keyword, papers: Sequence[Paper], layout: Layout, trending_entries: Mapping[ArxivId, TrendingEntry]
) -> list[discord.Embed]:
    """Lays out the papers, with the authors for whom each was found."""
    authors = {paper.arxiv_id: matched_authors(keyword, paper) for paper in papers}
    return embeds([(paper, ()) for paper in papers], layout, trending_entries, authors)
