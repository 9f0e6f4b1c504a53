"""The settings of a channel that admins change with `/channel`, and their defaults."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.channel_schedule import ChannelSchedule, Immediate


class Style(StrEnum):
    """The style of a channel; `auto` means cards for a few papers and a compact list for many."""

    AUTO = "auto"
    CARDS = "cards"
    COMPACT = "compact"


class Layout(StrEnum):
    """The layout of the papers in one message; it is chosen when the message is bound."""

    CARDS = "cards"
    COMPACT = "compact"


class ThreadMode(StrEnum):
    """When threads are started on posts: by the button **Discuss**, or by the bot for each batch or paper."""

    OFF = "off"
    ON_CLICK = "on click"
    PER_BATCH = "per batch"
    PER_PAPER = "per paper"


class Discussion(StrEnum):
    """How one message is discussed; it is chosen when the message is bound.

    `BUTTON`: the message has the button **Discuss**; `THREAD`: the bot starts a thread on it.
    """

    BUTTON = "button"
    THREAD = "thread"


@dataclass(frozen=True, slots=True)
class TrendingSettings:
    """A channel gets each day's trending list since `since`: the papers with at least `min_votes` votes."""

    min_votes: int
    since: datetime


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """The settings of one channel; the defaults apply to a new channel.

    `paused_since` is set while the channel is paused; `backlog_pending` while papers from a pause are still queued.
    `papers_per_posting` limits each batch; `papers_left` is how many papers the last batch could still contain.
    """

    style: Style = Style.AUTO
    schedule: ChannelSchedule = field(default_factory=Immediate)
    mention_role: int | None = None
    publish: bool = False
    paused_since: datetime | None = None
    backlog_pending: bool = False
    trending: TrendingSettings | None = None
    papers_per_posting: int | None = None
    papers_left: int | None = None
    threads: ThreadMode = ThreadMode.OFF
