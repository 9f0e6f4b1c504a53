"""`/trending`, and the buttons that turn its pages."""

import asyncio
import re
from datetime import date, timedelta
from typing import Final, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient, Client, client_of, reply
from bot.discord_api.custom_ids import TrendingButtonId
from bot.discord_api.messages import CARD_COLOUR
from bot.domain.layout.trending_page import day_url, lay_out_page, shown_of
from bot.domain.trending.days import parse_day, shown_day, suggested_days
from bot.domain.trending.parsing import TRENDING_ENTRIES_MAX
from bot.runtime.errors import HuggingFaceBackoff, HuggingFaceError, StoreUnavailable
from bot.services.trending import TrendingList, TrendingService
from cogs.input import Cooldown
from cogs.replies import relative_time, shown_reason

TRENDING_PAGE_FRESH_FOR: Final = timedelta(hours=1)
TRENDING_PER_MINUTE: Final = 10

# In a custom_id: no count was asked for.
_ALL: Final = 0
_NEWEST: Final = "`/trending` without a date shows the newest day that has papers."


class TrendingCommands(commands.Cog):
    """Shows what people find worth reading, in servers, in direct messages and wherever the app was installed."""

    def __init__(self, trending: TrendingService) -> None:
        self._trending = trending
        self._cooldown = Cooldown(TRENDING_PER_MINUTE)

    @app_commands.command(description="The papers of a day on Hugging Face, most votes first")
    @app_commands.describe(
        date="Which day: today, yesterday or as 2026-11-20 (default: the newest that has papers)",
        count="How many papers (default: all of the day)",
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
            found = await (self._trending.newest() if day is None else self._trending.of(day))
        except HuggingFaceError as error:
            await interaction.edit_original_response(content=_failed(error))
            return
        await _show(interaction, found, 0, count or _ALL, if_empty=_NEWEST if day else None)

    @trending.autocomplete("date")
    async def _days(self, _interaction: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=shown, value=value)
            for shown, value in suggested_days(typed, self._trending.today())
        ]


class TrendingButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=TrendingButtonId.TEMPLATE,
):
    """Turns to a page; its custom_id says which, so it outlives a restart.

    Whoever asked for the list turns its pages where it stands. Everybody else gets the page for their own eyes.
    """

    def __init__(self, custom_id: TrendingButtonId, *, label: str = "", disabled: bool = False) -> None:
        super().__init__(discord.ui.Button(label=label or None, custom_id=custom_id.encode(), disabled=disabled))
        self._day = custom_id.day
        self._page = custom_id.page
        self._count = custom_id.count

    @classmethod
    async def from_custom_id(
        cls,
        _interaction: discord.Interaction[discord.Client],
        _item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
        /,
    ) -> Self:
        return cls(TrendingButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        client = client_of(interaction)
        if client.trending is None:
            await reply(interaction, "Trending papers are switched off here.")
            return
        if _asked_for_it(interaction):
            await interaction.response.defer()
        else:
            await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            found = await client.trending.of(self._day, fresh_for=TRENDING_PAGE_FRESH_FOR)
        except HuggingFaceError as error:
            await reply(interaction, _failed(error))
        except StoreUnavailable as error:
            await reply(interaction, str(error))
        else:
            await _show(interaction, found, self._page, self._count)


def _asked_for_it(interaction: discord.Interaction[AnyClient]) -> bool:
    message = interaction.message
    if message is None:
        return False
    asked = message.interaction_metadata
    return message.flags.ephemeral or (asked is not None and asked.user.id == interaction.user.id)


async def _show(
    interaction: discord.Interaction[AnyClient],
    found: TrendingList,
    number: int,
    count: int,
    if_empty: str | None = None,
) -> None:
    """Put a page of the list in the place of what stands there."""
    papers = found.papers[: count or None]
    problem = None if found.problem is None else f"{shown_reason(found.problem)}: this list may be old."
    if not papers:
        words = " ".join(filter(None, (_nothing(found.day), problem or if_empty)))
        await interaction.edit_original_response(content=words, embeds=[], view=None)
        return
    page = await asyncio.to_thread(lay_out_page, papers, number)
    embed = discord.Embed(
        title=f"Trending on {shown_day(found.day)}",
        url=day_url(found.day),
        description=page.description,
        timestamp=found.read_at,
        colour=CARD_COLOUR,
    )
    embed.set_footer(text=f"{shown_of(page, len(found.papers))} · Hugging Face")
    view = None if page.pages == 1 else _turning(found.day, page.number, page.pages, count)
    await interaction.edit_original_response(content=problem, embeds=[embed], view=view)


def _turning(day: date, number: int, pages: int, count: int) -> discord.ui.View:
    """One button back, one on; at an end the one that leads nowhere cannot be pressed."""
    view = discord.ui.View(timeout=None)
    last = pages - 1
    back = TrendingButtonId(day, max(0, number - 1), count)
    more = TrendingButtonId(day, min(last, number + 1), count)
    view.add_item(TrendingButton(back, label="◀ Back", disabled=number == 0))
    view.add_item(TrendingButton(more, label="More ▶", disabled=number == last))
    view.stop()  # answered by their custom_id: nothing to remember
    return view


def _failed(error: HuggingFaceError) -> str:
    again = f" Try again {relative_time(error.not_before)}." if isinstance(error, HuggingFaceBackoff) else ""
    return f"{shown_reason(str(error))}.{again}"


def _nothing(day: date) -> str:
    why = ": weekends have no list" if day.weekday() >= 5 else ""
    return f"Nothing is listed on {shown_day(day)}{why}."
