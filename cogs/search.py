"""`/search`: finds stored papers by a phrase or an expression, with buttons that show other pages."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final, Literal, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient, Client
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.private_replies import answer_failure, reply
from bot.discord_api.reply_ids import SearchButtonId
from bot.domain.expressions.keywords import AmbiguousKeyword, parse_keyword
from bot.domain.keyword import Keyword
from bot.domain.layout.message import layout_of
from bot.domain.question import Question
from bot.domain.search.documents import DocumentRange, IndexProgress
from bot.domain.text import plural
from bot.runtime.errors import InvalidKeyword, StoreUnavailable
from bot.services.channel_settings import ChannelSettingsService
from bot.services.search import SearchPage, SearchRequest, SearchService
from cogs.input import parse_in_thread, parse_one_keyword
from cogs.paper_pages import defer_page, query_line, query_of, show_papers
from cogs.questions import QuestionButtons
from cogs.replies import UNUSABLE, PersistentItem, bold, cog_of, spelling_hint

SEARCHES_PER_MINUTE: Final = 10
SEARCHES_PER_MINUTE_AND_SERVER: Final = 30
SEARCH_PAGE_MAX: Final = 10
_COUNT: Final = 5
_BY_DATE: Final = "newest"


class SearchCommand(commands.Cog):
    """Searches in servers, in direct messages, and wherever a person installed the app."""

    def __init__(
        self,
        search_service: SearchService,
        channel_settings: ChannelSettingsService,
        questions: QuestionButtons,
        abstracts_kept_days: int | None,
    ) -> None:
        self._search_service = search_service
        self._channel_settings = channel_settings
        self._questions = questions
        self._abstracts_kept_days = abstracts_kept_days
        self._cooldown = Cooldown(SEARCHES_PER_MINUTE, per_server=SEARCHES_PER_MINUTE_AND_SERVER)
        questions.on_answer("search", self._answered)

    @app_commands.command(description="Search all papers that this bot has stored")
    @app_commands.describe(
        query='A phrase, or an expression such as ("reward model" OR RLHF) AND cat:cs.CL',
        sort="Which papers come first (default: the best match)",
        count="How many papers per page (default: 5)",
    )
    @app_commands.choices(
        sort=[
            app_commands.Choice(name="best match", value="match"),
            app_commands.Choice(name="newest", value=_BY_DATE),
        ]
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def search(
        self,
        interaction: discord.Interaction[Client],
        query: str,
        sort: Literal["match", "newest"] = "match",
        count: app_commands.Range[int, 1, SEARCH_PAGE_MAX] = _COUNT,
    ) -> None:
        parsed = await parse_in_thread(partial(parse_one_keyword, query, "search"), query)
        self._cooldown.check(interaction)
        if isinstance(parsed, AmbiguousKeyword):
            answers = tuple((reading,) for reading in parsed.readings)
            question = Question(interaction.user.id, "search", answers, papers=count, sort=sort)
            await self._questions.ask(interaction, question, parsed.typed)
        else:
            await self._find(interaction, parsed, count, by_date=sort == _BY_DATE)

    async def _answered(
        self, interaction: discord.Interaction[AnyClient], question: Question, keywords: Sequence[Keyword]
    ) -> None:
        self._cooldown.check(interaction)
        await self._find(interaction, keywords[0], question.papers or _COUNT, by_date=question.sort == _BY_DATE)

    async def _find(
        self, interaction: discord.Interaction[AnyClient], keyword: Keyword, count: int, *, by_date: bool
    ) -> None:
        """Replies with the first page, in a new message below a question."""
        await interaction.response.defer(thinking=True)
        within = await self._search_service.newest_range()
        request = SearchRequest(keyword, count, within, by_date=by_date)
        await self._show(interaction, request, await self._search_service.page_from(request, 0))

    async def turn(self, interaction: discord.Interaction[AnyClient], button: SearchButtonId) -> None:
        """Shows the page of a button."""
        typed = query_of(interaction.message)
        if typed is None or not 1 <= button.count <= SEARCH_PAGE_MAX:
            await reply(interaction, UNUSABLE)
            return
        keyword = await parse_in_thread(partial(parse_keyword, typed), typed)
        await defer_page(interaction)
        within = DocumentRange(button.low, button.high)
        request = SearchRequest(keyword, button.count, within, by_date=button.by_date)
        show = self._search_service.page_from if button.move == "from" else self._search_service.page_to
        await self._show(interaction, request, await show(request, button.place))

    async def _show(
        self, interaction: discord.Interaction[AnyClient], request: SearchRequest, page: SearchPage
    ) -> None:
        notes = [*_building(page.progress), *self._pruned()]
        if not page.papers:
            await reply(interaction, "\n".join([_nothing_found(request.keyword, page), *notes]))
            return
        settings = await self._channel_settings.get(interaction.channel_id or 0)
        lines = [_heading(request, page), *notes, query_line(request.keyword, *_place(page))]
        buttons = _buttons(request, page)
        layout = layout_of(settings.style, request.count if buttons else len(page.papers))
        await show_papers(interaction, lines, request.keyword, page.papers, layout, page.trending_entries, buttons)

    def _pruned(self) -> list[str]:
        if self._abstracts_kept_days is None:
            return []
        kept = plural(self._abstracts_kept_days, "day")
        return [f"-# Abstracts are kept for {kept}: older papers are found by their titles."]


class SearchButton(PersistentItem[discord.ui.Button[discord.ui.View]], template=SearchButtonId.TEMPLATE):
    """Shows another page of a search."""

    def __init__(self, custom_id: SearchButtonId, *, label: str = "", disabled: bool = False) -> None:
        super().__init__(discord.ui.Button(label=label or None, custom_id=custom_id.encode(), disabled=disabled))
        self._button_id = custom_id

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(SearchButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        try:
            await cog_of(interaction, SearchCommand).turn(interaction, self._button_id)
        except (StoreUnavailable, InvalidKeyword) as error:
            await reply(interaction, str(error))
        except app_commands.CommandOnCooldown as error:
            await answer_failure(interaction, error)


def _heading(request: SearchRequest, page: SearchPage) -> str:
    order = "newest first" if request.by_date else "best match first"
    if page.has_more_hits:
        ranked = "are shown" if request.by_date else "are ranked"
        return f"More than {page.hits:,} stored papers, of which the newest {page.hits:,} {ranked}: {order}."
    if page.matches is None:
        return f"Up to {page.hits:,} stored papers, {order}."
    return f"{plural(page.matches, 'stored paper')}, {order}." if page.matches > 1 else "One stored paper."


def _place(page: SearchPage) -> list[str]:
    if page.number is None:
        return []
    last = page.number + len(page.papers) - 1
    return [f"papers {page.number:,}–{last:,}" if last > page.number else f"paper {last:,}"]


def _buttons(request: SearchRequest, page: SearchPage) -> list[SearchButton]:
    """A button for the page before and one for the next; none if there is only one page."""
    if page.start == 0 and not page.has_next:
        return []
    low, high = request.within.low, request.within.high
    back = SearchButtonId("to", page.start, request.count, request.by_date, low, high)
    more = SearchButtonId("from", page.end, request.count, request.by_date, low, high)
    return [
        SearchButton(back, label="◀ Back", disabled=page.start == 0),
        SearchButton(more, label="More ▶", disabled=not page.has_next),
    ]


def _building(progress: IndexProgress) -> list[str]:
    if progress.is_complete:
        return []
    done = f"{progress.done:,} of {progress.papers:,} papers are in it" if progress.papers else "it has not begun yet"
    return [f"⚠️ The search index is being built, newest papers first: {done}."]


def _nothing_found(keyword: Keyword, page: SearchPage) -> str:
    if page.has_more_hits:
        return (
            f"None of the newest {page.hits:,} stored papers that could match {bold(keyword.label)} does. "
            "Add a word that must be in the paper."
        )
    hint = spelling_hint(keyword.label) if keyword.expression is None else "Check the spelling, or require less."
    return f"No stored paper matches {bold(keyword.label)}. {hint} `/latest` asks arXiv."
