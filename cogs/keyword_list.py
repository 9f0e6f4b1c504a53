"""`/keywords`: lists a server's keywords page by page, with buttons that show other pages or send all as a file.

Callers see only channels that they can view, checked again for each page; a deleted channel is visible to those with
Manage Server. A page is read from the database alone: nothing depends on how many keywords the server has.
"""

import asyncio
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient, Client
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.private_replies import answer_failure, reply
from bot.discord_api.reply_ids import KeywordsButtonId, KeywordsMove
from bot.domain.accepted_keywords import unlikely_to_match
from bot.domain.subscription import Source, Subscription
from bot.domain.text import utf16_length
from bot.runtime.errors import StoreUnavailable
from bot.runtime.limits import CONTENT_MAX
from bot.services.subscriptions import SubscriptionService
from cogs.permissions import Target, can_view, look_up_channels
from cogs.replies import PersistentItem, bold, channel_link, code, cog_of, defer_update
from cogs.suggestions import visible

KEYWORDS_PER_MINUTE: Final = 10
# A page is shorter if its keywords are long.
PAGE_KEYWORDS: Final = 20
# 20,000 keywords of 200 characters are 4 MB; Discord accepts 10 MB.
FILE_KEYWORDS: Final = 20_000

_ALL_CHANNELS: Final = 0
_FOOTER_MAX: Final = 60
# Labels of the buttons that show another page.
_FIRST, _BACK, _MORE, _LAST = "⏮ First", "◀ Back", "More ▶", "Last ⏭"


@dataclass(frozen=True, slots=True)
class _Page:
    """The lines of a page, and which keywords it shows: from `start` up to, but without, `end`."""

    lines: Sequence[str]
    start: int
    end: int


class KeywordsCommand(commands.Cog):
    """Lists keywords."""

    def __init__(self, subscription_service: SubscriptionService) -> None:
        self._subscription_service = subscription_service
        self._cooldown = Cooldown(KEYWORDS_PER_MINUTE)

    @app_commands.command(description="List this server's keywords by channel")
    @app_commands.describe(channel="Only the keywords of this channel (default: all channels)")
    @app_commands.guild_only()
    async def keywords(self, interaction: discord.Interaction[Client], channel: Target | None = None) -> None:
        self._cooldown.check(interaction)
        await interaction.response.defer(ephemeral=True)
        await self._show(interaction, channel.id if channel is not None else _ALL_CHANNELS, "from", 0)

    async def turn(self, interaction: discord.Interaction[AnyClient], button: KeywordsButtonId) -> None:
        """Does what a button below the list says."""
        if button.move == "file":
            self._cooldown.check(interaction)
            await interaction.response.defer(ephemeral=True, thinking=True)
            await self._send_file(interaction, button.channel_id)
        else:
            await defer_update(interaction)
            await self._show(interaction, button.channel_id, button.move, button.position)

    async def _show(
        self, interaction: discord.Interaction[AnyClient], channel_id: int, move: KeywordsMove, position: int
    ) -> None:
        """Replaces the reply by the page that begins or ends at a position."""
        counts = await self._visible(interaction, channel_id)
        total = sum(counts.values())
        if not total:
            subject = f"<#{channel_id}> has" if channel_id else "The channels that you can view have"
            text = f"{subject} no keywords yet. Add one with `/subscribe`."
            await interaction.edit_original_response(content=text, view=None)
            return
        # The number of keywords may have changed since the buttons were shown.
        if move == "last" or position >= total:
            move, position = "to", total
        elif move == "first":
            move, position = "from", 0
        offset = position if move == "from" else max(0, position - PAGE_KEYWORDS)
        limit = PAGE_KEYWORDS if move == "from" else position - offset
        subscriptions = await self._subscription_service.in_channels(interaction.guild_id or 0, counts, offset, limit)
        page = _lay_out(interaction.guild, subscriptions, offset, from_start=move == "from")
        is_whole = page.start == 0 and page.end >= total
        footer = [] if is_whole else [f"-# Keywords {page.start + 1:,}–{page.end:,} of {total:,}"]
        view = None if is_whole else _buttons(interaction.user.id, channel_id, page, total)
        await interaction.edit_original_response(content="\n".join([*page.lines, *footer]), view=view)

    async def _send_file(self, interaction: discord.Interaction[AnyClient], channel_id: int) -> None:
        counts = await self._visible(interaction, channel_id)
        subscriptions = await self._subscription_service.in_channels(
            interaction.guild_id or 0, counts, 0, FILE_KEYWORDS
        )
        names = {each: _channel_name(interaction.guild, each) for each in counts}
        content = await asyncio.to_thread(_as_file, subscriptions, names, sum(counts.values()))
        await interaction.edit_original_response(attachments=[discord.File(io.BytesIO(content), "keywords.txt")])

    async def _visible(self, interaction: discord.Interaction[AnyClient], channel_id: int) -> Mapping[int, int]:
        """How many keywords each channel has that is listed for the caller."""
        await look_up_channels(interaction)
        counts = await self._subscription_service.keywords_per_channel(interaction.guild_id or 0)
        listed = [each for each in counts if channel_id in (_ALL_CHANNELS, each)]
        return {each: counts[each] for each in await visible(listed, partial(can_view, interaction))}


