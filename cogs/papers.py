"""`/paper` and the message command "Look up papers": papers by their ids and links, and where they were posted.

Replies name only channels that their readers can view.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, Self

import discord
from discord import app_commands

from bot.discord_api.client import AnyClient, Client, CogWithMenus
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.custom_ids import NO_POST_KEY, PaperMenuId
from bot.discord_api.messages import embeds, paper_menu_view, reading_view, to_embed
from bot.discord_api.private_replies import reply
from bot.domain.channel_settings import Layout
from bot.domain.layout.card import lay_out_cards
from bot.domain.paper import ArxivId, Paper
from bot.domain.paper_ids import find_paper_ids, parse_paper_id
from bot.domain.text import plural
from bot.runtime.errors import ArxivBackoff, DailyPapersError, LookupsExhausted
from bot.services.paper_lookup import LOOKUP_PAPERS, FoundPapers, PaperLookupService
from bot.store.paper_posts import PaperPost
from cogs.input import caller_of, chosen_paper, parse_in_thread
from cogs.permissions import can_everyone_view, can_view, look_up_channels
from cogs.replies import UNUSABLE, PersistentItem, cog_of, fit_lines, relative_time

PAPERS_PER_MINUTE: Final = 10

# How many messages with a paper a reply links.
_POSTS_SHOWN: Final = 5
_IDS_SHOWN: Final = 10


class PaperCommands(CogWithMenus):
    """Looks papers up in servers, in direct messages, and wherever a person installed the app."""

    def __init__(self, service: PaperLookupService) -> None:
        self.service = service
        self.cooldown = Cooldown(PAPERS_PER_MINUTE)
        menu = app_commands.ContextMenu(
            name="Look up papers",
            callback=self.look_up_papers,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        )
        super().__init__([menu])

    @app_commands.command(description="Show a paper by its arXiv id or a link to it, and where it was posted")
    @app_commands.describe(
        paper="An arXiv id, DOI or link, such as 2403.01234 or https://arxiv.org/abs/2403.01234",
        public="Show the reply to everyone here (default: only to you)",
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def paper(self, interaction: discord.Interaction[Client], paper: str, public: bool = False) -> None:
        arxiv_id = await parse_in_thread(lambda: parse_paper_id(paper), paper)
        self.cooldown.check(interaction)
        await interaction.response.defer(ephemeral=not public)
        found = await self.service.find([arxiv_id], caller_of(interaction))
        if not found.papers:
            await reply(interaction, not_found_text(found))
            return
        embed, lines = await self._shown(interaction, found, is_public=public)
        view = reading_view(found.papers, NO_POST_KEY)
        await interaction.edit_original_response(content="\n".join(lines), embed=embed, view=view)

    async def look_up_papers(self, interaction: discord.Interaction[Client], message: discord.Message) -> None:
        """Shows the papers that a message links; Discord sends the message's text with the command."""
        text = "\n".join(_texts(message))
        found_ids = await parse_in_thread(lambda: find_paper_ids(text, LOOKUP_PAPERS + 1), text)
        if not found_ids:
            await reply(interaction, "This message links no arXiv paper.")
            return
        self.cooldown.check(interaction)
        await interaction.response.defer(ephemeral=True)
        found = await self.service.find(found_ids[:LOOKUP_PAPERS], caller_of(interaction))
        if not found.papers:
            await reply(interaction, not_found_text(found))
        elif len(found_ids) == 1:
            await self.show_privately(interaction, found)
        else:
            await self._show_several(interaction, found, has_more=len(found_ids) > LOOKUP_PAPERS)

    async def show_privately(self, interaction: discord.Interaction[AnyClient], found: FoundPapers) -> None:
        """Replies with the only paper, visible only to the caller."""
        embed, lines = await self._shown(interaction, found, is_public=False)
        await reply(interaction, "\n".join(lines), embeds=[embed], view=reading_view(found.papers, NO_POST_KEY))

    async def _shown(
        self, interaction: discord.Interaction[AnyClient], found: FoundPapers, *, is_public: bool
    ) -> tuple[discord.Embed, Sequence[str]]:
        """The card of the only paper, and where it was posted."""
        (paper,) = found.papers
        (card,) = await asyncio.to_thread(lay_out_cards, [(paper, ())], found.trending_entries)
        return to_embed(card), [line async for line in self._posted(interaction, paper, is_public=is_public)]

    async def _posted(
        self, interaction: discord.Interaction[AnyClient], paper: Paper, *, is_public: bool
    ) -> AsyncIterator[str]:
        if interaction.guild is None or not interaction.is_guild_integration():
            return
        await look_up_channels(interaction)
        may_show = can_everyone_view if is_public else can_view
        posts = await self.service.posts(interaction.guild.id, paper.arxiv_id)
        shown = [post for post in posts if may_show(interaction, post.channel_id)]
        for post in shown[:_POSTS_SHOWN]:
            yield _post_line(interaction.guild.id, post)
        if len(shown) > _POSTS_SHOWN:
            yield f"-# … and in {plural(len(shown) - _POSTS_SHOWN, 'more message')}"
        if not shown:
            where = "everyone" if is_public else "you"
            yield f"-# Not posted in a channel of this server that {where} can view"

    async def _show_several(
        self, interaction: discord.Interaction[Client], found: FoundPapers, *, has_more: bool
    ) -> None:
        listed = await asyncio.to_thread(embeds, [(paper, ()) for paper in found.papers], Layout.COMPACT)
        count = plural(len(found.papers), "paper")
        heading = f"The first {count} of this message" if has_more else f"{count} in this message"
        lines = [f"**{heading}**", *([not_found_text(found)] if found.missing or found.unknown else [])]
        (text,) = fit_lines(lines)
        await interaction.edit_original_response(content=text, embeds=listed, view=paper_menu_view(found.papers))


