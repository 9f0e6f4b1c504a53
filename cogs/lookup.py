"""`/latest`, and the buttons and menus that show an abstract to the one who asks."""

import asyncio
import re
from typing import Final, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient, Client, client_of, reply
from bot.discord_api.custom_ids import NO_POST_KEY, AbstractButtonId, AbstractMenuId
from bot.discord_api.messages import reading_view, to_embed
from bot.domain.keyword import Keyword
from bot.domain.layout.card import lay_out
from bot.domain.paper import ArxivId
from bot.runtime.errors import ArxivBackoff, ArxivError, StoreUnavailable
from bot.services.lookup import LATEST_MAX, LookupService
from cogs.input import Cooldown
from cogs.replies import bold, relative_time

LATEST_PER_MINUTE: Final = 5


class LookupCommands(commands.Cog):
    """Shows papers to whoever asks, in servers, in direct messages and wherever the app was installed."""

    def __init__(self, lookup_service: LookupService) -> None:
        self._lookup_service = lookup_service
        self._cooldown = Cooldown(LATEST_PER_MINUTE)

    @app_commands.command(description="The newest arXiv papers for any keyword")
    @app_commands.describe(keyword="What to look for in titles and abstracts", count="How many papers (default: 5)")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def latest(
        self,
        interaction: discord.Interaction[Client],
        keyword: str,
        count: app_commands.Range[int, 1, LATEST_MAX] = 5,
    ) -> None:
        parsed = Keyword.parse(keyword)
        self._cooldown.check(interaction)
        await interaction.response.defer()
        try:
            latest = await self._lookup_service.latest(parsed, count)
        except ArxivError as error:
            again = relative_time(error.not_before) if isinstance(error, ArxivBackoff) else "later"
            words = f"{error}. Nothing is known of {bold(parsed.shown)} here yet: try again {again}."
            await interaction.edit_original_response(content=words)
            return
        if not latest.papers:
            await interaction.edit_original_response(content=f"arXiv has no paper for {bold(parsed.shown)}.")
            return
        shown = len(latest.papers)
        words = f"The newest {'paper' if shown == 1 else f'{shown} papers'} for {bold(parsed.shown)}"
        if latest.problem is not None:
            words += f", as far as they are known here: {latest.problem}."
        found = [(paper, [parsed.shown]) for paper in latest.papers]
        cards = await asyncio.to_thread(lay_out, found, latest.trending_entries)
        await interaction.edit_original_response(
            content=words,
            embeds=[to_embed(card) for card in cards],
            view=reading_view(latest.papers, NO_POST_KEY),
        )


class AbstractButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=AbstractButtonId.TEMPLATE):
    """Shows the whole abstract of a message's only paper; its custom_id says which, so it outlives a restart."""

    def __init__(self, custom_id: AbstractButtonId) -> None:
        super().__init__(discord.ui.Button(label="Read the abstract", custom_id=custom_id.encode()))
        self._arxiv_id = custom_id.arxiv_id

    @classmethod
    async def from_custom_id(
        cls,
        _interaction: discord.Interaction[discord.Client],
        _item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
        /,
    ) -> Self:
        return cls(AbstractButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        await show_abstract(interaction, self._arxiv_id)


class AbstractMenu(discord.ui.DynamicItem[discord.ui.Select[discord.ui.View]], template=AbstractMenuId.TEMPLATE):
    """Shows the whole abstract of the paper that was chosen; the options' values are arXiv's ids."""

    def __init__(self, custom_id: AbstractMenuId) -> None:
        super().__init__(discord.ui.Select(custom_id=custom_id.encode()))

    @classmethod
    async def from_custom_id(
        cls,
        _interaction: discord.Interaction[discord.Client],
        _item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
        /,
    ) -> Self:
        return cls(AbstractMenuId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        await show_abstract(interaction, ArxivId(self.item.values[0]))


async def show_abstract(interaction: discord.Interaction[AnyClient], arxiv_id: ArxivId) -> None:
    """The whole abstract for the eyes of the one who asked, or a link where the store no longer holds it."""
    client = client_of(interaction)
    try:
        abstract = await client.lookup_service.abstract(arxiv_id)
    except StoreUnavailable:
        abstract = None
    if abstract is None:
        await reply(interaction, f"Its abstract is on arXiv: <{arxiv_id.abs_url}>")
        return
    await interaction.response.send_message(embed=to_embed(abstract), ephemeral=True)
