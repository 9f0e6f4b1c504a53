"""The initial world of the sandbox: one guild, two users, the bot, and channels of every kind.

Its ids are the same in every run, so that a database of one run fits the next. It never changes after creation, except
through `World`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.discord.model import ChannelKind
from sandbox.discord.permissions import NONE, Overwrite, Permission
from sandbox.discord.primitives import snowflake_at
from sandbox.discord.world import World

_CREATED = snowflake_at(1_704_103_200.0)  # 1 January 2024, 10:00 UTC
APPLICATION_ID = _CREATED + 1
_GUILD_ID = _CREATED + 2
_ADMIN_ID = _CREATED + 3
_MEMBER_ID = _CREATED + 4
_BOT_ROLE_ID = _CREATED + 5
_ADMIN_ROLE_ID = _CREATED + 6
_FIRST_CHANNEL_ID = _CREATED + 16


@dataclass(frozen=True, slots=True)
class DefaultIds:
    """The ids of the default world."""

    guild_id: int
    admin_id: int
    member_id: int
    bot_id: int
    bot_role_id: int
    admin_role_id: int
    channels: Mapping[str, int]

    def channel(self, name: str) -> int:
        """Returns a channel's id by its name, without the #."""
        return self.channels[name]


class DefaultWorld(World):
    """The initial world; `default` holds its ids."""

    def __init__(self, *, application_id: int = APPLICATION_ID, now: Callable[[], float] = time.time) -> None:
        super().__init__(application_id=application_id, now=now)
        self.add_user("admin", user_id=_ADMIN_ID)
        self.add_user("member", user_id=_MEMBER_ID)
        self.add_guild("Reading Group", _ADMIN_ID, guild_id=_GUILD_ID, with_bot=False)
        self.add_bot_to_guild(_GUILD_ID, role_id=_BOT_ROLE_ID)
        self.add_role(_GUILD_ID, "Admins", Permission.ADMINISTRATOR, role_id=_ADMIN_ROLE_ID)
        self.add_role(_GUILD_ID, "Readers", Permission(0), mentionable=True)
        self.set_member_roles(_GUILD_ID, _ADMIN_ID, [_ADMIN_ROLE_ID])
        self.add_member(_GUILD_ID, _MEMBER_ID)
        self.default = DefaultIds(
            _GUILD_ID, _ADMIN_ID, _MEMBER_ID, self.bot_id, _BOT_ROLE_ID, _ADMIN_ROLE_ID, self._add_channels()
        )

    def _add_channels(self) -> dict[str, int]:
        channels = (
            ("general", ChannelKind.TEXT, ()),
            ("papers", ChannelKind.TEXT, ()),
            ("reward-models", ChannelKind.TEXT, ()),
            ("vision", ChannelKind.TEXT, ()),
            ("announcements", ChannelKind.ANNOUNCEMENT, ()),
            ("no-entry", ChannelKind.TEXT, (_for_bot(deny=Permission.VIEW_CHANNEL),)),
            ("read-only", ChannelKind.TEXT, (_for_bot(deny=Permission.SEND_MESSAGES),)),
            ("admins", ChannelKind.TEXT, (_hidden_from_everyone(), _for_bot(allow=Permission.VIEW_CHANNEL))),
        )
        ids = {}
        for channel_id, (name, kind, overwrites) in enumerate(channels, _FIRST_CHANNEL_ID):
            self.add_channel(_GUILD_ID, name, kind, channel_id=channel_id, overwrites=overwrites)
            ids[name] = channel_id
        thread_id = _FIRST_CHANNEL_ID + len(channels)
        self.add_thread(ids["general"], "reading club", owner_id=_ADMIN_ID, channel_id=thread_id)
        # Last, so that the ids of the others stay the same.
        self.add_channel(_GUILD_ID, "forum", ChannelKind.FORUM, channel_id=thread_id + 1)
        return ids | {"reading club": thread_id, "forum": thread_id + 1}


def _for_bot(allow: Permission = NONE, deny: Permission = NONE) -> Overwrite:
    return Overwrite(_BOT_ROLE_ID, "role", allow=allow, deny=deny)


def _hidden_from_everyone() -> Overwrite:
    return Overwrite(_GUILD_ID, "role", deny=Permission.VIEW_CHANNEL)
