"""Reads a channel's history page by page, and a forum's posts, by message id. It changes nothing."""

from collections.abc import AsyncIterator, Callable
from typing import Final

import discord

from bot.discord_api.messages import post_keys
from bot.domain.history import Position, created_at
from bot.domain.outgoing import Delivered, MessageAbsent
from bot.runtime.limits import HISTORY_PAGE_SIZE

# For one page of a channel, or for the posts of a forum.
HISTORY_TIMEOUT_S: Final = 120.0


async def find_message(
    channel: discord.abc.Messageable, key: str, position: Position, author: discord.abc.User | None
) -> Delivered | MessageAbsent | Position:
    """Looks for the author's message with this key in the next page; returns where the search continues, if it does."""
    messages, rest = await read_page(channel, position)
    for message in messages:
        if key in post_keys(message, author):
            return Delivered(message.id)
    return MessageAbsent() if rest is None else rest


async def read_page(
    channel: discord.abc.Messageable, position: Position
) -> tuple[tuple[discord.Message, ...], Position | None]:
    """Returns the next messages, oldest first, and the position after them; None at the end."""
    after = discord.Object(position.after)
    page = [message async for message in channel.history(after=after, limit=HISTORY_PAGE_SIZE, oldest_first=True)]
    if len(page) < HISTORY_PAGE_SIZE:
        return tuple(page), None
    # New messages may keep arriving: those after this moment are not read.
    until = position.until or await newest_id(channel) or page[-1].id
    rest = Position(page[-1].id, until)
    return tuple(page), None if rest.after >= until else rest


async def newest_id(channel: discord.abc.Messageable) -> int | None:
    """Returns the id of the newest message; None in an empty channel."""
    return next(iter([message.id async for message in channel.history(limit=1)]), None)


async def find_forum_post(
    forum: discord.ForumChannel, key: str, after: int, author: discord.abc.User | None
) -> Delivered | MessageAbsent:
    """Looks for the author's forum post with this key among the author's posts above this id."""
    async for thread in own_threads(forum, author, lambda thread: thread.id > after, after):
        async for message in thread.history(limit=1, oldest_first=True):
            if key in post_keys(message, author):
                return Delivered(message.id, thread_id=thread.id)
    return MessageAbsent()


async def own_threads(
    forum: discord.ForumChannel,
    author: discord.abc.User | None,
    is_wanted: Callable[[discord.Thread], bool],
    after: int,
) -> AsyncIterator[discord.Thread]:
    """Yields the author's wanted threads of a forum: active ones, and those archived after this message id."""
    for thread in await forum.guild.active_threads():
        if thread.parent_id == forum.id and _is_by(thread, author) and is_wanted(thread):
            yield thread
    async for thread in forum.archived_threads(limit=None):  # the last archived one first
        if thread.archive_timestamp < created_at(after):
            return
        if _is_by(thread, author) and is_wanted(thread):
            yield thread


def _is_by(thread: discord.Thread, author: discord.abc.User | None) -> bool:
    return author is not None and thread.owner_id == author.id
