"""`/subscribe`, `/unsubscribe`, `/keywords`: who watches what in a server."""

import re
from collections.abc import Collection, Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Client
from bot.domain.categories import suggest
from bot.domain.keyword import Keyword, split_keywords
from bot.domain.layout.message import layout_of
from bot.domain.paper import ArxivId, Paper
from bot.domain.subscription import Source, Subscription
from bot.domain.text import cut
from bot.domain.timetable import Daily, in_words
from bot.errors import KeywordRefused
from bot.limits import AUTOCOMPLETE_CHOICES_MAX, INTERACTION_TOKEN_S, PREVIEW_PAPERS, REPLY_WAIT_S, SELECT_OPTION_MAX
from bot.messages import embeds
from bot.pipeline.firsts import Progress
from bot.services.arranging import Arranging
from bot.services.reporting import Reporting
from bot.services.subscribing import Ended, Found, NotSubscribed, Subscribing, WantedByFile
from cogs.permissions import Place, Target, can_manage_by_id, can_view, check_bot_may_post, check_may_manage, place_of
from cogs.subscribed import subscribed_view
from cogs.wording import bold, mention, pages, plural, when

# What an autocompleted keyword of a channel that is gone ends with: nobody can pick such a channel as an option.
_IN_CHANNEL = re.compile(r"(?P<keyword>.+?)\s+#(?P<channel>\d{17,20})", re.DOTALL)
_SILENT = (
    "arXiv is out of reach at the moment. As soon as it answers, the papers that it has are read silently, and this "
    "message says what was found; what is new after that is posted."
)
_QUEUED = "Reading the papers that arXiv has is queued; this message will say what was found."
_KEYWORD_NAMED_MAX = 60


