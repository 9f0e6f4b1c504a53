"""`/trend` and `/stats`: papers in pictures, with the numbers in words for those who cannot see them."""

import io
from datetime import datetime
from functools import partial
from typing import Final, assert_never

import discord
from discord import app_commands
from discord.ext import commands

from bot.charts.renderer import ChartRenderer
from bot.discord_api.client import Client
from bot.domain.charts.chart import Chart
from bot.domain.charts.trend import Trend, duration, month_name
from bot.domain.charts.weekly import Weekly
from bot.domain.keyword import Keyword
from bot.domain.text import cut, plural
from bot.runtime.errors import ArxivBackoff, ChartFailed, InvalidKeyword
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from bot.services.charts import (
    STATS_WEEKS,
    ChartComplete,
    ChartInProgress,
    ChartsBusy,
    ChartService,
    ChartState,
    CountFailed,
    ReplyExpired,
)
from bot.services.subscriptions import SubscriptionService
from cogs.input import Cooldown, parse_keywords
from cogs.permissions import can_view
from cogs.replies import bold, relative_time

# Five lines can be told apart, seven stacked keywords and the rest; a first chart of five is 60 requests.
TREND_KEYWORDS: Final = 5
CHARTS_PER_MINUTE: Final = 3

_COLOUR = discord.Colour(0x56B4E9)
_NAME_MAX = 60


