"""Reads a channel's history page by page, and a forum's posts, by message id. It changes nothing."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import discord

from bot.discord_api.history_message import HistoryMessage, UnreadableHistory
from bot.domain.history import Position, created_at
from bot.domain.outgoing import Delivered, MessageAbsent
from bot.runtime.limits import HISTORY_PAGE_SIZE

# For one page of a channel, or for the posts of a forum.
HISTORY_TIMEOUT_S: Final = 120.0

# Discord's code for a channel or thread that does not exist (topics/opcodes-and-status-codes).
UNKNOWN_CHANNEL: Final = 10003


async def find_message(
    client: discord.Client, channel_id: int, key: str, position: Position
) -> Delivered | MessageAbsent | Position:
    """Looks for the bot's message with this key in the next page; returns where the search continues, if it does."""
    messages, rest = await read_page(client, channel_id, position)
    for message in messages:
        if _has_key(client, message, key):
            return Delivered(message.id)
    return MessageAbsent() if rest is None else rest


async def read_page(
    client: discord.Client, channel_id: int, position: Position
) -> tuple[tuple[HistoryMessage, ...], Position | None]:
    """Returns the next messages, oldest first, and the position after them; None at the end."""
    page = await _messages(client, channel_id, HISTORY_PAGE_SIZE, position.after)
    if len(page) < HISTORY_PAGE_SIZE:
        return page, None
    # New messages may keep arriving: those after this moment are not read.
    until = position.until or await _newest_id(client, channel_id) or page[-1].id
    rest = Position(page[-1].id, until)
    return page, None if rest.after >= until else rest


async def _messages(
    client: discord.Client, channel_id: int, limit: int, after: int | None
) -> tuple[HistoryMessage, ...]:
    """Returns messages of a channel, oldest first; without `after`, the newest ones."""
    answer: object = await client.http.logs_from(channel_id, limit, after=after)
    if not isinstance(answer, list):
        raise UnreadableHistory("no list of messages")
    return tuple(sorted(map(HistoryMessage.parse, answer), key=lambda message: message.id))


async def _newest_id(client: discord.Client, channel_id: int) -> int | None:
    """Returns the id of the newest message; None in an empty channel."""
    return next((message.id for message in await _messages(client, channel_id, 1, None)), None)


async def find_forum_post(
    client: discord.Client, forum: discord.ForumChannel, key: str, after: int
) -> Delivered | MessageAbsent:
    """Looks for the bot's forum post with this key among its posts above this id."""
    async for thread in own_threads(client, forum, lambda thread: thread.id > after, after):
        with skip_deleted_thread():
            for message in await _messages(client, thread.id, 1, 0):
                if _has_key(client, message, key):
                    return Delivered(message.id, thread_id=thread.id)
    return MessageAbsent()


@contextmanager
def skip_deleted_thread() -> Iterator[None]:
    """Ends the block if a thread was deleted after it was listed: that says nothing about its forum."""
    try:
        yield
    except discord.NotFound as error:
        if error.code != UNKNOWN_CHANNEL:
            raise


def _has_key(client: discord.Client, message: HistoryMessage, key: str) -> bool:
    marks = message.post_marks() if is_own(client, message.author_id) else None
    return marks is not None and marks.key == key


async def own_threads(
    client: discord.Client,
    channel: discord.ForumChannel | discord.TextChannel,
    is_wanted: Callable[[discord.Thread], bool],
    after: int,
) -> AsyncIterator[discord.Thread]:
    """Yields the bot's wanted threads of a channel: active ones, and public ones archived after this message id."""
    for thread in await channel.guild.active_threads():
        if thread.parent_id == channel.id and is_own(client, thread.owner_id) and is_wanted(thread):
            yield thread
    async for thread in channel.archived_threads(limit=None):  # the last archived one first
        if thread.archive_timestamp < created_at(after):
            return
        if is_own(client, thread.owner_id) and is_wanted(thread):
            yield thread


def is_own(client: discord.Client, author_id: int) -> bool:
    """Whether a message or thread of this author is the bot's."""
    return client.user is not None and author_id == client.user.id
