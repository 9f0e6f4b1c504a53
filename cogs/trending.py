"""`/trending`: a day's trending list page by page, with buttons that show other pages."""

import asyncio
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Final, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient, Client, client_of
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.messages import CARD_COLOUR
from bot.discord_api.private_replies import reply
from bot.discord_api.reply_ids import TrendingButtonId
from bot.domain.layout.trending_page import day_url, lay_out_page, page_range
from bot.domain.trending.days import parse_day, shown_day, suggested_days
from bot.domain.trending.frozen_order import freeze, in_frozen_order
from bot.domain.trending.parsing import TRENDING_ENTRIES_MAX
from bot.runtime.errors import HuggingFaceBackoff, HuggingFaceError, StoreUnavailable
from bot.services.trending import TrendingDisabled, TrendingList, TrendingService
from cogs.paper_pages import defer_page
from cogs.replies import PersistentItem, relative_time, shown_reason

# The maximum age of a list when a button shows another page of it.
TRENDING_PAGE_FRESH_FOR: Final = timedelta(hours=1)
TRENDING_PER_MINUTE: Final = 10

# In a custom id: no count was given.
_ALL: Final = 0
_NEWEST_HINT: Final = "`/trending` without a date shows the newest day with papers."


class TrendingCommands(commands.Cog):
    """Shows trending lists in servers, in direct messages, and wherever a person installed the app."""

    def __init__(self, trending: TrendingService) -> None:
        self._trending = trending
        self._cooldown = Cooldown(TRENDING_PER_MINUTE)

    @app_commands.command(description="Show a day's trending papers on Hugging Face, most votes first")
    @app_commands.describe(
        date="today, yesterday or a date like 2026-11-20 (default: the newest day with papers)",
        count="How many papers (default: all)",
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def trending(
        self,
        interaction: discord.Interaction[Client],
        date: str | None = None,
        count: app_commands.Range[int, 1, TRENDING_ENTRIES_MAX] | None = None,
    ) -> None:
        day = None if date is None else parse_day(date, self._trending.today())
        self._cooldown.check(interaction)
        await interaction.response.defer()
        try:
            trending_list = await (self._trending.newest() if day is None else self._trending.list_of(day))
        except HuggingFaceError as error:
            await reply(interaction, _failure(error))
            return
        if not trending_list.papers:
            await reply(interaction, _no_papers(trending_list, _NEWEST_HINT if day else ""))
            return
        await _show_page(interaction, trending_list, 0, count or _ALL)

    @trending.autocomplete("date")
    async def complete_date(
        self, _interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=shown, value=value)
            for shown, value in suggested_days(typed, self._trending.today())
        ]


class TrendingButton(
    PersistentItem[discord.ui.Button[discord.ui.View]],
    template=TrendingButtonId.TEMPLATE,
):
    """Shows another page; the custom id names it, so the button works after a restart.

    For the person who ran the command it changes the message; everyone else gets a copy that only they see.
    """

    def __init__(self, custom_id: TrendingButtonId, *, label: str = "", disabled: bool = False) -> None:
        super().__init__(discord.ui.Button(label=label or None, custom_id=custom_id.encode(), disabled=disabled))
        self._day = custom_id.day
        self._page = custom_id.page
        self._count = custom_id.count

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(TrendingButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        client = client_of(interaction)
        try:
            client.trending.check_enabled()
            await defer_page(interaction)
            newest = await client.trending.list_of(self._day, fresh_for=TRENDING_PAGE_FRESH_FOR)
        except HuggingFaceError as error:
            await reply(interaction, _failure(error))
        except (StoreUnavailable, TrendingDisabled) as error:
            await reply(interaction, str(error))
        else:
            trending_list = replace(newest, papers=in_frozen_order(_shown_url(interaction), newest.papers))
            await _show_page(interaction, trending_list, self._page, self._count)


def _shown_url(interaction: discord.Interaction[AnyClient]) -> str | None:
    embeds = () if interaction.message is None else interaction.message.embeds
    return next((embed.url for embed in embeds), None)


async def _show_page(
    interaction: discord.Interaction[AnyClient],
    trending_list: TrendingList,
    number: int,
    count: int,
) -> None:
    """Replaces the reply by a page of the list."""
    papers = trending_list.papers[: count or None]
    if not papers:
        await interaction.edit_original_response(content=_no_papers(trending_list), embeds=[], view=None)
        return
    page = await asyncio.to_thread(lay_out_page, papers, number)
    embed = discord.Embed(
        title=f"Trending on {shown_day(trending_list.day)}",
        url=freeze(day_url(trending_list.day), trending_list.papers if page.pages > 1 else ()),
        description=page.description,
        timestamp=trending_list.fetched_at,
        colour=CARD_COLOUR,
    )
    embed.set_footer(text=f"{page_range(page, len(trending_list.papers))} · Hugging Face")
    view = None if page.pages == 1 else _page_buttons(trending_list.day, page.number, page.pages, count)
    content = _outdated(trending_list) or None
    await interaction.edit_original_response(content=content, embeds=[embed], view=view)


def _page_buttons(day: date, number: int, pages: int, count: int) -> discord.ui.View:
    """A button for the previous page and one for the next; disabled where there is none."""
    view = discord.ui.View(timeout=None)
    last = pages - 1
    back = TrendingButtonId(day, max(0, number - 1), count)
    more = TrendingButtonId(day, min(last, number + 1), count)
    view.add_item(TrendingButton(back, label="◀ Back", disabled=number == 0))
    view.add_item(TrendingButton(more, label="More ▶", disabled=number == last))
    view.stop()  # discord.py need not remember the view: the custom ids hold everything
    return view


def _failure(error: HuggingFaceError) -> str:
    again = f" Try again {relative_time(error.not_before)}." if isinstance(error, HuggingFaceBackoff) else ""
    return f"{shown_reason(str(error))}.{again}"


def _outdated(trending_list: TrendingList) -> str:
    if trending_list.problem is None:
        return ""
    return f"This list may be out of date: {shown_reason(trending_list.problem)}."


def _no_papers(trending_list: TrendingList, hint: str = "") -> str:
    """The reply to an empty list, with `hint` unless the list may be out of date."""
    day = trending_list.day
    reason = ": weekends have no list" if day.weekday() >= 5 else ""
    return f"No trending papers on {shown_day(day)}{reason}. {_outdated(trending_list) or hint}".rstrip()
