"""Sends one message with its nonce, and looks it up before sending it again.

The caller has stored the message before, and settles its outcome. This module never sends a message that may already
be in the channel.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.domain.history import CLOCK_MARGIN, Position, SearchStart, snowflake, start_before
from bot.domain.outgoing import (
    Blocked,
    Delivered,
    MessageAbsent,
    OutcomeUnknown,
    OutgoingMessage,
    Rejected,
    RetryLater,
    SendOutcome,
)
from bot.publish.second_bot import SecondBot
from bot.runtime.clock import Clock
from bot.runtime.metrics import Metrics, Step

# Discord checks nonces "in the past few minutes" (Create Message); after this time the history is read instead.
NONCE_TRUSTED_S: Final = 60.0
# After this time Discord has forgotten a nonce. Until then an absent message may still arrive, and keeps its nonce.
NONCE_REMEMBERED: Final = timedelta(minutes=10)
# A forum post has no nonce: its absence is final this long after an attempt.
FORUM_POST_ABSENT_AFTER: Final = timedelta(seconds=60)
# How often a message that is not to be sent again is looked up, until its absence is final.
ABSENT_RECHECK: Final = timedelta(seconds=60)

_MAY_STILL_ARRIVE: Final = "the message may still arrive"

# Label values of /metrics: dashboards and alerts depend on them.
_RESULT_LABELS: Final = {
    Delivered: "Delivered",
    RetryLater: "RetryLater",
    OutcomeUnknown: "Unanswered",
    Rejected: "Undeliverable",
    Blocked: "Obstructed",
}


class Delivery(Protocol):
    """What the sender needs from Discord."""

    def server_time(self) -> datetime | None:
        """Returns the time by Discord's clock, which is never later than the real one; None if it is unknown."""
        ...

    def takes_nonce(self, message: OutgoingMessage) -> bool:
        """Whether a nonce protects the message from being stored twice; a new forum post has none."""
        ...

    async def send(self, message: OutgoingMessage) -> SendOutcome:
        """Makes one attempt. A second one with the same nonce, while Discord remembers it, stores nothing new."""
        ...

    async def find(
        self, message: OutgoingMessage, position: Position
    ) -> Delivered | MessageAbsent | Position | RetryLater | Blocked:
        """Looks for the message by its key in one page of the channel's history.

        Returns the position at which to continue, or MessageAbsent at the end.
        """
        ...


class Journal(Protocol):
    """Stores what happens to one message; each method is one transaction."""

    async def attempt(self, now: datetime, server_time: datetime | None) -> None:
        """Stores that another attempt is about to be made."""
        ...

    async def searched(self, after: int) -> None:
        """Stores that the history up to this message id does not contain the message."""
        ...


@dataclass(frozen=True, slots=True)
class _Moment:
    """A moment by the monotonic clock and by the wall clock."""

    monotonic_s: float
    time: datetime


