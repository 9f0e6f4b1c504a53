"""`/channel …`: how a channel wants its papers."""

import asyncio
from datetime import datetime

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.discord_api.delivery import post_sample
from bot.discord_api.messages import NO_POST_KEY, RenderedMessage, embeds, reading_components
from bot.domain.layout.message import layout_of
from bot.domain.preferences import DailyList, Preferences, Style
from bot.domain.timetable import AsTheyCome, Daily, Timetable, in_words, next_digest, parse_time
from bot.domain.zones import parse_zone, suggest_zones
from bot.runtime.limits import LIST_COUNT_MAX, SELECT_OPTION_MAX
from bot.services.arranging import Arranging
from cogs.permissions import Place, Refused, Target, check_bot_may_post, check_may_manage, check_takes_papers, place_of
from cogs.wording import plural, when

_AS_THEY_COME = "as they come"
_USUAL_TIMES = ("07:00", "08:00", "08:30", "09:00", "12:00", "18:00")


@app_commands.guild_only()
@app_commands.default_permissions(manage_channels=True)
class ChannelCommands(
    commands.GroupCog, group_name="channel", group_description="How a channel wants its papers", name="ChannelCommands"
):
    """Arranges channels; every command checks the caller's permission on the channel that is meant."""

    def __init__(self, arranging: Arranging) -> None:
        super().__init__()
        self._arranging = arranging

    @app_commands.command(description="Lay papers out as cards, as a compact list, or by how many there are")
    @app_commands.describe(style="cards: an embed a paper; compact: a list; auto: cards up to five papers")
    async def style(
        self, interaction: discord.Interaction[Client], style: Style, channel: Target | None = None
    ) -> None:
        place = await _managed(interaction, channel)
        await self._arranging.use_style(place.channel_id, style)
        words = {
            Style.AUTO: "as cards up to five papers and as a compact list beyond",
            Style.CARDS: "as cards",
            Style.COMPACT: "as a compact list",
        }
        await _answer(interaction, f"From the next batch on, papers in {place.mention} are laid out {words[style]}.")

    @app_commands.command(description="Post papers as they come, or once a day")
    @app_commands.describe(
        time="A time of day such as 08:30, or: as they come",
        zone="The time zone, such as Europe/Berlin",
        weekdays="Leave out Saturday and Sunday",
    )
    async def schedule(
        self,
        interaction: discord.Interaction[Client],
        time: str,
        zone: str | None = None,
        weekdays: bool = False,
        channel: Target | None = None,
    ) -> None:
        place = await _managed(interaction, channel)
        timetable = _timetable(time, zone, await self._arranging.of(place.channel_id), weekdays=weekdays)
        await self._arranging.use_timetable(place.channel_id, timetable)
        await _answer(interaction, f"Papers in {place.mention} are posted {in_words(timetable)}.")

    @schedule.autocomplete("time")
    async def complete_time(self, _: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        known = (_AS_THEY_COME, *_USUAL_TIMES)
        return [app_commands.Choice(name=time, value=time) for time in known if typed.casefold() in time]

    @schedule.autocomplete("zone")
    async def complete_zone(self, _: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=zone[:SELECT_OPTION_MAX], value=zone[:SELECT_OPTION_MAX])
            for zone in suggest_zones(typed)
        ]

    @app_commands.command(description="Post nothing for a while; what comes meanwhile is kept")
    async def pause(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        place = await _managed(interaction, channel)
        if await self._arranging.pause(place.channel_id):
            words = f"Posting in {place.mention} is paused. What comes is kept; `/channel resume` posts it."
        else:
            words = f"Posting in {place.mention} is paused already."
        await _answer(interaction, words)

    @app_commands.command(description="Post again after a pause, what came meanwhile first")
    async def resume(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        place = await _managed(interaction, channel)
        waiting = await self._arranging.resume(place.channel_id)
        if waiting is None:
            words = f"Posting in {place.mention} is not paused."
        elif waiting:
            words = f"Posting in {place.mention} goes on; {plural(waiting, 'paper')} waited."
            timetable = (await self._arranging.of(place.channel_id)).timetable
            if isinstance(timetable, Daily):
                words += f" What is not due yet is posted {in_words(timetable)}."
        else:
            words = f"Posting in {place.mention} goes on; nothing waited."
        await _answer(interaction, words)

    @app_commands.command(description="Ping a role with each batch of papers; without a role, nobody")
    @app_commands.describe(role="The role to ping (default: nobody)")
    async def mention(
        self,
        interaction: discord.Interaction[Client],
        role: discord.Role | None = None,
        channel: Target | None = None,
    ) -> None:
        place = await _managed(interaction, channel)
        if role is not None:
            _check_may_ping(interaction, place, role)
        await self._arranging.mention(place.channel_id, None if role is None else role.id)
        whom = "nobody" if role is None else role.mention
        await _answer(interaction, f"Each batch in {place.mention} pings {whom}.")

    @app_commands.command(description="Publish new papers to the followers of an announcement channel")
    @app_commands.describe(wanted="Whether to publish")
    async def publish(
        self, interaction: discord.Interaction[Client], wanted: bool, channel: Target | None = None
    ) -> None:
        place = await _managed(interaction, channel)
        target = None if interaction.guild is None else interaction.guild.get_channel(place.channel_id)
        if not isinstance(target, discord.TextChannel) or not target.is_news():
            raise Refused(f"{place.mention} is no announcement channel: only those have followers.")
        await self._arranging.publish(place.channel_id, wanted=wanted)
        state = "published to its followers, ten an hour at most" if wanted else "not published"
        await _answer(interaction, f"New papers in {place.mention} are {state}.")

    trending = app_commands.Group(name="trending", description="Each day's list of what is trending on Hugging Face")

    @trending.command(
        name="daily", description="Post each day's trending papers, those of the channel's keywords first"
    )
    @app_commands.describe(votes="Only papers with at least so many votes (default: all of the day)")
    async def list_daily(
        self,
        interaction: discord.Interaction[Client],
        votes: app_commands.Range[int, 0, LIST_COUNT_MAX] = 0,
        channel: Target | None = None,
    ) -> None:
        place = await _managed(interaction, channel)
        if not self._arranging.has_lists:
            raise Refused("Trending papers are switched off here.")
        await check_bot_may_post(interaction, place)
        timetable = await self._arranging.list_daily(place.channel_id, interaction.guild_id, votes)
        which = f"with at least {plural(votes, 'vote')} " if votes else ""
        at = f", {in_words(timetable)}" if isinstance(timetable, Daily) else ""
        await _answer(
            interaction,
            f"The trending papers of each day {which}are posted in {place.mention} once the day is over (UTC){at}. "
            "Those of the channel's keywords come first. `/trending` shows a day's list at any time.",
        )

    @trending.command(name="off", description="Post no more lists of trending papers")
    async def list_no_more(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        place = await _managed(interaction, channel)
        ended = await self._arranging.list_no_more(place.channel_id)
        words = "no more" if ended else "no"
        await _answer(interaction, f"There are {words} lists of trending papers in {place.mention}.")

    @app_commands.command(description="How a channel wants its papers")
    async def show(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        place = await _managed(interaction, channel)
        preferences = await self._arranging.of(place.channel_id)
        waiting = await self._arranging.waiting(place.channel_id)
        lines = _shown(place, preferences, waiting, interaction.created_at)
        if preferences.daily_list is not None:
            lines.append(_list_shown(preferences.daily_list, is_on=self._arranging.has_lists))
        await _answer(interaction, "\n".join(lines))

    @app_commands.command(description="Post a sample of the channel's papers; nobody is pinged")
    async def test(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        place = await _managed(interaction, channel)
        await check_bot_may_post(interaction, place)
        papers = await self._arranging.sample(place.channel_id)
        if not papers:
            await interaction.edit_original_response(
                content=f"No paper of {place.mention}'s keywords is known yet: try `/subscribe` first."
            )
            return
        layout = layout_of((await self._arranging.of(place.channel_id)).style, len(papers))
        rendered = RenderedMessage(
            content="**A sample** of how papers look here.",
            embeds=await asyncio.to_thread(embeds, papers, layout),
            components=reading_components([paper for paper, _ in papers], NO_POST_KEY),
            allowed_mentions=discord.AllowedMentions.none(),
        )
        message = await post_sample(interaction.client, place.channel_id, rendered)
        await _answer(interaction, f"Posted: {_link(interaction, message)}")


async def _managed(interaction: discord.Interaction[Client], channel: Target | None) -> Place:
    """The channel that is meant, once the caller may manage it and the answer is on its way."""
    place = place_of(interaction, channel)
    check_may_manage(place)
    check_takes_papers(interaction, place)
    await interaction.response.defer(ephemeral=True)
    return place


def _link(interaction: discord.Interaction[Client], message: discord.Message) -> str:
    """Where the message stands; a channel that is known by its id alone does not know its server."""
    return f"https://discord.com/channels/{interaction.guild_id}/{message.channel.id}/{message.id}"


async def _answer(interaction: discord.Interaction[Client], words: str) -> None:
    await interaction.edit_original_response(content=words, allowed_mentions=discord.AllowedMentions.none())


def _timetable(time: str, zone: str | None, before: Preferences, *, weekdays: bool) -> Timetable:
    if time.strip().casefold() == _AS_THEY_COME:
        return AsTheyCome()
    hour, minute = parse_time(time)
    if zone is not None:
        return Daily(hour, minute, parse_zone(zone), weekdays_only=weekdays)
    if isinstance(before.timetable, Daily):
        return Daily(hour, minute, before.timetable.zone, weekdays_only=weekdays)
    raise Refused("In which zone? Name it in `zone`, such as Europe/Berlin.")


def _check_may_ping(interaction: discord.Interaction[Client], place: Place, role: discord.Role) -> None:
    """Refuse a role that the bot cannot ping: Discord would show the mention and tell nobody."""
    if role.is_default():
        raise Refused("Everybody is not a role to ping with each batch: choose one that people take for it.")
    guild = interaction.guild
    channel = None if guild is None else guild.get_channel_or_thread(place.channel_id)
    if guild is None or channel is None or role.mentionable or channel.permissions_for(guild.me).mention_everyone:
        return
    raise Refused(
        f"{role.mention} cannot be pinged by me: let anyone mention the role, or give me the permission "
        f"Mention @everyone, @here, and All Roles in {place.mention}."
    )


def _shown(place: Place, preferences: Preferences, waiting: int, now: datetime) -> list[str]:
    timetable = preferences.timetable
    digest = f"; the next {when(next_digest(timetable, now))}" if isinstance(timetable, Daily) else ""
    lines = [
        f"**{place.mention}**",
        f"- Posted {in_words(timetable)}{digest}",
        f"- Style: {preferences.style.value}",
        f"- Pings: {'nobody' if preferences.mention_role is None else f'<@&{preferences.mention_role}>'}",
        f"- Waiting: {plural(waiting, 'paper')}",
    ]
    if preferences.publish:
        lines.append("- New papers are published to the followers")
    if preferences.paused_since is not None:
        lines.append(f"- ⏸️ Paused {when(preferences.paused_since)}; `/channel resume` goes on")
    return lines


def _list_shown(wish: DailyList, *, is_on: bool) -> str:
    which = f", papers with at least {plural(wish.at_least, 'vote')}" if wish.at_least else ""
    return f"- Trending: the list of each day{which}" + ("" if is_on else "; lists are switched off here")