class PaperMenu(PersistentItem[discord.ui.Select[discord.ui.View]], template=PaperMenuId.TEMPLATE):
    """Shows the chosen paper to the person who chose it; the options' values are arXiv ids."""

    def __init__(self, custom_id: PaperMenuId) -> None:
        super().__init__(discord.ui.Select(custom_id=custom_id.encode()))

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(PaperMenuId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        arxiv_id = chosen_paper(self.item.values)
        if arxiv_id is None:
            await reply(interaction, UNUSABLE)
            return
        cog = cog_of(interaction, PaperCommands)
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            found = await cog.service.find([arxiv_id], caller_of(interaction))
            if found.papers:
                await cog.show_privately(interaction, found)
            else:
                await reply(interaction, not_found_text(found))
        except DailyPapersError as error:
            await reply(interaction, str(error))


def not_found_text(found: FoundPapers) -> str:
    """The reply about papers that arXiv does not have, or that could not be fetched."""
    lines = []
    if found.missing:
        check = "Check the id." if len(found.missing) == 1 else "Check the ids."
        lines.append(f"arXiv has no paper with the id {_named(found.missing)}. {check}")
    if found.problem is not None:
        error, is_one = found.problem, len(found.unknown) == 1
        again = relative_time(error.not_before) if isinstance(error, ArxivBackoff | LookupsExhausted) else "later"
        lines.append(
            f"{error}, and {_named(found.unknown)} {'is' if is_one else 'are'} not stored here. Try again {again}."
        )
    return "\n".join(lines)


def _named(arxiv_ids: Sequence[ArxivId]) -> str:
    named = ", ".join(f"`{each}`" for each in arxiv_ids[:_IDS_SHOWN])
    return named if len(arxiv_ids) <= _IDS_SHOWN else f"{named} and {len(arxiv_ids) - _IDS_SHOWN} more"


def _post_line(guild_id: int, post: PaperPost) -> str:
    place = post.thread_id or post.channel_id
    link = f"https://discord.com/channels/{guild_id}/{place}/{post.message_id}"
    return f"-# Posted in <#{place}> {relative_time(post.posted_at)}: [message]({link})"


def _texts(message: discord.Message) -> Iterator[str]:
    """Every text and link of a message, those of its embeds, buttons and forwarded messages included."""
    parts: Sequence[discord.Message | discord.MessageSnapshot] = (message, *message.message_snapshots)
    for part in parts:
        yield part.content
        for embed in part.embeds:
            yield from _embed_texts(embed)
        yield from chain.from_iterable(map(_component_texts, part.components))


def _component_texts(component: object) -> Iterator[str]:
    """The links of buttons and the texts of a component, and of those inside it."""
    for name in ("url", "content"):
        if isinstance(text := getattr(component, name, None), str):
            yield text
    for child in getattr(component, "children", ()):
        yield from _component_texts(child)


def _embed_texts(embed: discord.Embed) -> Iterator[str]:
    fields: Iterable[str | None] = (text for field in embed.fields for text in (field.name, field.value))
    texts = (embed.url, embed.title, embed.description, embed.author.url, embed.author.name, embed.footer.text, *fields)
    yield from filter(None, texts)
