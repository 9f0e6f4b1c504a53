"""Cards → one Discord message; discord.py's exceptions → what became of it.

A `Post` in, an `Outcome` out. It decides nothing about when or whether to send, and keeps nothing between calls.
"""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import aiohttp
import discord

from bot.clock import Clock
from bot.domain.card import Card, lay_out, option_description, option_label
from bot.domain.paper import Paper
from bot.domain.post import Absent, Delivered, Obstructed, Outcome, Post, RetryLater, Unanswered, Undeliverable
from bot.invalid_requests import InvalidRequests
from bot.limits import (
    HISTORY_BEFORE_FIRST_ATTEMPT,
    HISTORY_TIMEOUT_S,
    REFUSAL_RECHECK,
    SEND_BACKOFF_FLOOR_S,
    SEND_TIMEOUT_S,
)

# A post's key stands in the custom_id of the one component that every message of ours has; these are its templates.
ABSTRACT_BUTTON: Final = r"abstract:(?P<arxiv_id>[^:]+):(?P<key>[\w-]+)"
ABSTRACT_MENU: Final = r"abstracts:(?P<key>[\w-]+)"
# Stands for the key in replies, which are no posts.
LOOKED_UP: Final = "looked-up"
# Near arXiv's own red; a card should look the same in the light and in the dark theme.
CARD_COLOUR: Final = 0xB31B1B

# What each try of one send was answered, None where no answer came: discord.py tries some again by itself, and shows
# the last answer alone.
Tries = list[int | None]
_tries: Final = ContextVar[Tries]("what the tries of the send in hand were answered")

AnyChannel = discord.abc.GuildChannel | discord.abc.PrivateChannel | discord.Thread

# Discord's error codes (topics/opcodes-and-status-codes): the message was there once; the channel cannot be posted in.
_UNKNOWN_MESSAGE: Final = 10008
_OBSTACLES: Final = {
    10003: Obstructed(
        "The channel does not exist: end its keywords with /unsubscribe, or take it out of config.json.", gone=True
    ),
    10004: Obstructed("The server does not exist any more.", gone=True),
    50001: Obstructed("The bot cannot see the channel: it needs View Channel there."),
    50008: Obstructed("Nobody can post messages in a channel of this type."),
    50013: Obstructed("The bot may not post in the channel: it needs Send Messages and Embed Links there."),
    50083: Obstructed("The thread is archived and locked."),
    160005: Obstructed("The thread is locked."),
}
# The gateway tells of every channel of the bot's servers, hidden ones too: what it does not tell of is elsewhere.
_NOT_IN_SERVER: Final = Obstructed(
    "The bot is not in the channel's server: invite it, or take the channel out of config.json.", gone=True
)


