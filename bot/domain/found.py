"""Messages of the bot that were found in a channel's history, and whether a second bot sent them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from bot.domain.channel_settings import Discussion, Layout
from bot.domain.history import Position, created_at

# A request that the process before this one sent may be stored this long after the start of this one.
LATE_ARRIVAL: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message with papers, as its components and its first line describe it.

    `mention_role` is the first role that it pings, and `keyword_roles` are the others: it does not say which is the
    channel's. `day` is the day of a trending list; None for a post with papers. `discussion` is `BUTTON` if it has one.
    """

    key: str
    message_id: int
    arxiv_ids: tuple[str, ...]
    layout: Layout
    headline: str
    mention_role: int | None = None
    thread_id: int | None = None
    day: date | None = None
    keyword_roles: tuple[int, ...] = ()
    discussion: Discussion | None = None

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


def is_by_second_bot(message: FoundMessage, started_at: datetime | None, own_keys: Collection[str]) -> bool:
    """Whether a message that the database does not have was sent by a bot that runs beside this process.

    Otherwise a bot sent it that ended before the start of this process, `started_at` by Discord's clock, and a backup
    was restored since. `own_keys` are the keys of this process: their rows may have been deleted.
    """
    if started_at is None or message.key in own_keys:
        return False
    return message.sent_at > started_at + LATE_ARRIVAL
