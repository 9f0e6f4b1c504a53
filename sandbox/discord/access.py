"""Looks up what the bot may access, before a route does anything: returns the object, or raises Discord's error.

It never changes the world.
"""

from sandbox.discord import errors
from sandbox.discord.model import MESSAGEABLE, Channel, ChannelKind, Guild, Message
from sandbox.discord.permissions import Permission
from sandbox.discord.world import World


class Access:
    """Looks up guilds, channels and messages with the bot's permissions."""

    def __init__(self, world: World) -> None:
        self._world = world

    def guild(self, guild_id: int) -> Guild:
        """Returns a guild that the bot is in."""
        guild = self._world.guilds.get(guild_id)
        if guild is None or not self._world.bot_in_guild(guild_id):
            raise errors.unknown_guild()
        return guild

    def channel(self, channel_id: int) -> Channel:
        """Returns a channel that the bot can view."""
        channel = self._world.channels.get(channel_id)
        if channel is None:
            raise errors.unknown_channel()
        if Permission.VIEW_CHANNEL not in self.permissions(channel):
            raise errors.missing_access()
        return channel

    def permissions(self, channel: Channel) -> Permission:
        """Returns the bot's permissions in a channel."""
        return self._world.permissions(self._world.bot_id, channel.id)

    def require(self, channel: Channel, permission: Permission) -> None:
        """Raises an error if the bot lacks a permission."""
        if permission not in self.permissions(channel):
            raise errors.missing_permissions()

    def sendable(self, channel_id: int) -> Channel:
        """Returns a channel that the bot may send to, which may be an archived thread that is not locked."""
        channel = self.channel(channel_id)
        if channel.kind not in MESSAGEABLE:
            raise errors.not_a_text_channel()
        if channel.kind is ChannelKind.DM:
            if not all(self._world.users[user_id].accepts_dms for user_id in channel.recipient_ids):
                raise errors.closed_dms()
            return channel
        self.require(channel, Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES)
        if channel.locked and Permission.MANAGE_THREADS not in self.permissions(channel):
            raise errors.thread_archived() if channel.archived else errors.thread_locked()
        return channel

    def message(self, channel_id: int, message_id: int) -> Message:
        """Returns a message in a channel that the bot can view."""
        channel = self.channel(channel_id)
        message = self._world.messages.find(channel.id, message_id)
        if message is None:
            raise errors.unknown_message()
        return message

    def own_message(self, channel_id: int, message_id: int) -> Message:
        """Returns a message that the bot wrote."""
        message = self.message(channel_id, message_id)
        if message.author_id != self._world.bot_id:
            raise errors.another_users_message()
        return message
