"""How a channel wants to be posted to."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.channel_schedule import ChannelSchedule, Immediate


class Style(StrEnum):
    """What a channel chose: `auto` is cards for a few papers, a list for many."""

    AUTO = "auto"
    CARDS = "cards"
    COMPACT = "compact"


class Layout(StrEnum):
    """How the papers of one message stand in it; bound to the message before it is sent."""

    CARDS = "cards"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class TrendingSettings:
    """A wish for each day's list of trending papers: those with so many votes at least, from the day of `since` on."""

    min_votes: int
    since: datetime


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """What an admin chose with `/channel`; the defaults are what a new channel gets.

    `paused_since` says that an admin paused it; `backlog_pending` that what came meanwhile is on its way.
    """

    style: Style = Style.AUTO
    schedule: ChannelSchedule = field(default_factory=Immediate)
    mention_role: int | None = None
    publish: bool = False
    paused_since: datetime | None = None
    backlog_pending: bool = False
    trending: TrendingSettings | None = None
