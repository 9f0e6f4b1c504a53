"""Sends, looks up, edits and publishes messages, and returns discord.py's exceptions as outcomes.

It makes one attempt per call, and never decides when to send or whether to send again.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import aiohttp
import discord
from discord.channel import ThreadWithMessage
from discord.http import Route

from bot.discord_api.attempts import Attempts, definitely_rejected, track_attempts
from bot.discord_api.channel_access import ChannelAccess
from bot.discord_api.history import HISTORY_TIMEOUT_S, find_forum_post, find_message
from bot.discord_api.messages import RenderedMessage, render, thread_name
from bot.discord_api.outcomes import OutcomeMapper
from bot.discord_api.server_time import DiscordTime
from bot.domain.history import Position
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
from bot.runtime.clock import Clock

# Longer than discord.py's own retries of one request take; after it the answer counts as lost.
SEND_TIMEOUT_S: Final = 60.0

# Discord's error code (topics/opcodes-and-status-codes) for a message that was published before.
_ALREADY_CROSSPOSTED: Final = 40033


class DiscordDelivery:
    """Delivers messages through a discord.py client that is logged in; `render` is called in a thread."""

    def __init__(
        self,
        client: discord.Client,
        clock: Clock,
        channel_access: ChannelAccess,
        render: Callable[[OutgoingMessage], RenderedMessage] = render,
        discord_time: DiscordTime | None = None,
    ) -> None:
        self._client = client
        self._channel_access = channel_access
        self._render_message = render
        self._outcomes = OutcomeMapper(clock)
        self._discord_time = discord_time or DiscordTime(clock)

    def server_time(self) -> datetime | None:
        return self._discord_time.now()

    def takes_nonce(self, message: OutgoingMessage) -> bool:
        return self._forum_of(message) is None

    async def send(self, message: OutgoingMessage) -> SendOutcome:
        forum = self._forum_of(message)
        # A forum post has no nonce: whatever became of the first attempt, it is looked up before a second one.
        with track_attempts(once=forum is not None) as attempts:
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    return await (
                        self._send_message(message) if forum is None else self._send_forum_post(forum, message)
                    )
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                return self._failed_send(message, self._outcomes.of_write(error), attempts)

    def _failed_send(self, message: OutgoingMessage, outcome: SendOutcome, attempts: Attempts) -> SendOutcome:
        """Corrects the outcome of discord.py's last attempt for what its earlier attempts may have stored."""
        if isinstance(outcome, Blocked | Rejected) and not definitely_rejected(attempts):
            return OutcomeUnknown("no answer from Discord, then a rejected attempt")
        if isinstance(outcome, Blocked):
            self._channel_access.record_rejection(message.channel_id, outcome)
        return outcome

    async def _send_message(self, message: OutgoingMessage) -> Delivered:
        rendered = await self._render(message)
        sent = await self._target(message).send(
            content=rendered.content,
            embeds=rendered.embeds,
            view=rendered.view,
            nonce=message.nonce,
            allowed_mentions=rendered.allowed_mentions,
        )
        return Delivered(sent.id)

    async def _send_forum_post(self, forum: discord.ForumChannel, message: OutgoingMessage) -> Delivered:
        rendered = await self._render(message)
        created = await _create_forum_post(forum, thread_name(message), rendered)
        return Delivered(created.message.id, thread_id=created.thread.id)

    async def find(
        self, message: OutgoingMessage, position: Position
    ) -> Delivered | MessageAbsent | Position | RetryLater | Blocked:
        forum = self._forum_of(message)
        try:
            async with asyncio.timeout(HISTORY_TIMEOUT_S):
                if forum is None:
                    return await find_message(self._client, _target_id(message), message.key, position)
                return await find_forum_post(self._client, forum, message.key, position.after)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._outcomes.of_read(error)

    async def edit(self, post: Post) -> SendOutcome:
        """Replaces a message by its re-rendered form; pings nobody."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._edit_message(post)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._outcomes.of_write(error)
        return Delivered(post.message_id)

    async def _edit_message(self, post: Post) -> None:
        if post.message_id is None:
            raise ValueError(f"post {post.key} was not delivered")
        rendered = await self._render(post)
        await self._unarchive_thread(post)
        await (
            self._target(post)
            .get_partial_message(post.message_id)
            .edit(
                content=rendered.content,
                embeds=rendered.embeds,
                view=rendered.view,
                allowed_mentions=discord.AllowedMentions.none(),
            )
        )

    async def _unarchive_thread(self, post: Post) -> None:
        """Unarchives the message's thread, if it is in one: Discord allows no edits in an archived thread."""
        target_id = post.header.thread_id or post.channel_id
        # The gateway's cache drops archived threads.
        target = self._client.get_channel(target_id) or await self._client.fetch_channel(target_id)
        if isinstance(target, discord.Thread) and target.archived and not target.locked:
            await target.edit(archived=False)

    async def publish(self, post: Post) -> SendOutcome:
        """Publishes a message to the followers of its announcement channel."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._client.http.request(_publish_route(post))
        except discord.HTTPException as error:
            if error.code == _ALREADY_CROSSPOSTED:
                return Delivered(post.message_id)
            return self._outcomes.of_write(error)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._outcomes.of_write(error)
        return Delivered(post.message_id)

    async def _render(self, message: OutgoingMessage) -> RenderedMessage:
        # In a thread: ten cards take 4 ms, and a hundred times that if their text is nothing but TeX.
        return await asyncio.to_thread(self._render_message, message)

    def _target(self, message: OutgoingMessage) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(_target_id(message))

    def _forum_of(self, message: OutgoingMessage) -> discord.ForumChannel | None:
        """Returns the forum in which the message begins a new forum post, or None."""
        channel = self._client.get_channel(message.channel_id)
        return channel if isinstance(channel, discord.ForumChannel) and message.header.thread_id is None else None


def _target_id(message: OutgoingMessage) -> int:
    return message.header.thread_id or message.channel_id


def _publish_route(post: Post) -> Route:
    """Returns the crosspost route of a message, with a rate limit bucket of its own.

    discord.py raises RateLimited for any bucket whose window is longer than `max_ratelimit_timeout`, even if the bucket
    has room: of the ten crossposts per hour that Discord allows it would make one. The eleventh is answered 429, once.
    """
    return Route(
        "POST",
        "/channels/{channel_id}/messages/{message_id}/crosspost",
        channel_id=post.channel_id,
        message_id=post.message_id,
        metadata=post.key,
    )


async def post_sample(client: discord.Client, channel_id: int, rendered: RenderedMessage) -> discord.Message:
    """Sends a message that is not a post: nothing about it is stored."""
    channel = client.get_channel(channel_id)
    if isinstance(channel, discord.ForumChannel):
        return (await _create_forum_post(channel, "A sample", rendered)).message
    return await client.get_partial_messageable(channel_id).send(
        content=rendered.content, embeds=rendered.embeds, view=rendered.view, allowed_mentions=rendered.allowed_mentions
    )


async def _create_forum_post(forum: discord.ForumChannel, name: str, rendered: RenderedMessage) -> ThreadWithMessage:
    """Creates a forum post, with the forum's first tag if it requires one."""
    return await forum.create_thread(
        name=name,
        content=rendered.content,
        embeds=rendered.embeds,
        view=rendered.view,
        applied_tags=forum.available_tags[:1] if forum.flags.require_tag else [],
        allowed_mentions=rendered.allowed_mentions,
    )
