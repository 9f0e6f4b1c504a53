"""`/trend` and `/stats`: charts, each with its numbers as text for people who cannot see the image.

A chart of uncounted months is shown early and edited as counts arrive.
"""

import io
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final, assert_never

import discord
from discord import app_commands
from discord.ext import commands

from bot.charts.renderer import ChartRenderer
from bot.discord_api.client import AnyClient, Client
from bot.discord_api.cooldown import Cooldown
from bot.domain.charts.chart import Chart
from bot.domain.charts.trend import Trend, duration, month_name
from bot.domain.charts.weekly import Weekly
from bot.domain.expressions.exclusions import has_exclusions
from bot.domain.keyword import Keyword
from bot.domain.question import Question
from bot.domain.text import cut, plural
from bot.runtime.errors import ArxivBackoff, ChartFailed, QueryRejected
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX
from bot.services.charts import (
    STATS_WEEKS,
    ChartComplete,
    ChartInProgress,
    ChartQueued,
    ChartsBusy,
    ChartService,
    ChartState,
    CountFailed,
    ReplyExpired,
    TooManyCharts,
)
from bot.services.subscriptions import SubscriptionService
from cogs.permissions import can_view, look_up_channels
from cogs.questions import QuestionButtons
from cogs.replies import bold, clock_time
from cogs.suggestions import choice_name, choice_value, suggested
from cogs.trend_options import read_options

CHARTS_PER_MINUTE: Final = 3

_COLOUR = discord.Colour(0x56B4E9)
_NAME_MAX = 60
# The colours of `bot.charts.drawing`, in its order: they identify a name whose characters the chart's fonts lack.
_MARKS: Final = ("🔵", "🟠", "🟢", "🟡", "🟣", "🔴", "🟪", "⚪")