class SubscriptionCommands(commands.Cog):
    """Adds, ends and lists a server's subscriptions."""

    def __init__(self, subscribing: Subscribing, reporting: Reporting, arranging: Arranging) -> None:
        self._subscribing = subscribing
        self._reporting = reporting
        self._arranging = arranging

    @app_commands.command(description="Post new arXiv papers that match a keyword in a channel")
    @app_commands.describe(
        keyword="What to look for in titles and abstracts; several separated by commas",
        channel="Where to post them (default: here)",
        category="Only papers of this arXiv category, such as cs.CL",
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_channels=True)
    async def subscribe(
        self,
        interaction: discord.Interaction[Client],
        keyword: str,
        channel: Target | None = None,
        category: str | None = None,
    ) -> None:
        place = place_of(interaction, channel)
        check_may_manage(place)
        await interaction.response.defer(ephemeral=True)
        await check_bot_may_post(interaction, place)
        typed = parse_keywords(keyword, category)
        keywords = [part for part in typed if isinstance(part, Keyword)]
        new = {each for each in keywords if await self._subscribe_one(interaction, place, each)}
        answers = [part if isinstance(part, str) else _subscribed(part, place, new=part in new) for part in typed]
        await self._say_what_was_found(interaction, place, keywords, answers, new)

    async def _subscribe_one(self, interaction: discord.Interaction[Client], place: Place, keyword: Keyword) -> bool:
        return await self._subscribing.subscribe(
            keyword, place.channel_id, interaction.guild_id or 0, interaction.user.id
        )

    async def _say_what_was_found(
        self,
        interaction: discord.Interaction[Client],
        place: Place,
        keywords: Sequence[Keyword],
        answers: list[str],
        new: Collection[Keyword],
    ) -> None:
        progress = await self._subscribing.wait_until_read(keywords, REPLY_WAIT_S, patient=False)
        if progress is not Progress.READ:
            note = _SILENT if progress is Progress.ARXIV_SILENT else _QUEUED
            await _edit(interaction, [*answers, note])
            progress = await self._subscribing.wait_until_read(
                keywords, INTERACTION_TOKEN_S - REPLY_WAIT_S, patient=True
            )
        if progress is Progress.READ:
            found = [await self._subscribing.found(parsed) for parsed in keywords]
            lines = [*answers, *map(_forecast, found), await self._outlook(place, keywords)]
            await self._show_preview(interaction, place, found, lines, new)

    async def _show_preview(
        self,
        interaction: discord.Interaction[Client],
        place: Place,
        found: Sequence[Found],
        lines: Sequence[str],
        new: Collection[Keyword],
    ) -> None:
        """What the channel will look like, and what to begin with; undoing ends what was begun here, nothing older."""
        papers: dict[ArxivId, tuple[Paper, tuple[str, ...]]] = {}
        for each in found:
            for paper in each.newest:
                _, names = papers.get(paper.arxiv_id, (paper, ()))
                papers[paper.arxiv_id] = (paper, (*names, each.keyword.shown))
        shown = sorted(papers.values(), key=lambda entry: entry[0].published)[-PREVIEW_PAPERS:]
        layout = layout_of((await self._arranging.of(place.channel_id)).style, len(shown))
        ids = await self._subscribing.ids_of(new)
        view = subscribed_view(place.channel_id, ids)
        await _edit(interaction, lines, drawn=embeds(shown, layout) if shown else [], view=view)

    async def _outlook(self, place: Place, keywords: Sequence[Keyword]) -> str:
        if not keywords:
            return ""
        wanted = await self._arranging.of(place.channel_id)
        if wanted.held_since is not None:
            posted = "wait for `/channel resume`: posting there is paused"
        elif isinstance(wanted.timetable, Daily):
            posted = f"are posted {in_words(wanted.timetable)}"
        else:
            posted = "are posted as arXiv announces them"
        return f"New papers {posted}; next look {when(await self._reporting.next_look())}."

    @subscribe.autocomplete("category")
    async def complete_category(self, _: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=f"{code}: {name}"[:SELECT_OPTION_MAX], value=code)
            for code, name in suggest(typed, AUTOCOMPLETE_CHOICES_MAX)
        ]

    @app_commands.command(description="Stop posting papers for a keyword in a channel")
    @app_commands.describe(keyword="One of the channel's keywords", channel="The channel (default: here)")
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_channels=True)
    async def unsubscribe(
        self, interaction: discord.Interaction[Client], keyword: str, channel: Target | None = None
    ) -> None:
        await interaction.response.defer(ephemeral=True)
        named = _IN_CHANNEL.fullmatch(keyword)
        if named is not None and channel is None:
            channel_id = await self._gone_channel(interaction, int(named["channel"]))
            typed = named["keyword"]
        else:
            place = place_of(interaction, channel)
            check_may_manage(place)
            channel_id, typed = place.channel_id, keyword
        answers = [await self._unsubscribe_one(text, channel_id) for text in split_keywords(typed)]
        await _edit(interaction, answers or ["Name one of the channel's keywords."])

    async def _unsubscribe_one(self, text: str, channel_id: int) -> str:
        try:
            parsed = Keyword.parse(text)
        except KeywordRefused as error:
            return str(error)
        match await self._subscribing.unsubscribe(parsed, channel_id):
            case Ended(keyword):
                return f"{bold(keyword.shown)}: unsubscribed from <#{channel_id}>."
            case WantedByFile(keyword):
                return (
                    f"{bold(keyword.shown)} is wanted by the settings file for <#{channel_id}>: it stays until "
                    "`subscriptions` in config.json changes and the bot is started again."
                )
            case NotSubscribed(typed, nearest):
                hint = f" Did you mean {' or '.join(map(bold, nearest))}?" if nearest else " See `/keywords`."
                return f"{bold(typed)} is not subscribed in <#{channel_id}>.{hint}"

    async def _gone_channel(self, interaction: discord.Interaction[Client], channel_id: int) -> int:
        """A channel named by its id: one of this server's, which the caller may manage."""
        guild = interaction.guild
        own = {subscription.channel_id for subscription in await self._subscribing.in_guild(interaction.guild_id or 0)}
        if guild is None or channel_id not in own or not can_manage_by_id(interaction, channel_id):
            raise KeywordRefused("That channel is not one of this server's that you may manage.")
        return channel_id

    @unsubscribe.autocomplete("keyword")
    async def complete_own_keyword(
        self, interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        named = interaction.namespace.channel
        here = named.id if named is not None else interaction.channel_id
        subscriptions = await self._subscribing.in_guild(interaction.guild_id or 0)
        choices = [
            choice
            for subscription in subscriptions
            if (choice := _choice(interaction, subscription, here)) is not None
            and typed.casefold() in choice.name.casefold()
        ]
        return choices[:AUTOCOMPLETE_CHOICES_MAX]

    @app_commands.command(description="The keywords that this server watches, by channel")
    @app_commands.describe(channel="Only those of this channel")
    @app_commands.guild_only()
    async def keywords(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        await interaction.response.defer(ephemeral=True)
        shown = [
            subscription
            for subscription in await self._subscribing.in_guild(interaction.guild_id or 0)
            if (channel is None or subscription.channel_id == channel.id)
            and can_view(interaction, subscription.channel_id)
        ]
        if not shown:
            where = f"in <#{channel.id}>" if channel is not None else "in the channels that you can view"
            await _edit(interaction, [f"No keyword is watched {where} yet. `/subscribe` adds one."])
            return
        await _edit(interaction, _by_channel(interaction.guild, shown))


def parse_keywords(text: str, category: str | None) -> list[Keyword | str]:
    """What was typed, one by one: a keyword, or a sentence that says why it cannot be watched."""
    parts = split_keywords(text) or ("",)
    return list(dict.fromkeys(_parsed(part, category, is_one_of_several=len(parts) > 1) for part in parts))


def _parsed(part: str, category: str | None, *, is_one_of_several: bool) -> Keyword | str:
    try:
        return Keyword.parse(part, category)
    except KeywordRefused as error:
        return f"{bold(cut(part, _KEYWORD_NAMED_MAX))}: {error}" if is_one_of_several else str(error)


def _subscribed(keyword: Keyword, place: Place, *, new: bool) -> str:
    return f"{bold(keyword.shown)}: {'subscribed' if new else 'already subscribed'} in {place.mention}."


def _forecast(found: Found) -> str:
    """`about 18 papers a week`, and narrower ideas for what is broad."""
    name = bold(found.keyword.shown)
    if not found.papers:
        return f"{name}: no paper in the last 30 days."
    words = f"{name}: {plural(found.papers, 'paper')} in the last 30 days, about {max(1, found.a_week):,} a week."
    if not found.narrower:
        return words
    ideas = ", ".join(f"{bold(idea.keyword.shown)} (about {idea.a_week:,})" for idea in found.narrower)
    return f"{words} That is broad; narrower ideas: {ideas}."


def _choice(
    interaction: discord.Interaction[Client], subscription: Subscription, here: int | None
) -> app_commands.Choice[str] | None:
    """A keyword of the channel in question, or of one that is gone, told apart by its id."""
    shown = subscription.keyword.shown
    if subscription.channel_id == here:
        if here != interaction.channel_id and not can_view(interaction, here):
            return None
        return app_commands.Choice(name=shown[:SELECT_OPTION_MAX], value=shown[:SELECT_OPTION_MAX])
    guild = interaction.guild
    if guild is None or guild.get_channel_or_thread(subscription.channel_id) is not None:
        return None
    if not can_manage_by_id(interaction, subscription.channel_id):
        return None
    suffix = f" #{subscription.channel_id}"
    if len(shown) + len(suffix) > SELECT_OPTION_MAX:
        return None
    return app_commands.Choice(name=f"{shown} (deleted channel)"[:SELECT_OPTION_MAX], value=shown + suffix)


def _by_channel(guild: discord.Guild | None, subscriptions: Sequence[Subscription]) -> list[str]:
    lines: list[str] = []
    channel_id = None
    for subscription in subscriptions:
        if subscription.channel_id != channel_id:
            channel_id = subscription.channel_id
            lines.append(mention(guild, channel_id))
        lines.append(f"- {bold(subscription.keyword.shown)} · {_who(subscription)}")
    return lines


def _who(subscription: Subscription) -> str:
    day = discord.utils.format_dt(subscription.added_at, "d")
    by = [f"<@{subscription.added_by}>"] if subscription.added_by is not None else []
    if Source.FILE in subscription.sources:
        by.append("the settings file")
    return f"added by {' and '.join(by)} on {day}"


async def _edit(
    interaction: discord.Interaction[Client],
    lines: Sequence[str],
    *,
    drawn: Sequence[discord.Embed] = (),
    view: discord.ui.View | None = None,
) -> None:
    """The deferred reply; what does not fit follows in further messages."""
    first, *rest = pages(line for line in lines if line)
    await interaction.edit_original_response(content=first, embeds=drawn, view=view)
    for page in rest:
        await interaction.followup.send(page, ephemeral=True)
