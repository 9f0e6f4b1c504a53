"""Looks a message up by its key, in a channel's history or among a forum's posts. It changes nothing."""

from collections.abc import AsyncIterator
from datetime import datetime

import discord

from bot.discord_api.messages import post_keys
from bot.domain.outgoing import Delivered, MessageAbsent


async def find_message(
    channel: discord.abc.Messageable, key: str, since: datetime, author: discord.abc.User | None
) -> Delivered | MessageAbsent:
    """Looks for the author's message with this key in the channel's history from `since` on."""
    async for message in channel.history(after=since, limit=None, oldest_first=True):
        if key in post_keys(message, author):
            return Delivered(message.id)
    return MessageAbsent()


async def find_forum_post(
    forum: discord.ForumChannel, key: str, since: datetime, author: discord.abc.User | None
) -> Delivered | MessageAbsent:
    """Looks for the author's forum post with this key among the posts created from `since` on."""
    async for thread in _threads_since(forum, since):
        async for message in thread.history(limit=1, oldest_first=True):
            if key in post_keys(message, author):
                return Delivered(message.id, thread_id=thread.id)
    return MessageAbsent()


async def _threads_since(forum: discord.ForumChannel, since: datetime) -> AsyncIterator[discord.Thread]:
    """Yields a forum's posts created from `since` on, archived ones included."""
    for thread in await forum.guild.active_threads():
        if thread.parent_id == forum.id and discord.utils.snowflake_time(thread.id) >= since:
            yield thread
    async for thread in forum.archived_threads(limit=None):
        if discord.utils.snowflake_time(thread.id) >= since:
            yield thread
