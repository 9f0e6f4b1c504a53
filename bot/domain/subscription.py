"""Watched keywords, subscriptions, and channels that are blocked or not cached, as the store returns them."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from bot.domain.keyword import Keyword


class Source(Enum):
    """Where a subscription comes from; it ends with its last source."""

    FILE = "file"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class WatchedKeyword:
    """A keyword that at least one channel subscribes to, and how far arXiv was read for it.

    Papers published after `new_since` are new; `synced_until` is None until the initial sync is complete. Of papers
    published up to `previous_matcher_until`, those that the previous release's matcher did not find are not new.
    """

    id: int
    keyword: Keyword
    new_since: datetime | None
    synced_until: datetime | None
    previous_matcher_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """One keyword in one channel; `mention_role` is the role that its papers ping."""

    channel_id: int
    guild_id: int | None
    keyword: Keyword
    sources: frozenset[Source]
    added_by: int | None
    added_at: datetime
    mention_role: int | None = None


@dataclass(frozen=True, slots=True)
class Spelling:
    """A keyword as a channel spells it, without its tokens; `label` is what people see."""

    channel_id: int
    keyword_id: int
    shown: str
    label: str


class QuotaScope(Enum):
    """What a quota counts the keywords of."""

    CHANNEL = "channel"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Quotas:
    """How many keywords commands may add to one channel and to one server."""

    per_channel: int
    per_server: int


UNLIMITED: Final = Quotas(2**62, 2**62)


@dataclass(frozen=True, slots=True)
class Added:
    """The channel now subscribes to the keyword."""

    keyword: Keyword


@dataclass(frozen=True, slots=True)
class AlreadyWatched:
    """The channel subscribed to the keyword before, in this spelling."""

    keyword: Keyword


@dataclass(frozen=True, slots=True)
class Renamed:
    """The channel subscribed to the keyword before, and shows it with another name from now on."""

    keyword: Keyword
    before: str


@dataclass(frozen=True, slots=True)
class QuotaExceeded:
    """The keyword was not added: its channel or server has `used` keywords of at most `limit`."""

    keyword: Keyword
    scope: QuotaScope
    used: int
    limit: int


AddResult = Added | AlreadyWatched | Renamed | QuotaExceeded


@dataclass(frozen=True, slots=True)
class BlockedNotice:
    """A blocked channel without a notice so far; `subscriber` is the user who added its first keyword, if any."""

    channel_id: int
    guild_id: int | None
    reason: str
    subscriber: int | None


@dataclass(frozen=True, slots=True)
class BlockedChannel:
    """A channel that the bot cannot post in; `reason` is written for its admins."""

    channel_id: int
    guild_id: int | None
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ChannelPlace:
    """Where a channel is that the gateway's cache may lack: a thread beneath its parent, or a deleted channel."""

    guild_id: int
    parent_id: int | None = None
    is_private: bool = False
    is_deleted: bool = False
