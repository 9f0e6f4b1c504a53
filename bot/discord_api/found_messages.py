"""Reads the bot's messages with papers from a channel's history, or from a forum's posts. It changes nothing.

The key and the papers of a message are in the custom ids and options of its components, in every layout.
"""

import asyncio
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import aiohttp
import discord

from bot.discord_api.custom_ids import NO_POST_KEY, AbstractButtonId, post_key
from bot.discord_api.history import HISTORY_TIMEOUT_S, own_threads, read_page
from bot.discord_api.outcomes import OutcomeMapper
from bot.discord_api.server_time import DiscordTime
from bot.domain.channel_settings import Layout
from bot.domain.found import FoundMessage, HistoryPage
from bot.domain.history import Position
from bot.domain.outgoing import Blocked, RetryLater
from bot.domain.trending.post import day_in_headline
from bot.runtime.clock import Clock

# How many pages of a forum's threads are read in one step; most threads have one.
PAGES_PER_STEP: Final = 10
_PING: Final = re.compile(r"<@&(\d+)> ?")


class DiscordHistory:
    """Reads histories through a discord.py client that is logged in."""

    def __init__(self, client: discord.Client, clock: Clock, discord_time: DiscordTime) -> None:
        self._client = client
        self._outcomes = OutcomeMapper(clock)
        self._discord_time = discord_time

    def server_time(self) -> datetime | None:
        return self._discord_time.now()

    def started_at(self) -> datetime | None:
        return self._discord_time.started_at

    async def read_history(self, channel_id: int, position: Position) -> HistoryPage | RetryLater | Blocked:
        channel = self._client.get_channel(channel_id)
        try:
            async with asyncio.timeout(HISTORY_TIMEOUT_S):
                if isinstance(channel, discord.ForumChannel):
                    return await read_forum(channel, position, self._client.user)
                target = self._client.get_partial_messageable(channel_id)
                return await read_channel(target, position, self._client.user)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._outcomes.of_read(error)


async def read_channel(
    channel: discord.abc.Messageable, position: Position, author: discord.abc.User | None
) -> HistoryPage:
    """Returns the author's messages in the next page of a channel's history."""
    messages, rest = await read_page(channel, position)
    read_until = messages[-1].id if messages else position.after
    return HistoryPage(tuple(_found(messages, author)), read_until, rest)


async def read_forum(forum: discord.ForumChannel, position: Position, author: discord.abc.User | None) -> HistoryPage:
    """Returns the author's messages in the author's next threads, the oldest thread first."""
    after = position.after

    def is_unread(thread: discord.Thread) -> bool:
        has_messages = thread.id > after or (thread.last_message_id or 0) > after
        return thread.id >= position.thread_id and has_messages

    threads = {thread.id: thread async for thread in own_threads(forum, author, is_unread, after)}
    found: list[FoundMessage] = []
    pages = 0
    for thread_id in sorted(threads):
        in_thread = position.in_thread if thread_id == position.thread_id else None
        rest: Position | None = in_thread or Position(after)
        while rest is not None:
            if pages == PAGES_PER_STEP:
                # Every message with a lower id is in a thread that was read.
                read_until = max(after, thread_id - 1)
                return HistoryPage(tuple(found), read_until, Position(read_until, thread_id=thread_id, in_thread=rest))
            messages, rest = await read_page(threads[thread_id], rest)
            found += _found(messages, author, thread_id)
            pages += 1
    return HistoryPage(tuple(found), max((message.message_id for message in found), default=after), None)


def _found(
    messages: tuple[discord.Message, ...], author: discord.abc.User | None, thread_id: int | None = None
) -> Iterator[FoundMessage]:
    for message in messages:
        if author is not None and message.author.id == author.id:
            found = found_message(message, thread_id)
            if found is not None:
                yield found


def found_message(message: discord.Message, thread_id: int | None = None) -> FoundMessage | None:
    """Returns a message of the bot with its key and papers; None if it is no post."""
    key, arxiv_ids = None, list[str]()
    for component in _components(message):
        button = re.fullmatch(AbstractButtonId.TEMPLATE, component.custom_id or "")
        if button is not None:
            key, arxiv_ids = button["key"], [button["arxiv_id"]]
        elif isinstance(component, discord.SelectMenu):
            key = post_key(component.custom_id or "")
            arxiv_ids = [option.value for option in component.options]
    if key is None or key == NO_POST_KEY:
        return None
    ping = _PING.match(message.content)
    headline = message.content[ping.end() :] if ping else message.content
    return FoundMessage(
        key=key,
        message_id=message.id,
        arxiv_ids=tuple(arxiv_ids),
        layout=Layout.CARDS if any(embed.url for embed in message.embeds) else Layout.COMPACT,
        headline=headline,
        mention_role=int(ping[1]) if ping else None,
        thread_id=thread_id,
        day=day_in_headline(headline),
    )


def _components(message: discord.Message) -> Iterator[discord.Button | discord.SelectMenu]:
    for row in message.components:
        if isinstance(row, discord.ActionRow):
            yield from (child for child in row.children if isinstance(child, discord.Button | discord.SelectMenu))
