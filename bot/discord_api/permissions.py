"""Why the bot cannot post somewhere: from what the gateway told of a channel, and from Discord's error codes.

A channel or a code enters; an `Obstructed` with words for the channel's admin leaves, or nothing.
"""

from typing import Final

import discord

from bot.domain.outgoing import Blocked

AnyChannel = discord.abc.GuildChannel | discord.abc.PrivateChannel | discord.Thread
Postable = discord.TextChannel | discord.ForumChannel | discord.Thread

# Discord's error codes (topics/opcodes-and-status-codes) that say so of the channel, not of the message.
BLOCKED_BY_CODE: Final = {
    10003: Blocked(
        "The channel does not exist: end its keywords with /unsubscribe, or take it out of config.json.", gone=True
    ),
    10004: Blocked("The server does not exist any more.", gone=True),
    50001: Blocked("The bot cannot see the channel: it needs View Channel there."),
    50008: Blocked("Nobody can post messages in a channel of this type."),
    50013: Blocked("The bot may not post in the channel: it needs Send Messages and Embed Links there."),
    50083: Blocked("The thread is archived and locked."),
    160005: Blocked("The thread is locked."),
}
# The gateway tells of every channel of the bot's servers, hidden ones too: what it does not tell of is elsewhere.
NOT_IN_SERVER: Final = Blocked(
    "The bot is not in the channel's server: invite it, or take the channel out of config.json.", gone=True
)
UNSUPPORTED_CHANNEL_TYPE: Final = Blocked(
    "Papers can be posted in text channels, announcement channels, forums and threads."
)


def find_block(channel: AnyChannel) -> Blocked | None:
    """Why the bot cannot post in a channel that it knows; None when it can."""
    if not isinstance(channel, Postable):
        return UNSUPPORTED_CHANNEL_TYPE
    if isinstance(channel, discord.Thread) and channel.locked:
        return Blocked("The thread is locked.")
    missing = missing_permissions(channel)
    if missing:
        return Blocked(f"The bot needs {' and '.join(missing)} there.")
    return None


def is_unknown_to_gateway(fetched: AnyChannel | Blocked) -> bool:
    """Whether the gateway has yet to tell of a channel that it does not know: of a server that it told of, it knows all
    but archived threads. Until then nobody can say what the bot may do there, or that a forum is one."""
    return isinstance(fetched, Postable) and not (isinstance(fetched, discord.Thread) and fetched.parent is not None)


def missing_permissions(channel: Postable) -> tuple[str, ...]:
    """The permissions that the bot lacks to post in a channel and to find its posts again, as Discord names them."""
    held = channel.permissions_for(channel.guild.me)
    in_thread = isinstance(channel, discord.Thread)
    may_send = held.send_messages_in_threads if in_thread else held.send_messages
    # Who may not view may do nothing, and who may not send may not embed, whatever the roles say: only the cause is
    # named (topics/permissions, "implicit permissions").
    if not held.view_channel:
        return ("View Channel",)
    needed = {
        "Send Messages": may_send or in_thread,
        # A forum's posts are threads, in which a large batch goes on.
        "Send Messages in Threads": held.send_messages_in_threads or isinstance(channel, discord.TextChannel),
        "Embed Links": held.embed_links or not may_send,
        "Read Message History": held.read_message_history,
    }
    return tuple(name for name, granted in needed.items() if not granted)
