"""Reads the bot's messages with papers from a channel's history, or from a forum's posts. It changes nothing.

The key and the papers of a message are in the custom ids and options of its components, in every layout.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
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

# How many threads of a forum are read in one step.
THREADS_PER_PAGE: Final = 20
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

    def has_messages(thread: discord.Thread) -> bool:
        return thread.id > after or (thread.last_message_id or 0) > after

    threads = {thread.id: thread async for thread in own_threads(forum, author, has_messages, after)}
    step = [threads[thread_id] for thread_id in sorted(threads)[:THREADS_PER_PAGE]]
    found: list[FoundMessage] = []
    for thread in step:
        found += [message async for message in _in_thread(thread, after, author)]
    if len(step) == len(threads):
        return HistoryPage(tuple(found), max((message.message_id for message in found), default=after), None)
    return HistoryPage(tuple(found), step[-1].id, Position(step[-1].id))


async def _in_thread(
    thread: discord.Thread, after: int, author: discord.abc.User | None
) -> AsyncIterator[FoundMessage]:
    position: Position | None = Position(after)
    while position is not None:
        messages, position = await read_page(thread, position)
        for message in _found(messages, author, thread.id):
            yield message


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
