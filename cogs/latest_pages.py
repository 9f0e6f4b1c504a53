"""Pages of `/latest`: the texts above the papers, and the buttons that show other pages."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final, Self

import discord
from discord.ext import commands

from bot.discord_api.client import AnyClient
from bot.discord_api.private_replies import reply
from bot.discord_api.reply_ids import LatestButtonId
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.layout.message import layout_of
from bot.domain.period import FIRST_DAY, Period
from bot.domain.period_text import shown_period
from bot.domain.text import plural
from bot.runtime.errors import (
    ArxivBackoff,
    ArxivError,
    InvalidKeyword,
    LookupsExhausted,
    QueryRejected,
    StoreUnavailable,
)
from bot.services.channel_settings import ChannelSettingsService
from bot.services.lookup import LATEST_MAX, LOOKUP_RESULTS_MAX, Latest, LookupService
from bot.services.lookup_results import LookupOrder, LookupQuery
from cogs.input import caller_of, parse_in_thread
from cogs.paper_pages import defer_page, query_line, query_of, show_papers
from cogs.replies import UNUSABLE, PersistentItem, bold, cog_of, local_time, relative_time, shown_reason, spelling_hint

_LAST_YEAR: Final = 9000
_NEWER, _OLDER = "◀ Newer", "Older ▶"


class LatestPages(commands.Cog):
    """Shows the pages of lookups."""

    def __init__(self, lookup_service: LookupService, channel_settings: ChannelSettingsService) -> None:
        self._lookup_service = lookup_service
        self._channel_settings = channel_settings

    async def show(
        self, interaction: discord.Interaction[AnyClient], query: LookupQuery, offset: int, count: int
    ) -> None:
        """Replaces the deferred reply by the papers after the first `offset` ones, or says why there are none."""
        try:
            latest = await self._lookup_service.page(query, offset, count, caller_of(interaction))
        except ArxivError as error:
            await reply(interaction, _failure(query, error))
            return
        if not latest.papers and not offset:
            await reply(interaction, nothing_found(latest))
            return
        buttons = _buttons(latest, count)
        lines = [_heading(latest), *([query_line(query.keyword, *_numbers(latest))] if buttons else [])]
        settings = await self._channel_settings.get(interaction.channel_id or 0)
        # The pages of one result look alike.
        layout = layout_of(settings.style, count if buttons else len(latest.papers))
        await show_papers(interaction, lines, latest.keyword, latest.papers, layout, latest.trending_entries, buttons)

    async def turn(self, interaction: discord.Interaction[AnyClient], button: LatestButtonId) -> None:
        """Shows the page of a button."""
        typed = query_of(interaction.message)
        if typed is None or not 1 <= button.count <= LATEST_MAX or button.offset > LOOKUP_RESULTS_MAX:
            await reply(interaction, UNUSABLE)
            return
        period = _period(button.first, button.last)
        keyword = await parse_in_thread(lambda: parse_keyword(typed), typed)
        await defer_page(interaction)
        order = LookupOrder.UPDATED if button.by_update else LookupOrder.NEWEST
        await self.show(interaction, LookupQuery(keyword, order, period), button.offset, button.count)


class LatestButton(PersistentItem[discord.ui.Button[discord.ui.View]], template=LatestButtonId.TEMPLATE):
    """Shows another page of the newest papers."""

    def __init__(self, custom_id: LatestButtonId, *, label: str = "", disabled: bool = False) -> None:
        super().__init__(discord.ui.Button(label=label or None, custom_id=custom_id.encode(), disabled=disabled))
        self._button_id = custom_id

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        button_id = LatestButtonId.from_match(match)
        _period(button_id.first, button_id.last)  # a period that cannot be makes the button unusable
        return cls(button_id)

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        try:
            await cog_of(interaction, LatestPages).turn(interaction, self._button_id)
        except (StoreUnavailable, InvalidKeyword) as error:
            await reply(interaction, str(error))


def _heading(latest: Latest) -> str:
    text = f"{_papers(latest)} for {bold(latest.keyword.label)}{_when(latest)}"
    if latest.problem is None:
        return text
    is_are = "is" if len(latest.papers) == 1 else "are"
    as_of = "" if latest.as_of is None else f", as of {local_time(latest.as_of)}"
    return f"{text} that {is_are} stored here{as_of}. {shown_reason(latest.problem)}."


def _papers(latest: Latest) -> str:
    count, is_updated = len(latest.papers), latest.query.order is LookupOrder.UPDATED
    if not latest.papers:
        return "No more papers"
    if latest.offset:
        return "Papers updated earlier" if is_updated else "Older papers"
    if not is_updated:
        return "The newest paper" if count == 1 else f"The newest {plural(count, 'paper')}"
    return "The paper updated last" if count == 1 else f"The {plural(count, 'paper')} updated last"


def _when(latest: Latest) -> str:
    period = latest.query.period
    return "" if period is None else f" {shown_period(period)}"


def _numbers(latest: Latest) -> Sequence[str]:
    first, last = latest.offset + 1, latest.offset + len(latest.papers)
    if last < first:
        return ()
    return (f"papers {first}–{last}" if last > first else f"paper {last}",)


def _buttons(latest: Latest, count: int) -> Sequence[LatestButton]:
    """A button for newer papers and one for older ones; none if there is only one page."""
    if not latest.offset and not latest.has_older:
        return ()
    period = latest.query.period
    first, last = (None, None) if period is None else (period.first, period.last)
    by_update = latest.query.order is LookupOrder.UPDATED
    newer = LatestButtonId(max(0, latest.offset - count), count, by_update, first, last)
    older = LatestButtonId(latest.offset + len(latest.papers), count, by_update, first, last)
    has_older = latest.has_older and bool(latest.papers)
    return (
        LatestButton(newer, label=_NEWER, disabled=latest.offset == 0),
        # Discord rejects a message with two equal custom ids.
        *([LatestButton(older, label=_OLDER)] if has_older else []),
    )


def _period(first: date | None, last: date | None) -> Period | None:
    """Returns the period; raises ValueError for one that no reply can have."""
    if first is None or last is None:
        return None
    if first < FIRST_DAY or last.year > _LAST_YEAR:
        raise ValueError(f"no period: {first} to {last}")
    return Period(first, last)


def _failure(query: LookupQuery, error: ArxivError) -> str:
    if isinstance(error, QueryRejected):
        return "arXiv rejected this query. Try simpler wording."
    again = relative_time(error.not_before) if isinstance(error, ArxivBackoff | LookupsExhausted) else "later"
    return f"{error}, and no papers for {bold(query.keyword.label)} are stored here yet. Try again {again}."


def nothing_found(latest: Latest) -> str:
    """The reply to a lookup without papers: arXiv has none, or none of its results match."""
    keyword, when = bold(latest.keyword.label), _when(latest)
    if not latest.rejected:
        return f"arXiv has no papers for {keyword}{when}. {spelling_hint(latest.keyword.label)}"
    results = "arXiv's newest result" if latest.rejected == 1 else f"arXiv's newest {plural(latest.rejected, 'result')}"
    does = "does" if latest.rejected == 1 else "do"
    return f"{results} for {keyword}{when} {does} not match it. Try other words."