class ChartCommands(commands.Cog):
    """Shows charts to whoever asks."""

    def __init__(
        self, chart_service: ChartService, charts: ChartRenderer, subscription_service: SubscriptionService
    ) -> None:
        self._chart_service = chart_service
        self._charts = charts
        self._subscription_service = subscription_service
        self._cooldown = Cooldown(CHARTS_PER_MINUTE)

    @app_commands.command(description="Papers a month for up to five keywords over the last year, as a chart")
    @app_commands.describe(
        keyword="What to count in titles and abstracts; several separated by commas",
        keyword2="Another one to compare with",
        keyword3="A third one",
        keyword4="A fourth one",
        keyword5="A fifth one",
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def trend(
        self,
        interaction: discord.Interaction[Client],
        keyword: str,
        keyword2: str | None = None,
        keyword3: str | None = None,
        keyword4: str | None = None,
        keyword5: str | None = None,
    ) -> None:
        keywords = chosen_keywords(keyword, keyword2, keyword3, keyword4, keyword5)
        self._cooldown.check(interaction)
        await interaction.response.defer()

        async def show(trend: Trend, filling: ChartState) -> None:
            await self._show(interaction, state(trend, filling), trend_embed(trend, interaction.created_at), trend)

        try:
            await self._chart_service.trend(keywords, show)
        except discord.NotFound:
            return  # the reply was deleted: nobody waits for the rest; what was counted is kept

    @trend.autocomplete("keyword")
    @trend.autocomplete("keyword2")
    @trend.autocomplete("keyword3")
    @trend.autocomplete("keyword4")
    @trend.autocomplete("keyword5")
    async def complete_keyword(
        self, interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        if interaction.guild is None:
            return []
        subscriptions = await self._subscription_service.in_guild(interaction.guild.id)
        shown = dict.fromkeys(
            subscription.keyword.shown
            for subscription in subscriptions
            if typed.casefold() in subscription.keyword.shown.casefold()
            and len(subscription.keyword.shown) <= SELECT_OPTION_MAX
            and can_view(interaction, subscription.channel_id)
        )
        return [app_commands.Choice(name=each, value=each) for each in shown][:AUTOCOMPLETE_CHOICES_MAX]

    @app_commands.command(description="Papers posted a week in this server, by keyword")
    @app_commands.guild_only()
    async def stats(self, interaction: discord.Interaction[Client]) -> None:
        self._cooldown.check(interaction)
        # For the caller's eyes: others may view fewer channels.
        await interaction.response.defer(ephemeral=True)
        weekly = await self._chart_service.posts_per_week(interaction.guild_id or 0, partial(can_view, interaction))
        if not weekly.total:
            await interaction.edit_original_response(
                content=f"No paper was posted in the last {STATS_WEEKS} weeks in the channels that you can view. "
                "`/keywords` says what is watched."
            )
            return
        await self._show(interaction, _headline(weekly), _stats_embed(weekly), weekly)

    async def _show(
        self, interaction: discord.Interaction[Client], words: str, embed: discord.Embed, shown: Trend | Weekly
    ) -> None:
        files = []
        try:
            if not isinstance(shown, Trend) or shown.totals:
                files.append(await self._picture(shown.chart(), shown.alt_text()))
                embed.set_image(url=f"attachment://{files[0].filename}")
        except ChartFailed as error:
            words = f"{words}\n{error}. The numbers are below."
        await interaction.edit_original_response(content=words, embed=embed, attachments=files)

    async def _picture(self, chart: Chart, alt_text: str) -> discord.File:
        return discord.File(io.BytesIO(await self._charts.draw(chart)), "chart.png", description=alt_text)


def chosen_keywords(*options: str | None) -> tuple[Keyword, ...]:
    """Each keyword once, or InvalidKeyword, which says of each that cannot be counted why."""
    typed = parse_keywords(", ".join(filter(None, options)))
    if len(typed) > TREND_KEYWORDS:
        raise InvalidKeyword(f"Up to {TREND_KEYWORDS} keywords fit in a chart; these are {len(typed)}.")
    if refused := [part for part in typed if isinstance(part, str)]:
        raise InvalidKeyword("\n".join(refused))
    return tuple(part for part in typed if isinstance(part, Keyword))


def state(trend: Trend, filling: ChartState) -> str:
    """How far the chart is, and what comes next."""
    left = f"{len(trend.missing)} of {trend.size} months {'is' if len(trend.missing) == 1 else 'are'}"
    match filling:
        case ChartComplete():
            return f"Papers a month for {', '.join(map(_named, trend.keywords))}"
        case ChartInProgress(left_s):
            how_long = f"{left} to be counted: about {duration(left_s)}"
            return f"{how_long}. This message fills as arXiv answers; if it stops, ask again."
        case ChartsBusy(left_s):
            return f"{left} not counted yet, and other charts are being filled: ask again in about {duration(left_s)}."
        case CountFailed(keyword, error):
            again = relative_time(error.not_before) if isinstance(error, ArxivBackoff) else "later"
            return f"{error}, for {_named(keyword)}. {left} not counted yet: ask again {again}, and it goes on."
        case ReplyExpired():
            return f"{left} not counted yet: ask again, and it goes on from here."
        case _ as unexpected:
            assert_never(unexpected)


def _named(keyword: Keyword) -> str:
    return bold(cut(keyword.shown, _NAME_MAX))


def trend_embed(trend: Trend, now: datetime) -> discord.Embed:
    """The numbers in a row for each keyword: the picture is set into it later."""
    rows = [f"{_named(keyword)}: {trend.numbers(keyword)}" for keyword in trend.keywords]
    gaps = "; – is not counted yet" if trend.missing else ""
    embed = discord.Embed(description="\n".join([f"Month by month, {trend.span()}{gaps}:", *rows]), colour=_COLOUR)
    growing = trend.still_growing(now)
    note = f" {month_name(growing)} may still grow: moderation holds papers back." if growing else ""
    return embed.set_footer(text=f"Counted by arXiv.{note}")


def _headline(weekly: Weekly) -> str:
    weeks = len(weekly.papers)
    words = f"{plural(weekly.total, 'paper')} posted in the last {weeks} weeks in the channels that you can view"
    return f"{words}, about {round(weekly.total / weeks):,} a week." if weekly.total >= weeks else f"{words}."


def _stats_embed(weekly: Weekly) -> discord.Embed:
    rows = [f"{bold(cut(each.name, _NAME_MAX))}: {sum(filter(None, each.values)):,}" for each in weekly.most_posted]
    weeks = f"Week by week: {', '.join(f'{papers:,}' for papers in weekly.papers)}"
    embed = discord.Embed(description="\n".join([weeks, *rows]), colour=_COLOUR)
    if weekly.counts_some_twice:
        embed.set_footer(text="A paper that matched two keywords counts for both; in the weeks and the sum, once.")
    return embed
