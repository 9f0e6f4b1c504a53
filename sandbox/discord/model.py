"""The data model of Discord: users, guilds, roles, members, channels, messages.

`World` changes these objects and notifies listeners; `payloads.py` converts them to JSON. It has no behaviour.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag

from sandbox.discord.mentions import NO_PINGS, Pings
from sandbox.discord.permissions import Overwrite, Permission
from sandbox.discord.primitives import Payload, snowflake_time


class ChannelKind(IntEnum):
    """Discord's channel types (resources/channel)."""

    TEXT = 0
    DM = 1
    CATEGORY = 4
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    FORUM = 15


THREADS = frozenset({ChannelKind.ANNOUNCEMENT_THREAD, ChannelKind.PUBLIC_THREAD, ChannelKind.PRIVATE_THREAD})
# Channels that contain messages: a forum contains only threads, and a category only channels.
MESSAGEABLE = THREADS | {ChannelKind.TEXT, ChannelKind.DM, ChannelKind.ANNOUNCEMENT}


class MessageFlag(IntFlag):
    """Discord's message flags (resources/message)."""

    CROSSPOSTED = 1 << 0
    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    IS_COMPONENTS_V2 = 1 << 15


NO_FLAGS = MessageFlag(0)


@dataclass(slots=True)
class User:
    """A user account: a person or a bot."""

    id: int
    username: str
    global_name: str | None = None
    bot: bool = False
    accepts_dms: bool = True

    @property
    def shown_name(self) -> str:
        return self.global_name or self.username


@dataclass(slots=True)
class Role:
    """A role of a guild; @everyone has the guild's id."""

    id: int
    guild_id: int
    name: str
    permissions: Permission
    position: int = 1
    colour: int = 0
    managed: bool = False
    mentionable: bool = False


@dataclass(slots=True)
class Member:
    """A user in a guild; `role_ids` excludes @everyone."""

    user_id: int
    guild_id: int
    role_ids: list[int] = field(default_factory=list)
    nick: str | None = None


@dataclass(slots=True)
class Guild:
    """A server; the bot is in it if it is one of the members."""

    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    # Channels that Discord itself posts to: for all members, and for the moderators of a community server.
    system_channel_id: int | None = None
    public_updates_channel_id: int | None = None


@dataclass(frozen=True, slots=True)
class ForumTag:
    """A tag for the posts of a forum."""

    id: int
    name: str


@dataclass(slots=True)
class Channel:
    """A channel of any kind; fields from `owner_id` on are only for threads, forums and direct messages."""

    id: int
    kind: ChannelKind
    name: str
    guild_id: int | None = None
    parent_id: int | None = None
    position: int = 0
    topic: str | None = None
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    last_message_id: int | None = None
    owner_id: int | None = None
    archived: bool = False
    locked: bool = False
    applied_tags: list[int] = field(default_factory=list)
    message_count: int = 0
    available_tags: list[ForumTag] = field(default_factory=list)
    requires_tag: bool = False
    recipient_ids: list[int] = field(default_factory=list)

    @property
    def is_thread(self) -> bool:
        return self.kind in THREADS


@dataclass(slots=True)
class Message:
    """A message; only the user `visible_to` can see an ephemeral one."""

    id: int
    channel_id: int
    author_id: int
    content: str = ""
    embeds: list[Payload] = field(default_factory=list)
    components: list[Payload] = field(default_factory=list)
    attachments: list[Payload] = field(default_factory=list)
    flags: MessageFlag = NO_FLAGS
    kind: int = 0
    pings: Pings = NO_PINGS
    edited_at: datetime | None = None
    reference: Payload | None = None
    webhook_id: int | None = None
    interaction: Payload | None = None
    visible_to: int | None = None
    deleted: bool = False

    @property
    def created_at(self) -> datetime:
        return snowflake_time(self.id)

    @property
    def is_ephemeral(self) -> bool:
        return MessageFlag.EPHEMERAL in self.flags

    @property
    def is_loading(self) -> bool:
        return MessageFlag.LOADING in self.flags

    @property
    def shown_embeds(self) -> list[Payload]:
        """The embeds that Discord shows: only the first of several with the same URL."""
        seen: set[object] = set()
        shown = []
        for embed in self.embeds:
            url = embed.get("url")
            if url is None or url not in seen:
                shown.append(embed)
            seen.add(url)
        return [] if MessageFlag.SUPPRESS_EMBEDS in self.flags else shown
