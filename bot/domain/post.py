"""What is to be posted: durable intentions, the message they are bound to, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from bot.domain.paper import Paper


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A durable intention to post one paper in one channel; `keywords` are shown as their reason."""

    id: int
    paper: Paper
    keywords: tuple[str, ...]
    alone: bool


@dataclass(frozen=True, slots=True)
class Post:
    """One Discord message of ours, bound to its entries before it leaves."""

    key: str
    channel_id: int
    nonce: str
    first_attempt: datetime
    last_attempt: datetime
    entries: tuple[OutboxEntry, ...]


@dataclass(frozen=True, slots=True)
class Delivered:
    """Discord holds the message; without an id where it was posted and deleted since."""

    message_id: int | None


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Discord definitely did not take the message, and will not before `not_before`."""

    not_before: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The message left and no answer came: it may be there or not."""

    why: str


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """Discord refuses this very message; the channel itself is well."""

    reason: str


@dataclass(frozen=True, slots=True)
class Obstructed:
    """Nothing can be posted in the channel at the moment; `reason` is for its admin, `gone`: it may never be again."""

    reason: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """The channel's history, read to its end, does not hold the message."""


Outcome = Delivered | RetryLater | Unanswered | Undeliverable | Obstructed


def one_message(due: Sequence[OutboxEntry]) -> tuple[OutboxEntry, ...]:
    """The first of the due entries that go in one message: one that goes alone, or all up to the next such one."""
    if due and due[0].alone:
        return tuple(due[:1])
    return tuple(takewhile(lambda entry: not entry.alone, due))
