"""Positions in a channel's history by message id: where a search for a message begins, and how far it got.

A message id is a snowflake, which contains the time of creation by Discord's clock. This machine's clock may be wrong,
so it never decides where a search begins.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.runtime.limits import SNOWFLAKE_EPOCH_MS, SNOWFLAKE_TIME_SHIFT

# Discord's servers may disagree by seconds on the time and on the order of messages.
ORDER_MARGIN: Final = timedelta(seconds=60)
# The time of an attempt by this machine's clock, if nothing else is known: the clock may have been wrong by days.
CLOCK_MARGIN: Final = timedelta(days=3)

_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC) + SNOWFLAKE_EPOCH_MS * _MILLISECOND


@dataclass(frozen=True, slots=True)
class Position:
    """The messages after `after` are still to be read, up to `until`; None: up to the newest one.

    In a forum, the threads before `thread_id` were read to their ends, and that thread up to `in_thread`. Its threads
    are read in the order of their ids, which is not the order of their messages.
    """

    after: int
    until: int | None = None
    thread_id: int = 0
    in_thread: "Position | None" = None

    @property
    def safe_after(self) -> int:
        """The id after which a later search can begin: a message with a slightly lower id may still appear."""
        return self.after if self.until is None else max(0, min(self.after, earlier(self.until, ORDER_MARGIN)))


@dataclass(frozen=True, slots=True)
class SearchStart:
    """What is stored about the search for a message that was sent.

    The message has an id above `after`. `attempted_at` is the time of the last attempt by Discord's clock. Both are
    None for messages of a release that did not store them; `attempted_at` also if Discord's time was unknown.
    """

    after: int | None = None
    attempted_at: datetime | None = None


UNKNOWN_START: Final = SearchStart()


def start_before(time: datetime | None) -> SearchStart:
    """Returns the search for a message that is about to be sent at this time by Discord's clock."""
    return UNKNOWN_START if time is None else SearchStart(snowflake(time - ORDER_MARGIN), time)


def snowflake(time: datetime) -> int:
    """Returns the smallest id of a message created at this time; 0 before Discord's epoch."""
    return max(0, (time - _EPOCH) // _MILLISECOND) << SNOWFLAKE_TIME_SHIFT


def created_at(message_id: int) -> datetime:
    """Returns when a message or a thread was created, by Discord's clock."""
    return _EPOCH + (message_id >> SNOWFLAKE_TIME_SHIFT) * _MILLISECOND


def earlier(message_id: int, by: timedelta) -> int:
    """Returns the id of a message created earlier by this duration; it is negative before Discord's epoch."""
    return message_id - (by // _MILLISECOND << SNOWFLAKE_TIME_SHIFT)
