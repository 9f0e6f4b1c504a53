"""Who watches what: keywords as they are read from arXiv, and their subscriptions in channels."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from bot.domain.keyword import Keyword


class Source(Enum):
    """Who wants a subscription; it ends with its last source."""

    FILE = "file"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class WatchedKeyword:
    """A keyword that at least one channel subscribes to, and how far arXiv was read for it.

    Published after `new_since` counts as new; `synced_until` None means that its past is unread.
    """

    id: int
    keyword: Keyword
    new_since: datetime | None
    synced_until: datetime | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """One keyword in one channel."""

    channel_id: int
    guild_id: int | None
    keyword: Keyword
    sources: frozenset[Source]
    added_by: int | None
    added_at: datetime


@dataclass(frozen=True, slots=True)
class BlockedNotice:
    """A paused channel that nobody was told of yet; `subscriber` asked for its first keyword, if a person did."""

    channel_id: int
    guild_id: int | None
    reason: str
    subscriber: int | None


@dataclass(frozen=True, slots=True)
class BlockedChannel:
    """A channel that cannot be posted in at the moment, and why, in words for its admin."""

    channel_id: int
    guild_id: int | None
    reason: str
    since: datetime
