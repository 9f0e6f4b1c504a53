"""The settings of a server's channels as they are stored, and as a settings file has them.

It neither reads nor writes JSON (that are `fields`, `writing` and `reading`).
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.channel_settings import ChannelSettings
from bot.domain.keyword import Keyword
from bot.domain.server_settings.fields import JsonValue, encoded


@dataclass(frozen=True, slots=True)
class StoredKeyword:
    """A channel's subscription without its tokens; `by_file`: config.json contains it, so that no import changes it."""

    canonical: str
    shown: str
    by_file: bool
    by_command: bool
    added_by: int | None
    added_at: datetime
    mention_role: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What is stored for one channel; `keywords` by canonical form."""

    settings: ChannelSettings = field(default_factory=ChannelSettings)
    keywords: Mapping[str, StoredKeyword] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServerState:
    """What is stored for the channels of a server, by channel."""

    channels: Mapping[int, ChannelState]

    def of(self, channel_id: int) -> ChannelState:
        """Returns a channel's state: the defaults for one that nothing is stored for."""
        return self.channels.get(channel_id, ChannelState())

    @property
    def keywords(self) -> int:
        """How many keywords count towards the server's quota."""
        return sum(counted(channel) for channel in self.channels.values())

    def fingerprint(self, channel_ids: Iterable[int]) -> str:
        """Returns a text that differs after any change of these channels' settings, keywords, or roles of keywords.

        Who added a keyword does not matter, nor which papers wait.
        """
        channels = [[channel_id, *_comparable(self.of(channel_id))] for channel_id in sorted(channel_ids)]
        return hashlib.sha256(json.dumps(channels).encode()).hexdigest()


def counted(channel: ChannelState) -> int:
    """Returns how many of a channel's keywords count towards quotas: those in config.json do not."""
    return sum(not keyword.by_file for keyword in channel.keywords.values())


def _comparable(channel: ChannelState) -> list[object]:
    keywords = sorted(
        [each.canonical, each.shown, each.by_file, each.mention_role or 0] for each in channel.keywords.values()
    )
    return [encoded(channel.settings), keywords]


@dataclass(frozen=True, slots=True)
class FileChannel:
    """A channel in a settings file; what the file leaves out is None or missing, and stays as it is.

    `keywords` has those that commands added, `listed` the canonical forms of all, also of those in config.json. `roles`
    has the roles that the file gives keywords, by canonical form; None is no role.
    """

    channel_id: int
    keywords: tuple[Keyword, ...] | None
    listed: frozenset[str]
    values: Mapping[str, JsonValue]
    roles: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The content of a settings file."""

    channels: tuple[FileChannel, ...]

    @property
    def channel_ids(self) -> tuple[int, ...]:
        """The channels that the file names."""
        return tuple(channel.channel_id for channel in self.channels)

    def without(self, channel_ids: Collection[int]) -> "SettingsFile":
        """Returns the content without these channels."""
        return SettingsFile(tuple(each for each in self.channels if each.channel_id not in channel_ids))
