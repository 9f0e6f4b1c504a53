"""`/latest`, and the buttons and menus below papers that show an abstract.

An abstract is visible only to the person who clicks.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final, Literal, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient, Client, client_of
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.custom_ids import AbstractButtonId, AbstractMenuId
from bot.discord_api.messages import cite_view, to_embed
from bot.discord_api.private_replies import reply
from bot.domain.expressions.keywords import AmbiguousKeyword
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId
from bot.domain.period_text import read_period, suggested_periods
from bot.domain.question import Question
from bot.runtime.clock import Clock
from bot.runtime.errors import StoreUnavailable
from bot.services.lookup import LATEST_MAX
from bot.services.lookup_results import LookupOrder, LookupQuery
from cogs.input import chosen_paper, parse_in_thread, parse_one_keyword
from cogs.latest_pages import LatestPages
from cogs.questions import QuestionButtons
from cogs.replies import UNUSABLE, PersistentItem, defer_if_slow

LATEST_PER_MINUTE: Final = 5
LATEST_PER_MINUTE_AND_SERVER: Final = 30
_COUNT: Final = 5


class LookupCommands(commands.Cog):
    """Shows the newest papers in servers, in direct messages, and wherever a person installed the app."""

    def __init__(self, pages: LatestPages, questions: QuestionButtons, clock: Clock) -> None:
        self._pages = pages
        self._questions = questions
        self._clock = clock
        self._cooldown = Cooldown(LATEST_PER_MINUTE, per_server=LATEST_PER_MINUTE_AND_SERVER)
        questions.on_answer("latest", self._answered)

    @app_commands.command(description="Show the newest arXiv papers for any keyword")
    @app_commands.describe(
        keyword='A phrase, or an expression such as ("reward model" OR RLHF) -survey',
        count="How many papers per page (default: 5)",
        sort="Which papers come first (default: the newest)",
        when="A period, such as: since last week, last 30 days, 2026-11-01 to 2026-11-10 (default: any time)",
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def latest(
        self,
        interaction: discord.Interaction[Client],
        keyword: str,
        count: app_commands.Range[int, 1, LATEST_MAX] = _COUNT,
        sort: Literal["newest", "updated"] = "newest",
        when: str | None = None,
    ) -> None:
        parsed = await parse_in_thread(partial(parse_one_keyword, keyword, "latest"), keyword)
        period = None if when is None else read_period(when, self._clock.now().date())
        self._cooldown.check(interaction)
        if isinstance(parsed, AmbiguousKeyword):
            answers = tuple((reading,) for reading in parsed.readings)
            question = Question(interaction.user.id, "latest", answers, papers=count, sort=sort, period=period)
            await self._questions.ask(interaction, question, parsed.typed)
        else:
            await self._show(interaction, LookupQuery(parsed, LookupOrder(sort), period), count)

    async def _answered(
        self, interaction: discord.Interaction[AnyClient], question: Question, keywords: Sequence[Keyword]
    ) -> None:
        self._cooldown.check(interaction)
        order = LookupOrder(question.sort or LookupOrder.NEWEST)
        await self._show(interaction, LookupQuery(keywords[0], order, question.period), question.papers or _COUNT)

    async def _show(self, interaction: discord.Interaction[AnyClient], query: LookupQuery, count: int) -> None:
        """Replies with the first page, in a new message below a question."""
        await interaction.response.defer(thinking=True)
        await self._pages.show(interaction, query, 0, count)

    @latest.autocomplete("when")
    async def complete_when(
        self, _interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=each, value=each) for each in suggested_periods(typed)]


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
        arxiv_id = chosen_paper(self.item.values)
        if arxiv_id is None:
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
