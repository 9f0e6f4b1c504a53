"""Builds the JSON that the page displays: the servers, channels and messages that one user can see.

Uses Discord's own payloads with few additions. It never changes the world.
"""

from collections import OrderedDict
from typing import Final

from sandbox.discord import Channel, Guild, Invocation, LocalDiscord, Message, Permission
from sandbox.discord.payloads import role_payload
from sandbox.discord.primitives import Payload, as_mapping, as_text

_NAMES_KEPT: Final = 10_000


class PageData:
    """The state of a local Discord, as each of its users sees it."""

    def __init__(self, discord: LocalDiscord) -> None:
        self._discord = discord
        self._world = discord.world
        self._commands: OrderedDict[str, str] = OrderedDict()

    def remember(self, invocation: Invocation, command: str) -> None:
        """Remembers the command of an interaction, for the line above its reply."""
        self._commands[str(invocation.id)] = command
        while len(self._commands) > _NAMES_KEPT:
            self._commands.popitem(last=False)

    def accounts(self) -> list[Payload]:
        """Lists the users that the page's visitor can act as."""
        return [
            {"id": str(user.id), "name": user.shown_name, "role": self._role_of(user.id)}
            for user in self._world.users.values()
            if not user.bot
        ]

    def users(self) -> list[Payload]:
        """Lists all users, bots included: everyone who can be mentioned."""
        return [{"id": str(user.id), "name": user.shown_name, "bot": user.bot} for user in self._world.users.values()]

    def guilds(self, user_id: int) -> list[Payload]:
        """Lists the servers of a user, with the channels that the user can view."""
        return [self._guild(guild, user_id) for guild in self._world.guilds.values() if user_id in guild.members]

    def direct_messages(self, user_id: int) -> Payload:
        """Returns the direct message channel of a user and the bot."""
        return self._channel(self._world.dm_with(user_id), user_id)

    def message(self, payload: Payload) -> Payload:
        """Adds the name of the command that a message responds to."""
        interaction = as_mapping(payload.get("interaction_metadata"))
        command = self._commands.get(as_text(interaction.get("id")))
        return payload if command is None else payload | {"sandbox_command": command}

    def page(self, user_id: int, channel_id: int, *, before: int | None, limit: int) -> tuple[list[Payload], bool]:
        """Returns the newest messages before `before`, oldest first, and whether there are older ones."""
        visible = [
            message
            for message in self._world.messages.visible_to(user_id, channel_id)
            if before is None or message.id < before
        ]
        return [self.message(self._payload(message)) for message in visible[-limit:]], len(visible) > limit

    def can_see(self, user_id: int, channel_id: int | None, payload: Payload) -> bool:
        """Whether a user may receive an event."""
        if "visible_to" in payload and payload["visible_to"] != str(user_id):
            return False
        return channel_id is None or (channel_id in self._world.channels and self._world.can_view(user_id, channel_id))

    def _payload(self, message: Message) -> Payload:
        return self._world.messages.payload(message)

    def _guild(self, guild: Guild, user_id: int) -> Payload:
        channels = [*self._world.channels_of(guild.id), *self._world.threads_of(guild.id)]
        return {
            "id": str(guild.id),
            "name": guild.name,
            "channels": [
                self._channel(channel, user_id) for channel in channels if self._world.can_view(user_id, channel.id)
            ],
            "roles": [role_payload(role) for role in guild.roles.values()],
            "members": [str(member_id) for member_id in guild.members],
        }

    def _channel(self, channel: Channel, user_id: int) -> Payload:
        permissions = self._world.permissions(user_id, channel.id)
        sending = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
        return {
            "id": str(channel.id),
            "type": int(channel.kind),
            "name": channel.name,
            "parent_id": None if channel.parent_id is None else str(channel.parent_id),
            "topic": channel.topic,
            "locked": channel.locked,
            "can_send": sending in permissions and not channel.locked,
        }

    def _role_of(self, user_id: int) -> str:
        permissions = [self._world.guild_permissions(guild_id, user_id) for guild_id in self._world.guilds]
        return "admin" if any(Permission.ADMINISTRATOR in held for held in permissions) else "member"
