"""The two kinds of messages that the bot sends, and what can become of an attempt to send one.

Holds types only: `bot.publish` decides what follows from an outcome, `bot.discord_api` finds out which one it is.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.post import Post
from bot.domain.trending.post import TrendingPost

# Both kinds are bound to their rows before they are sent, and looked up by their key.
OutgoingMessage = Post | TrendingPost


@dataclass(frozen=True, slots=True)
class Delivered:
    """The message is on Discord, or was and has been deleted since: then `message_id` is None.

    `thread_id` is the forum post that contains the message, if any.
    """

    message_id: int | None
    thread_id: int | None = None


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Discord definitely did not accept the message, and will not before `not_before`.

    `everywhere`: the cause concerns no channel in particular, and whoever found it reports it.
    """

    not_before: datetime
    reason: str
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """The request left and no answer arrived: the message may or may not exist."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Discord rejected this message; others may still be posted in the channel."""

    reason: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The bot cannot post in the channel; `reason` is shown to its admins.

    `gone` means that the channel was deleted or the bot left its server.
    """

    reason: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class MessageAbsent:
    """The channel's history was read to its end and does not contain the message."""


SendOutcome = Delivered | RetryLater | OutcomeUnknown | Rejected | Blocked
