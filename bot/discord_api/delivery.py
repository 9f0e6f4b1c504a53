"""Messages of ours on Discord: sent, found again, drawn anew, published; exceptions → what became of them.

A `Post` in, an `Outcome` out. It decides nothing about when or whether to send.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

import aiohttp
import discord
from discord.channel import ThreadWithMessage
from discord.http import Route

from bot.discord_api.attempts import Attempts, definitely_rejected, track_attempts
from bot.discord_api.invalid_requests import InvalidRequests
from bot.discord_api.messages import RenderedMessage, post_keys, render, thread_name
from bot.discord_api.permissions import BLOCKED_BY_CODE, NOT_IN_SERVER, AnyChannel, find_block, is_unknown_to_gateway
from bot.domain.outgoing import (
    Blocked,
    Delivered,
    MessageAbsent,
    OutcomeUnknown,
    OutgoingMessage,
    Rejected,
    RetryLater,
    SendOutcome,
)
from bot.domain.post import Post
from bot.publish.sender import SEND_BACKOFF_FLOOR_S
from bot.runtime.clock import Clock

HISTORY_BEFORE_FIRST_ATTEMPT: Final = timedelta(seconds=60)
# A channel that Discord refused although the gateway tells of no reason, or does not tell of it at all, is tried again
# so seldom: each time may be an invalid request.
REJECTION_RECHECK: Final = timedelta(minutes=10)
# Longer than discord.py's own retries of one request take; beyond it the answer counts as missing.
SEND_TIMEOUT_S: Final = 60.0
HISTORY_TIMEOUT_S: Final = 120.0

# Discord's error codes (topics/opcodes-and-status-codes): the message was there once; it was published before.
_UNKNOWN_MESSAGE: Final = 10008
_ALREADY_CROSSPOSTED: Final = 40033


class DiscordDelivery:
    """Posts through a discord.py client that is logged in; `listed`: with what Hugging Face says of the papers."""

    def __init__(
        self, client: discord.Client, clock: Clock, invalid_requests: InvalidRequests, *, trending_enabled: bool = True
    ) -> None:
        self._client = client
        self._clock = clock
        self._invalid_requests = invalid_requests
        self._trending_enabled = trending_enabled
        # What REST said of channels, known from the gateway or not, and until when that is believed.
        self._refused: dict[tuple[int, bool], tuple[datetime, Blocked]] = {}

    async def ready(self) -> None:
        await self._client.wait_until_ready()

    async def blocked(self, channel_id: int) -> Blocked | RetryLater | None:
        pause_s = self._invalid_requests.pause_s()
        known = self._client.get_channel(channel_id)
        if known is not None and (blocked := find_block(known)) is not None:
            self._refused.pop((channel_id, True), None)  # that is why: it is over when this is
            return blocked
        if (refusal := self._remembered(channel_id, known=known is not None)) is not None:
            return refusal
        if pause_s > 0:
            return RetryLater(self._after(pause_s), "Discord refused many requests lately, and bans who goes on")
        return None if known is not None else await self._find_block_by_rest(channel_id)

    async def _find_block_by_rest(self, channel_id: int) -> Blocked | RetryLater | None:
        fetched = await self._fetch(channel_id)
        if isinstance(fetched, RetryLater):
            return fetched
        if is_unknown_to_gateway(fetched):
            return RetryLater(self._after(SEND_BACKOFF_FLOOR_S), "Discord has not told of the channel's server yet")
        found = fetched if isinstance(fetched, Blocked) else find_block(fetched)
        if found is not None:
            self._remember(channel_id, found, known=False)
        return found

    def _remembered(self, channel_id: int, *, known: bool) -> Blocked | None:
        until, blocked = self._refused.get((channel_id, known), (self._clock.now(), None))
        return blocked if self._clock.now() < until else None

    def _remember(self, channel_id: int, blocked: Blocked, *, known: bool) -> None:
        self._refused[channel_id, known] = (self._clock.now() + REJECTION_RECHECK, blocked)

    async def _fetch(self, channel_id: int) -> AnyChannel | Blocked | RetryLater:
        """A channel that the gateway did not tell of: an archived thread, or none that the bot can see."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await self._client.fetch_channel(channel_id)
        except discord.Forbidden:
            return NOT_IN_SERVER
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._why_not(error)

    def takes_nonce(self, post: OutgoingMessage) -> bool:
        return self._forum_of(post) is None

    def _forum_of(self, post: OutgoingMessage) -> discord.ForumChannel | None:
        """The forum in which the message begins a post of its own."""
        channel = self._client.get_channel(post.channel_id)
        return channel if isinstance(channel, discord.ForumChannel) and post.header.thread_id is None else None

    async def send(self, post: OutgoingMessage) -> SendOutcome:
        forum = self._forum_of(post)
        # A forum's post has no nonce: whatever became of the first try, it is looked for before there is a second.
        with track_attempts(once=forum is not None) as attempts:
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    return await (self._send_message(post) if forum is None else self._begin_forum_post(forum, post))
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                return self._refusal(post, self._outcome(error), attempts)

    def _refusal(self, post: OutgoingMessage, outcome: SendOutcome, attempts: Attempts) -> SendOutcome:
        """What became of a message that Discord did not take in the end."""
        if isinstance(outcome, Blocked | Rejected) and not definitely_rejected(attempts):
            return OutcomeUnknown("no answer from Discord, then a refusal")
        if isinstance(outcome, Blocked):
            known = self._client.get_channel(post.channel_id) is not None
            self._remember(post.channel_id, outcome, known=known)
        return outcome

    async def _send_message(self, post: OutgoingMessage) -> Delivered:
        rendered = await self._rendered(post)
        message = await self._place(post).send(
            content=rendered.content,
            embeds=rendered.embeds,
            view=rendered.view,
            nonce=post.nonce,
            allowed_mentions=rendered.allowed_mentions,
        )
        return Delivered(message.id)

    async def _begin_forum_post(self, forum: discord.ForumChannel, post: OutgoingMessage) -> Delivered:
        rendered = await self._rendered(post)
        begun = await _begin_thread(forum, thread_name(post), rendered)
        return Delivered(begun.message.id, thread_id=begun.thread.id)

    async def _rendered(self, post: OutgoingMessage) -> RenderedMessage:
        # In a thread: ten cards take 4 ms, and a hundred times that where strangers wrote nothing but TeX.
        return await asyncio.to_thread(render, post, trending_enabled=self._trending_enabled)

    def _place(self, post: OutgoingMessage) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(post.header.thread_id or post.channel_id)

    async def find(self, post: OutgoingMessage) -> Delivered | MessageAbsent | RetryLater | Blocked:
        forum = self._forum_of(post)
        try:
            async with asyncio.timeout(HISTORY_TIMEOUT_S):
                return await (self._find_message(post) if forum is None else self._find_forum_post(forum, post))
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._why_not(error)

    async def _find_message(self, post: OutgoingMessage) -> Delivered | MessageAbsent:
        since = post.first_attempt - HISTORY_BEFORE_FIRST_ATTEMPT
        async for message in self._place(post).history(after=since, limit=None, oldest_first=True):
            if post.key in post_keys(message, self._client.user):
                return Delivered(message.id)
        return MessageAbsent()

    async def _find_forum_post(self, forum: discord.ForumChannel, post: OutgoingMessage) -> Delivered | MessageAbsent:
        async for thread in _threads_since(forum, post.first_attempt - HISTORY_BEFORE_FIRST_ATTEMPT):
            async for message in thread.history(limit=1, oldest_first=True):
                if post.key in post_keys(message, self._client.user):
                    return Delivered(message.id, thread_id=thread.id)
        return MessageAbsent()

    async def edit(self, post: Post) -> SendOutcome:
        """Draw a message anew from its papers as they are now; nobody is pinged again."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._render_again(post)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._outcome(error)
        return Delivered(post.message_id)

    async def _render_again(self, post: Post) -> None:
        rendered = await self._rendered(post)
        await self._open_if_archived(post)
        await self._held(post).edit(
            content=rendered.content,
            embeds=rendered.embeds,
            view=rendered.view,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    async def _open_if_archived(self, post: Post) -> None:
        """Open the message's thread again: in an archived one, as quiet forum posts soon are, nothing can be edited."""
        place = await self._thread(post.header.thread_id or post.channel_id)
        if place is not None and place.archived and not place.locked:
            await place.edit(archived=False)

    async def _thread(self, place_id: int) -> discord.Thread | None:
        """The thread of this id, if it is one; the gateway forgets those that are archived."""
        known = self._client.get_channel(place_id) or await self._client.fetch_channel(place_id)
        return known if isinstance(known, discord.Thread) else None

    async def publish(self, post: Post) -> SendOutcome:
        """Let the followers of the message's announcement channel have it."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._client.http.request(_publishing(post))
        except discord.HTTPException as error:
            return Delivered(post.message_id) if error.code == _ALREADY_CROSSPOSTED else self._outcome(error)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._outcome(error)
        return Delivered(post.message_id)

    def _held(self, post: Post) -> discord.PartialMessage:
        if post.message_id is None:
            raise ValueError(f"post {post.key} was not delivered")
        return self._place(post).get_partial_message(post.message_id)

    def _outcome(self, error: Exception) -> SendOutcome:
        """What an exception says of a message that was sent."""
        if isinstance(error, discord.RateLimited):
            return RetryLater(self._after(error.retry_after), "Discord asks us to wait")
        if not isinstance(error, discord.HTTPException) or error.status >= 500:
            return OutcomeUnknown(f"no answer from Discord ({type(error).__name__})")
        if error.code == _UNKNOWN_MESSAGE:
            return Delivered(None)
        if error.code in BLOCKED_BY_CODE:
            return BLOCKED_BY_CODE[error.code]
        if error.status in (401, 403, 404):
            return Blocked(f"Discord refuses the bot in this channel ({error.text or error.status}).")
        if error.status == 429:
            return RetryLater(self._after(SEND_BACKOFF_FLOOR_S), "Discord asks us to wait")
        return Rejected(f"Discord refused the message: {error.text} ({error.code})")

    def _why_not(self, error: Exception) -> RetryLater | Blocked:
        """What an exception says of a channel that was only read."""
        outcome = self._outcome(error)
        if isinstance(outcome, RetryLater | Blocked):
            return outcome
        return RetryLater(self._after(SEND_BACKOFF_FLOOR_S), "Discord did not answer")

    def _after(self, delay_s: float) -> datetime:
        return self._clock.now() + timedelta(seconds=delay_s)


def _publishing(post: Post) -> Route:
    """The request that publishes a message, in a rate limit bucket of its own.

    discord.py raises RateLimited wherever a bucket's window is longer than our `max_ratelimit_timeout`, even when the
    bucket has room: of Discord's ten an hour it would let one through. The eleventh is answered 429, once.
    """
    return Route(
        "POST",
        "/channels/{channel_id}/messages/{message_id}/crosspost",
        channel_id=post.channel_id,
        message_id=post.message_id,
        metadata=post.key,
    )


async def post_sample(client: discord.Client, channel_id: int, rendered: RenderedMessage) -> discord.Message:
    """Send a message that is no post of papers: nothing is remembered of it."""
    channel = client.get_channel(channel_id)
    if isinstance(channel, discord.ForumChannel):
        return (await _begin_thread(channel, "A sample", rendered)).message
    return await client.get_partial_messageable(channel_id).send(
        content=rendered.content, embeds=rendered.embeds, view=rendered.view, allowed_mentions=rendered.allowed_mentions
    )


async def _begin_thread(forum: discord.ForumChannel, name: str, rendered: RenderedMessage) -> ThreadWithMessage:
    """A forum's post; where it takes a tag, the first one there is."""
    return await forum.create_thread(
        name=name,
        content=rendered.content,
        embeds=rendered.embeds,
        view=rendered.view,
        applied_tags=forum.available_tags[:1] if forum.flags.require_tag else [],
        allowed_mentions=rendered.allowed_mentions,
    )


async def _threads_since(forum: discord.ForumChannel, since: datetime) -> AsyncIterator[discord.Thread]:
    """A forum's posts that began since then, the archived ones too."""
    for thread in await forum.guild.active_threads():
        if thread.parent_id == forum.id and discord.utils.snowflake_time(thread.id) >= since:
            yield thread
    async for thread in forum.archived_threads(limit=None):
        if discord.utils.snowflake_time(thread.id) >= since:
            yield thread