class DiscordDelivery:
    """Posts through a discord.py client that is logged in."""

    def __init__(self, client: discord.Client, clock: Clock, invalid_requests: InvalidRequests) -> None:
        self._client = client
        self._clock = clock
        self._invalid_requests = invalid_requests
        # What REST said of channels, known from the gateway or not, and until when that is believed.
        self._refused: dict[tuple[int, bool], tuple[datetime, Obstructed]] = {}

    async def ready(self) -> None:
        await self._client.wait_until_ready()

    async def obstacle(self, channel_id: int) -> Obstructed | RetryLater | None:
        rest_s = self._invalid_requests.rest_s()
        known = self._client.get_channel(channel_id)
        if known is not None and (obstacle := obstacle_in(known)) is not None:
            self._refused.pop((channel_id, True), None)  # that is why: it is over when this is
            return obstacle
        if (refusal := self._remembered(channel_id, known=known is not None)) is not None:
            return refusal
        if rest_s > 0:
            return RetryLater(self._after(rest_s), "Discord refused many requests lately, and bans who goes on")
        return None if known is not None else await self._unseen_obstacle(channel_id)

    async def _unseen_obstacle(self, channel_id: int) -> Obstructed | RetryLater | None:
        fetched = await self._fetch(channel_id)
        if isinstance(fetched, RetryLater):
            return fetched
        found = fetched if isinstance(fetched, Obstructed) else obstacle_in(fetched)
        if found is not None:
            self._remember(channel_id, found, known=False)
        return found

    def _remembered(self, channel_id: int, *, known: bool) -> Obstructed | None:
        until, obstacle = self._refused.get((channel_id, known), (self._clock.now(), None))
        return obstacle if self._clock.now() < until else None

    def _remember(self, channel_id: int, obstacle: Obstructed, *, known: bool) -> None:
        self._refused[channel_id, known] = (self._clock.now() + REFUSAL_RECHECK, obstacle)

    async def _fetch(self, channel_id: int) -> AnyChannel | Obstructed | RetryLater:
        """A channel that the gateway did not tell of: an archived thread, or none that the bot can see."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await self._client.fetch_channel(channel_id)
        except discord.Forbidden:
            return _NOT_IN_SERVER
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._why_not(error)

    async def send(self, post: Post) -> Outcome:
        channel = self._client.get_partial_messageable(post.channel_id)
        cards = lay_out([(entry.paper, entry.keywords) for entry in post.entries])
        tries: Tries = []
        _tries.set(tries)
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                message = await channel.send(
                    embeds=[to_embed(card) for card in cards],
                    view=reading_view([entry.paper for entry in post.entries], post.key),
                    nonce=post.nonce,
                    allowed_mentions=discord.AllowedMentions.none(),
                )
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            outcome = self._outcome(error)
            if isinstance(outcome, Obstructed | Undeliverable) and not surely_refused(tries):
                return Unanswered("no answer from Discord, then a refusal")
            if isinstance(outcome, Obstructed):
                known = self._client.get_channel(post.channel_id) is not None
                self._remember(post.channel_id, outcome, known=known)
            return outcome
        return Delivered(message.id)

    async def find(self, post: Post) -> Delivered | Absent | RetryLater | Obstructed:
        channel = self._client.get_partial_messageable(post.channel_id)
        since = post.first_attempt - HISTORY_BEFORE_FIRST_ATTEMPT
        try:
            async with asyncio.timeout(HISTORY_TIMEOUT_S):
                async for message in channel.history(after=since, limit=None, oldest_first=True):
                    if post.key in keys_of(message, self._client.user):
                        return Delivered(message.id)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._why_not(error)
        return Absent()

    def _outcome(self, error: Exception) -> Outcome:
        """What an exception says of a message that was sent."""
        if isinstance(error, discord.RateLimited):
            return RetryLater(self._after(error.retry_after), "Discord asks us to wait")
        if not isinstance(error, discord.HTTPException) or error.status >= 500:
            return Unanswered(f"no answer from Discord ({type(error).__name__})")
        if error.code == _UNKNOWN_MESSAGE:
            return Delivered(None)
        if error.code in _OBSTACLES:
            return _OBSTACLES[error.code]
        if error.status in (401, 403, 404):
            return Obstructed(f"Discord refuses the bot in this channel ({error.text or error.status}).")
        if error.status == 429:
            return RetryLater(self._after(SEND_BACKOFF_FLOOR_S), "Discord asks us to wait")
        return Undeliverable(f"Discord refused the message: {error.text} ({error.code})")

    def _why_not(self, error: Exception) -> RetryLater | Obstructed:
        """What an exception says of a channel that was only read."""
        outcome = self._outcome(error)
        if isinstance(outcome, RetryLater | Obstructed):
            return outcome
        return RetryLater(self._after(SEND_BACKOFF_FLOOR_S), "Discord did not answer")

    def _after(self, delay_s: float) -> datetime:
        return self._clock.now() + timedelta(seconds=delay_s)


def note_tries(trace: aiohttp.TraceConfig) -> aiohttp.TraceConfig:
    """Let sends know of every try of theirs that a client makes with this trace."""
    trace.on_request_start.append(_on_try)
    trace.on_request_end.append(_on_answer)
    return trace


async def _on_try(_session: object, _context: object, _params: aiohttp.TraceRequestStartParams) -> None:
    if (tries := _tries.get(None)) is not None:
        tries.append(None)


async def _on_answer(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
    if tries := _tries.get(None):
        tries[-1] = params.response.status


def surely_refused(tries: Tries) -> bool:
    """Whether a message that was refused in the end cannot have been stored before: only a 429 is surely nothing."""
    return all(status == HTTPStatus.TOO_MANY_REQUESTS for status in tries[:-1])


def obstacle_in(channel: AnyChannel) -> Obstructed | None:
    """Why the bot cannot post in a channel that it knows; None when it can."""
    if not isinstance(channel, discord.TextChannel | discord.Thread):
        return Obstructed("Papers can be posted in text channels, announcement channels and threads.")
    if isinstance(channel, discord.Thread) and channel.locked:
        return Obstructed("The thread is locked.")
    missing = missing_permissions(channel)
    if missing:
        return Obstructed(f"The bot needs {' and '.join(missing)} there.")
    return None


def missing_permissions(channel: discord.TextChannel | discord.Thread) -> tuple[str, ...]:
    """The permissions that the bot lacks to post in a channel and to find its posts again, as Discord names them."""
    held = channel.permissions_for(channel.guild.me)
    in_thread = isinstance(channel, discord.Thread)
    may_send = held.send_messages_in_threads if in_thread else held.send_messages
    # Who may not view may do nothing, and who may not send may not embed, whatever the roles say: only the cause is
    # named (topics/permissions, "implicit permissions").
    if not held.view_channel:
        return ("View Channel",)
    needed = {
        "Send Messages in Threads" if in_thread else "Send Messages": may_send,
        "Embed Links": held.embed_links or not may_send,
        "Read Message History": held.read_message_history,
    }
    return tuple(name for name, granted in needed.items() if not granted)


def to_embed(card: Card) -> discord.Embed:
    """A card as a Discord embed."""
    embed = discord.Embed(
        title=card.title, url=card.url, description=card.description, timestamp=card.timestamp, colour=CARD_COLOUR
    )
    if card.authors:
        embed.set_author(name=card.authors)
    return embed.set_footer(text=card.footer)


def reading_view(papers: Sequence[Paper], key: str) -> discord.ui.View:
    """The menu "Read an abstract…", or a button where there is one paper, with the key of the post."""
    view = discord.ui.View(timeout=None)
    if len(papers) == 1:
        custom_id = f"abstract:{papers[0].arxiv_id}:{key}"
        view.add_item(discord.ui.Button(label="Read the abstract", custom_id=custom_id))
    else:
        view.add_item(_menu(papers, key))
    # Answered by their custom_id, after a restart too (cogs/lookup.py): discord.py need not remember each view.
    view.stop()
    return view


def _menu(papers: Sequence[Paper], key: str) -> discord.ui.Select[discord.ui.View]:
    options = [
        discord.SelectOption(
            label=option_label(paper), value=paper.arxiv_id.value, description=option_description(paper) or None
        )
        for paper in papers
    ]
    return discord.ui.Select(custom_id=f"abstracts:{key}", placeholder="Read an abstract…", options=options)


def keys_of(message: discord.Message, author: discord.abc.User | None) -> frozenset[str]:
    """The keys in a message's components, if we wrote it."""
    if author is None or message.author.id != author.id:
        return frozenset()
    return frozenset(
        component.custom_id.rpartition(":")[2]
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for component in row.children
        if component.custom_id is not None
    )
