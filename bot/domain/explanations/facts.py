"""What is stored about one paper in one channel. It decides nothing (that is `fate`)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.channel_settings import ChannelSettings
from bot.domain.keyword import Keyword


class FoundBy(StrEnum):
    """The kind of read that found a match first; the values are stored."""

    POLL = "poll"
    OLDER_WINDOW = "older window"
    INITIAL_SYNC = "initial sync"


class EntryState(StrEnum):
    """The state of a paper in a channel's queue, as it is stored."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    REJECTED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class FirstMatch:
    """When a paper was first found for a keyword, and by what; `found_by` is None if an earlier release found it."""

    at: datetime
    found_by: FoundBy | None


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """A subscription of the channel, how far arXiv was read for its keyword, and whether the paper was found for it.

    `is_reason`: the paper was queued or posted for this keyword. `is_backfilled`: a backfill found it.
    """

    keyword: Keyword
    added_at: datetime
    new_since: datetime | None
    synced_until: datetime | None
    previous_matcher_until: datetime | None = None
    match: FirstMatch | None = None
    is_reason: bool = False
    is_backfilled: bool = False


@dataclass(frozen=True, slots=True)
class SentMessage:
    """The message that has the paper, or may have it.

    `settled_at` is None while it is unknown whether Discord stored it; `message_id` is None unless it is known.
    """

    first_attempt: datetime
    settled_at: datetime | None = None
    message_id: int | None = None
    thread_id: int | None = None


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """The paper in the channel's queue; `message` is the one that it is bound to, or was posted with."""

    state: EntryState
    due_at: datetime
    message: SentMessage | None = None
    rejection_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Withholding:
    """The paper left the queue unposted: because of this exclusion, or because of the limit of papers per posting."""

    at: datetime
    exclusion: str | None


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """A paper in a channel; `found_in` is a message that this database did not send."""

    channel_id: int
    subscriptions: tuple[SubscriptionFacts, ...] = ()
    entry: QueueEntry | None = None
    found_in: SentMessage | None = None
    withheld: Withholding | None = None
    settings: ChannelSettings = field(default_factory=ChannelSettings)
    blocked_reason: str | None = None
    blocked_since: datetime | None = None
    not_before: datetime | None = None
