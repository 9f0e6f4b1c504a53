"""Finds out why the bot cannot post in a channel, from the gateway's cache and from Discord's error codes.

The reasons are shown to the channel's admins. This module sends no request.
"""

from typing import Final

import discord

from bot.domain.outgoing import Blocked
from bot.domain.text import noun_for

AnyChannel = discord.abc.GuildChannel | discord.abc.PrivateChannel | discord.Thread
Postable = discord.TextChannel | discord.ForumChannel | discord.Thread

# Discord's error codes (topics/opcodes-and-status-codes) that concern the channel, not the message.
BLOCKED_BY_CODE: Final = {
    10003: Blocked(
        "The channel does not exist: remove its keywords with /unsubscribe, or remove it from config.json.", gone=True
    ),
    10004: Blocked("The server no longer exists.", gone=True),
    50001: Blocked("The bot needs the View Channel permission there."),
    50008: Blocked("Messages cannot be posted in a channel of this type."),
    50013: Blocked("The bot needs the Send Messages and Embed Links permissions there."),
    50083: Blocked("The thread is archived and locked."),
    160005: Blocked("The thread is locked."),
}
# The gateway sends every channel of the bot's servers, hidden ones too: a channel that it did not send is elsewhere.
NOT_IN_SERVER: Final = Blocked(
    "The bot is not in the channel's server: invite it, or remove the channel from config.json.", gone=True
)
UNSUPPORTED_CHANNEL_TYPE: Final = Blocked(
    "Papers can be posted in text channels, announcement channels, forums and threads."
)


def find_block(channel: AnyChannel) -> Blocked | None:
    """Returns why the bot cannot post in a channel, or None if it can."""
    if not isinstance(channel, Postable):
        return UNSUPPORTED_CHANNEL_TYPE
    if isinstance(channel, discord.Thread) and channel.locked:
        return Blocked("The thread is locked.")
    missing = missing_permissions(channel)
    if missing:
        return Blocked(f"The bot needs the {' and '.join(missing)} {noun_for(len(missing), 'permission')} there.")
    return None


def find_thread_block(channel: discord.TextChannel) -> Blocked | None:
    """Returns why the bot cannot start threads in a channel in which it can post, or None if it can."""
    missing = missing_thread_permissions(channel)
    if not missing:
        return None
    return Blocked(
        f"To start threads, the bot needs the {' and '.join(missing)} {noun_for(len(missing), 'permission')} there."
    )


def missing_thread_permissions(channel: discord.TextChannel) -> tuple[str, ...]:
    """Returns the names of the permissions that the bot lacks to start threads; only `/channel threads` needs them."""
    permissions = channel.permissions_for(channel.guild.me)
    if not permissions.view_channel:  # without it, nothing else is granted
        return ("View Channel",)
    needed = {
        "Create Public Threads": permissions.create_public_threads,
        "Send Messages in Threads": permissions.send_messages_in_threads,
    }
    return tuple(name for name, granted in needed.items() if not granted)


def is_unknown_to_gateway(fetched: AnyChannel | Blocked) -> bool:
    """Whether the gateway has yet to send the server of a channel that only REST knows.

    Once it has sent a server, only archived threads are missing. Before that neither permissions nor the channel's
    type can be relied on.
    """
    return isinstance(fetched, Postable) and not (isinstance(fetched, discord.Thread) and fetched.parent is not None)


def missing_permissions(channel: Postable) -> tuple[str, ...]:
    """Returns the names of the permissions that the bot lacks to post in a channel and to look its posts up."""
    permissions = channel.permissions_for(channel.guild.me)
    in_thread = isinstance(channel, discord.Thread)
    may_send = permissions.send_messages_in_threads if in_thread else permissions.send_messages
    # Without View Channel every other permission is lost, and without Send Messages so is Embed Links, whatever the
    # roles grant: only the cause is named (topics/permissions, "implicit permissions").
    if not permissions.view_channel:
        return ("View Channel",)
    needed = {
        "Send Messages": may_send or in_thread,
        # A forum's posts are threads, and a large batch continues in one.
        "Send Messages in Threads": permissions.send_messages_in_threads or isinstance(channel, discord.TextChannel),
        "Embed Links": permissions.embed_links or not may_send,
        "Read Message History": permissions.read_message_history,
    }
    return tuple(name for name, granted in needed.items() if not granted)
