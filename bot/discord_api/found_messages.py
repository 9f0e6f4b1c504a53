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

from bot.discord_api.custom_ids import NO_POST_KEY
from bot.discord_api.history import HISTORY_TIMEOUT_S, is_own, own_threads, read_page, skip_deleted_thread
from bot.discord_api.history_message import HistoryMessage
from bot.discord_api.outcomes import OutcomeMapper
from bot.discord_api.server_time import DiscordTime
from bot.domain.channel_settings import Discussion, Layout
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

    def newest_message(self, channel_id: int) -> int | None:
        channel = self._client.get_channel(channel_id)
        # The last id of a forum is a thread's: it says nothing about the messages in the threads.
        if not isinstance(channel, discord.TextChannel | discord.Thread):
            return None
        return channel.last_message_id or 0

    def started_at(self) -> datetime | None:
        return self._discord_time.started_at

    async def read_history(self, channel_id: int, position: Position) -> HistoryPage | RetryLater | Blocked:
        channel = self._client.get_channel(channel_id)
        try:
            async with asyncio.timeout(HISTORY_TIMEOUT_S):
                if isinstance(channel, discord.ForumChannel):
                    return await read_forum(self._client, channel, position)
                return await read_channel(self._client, channel_id, position)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            return self._outcomes.of_read(error)


async def read_channel(client: discord.Client, channel_id: int, position: Position) -> HistoryPage:
    """Returns the bot's messages in the next page of a channel's history."""
    messages, rest = await read_page(client, channel_id, position)
    read_until = messages[-1].id if messages else position.after
    return HistoryPage(tuple(_found(client, messages)), read_until, rest)


async def read_forum(client: discord.Client, forum: discord.ForumChannel, position: Position) -> HistoryPage:
    """Returns the bot's messages in its next threads, the oldest thread first."""
    after = position.after

    def is_unread(thread: discord.Thread) -> bool:
        has_messages = thread.id > after or (thread.last_message_id or 0) > after
        return thread.id >= position.thread_id and has_messages

    threads = [thread.id async for thread in own_threads(client, forum, is_unread, after)]
    found: list[FoundMessage] = []
    pages = 0
    for thread_id in sorted(set(threads)):
        in_thread = position.in_thread if thread_id == position.thread_id else None
        rest: Position | None = in_thread or Position(after)
        while rest is not None:
            if pages == PAGES_PER_STEP:
                # Every message with a lower id is in a thread that was read.
                read_until = max(after, thread_id - 1)
                return HistoryPage(tuple(found), read_until, Position(read_until, thread_id=thread_id, in_thread=rest))
            page_start, rest = rest, None  # a thread that was deleted is read
            with skip_deleted_thread():
                messages, rest = await read_page(client, thread_id, page_start)
                found += _found(client, messages, thread_id)
            pages += 1
    return HistoryPage(tuple(found), max((message.message_id for message in found), default=after), None)


def _found(
    client: discord.Client, messages: tuple[HistoryMessage, ...], thread_id: int | None = None
) -> Iterator[FoundMessage]:
    for message in messages:
        found = found_message(message, thread_id) if is_own(client, message.author_id) else None
        if found is not None:
            yield found


def found_message(message: HistoryMessage, thread_id: int | None = None) -> FoundMessage | None:
    """Returns a message of the bot with its key and papers; None if it is no post."""
    marks = message.post_marks()
    if marks is None or marks.key == NO_POST_KEY:
        return None
    roles, headline = _pings(message.content)
    return FoundMessage(
        key=marks.key,
        message_id=message.id,
        arxiv_ids=marks.arxiv_ids,
        layout=Layout.CARDS if message.has_links_in_embeds else Layout.COMPACT,
        headline=headline,
        mention_role=next(iter(roles), None),
        thread_id=thread_id,
        day=day_in_headline(headline),
        keyword_roles=roles[1:],
        discussion=Discussion.BUTTON if message.has_discuss_button else None,
    )


def _pings(content: str) -> tuple[tuple[int, ...], str]:
    """Returns the roles at the beginning of a message, and what follows them."""
    roles: list[int] = []
    end = 0
    while (ping := _PING.match(content, end)) is not None:
        roles.append(int(ping[1]))
        end = ping.end()
    return tuple(roles), content[end:]