class KeywordsButton(
    PersistentItem[discord.ui.Button[discord.ui.View]],
    template=KeywordsButtonId.TEMPLATE,
):
    """Shows another page, or sends the file; only for the person who ran the command, also after a restart."""

    def __init__(self, custom_id: KeywordsButtonId, *, label: str = "", disabled: bool = False) -> None:
        super().__init__(discord.ui.Button(label=label or None, custom_id=custom_id.encode(), disabled=disabled))
        self._button_id = custom_id

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(KeywordsButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        if interaction.user.id != self._button_id.caller_id:
            await reply(interaction, "Only the person who ran the command can use its buttons. Run `/keywords`.")
            return
        cog = cog_of(interaction, KeywordsCommand)
        try:
            await cog.turn(interaction, self._button_id)
        except StoreUnavailable as error:
            await reply(interaction, str(error))
        except app_commands.CommandOnCooldown as error:
            await answer_failure(interaction, error)


def _lay_out(
    guild: discord.Guild | None, subscriptions: Sequence[Subscription], offset: int, *, from_start: bool
) -> _Page:
    """As many of the subscriptions as fit into one message: the first of them, or the last."""
    entries = [_entry(subscription) for subscription in subscriptions]
    for count in range(len(subscriptions), 0, -1):
        start = 0 if from_start else len(subscriptions) - count
        lines: list[str] = []
        channel_id = None
        for subscription, entry in zip(subscriptions[start : start + count], entries[start:], strict=False):
            if subscription.channel_id != channel_id:
                channel_id = subscription.channel_id
                lines.append(channel_link(guild, channel_id))
            lines += entry
        if count == 1 or utf16_length("\n".join(lines)) <= CONTENT_MAX - _FOOTER_MAX:
            return _Page(lines, offset + start, offset + start + count)
    return _Page((), offset, offset)


def _entry(subscription: Subscription) -> list[str]:
    keyword = subscription.keyword
    pings = "" if subscription.mention_role is None else f" · pings <@&{subscription.mention_role}>"
    lines = [f"- {bold(keyword.label)} · {_added_by(subscription)}{pings}"]
    if keyword.label != keyword.shown:
        lines.append(f"  {code(keyword.shown)}")
    # Stored by an earlier version, or in config.json.
    if (problem := unlikely_to_match(keyword)) is not None:
        lines.append(f"  Unlikely to match. {problem}")
    return lines


def _added_by(subscription: Subscription) -> str:
    day = discord.utils.format_dt(subscription.added_at, "d")
    by = [f"<@{subscription.added_by}>"] if subscription.added_by is not None else []
    if Source.FILE in subscription.sources:
        by.append("config.json")
    return f"added by {' and '.join(by)} on {day}" if by else f"added on {day}"  # the person's data was deleted


def _buttons(caller_id: int, channel_id: int, page: _Page, total: int) -> discord.ui.View:
    """Buttons for the first, previous, next and last page, disabled where there is none, and for the file."""
    view = discord.ui.View(timeout=None)
    moves: tuple[tuple[str, KeywordsMove, int, bool], ...] = (
        (_FIRST, "first", 0, page.start == 0),
        (_BACK, "to", page.start, page.start == 0),
        (_MORE, "from", page.end, page.end >= total),
        (_LAST, "last", total, page.end >= total),
        ("All as a file", "file", 0, False),
    )
    for label, move, position, is_disabled in moves:
        custom_id = KeywordsButtonId(caller_id, channel_id, move, position)
        view.add_item(KeywordsButton(custom_id, label=label, disabled=is_disabled))
    view.stop()  # discord.py need not remember the view: the custom ids hold everything
    return view


def _channel_name(guild: discord.Guild | None, channel_id: int) -> str:
    channel = None if guild is None else guild.get_channel_or_thread(channel_id)
    return f"#{channel.name}" if channel is not None else f"deleted or archived channel {channel_id}"


def _as_file(subscriptions: Sequence[Subscription], names: Mapping[int, str], total: int) -> bytes:
    lines: list[str] = []
    channel_id = None
    for subscription in subscriptions:
        if subscription.channel_id != channel_id:
            channel_id = subscription.channel_id
            lines += ["", names[channel_id]] if lines else [names[channel_id]]
        lines.append(subscription.keyword.text)
    if len(subscriptions) < total:
        lines += ["", f"and {total - len(subscriptions):,} more"]
    return ("\n".join(lines) + "\n").encode()