class Sender:
    """Sends the messages of all channels."""

    def __init__(self, delivery: Delivery, clock: Clock, metrics: Metrics, second_bot: SecondBot) -> None:
        self._second_bot = second_bot
        self._delivery = delivery
        self._clock = clock
        self._metrics = metrics
        # When this process first sent each unsettled message, by key: it trusts the nonces of its own attempts only.
        self._first_sent: dict[str, _Moment] = {}
        # When the last attempt had certainly ended, by key: after this process's own, or at the first lookup.
        self._attempt_ended_s: dict[str, float] = {}
        # The messages that this process attempted: only this machine's monotonic clock counts for them.
        self._attempted: set[str] = set()

    def start_search(self) -> SearchStart:
        """Returns where to search for a message that is about to be bound and sent."""
        return start_before(self._delivery.server_time())

    async def send(self, message: OutgoingMessage) -> SendOutcome:
        """Makes the first attempt; Blocked means that the message certainly does not exist."""
        return await self._attempt(message)

    async def look_up(self, message: OutgoingMessage, journal: Journal) -> SendOutcome | MessageAbsent:
        """Looks for a message that was sent before; MessageAbsent means that it certainly does not exist."""
        age = self._attempt_age(message)
        found = await self._search(message, journal)
        if isinstance(found, MessageAbsent) and age <= NONCE_REMEMBERED:
            return RetryLater(self._clock.now() + ABSENT_RECHECK, _MAY_STILL_ARRIVE)
        return found

    async def resend(self, message: OutgoingMessage, journal: Journal) -> SendOutcome | MessageAbsent:
        """Looks for a message that was sent before, and sends it again if that is safe.

        MessageAbsent means that the message certainly does not exist.
        """
        if not self._nonce_is_trusted(message):
            age = self._attempt_age(message)
            found = await self._search(message, journal)
            if not isinstance(found, MessageAbsent) or age > NONCE_REMEMBERED:
                return found
            if not self._delivery.takes_nonce(message) and age < FORUM_POST_ABSENT_AFTER:
                return RetryLater(self._clock.now() + FORUM_POST_ABSENT_AFTER - age, _MAY_STILL_ARRIVE)
            # The earlier attempt may still arrive: the nonce keeps Discord from storing both.
            self._first_sent[message.key] = _Moment(self._clock.monotonic(), self._clock.now())
        await journal.attempt(self._clock.now(), self._delivery.server_time())
        outcome = await self._attempt(message)
        if isinstance(outcome, Rejected):  # this attempt was, an earlier one may have been stored
            found = await self._search(message, journal)
            return outcome if isinstance(found, MessageAbsent) else found
        return outcome

    def forget(self, message: OutgoingMessage) -> None:
        """Drops what is remembered about a message that was settled or released."""
        self._first_sent.pop(message.key, None)
        self._attempt_ended_s.pop(message.key, None)
        self._attempted.discard(message.key)

    async def _search(
        self, message: OutgoingMessage, journal: Journal
    ) -> Delivered | MessageAbsent | RetryLater | Blocked:
        """Reads the history page by page; what was read is stored, so that an interrupted search continues."""
        position = Position(self._search_start(message))
        while True:
            found = await self._delivery.find(message, position)
            if not isinstance(found, Position):
                return found
            position = found
            await journal.searched(position.safe_after)

    def _search_start(self, message: OutgoingMessage) -> int:
        """Returns the id above which the message is, for a message without a stored id from its times."""
        if message.search.after is not None:
            return message.search.after
        times = (message.search.attempted_at, self._delivery.server_time(), message.first_attempt)
        return snowflake(min(time for time in times if time is not None) - CLOCK_MARGIN)

    def _attempt_age(self, message: OutgoingMessage) -> timedelta:
        """Returns how much time has certainly passed since the last attempt, whatever the clocks do."""
        now_s = self._clock.monotonic()
        known = timedelta(seconds=now_s - self._attempt_ended_s.setdefault(message.key, now_s))
        if message.key in self._attempted:
            return known
        ages = [self._clock.now() - message.last_attempt]
        server_time = self._delivery.server_time()
        if server_time is not None:
            ages.append(server_time - (message.search.attempted_at or message.last_attempt))
        return max(known, min(ages))

    def _nonce_is_trusted(self, message: OutgoingMessage) -> bool:
        sent = self._first_sent.get(message.key) if self._delivery.takes_nonce(message) else None
        if sent is None:
            return False
        # The monotonic clock stops while the machine is suspended, and the wall clock may jump: both have to agree.
        elapsed_s = (self._clock.monotonic() - sent.monotonic_s, (self._clock.now() - sent.time).total_seconds())
        return min(elapsed_s) >= 0 and max(elapsed_s) <= NONCE_TRUSTED_S

    async def _attempt(self, message: OutgoingMessage) -> SendOutcome:
        self._second_bot.attempted(message.key)
        self._first_sent.setdefault(message.key, _Moment(self._clock.monotonic(), self._clock.now()))
        self._attempted.add(message.key)
        try:
            with self._metrics.step(Step.SEND):
                outcome = await self._delivery.send(message)
        finally:
            self._attempt_ended_s[message.key] = self._clock.monotonic()
        self._metrics.posts.labels(_RESULT_LABELS[type(outcome)]).inc()
        return outcome
