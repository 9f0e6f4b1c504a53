"""Messages of the bot that were found in a channel's history, and what such a message means to this process."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final

from bot.domain.channel_settings import Layout
from bot.domain.history import Position, created_at

# A request that the process before this one sent may be stored this long after the start of this one.
LATE_ARRIVAL: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message with papers: its key, what the components and the first line tell about it.

    `day` is the day of a trending list; None for a post with papers.
    """

    key: str
    message_id: int
    arxiv_ids: tuple[str, ...]
    layout: Layout
    headline: str
    mention_role: int | None = None
    thread_id: int | None = None
    day: date | None = None

    @property
    def sent_at(self) -> datetime:
        """When it was sent, by Discord's clock."""
        return created_at(self.message_id)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """The bot's messages in a part of a channel's history; `rest` is the position after it, None at the end.

    `read_until` is the last message id in it.
    """

    messages: tuple[FoundMessage, ...]
    read_until: int
    rest: Position | None


class Origin(Enum):
    """Who sent a message that the database does not have."""

    EARLIER_LIFE = "earlier life"  # a bot that ended before this process started; a backup was restored since
    SECOND_BOT = "second bot"  # a bot that runs beside this process


def origin(message: FoundMessage, started_at: datetime | None, own_keys: Collection[str]) -> Origin:
    """Returns who sent a message that the database does not have; `started_at` is this process's start.

    Both times are by Discord's clock. `own_keys` are those of this process: a row may have been deleted since.
    """
    if started_at is None or message.key in own_keys or message.sent_at <= started_at + LATE_ARRIVAL:
        return Origin.EARLIER_LIFE
    return Origin.SECOND_BOT
