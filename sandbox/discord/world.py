"""The state of the local Discord: guilds, roles, members, channels, and permissions.

Every change goes through a method here (for messages: `messages.py`), which emits Discord's event to listeners. It
never sends anything over the network, waits, or validates requests.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from sandbox.discord.events import EventBus, Listener
from sandbox.discord.messages import Messages
from sandbox.discord.model import THREADS, Channel, ChannelKind, ForumTag, Guild, Member, Role, User
from sandbox.discord.payloads import channel_payload, guild_create_payload, member_payload, role_payload
from sandbox.discord.permissions import (
    BOT_PERMISSIONS,
    DIRECT_MESSAGE,
    EVERYONE_DEFAULT,
    EVERYTHING,
    NONE,
    Overwrite,
    Permission,
    base_permissions,
    channel_permissions,
    with_implied_denials,
)
from sandbox.discord.primitives import Payload, SnowflakeGenerator


class World:
    """The guilds, users and channels; ids default to new ones that contain the time."""

    def __init__(self, *, application_id: int, bot_name: str = "Daily Papers", now: Callable[[], float] = time.time):
        self.now = now
        self.new_id = SnowflakeGenerator(now)
        self.application_id = application_id
        self.bot_id = application_id  # Discord gives an application's bot the same id
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self._by_guild: defaultdict[int | None, dict[int, Channel]] = defaultdict(dict)
        self._bot_role_ids: dict[int, int] = {}
        self.user_installs: set[int] = set()  # users who installed the application for their account
        self.active_threads_max = 1000  # of each guild; another one is rejected with error 160006
        self.events = EventBus()
        self.messages = Messages(self.users, self.channels, self.events, self.new_id, now)
        self.add_user(bot_name, user_id=self.bot_id, bot=True)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` for every event from now on; returns a function that unsubscribes it."""
        return self.events.subscribe(listener)

    # Users, guilds, roles

    def add_user(self, username: str, *, user_id: int | None = None, bot: bool = False) -> User:
        """Adds a user account."""
        user = User(user_id or self.new_id(), username, bot=bot)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, owner_id: int, *, guild_id: int | None = None, with_bot: bool = True) -> Guild:
        """Adds a guild with its @everyone role, its owner and, by default, the bot."""
        guild = Guild(guild_id or self.new_id(), name, owner_id)
        self.guilds[guild.id] = guild
        guild.roles[guild.id] = Role(guild.id, guild.id, "@everyone", EVERYONE_DEFAULT, position=0)
        self.add_member(guild.id, owner_id)
        if with_bot:
            self.add_bot_to_guild(guild.id)
        return guild

    def add_member(self, guild_id: int, user_id: int, role_ids: Iterable[int] = ()) -> Member:
        """Adds a user to a guild."""
        member = Member(user_id, guild_id, list(role_ids))
        self.guilds[guild_id].members[user_id] = member
        self.events.emit("GUILD_MEMBER_ADD", self._member(member), guild_id=guild_id)
        return member

    def set_member_roles(self, guild_id: int, user_id: int, role_ids: Iterable[int]) -> None:
        """Sets a member's roles."""
        member = self.guilds[guild_id].members[user_id]
        member.role_ids = list(role_ids)
        self.events.emit("GUILD_MEMBER_UPDATE", self._member(member), guild_id=guild_id)

    def add_role(
        self,
        guild_id: int,
        name: str,
        permissions: Permission,
        *,
        role_id: int | None = None,
        mentionable: bool = False,
        managed: bool = False,
    ) -> Role:
        """Adds a role above the existing ones."""
        guild = self.guilds[guild_id]
        role = Role(role_id or self.new_id(), guild_id, name, permissions, position=len(guild.roles))
        role.mentionable, role.managed = mentionable, managed
        guild.roles[role.id] = role
        self._emit_role("GUILD_ROLE_CREATE", role)
        return role

    def set_role_permissions(self, guild_id: int, role_id: int, permissions: Permission) -> None:
        """Sets a role's permissions; the guild's id denotes @everyone."""
        role = self.guilds[guild_id].roles[role_id]
        role.permissions = permissions
        self._emit_role("GUILD_ROLE_UPDATE", role)

    def add_bot_to_guild(
        self, guild_id: int, permissions: Permission = BOT_PERMISSIONS, *, role_id: int | None = None
    ) -> None:
        """Adds the bot to a guild, with a managed role that has these permissions."""
        guild = self.guilds[guild_id]
        # A bot that is added again keeps its role id, because overwrites may refer to it.
        role_id = role_id or self._bot_role_ids.get(guild_id) or self.new_id()
        self._bot_role_ids[guild_id] = role_id
        name = self.users[self.bot_id].username
        guild.roles[role_id] = Role(role_id, guild_id, name, permissions, position=len(guild.roles), managed=True)
        guild.members[self.bot_id] = Member(self.bot_id, guild_id, [role_id])
        # For a guild that the bot joins, this key is missing; discord.py uses it to detect a join.
        described = self.guild_create(guild_id)
        del described["unavailable"]
        self.events.emit("GUILD_CREATE", described, guild_id=guild_id)

    def remove_bot_from_guild(self, guild_id: int) -> None:
        """Removes the bot from a guild; its messages stay."""
        guild = self.guilds[guild_id]
        del guild.members[self.bot_id]
        guild.roles.pop(self._bot_role_ids[guild_id], None)
        self.events.emit("GUILD_DELETE", {"id": str(guild_id)}, guild_id=guild_id)

    # Channels

    def add_channel(
        self,
        guild_id: int,
        name: str,
        kind: ChannelKind = ChannelKind.TEXT,
        *,
        channel_id: int | None = None,
        parent_id: int | None = None,
        overwrites: Iterable[Overwrite] = (),
        tags: Iterable[str] = (),
    ) -> Channel:
        """Adds a channel that is not a thread, below the existing ones."""
        channel = Channel(channel_id or self.new_id(), kind, name, guild_id, parent_id)
        channel.position = len(self.channels_of(guild_id))
        channel.overwrites = {overwrite.target_id: overwrite for overwrite in overwrites}
        channel.available_tags = [ForumTag(self.new_id(), tag) for tag in tags]
        self._store(channel, "CHANNEL_CREATE")
        return channel

    def add_thread(
        self,
        parent_id: int,
        name: str,
        *,
        owner_id: int,
        kind: ChannelKind = ChannelKind.PUBLIC_THREAD,
        channel_id: int | None = None,
        applied_tags: Iterable[int] = (),
    ) -> Channel:
        """Adds a thread or forum post; its permissions come from its parent."""
        parent = self.channels[parent_id]
        thread = Channel(channel_id or self.new_id(), kind, name, parent.guild_id, parent_id, owner_id=owner_id)
        thread.applied_tags = list(applied_tags)
        self._store(thread, "THREAD_CREATE", newly_created=True)
        return thread

    def rename_channel(self, channel_id: int, name: str) -> None:
        """Renames a channel or thread."""
        self.channels[channel_id].name = name
        self._emit_update(self.channels[channel_id])

    def set_overwrite(
        self, channel_id: int, target_id: int, *, allow: Permission = NONE, deny: Permission = NONE
    ) -> None:
        """Sets a channel's overwrite for a role or member; without `allow` and `deny`, removes it."""
        channel = self.channels[channel_id]
        channel.overwrites.pop(target_id, None)
        if allow or deny:
            channel.overwrites[target_id] = self._overwrite(channel, target_id, allow, deny)
        self._emit_update(channel)

    def set_thread(self, thread_id: int, *, archived: bool | None = None, locked: bool | None = None) -> None:
        """Archives, locks or reopens a thread; None leaves a flag unchanged."""
        thread = self.channels[thread_id]
        thread.archived = thread.archived if archived is None else archived
        thread.locked = thread.locked if locked is None else locked
        self._emit_update(thread)

    def lock_thread(self, thread_id: int) -> None:
        """Archives and locks a thread, so that only moderators can reopen it."""
        self.set_thread(thread_id, archived=True, locked=True)

    def delete_channel(self, channel_id: int) -> None:
        """Deletes a channel or thread, with its threads and all their messages."""
        for thread in [thread for thread in self.channels.values() if thread.parent_id == channel_id]:
            if thread.is_thread:
                self.delete_channel(thread.id)
        channel = self.channels.pop(channel_id)
        del self._by_guild[channel.guild_id][channel_id]
        self.messages.remove_channel(channel_id)
        name = "THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE"
        self.events.emit(name, self.channel_payload(channel), guild_id=channel.guild_id, channel_id=channel_id)

    def dm_with(self, user_id: int) -> Channel:
        """Returns the DM channel of the bot and a user, which is created if necessary."""
        for channel in self.channels.values():
            if channel.kind is ChannelKind.DM and channel.recipient_ids == [user_id]:
                return channel
        # Derived from the user's id, so that the channel's id is the same in every run.
        channel = Channel(user_id + (1 << 12), ChannelKind.DM, "", recipient_ids=[user_id])
        self.channels[channel.id] = channel
        return channel

    # Derived state

    def bot_in_guild(self, guild_id: int | None) -> bool:
        """Whether the bot is a member of the guild."""
        guild = self.guilds.get(guild_id) if guild_id is not None else None
        return guild is not None and self.bot_id in guild.members

    def channels_of(self, guild_id: int) -> list[Channel]:
        """Returns a guild's channels in order, without its threads."""
        own = self._by_guild[guild_id].values()
        return sorted((channel for channel in own if not channel.is_thread), key=lambda channel: channel.position)

    def threads_of(self, guild_id: int) -> list[Channel]:
        """Returns a guild's threads that are not archived."""
        own = self._by_guild[guild_id].values()
        return [channel for channel in own if channel.kind in THREADS and not channel.archived]

    def guild_permissions(self, guild_id: int, user_id: int) -> Permission:
        """Returns a user's permissions in a guild, before channel overwrites; none for a non-member."""
        guild = self.guilds[guild_id]
        member = guild.members.get(user_id)
        if member is None:
            return NONE
        if guild.owner_id == user_id:
            return EVERYTHING
        own = [guild.roles[role_id].permissions for role_id in member.role_ids if role_id in guild.roles]
        return base_permissions([guild.roles[guild_id].permissions, *own])

    def permissions(self, user_id: int, channel_id: int) -> Permission:
        """Returns a user's permissions in a channel or thread, including implied denials."""
        channel = self.channels[channel_id]
        if channel.guild_id is None:
            return DIRECT_MESSAGE if user_id in (*channel.recipient_ids, self.bot_id) else NONE
        guild = self.guilds[channel.guild_id]
        member = guild.members.get(user_id)
        if member is None:
            return NONE
        # A thread has no overwrites.
        source = self.channels[channel.parent_id] if channel.is_thread and channel.parent_id else channel
        granted = channel_permissions(
            self.guild_permissions(guild.id, user_id),
            tuple(source.overwrites.values()),
            everyone_id=guild.id,
            role_ids=member.role_ids,
            user_id=user_id,
        )
        if guild.owner_id == user_id:
            granted = EVERYTHING
        return with_implied_denials(granted, in_thread=channel.is_thread)

    def can_view(self, user_id: int, channel_id: int) -> bool:
        """Whether a user can view a channel."""
        return Permission.VIEW_CHANNEL in self.permissions(user_id, channel_id)

    def channel_payload(self, channel: Channel) -> Payload:
        """Returns a channel as Discord's JSON."""
        return channel_payload(channel, self.users)

    def guild_create(self, guild_id: int) -> Payload:
        """Returns the payload of GUILD_CREATE for a guild that the bot is in."""
        seen = [thread for thread in self.threads_of(guild_id) if self.can_view(self.bot_id, thread.id)]
        return guild_create_payload(
            self.guilds[guild_id], self.channels_of(guild_id), seen, self.users, bot_id=self.bot_id
        )

    def _member(self, member: Member) -> Payload:
        return member_payload(member, self.users[member.user_id]) | {"guild_id": str(member.guild_id)}

    def _overwrite(self, channel: Channel, target_id: int, allow: Permission, deny: Permission) -> Overwrite:
        is_role = channel.guild_id is not None and target_id in self.guilds[channel.guild_id].roles
        return Overwrite(target_id, "role" if is_role else "member", allow, deny)

    def _store(self, channel: Channel, event: str, **more: object) -> None:
        self.channels[channel.id] = channel
        self._by_guild[channel.guild_id][channel.id] = channel
        payload = self.channel_payload(channel) | more
        self.events.emit(event, payload, guild_id=channel.guild_id, channel_id=channel.id)

    def _emit_update(self, channel: Channel) -> None:
        name = "THREAD_UPDATE" if channel.is_thread else "CHANNEL_UPDATE"
        self.events.emit(name, self.channel_payload(channel), guild_id=channel.guild_id, channel_id=channel.id)

    def _emit_role(self, name: str, role: Role) -> None:
        payload: Payload = {"guild_id": str(role.guild_id), "role": role_payload(role, bot_id=self.bot_id)}
        self.events.emit(name, payload, guild_id=role.guild_id)
