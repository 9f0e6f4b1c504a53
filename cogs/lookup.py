"""`/latest`, and the buttons and menus below papers that show an abstract.

An abstract is visible only to the person who clicks.
"""

import asyncio
import re
from collections.abc import Sequence
from functools import partial
from typing import Final, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient, Client, client_of
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.custom_ids import NO_POST_KEY, AbstractButtonId, AbstractMenuId
from bot.discord_api.messages import cite_view, reading_view, to_embed
from bot.discord_api.private_replies import reply
from bot.domain.expressions.authors import matched_authors
from bot.domain.expressions.keywords import AmbiguousKeyword
from bot.domain.keyword import Keyword
from bot.domain.layout.card import Card, lay_out_cards
from bot.domain.paper import ArxivId
from bot.domain.question import Question
from bot.domain.text import plural
from bot.runtime.errors import ArxivBackoff, ArxivError, LookupsExhausted, QueryRejected, StoreUnavailable
from bot.services.lookup import LATEST_MAX, Latest, LookupService
from cogs.input import caller_of, parse_in_thread, parse_one_keyword
from cogs.questions import QuestionButtons
from cogs.replies import UNUSABLE, PersistentItem, bold, defer_if_slow, relative_time, spelling_hint

LATEST_PER_MINUTE: Final = 5
_COUNT: Final = 5


class LookupCommands(commands.Cog):
    """Shows the newest papers in servers, in direct messages, and wherever a person installed the app."""

    def __init__(self, lookup_service: LookupService, questions: QuestionButtons) -> None:
        self._lookup_service = lookup_service
        self._questions = questions
        self._cooldown = Cooldown(LATEST_PER_MINUTE)
        questions.on_answer("latest", self._answered)

    @app_commands.command(description="Show the newest arXiv papers for any keyword")
    @app_commands.describe(
        keyword='A phrase, or an expression such as ("reward model" OR RLHF) -survey',
        count="How many papers (default: 5)",
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def latest(
        self,
        interaction: discord.Interaction[Client],
        keyword: str,
        count: app_commands.Range[int, 1, LATEST_MAX] = _COUNT,
    ) -> None:
        parsed = await parse_in_thread(partial(parse_one_keyword, keyword, "latest"), keyword)
        self._cooldown.check(interaction)
        if isinstance(parsed, AmbiguousKeyword):
            answers = tuple((reading,) for reading in parsed.readings)
            question = Question(interaction.user.id, "latest", answers, papers=count)
            await self._questions.ask(interaction, question, parsed.typed)
            return
        await self._show(interaction, parsed, count)

    async def _answered(
        self, interaction: discord.Interaction[AnyClient], question: Question, keywords: Sequence[Keyword]
    ) -> None:
        self._cooldown.check(interaction)
        await self._show(interaction, keywords[0], question.papers or _COUNT)

    async def _show(self, interaction: discord.Interaction[AnyClient], keyword: Keyword, count: int) -> None:
        """Replies with the papers, in a new message below a question."""
        await interaction.response.defer(thinking=True)
        try:
            latest = await self._lookup_service.latest(keyword, count, caller_of(interaction))
        except ArxivError as error:
            await reply(interaction, _failure(keyword, error))
            return
        if not latest.papers:
            await reply(interaction, nothing_found(latest))
            return
        cards = await asyncio.to_thread(_cards, latest)
        await interaction.edit_original_response(
            content=_heading(latest),
            embeds=[to_embed(card) for card in cards],
            view=reading_view(latest.papers, NO_POST_KEY),
        )


def _cards(latest: Latest) -> Sequence[Card]:
    """A card per paper, with the authors for whom it was found."""
    papers = [(paper, [latest.keyword.label]) for paper in latest.papers]
    authors = {paper.arxiv_id: matched_authors(latest.keyword, paper) for paper in latest.papers}
    return lay_out_cards(papers, latest.trending_entries, authors)


def _failure(keyword: Keyword, error: ArxivError) -> str:
    if isinstance(error, QueryRejected):
        return "arXiv rejected this query. Try simpler wording."
    again = relative_time(error.not_before) if isinstance(error, ArxivBackoff | LookupsExhausted) else "later"
    return f"{error}, and no papers for {bold(keyword.label)} are stored here yet. Try again {again}."


def nothing_found(latest: Latest) -> str:
    """The reply to a lookup without papers: arXiv has none, or none of its results match."""
    keyword = bold(latest.keyword.label)
    if not latest.rejected:
        return f"arXiv has no papers for {keyword}. {spelling_hint(latest.keyword.label)}"
    results = "arXiv's newest result" if latest.rejected == 1 else f"arXiv's newest {plural(latest.rejected, 'result')}"
    return f"{results} for {keyword} {'does' if latest.rejected == 1 else 'do'} not match it. Try other words."


def _heading(latest: Latest) -> str:
    count = len(latest.papers)
    newest = "newest paper" if count == 1 else f"newest {plural(count, 'paper')}"
    text = f"The {newest} for {bold(latest.keyword.label)}"
    return text if latest.problem is None else f"{text} that are stored here. {latest.problem}."


class AbstractButton(PersistentItem[discord.ui.Button[discord.ui.View]], template=AbstractButtonId.TEMPLATE):
    """Shows the abstract of a message's only paper; the custom id names it, so the button works after a restart."""

    def __init__(self, custom_id: AbstractButtonId) -> None:
        super().__init__(discord.ui.Button(label="Read the abstract", custom_id=custom_id.encode()))
        self._arxiv_id = custom_id.arxiv_id

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(AbstractButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        await show_abstract(interaction, self._arxiv_id)


class AbstractMenu(PersistentItem[discord.ui.Select[discord.ui.View]], template=AbstractMenuId.TEMPLATE):
    """Shows the abstract of the chosen paper; the options' values are arXiv ids."""

    def __init__(self, custom_id: AbstractMenuId) -> None:
        super().__init__(discord.ui.Select(custom_id=custom_id.encode()))

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(AbstractMenuId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        try:
            arxiv_id = ArxivId(self.item.values[0])
        except (LookupError, ValueError):
            await reply(interaction, UNUSABLE)
            return
        await show_abstract(interaction, arxiv_id)


async def show_abstract(interaction: discord.Interaction[AnyClient], arxiv_id: ArxivId) -> None:
    """Replies with the abstract, visible only to the caller, or with a link if the paper is no longer stored."""
    client = client_of(interaction)
    try:
        abstract = await defer_if_slow(interaction, client.lookup_service.abstract(arxiv_id))
    except StoreUnavailable:
        abstract = None
    if abstract is None:
        await reply(interaction, f"Read the abstract on arXiv: <{arxiv_id.abs_url}>")
    else:
        await reply(interaction, embeds=[to_embed(abstract)], view=cite_view(arxiv_id))