class ChartCommands(commands.Cog):
    """Draws charts on request."""

    def __init__(
        self,
        chart_service: ChartService,
        charts: ChartRenderer,
        subscription_service: SubscriptionService,
        questions: QuestionButtons,
    ) -> None:
        self._chart_service = chart_service
        self._charts = charts
        self._subscription_service = subscription_service
        self._questions = questions
        self._cooldown = Cooldown(CHARTS_PER_MINUTE)
        questions.on_answer("trend", self._answered)

    async def cog_unload(self) -> None:
        """Ends the drawing process."""
        await self._charts.close()

    @app_commands.command(description="Chart the papers per month for up to five keywords over the last year")
    @app_commands.describe(
        keyword='A phrase, or an expression such as ("reward model" OR RLHF); separate several with commas',
        keyword2="A second keyword to compare",
        keyword3="A third keyword",
        keyword4="A fourth keyword",
        keyword5="A fifth keyword",
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
        options = tuple(filter(None, (keyword, keyword2, keyword3, keyword4, keyword5)))
        read = await read_options(interaction, self._subscription_service, options)
        self._cooldown.check(interaction)
        if len(read.readings) > 1:
            await self._questions.ask(interaction, Question(interaction.user.id, "trend", read.readings), read.typed)
        else:
            await self._draw(interaction, read.readings[0])

    async def _answered(
        self, interaction: discord.Interaction[AnyClient], _: Question, keywords: Sequence[Keyword]
    ) -> None:
        self._cooldown.check(interaction)
        await self._draw(interaction, keywords)

    async def _draw(self, interaction: discord.Interaction[AnyClient], keywords: Sequence[Keyword]) -> None:
        await interaction.response.defer(thinking=True)

        async def show(trend: Trend, state: ChartState) -> None:
            text = describe_state(trend, state)
            if not trend.is_empty:
                await self._show(interaction, text, trend_embed(trend, interaction.created_at), trend)
            elif isinstance(state, CountFailed | ChartsBusy | TooManyCharts):
                # Discord turns no public reply into a private one.
                await interaction.delete_original_response()
                await interaction.followup.send(text, ephemeral=True)
            else:
                await interaction.edit_original_response(content=text)

        try:
            await self._chart_service.trend(keywords, show, interaction.user.id)
        except discord.NotFound:
            return  # the reply was deleted; the counts so far are stored

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
        index = await self._subscription_service.index(interaction.guild.id)
        labels: dict[int, str] = {}
        async for spelling in suggested(index, typed, partial(can_view, interaction)):
            labels.setdefault(spelling.keyword_id, spelling.label)
            if len(labels) == AUTOCOMPLETE_CHOICES_MAX:
                break
        return [
            app_commands.Choice(name=choice_name(label), value=choice_value(each)) for each, label in labels.items()
        ]

    @app_commands.command(description="Chart the papers posted per week in this server, by keyword")
    @app_commands.guild_only()
    async def stats(self, interaction: discord.Interaction[Client]) -> None:
        self._cooldown.check(interaction)
        # Only for the caller: other people may view fewer channels.
        await interaction.response.defer(ephemeral=True)
        await look_up_channels(interaction)
        weekly = await self._chart_service.posts_per_week(interaction.guild_id or 0, partial(can_view, interaction))
        if not weekly.total:
            await interaction.edit_original_response(
                content=f"No papers were posted in the last {STATS_WEEKS} weeks in the channels that you can view. "
                "See their keywords with `/keywords`."
            )
            return
        await self._show(interaction, _headline(weekly), _stats_embed(weekly), weekly)

    async def _show(
        self, interaction: discord.Interaction[AnyClient], text: str, embed: discord.Embed, numbers: Trend | Weekly
    ) -> None:
        files = []
        try:
            files.append(await self._image(numbers.chart(), numbers.alt_text()))
            embed.set_image(url=f"attachment://{files[0].filename}")
        except ChartFailed as error:
            text = f"{text}\n{error}. The numbers are below."
        await interaction.edit_original_response(content=text, embed=embed, attachments=files)

    async def _image(self, chart: Chart, alt_text: str) -> discord.File:
        return discord.File(io.BytesIO(await self._charts.draw(chart)), "chart.png", description=alt_text)


def describe_state(trend: Trend, state: ChartState) -> str:
    """The text above the chart: how complete it is, and what to do if it stopped."""
    missing = len(trend.missing)
    verb = "is" if missing == 1 else "are"
    uncounted = f"{missing} of {plural(trend.size, 'month')} {verb} not counted yet"
    match state:
        case ChartComplete():
            title = f"Papers per month for {', '.join(map(_named, trend.keywords))}"
            return "\n".join(filter(None, ("" if trend.is_empty else title, _without_papers(trend))))
        case ChartInProgress(remaining_s):
            return (
                f"Counting {plural(missing, 'month')} (about {duration(remaining_s)}). "
                "This updates as results arrive; if it stops, run `/trend` again."
            )
        case ChartsBusy(retry_in_s):
            return f"Other charts are being counted. Run `/trend` again in about {duration(retry_in_s)}; {uncounted}."
        case ChartQueued(wait_s):
            return f"Your other chart is counted first (about {duration(wait_s)}), then this one; {uncounted}."
        case TooManyCharts(charts):
            return f"{charts} of your charts are in progress. Run `/trend` again when one is complete; {uncounted}."
        case CountFailed(keyword, QueryRejected()):
            return f"arXiv rejected the query for {_named(keyword)}. Try simpler wording."
        case CountFailed(keyword, error):
            again = f"after {clock_time(error.not_before)}" if isinstance(error, ArxivBackoff) else "later"
            return f"{error} ({_named(keyword)}), so {uncounted}: run `/trend` again {again} to continue."
        case ReplyExpired():
            return f"{uncounted}: run `/trend` again to continue."
        case _ as unexpected:
            assert_never(unexpected)


def _without_papers(trend: Trend) -> str:
    if not trend.without_papers:
        return ""
    names = ", ".join(map(_named, trend.without_papers))
    return (
        f"arXiv has no papers for {names} from {trend.span()}. Check the spelling; `/latest` also finds older papers."
    )


def _named(keyword: Keyword) -> str:
    return bold(cut(keyword.label, _NAME_MAX))


def trend_embed(trend: Trend, now: datetime) -> discord.Embed:
    """The numbers of each keyword as text; the image is added when it is drawn."""
    rows = [
        f"{mark} {_named(keyword)}: {trend.numbers(keyword)}"
        for mark, keyword in zip(_MARKS, trend.keywords, strict=False)
    ]
    gaps = " (–: not counted yet)" if trend.missing else ""
    embed = discord.Embed(description="\n".join([f"By month, {trend.span()}{gaps}:", *rows]), colour=_COLOUR)
    growing = trend.still_growing(now)
    note = f" {month_name(growing)} may still grow: some papers are in moderation." if growing else ""
    excludes = any(map(has_exclusions, trend.keywords))
    excluded = " Excluded words and authors are counted: arXiv's search would exclude too much." if excludes else ""
    return embed.set_footer(text=f"Counts by arXiv.{excluded}{note}")


def _headline(weekly: Weekly) -> str:
    weeks = len(weekly.papers)
    text = f"{plural(weekly.total, 'paper')} posted in the last {weeks} weeks in the channels that you can view"
    return f"{text}, about {round(weekly.total / weeks):,} per week." if weekly.total >= weeks else f"{text}."


def _stats_embed(weekly: Weekly) -> discord.Embed:
    rows = [
        f"{mark} {bold(cut(each.name, _NAME_MAX))}: {sum(filter(None, each.values)):,}"
        for mark, each in zip(_MARKS, weekly.most_posted, strict=False)
    ]
    weeks = f"By week: {', '.join(f'{papers:,}' for papers in weekly.papers)}"
    embed = discord.Embed(description="\n".join([weeks, *rows]), colour=_COLOUR)
    if weekly.counts_some_twice:
        embed.set_footer(
            text="Papers that match several keywords count once for each keyword, but only once in the totals."
        )
    return embed
