"""Sends one message with its nonce, and looks it up before sending it again.

The caller has stored the message before, and settles its outcome. This module never sends a message that may already
be in the channel.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

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
from bot.runtime.clock import Clock
from bot.runtime.metrics import Metrics, Step

# Discord allows a bot 50 requests per second (topics/rate-limits); the rest is left for slash commands.
SENDS_PER_SECOND: Final = 40
# Discord checks nonces "in the past few minutes" (Create Message); after this time the history is read instead.
NONCE_TRUSTED_S: Final = 60.0
# After this time Discord has forgotten a nonce. Until then an absent message may still arrive, and keeps its nonce.
NONCE_REMEMBERED: Final = timedelta(minutes=10)
# A forum post has no nonce: its absence is final this long after an attempt.
FORUM_POST_ABSENT_AFTER: Final = timedelta(seconds=60)

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

    def takes_nonce(self, message: OutgoingMessage) -> bool:
        """Whether a nonce protects the message from being stored twice; a new forum post has none."""
        ...

    async def send(self, message: OutgoingMessage) -> SendOutcome:
        """Makes one attempt. A second one with the same nonce, while Discord remembers it, stores nothing new."""
        ...

    async def find(self, message: OutgoingMessage) -> Delivered | MessageAbsent | RetryLater | Blocked:
        """Looks for the message by its key in the channel's history since its first attempt."""
        ...


class Sender:
    """Sends the messages of all channels at one rate."""

    def __init__(self, delivery: Delivery, clock: Clock, metrics: Metrics) -> None:
        self._delivery = delivery
        self._clock = clock
        self._metrics = metrics
        self._rate_limiter = SendRateLimiter(clock, SENDS_PER_SECOND)
        # When this process first sent each unsettled message, by key: it trusts the nonces of its own attempts only.
        self._first_sent_s: dict[str, float] = {}

    async def send(self, message: OutgoingMessage) -> SendOutcome:
        """Makes the first attempt; Blocked means that the message certainly does not exist."""
        return await self._attempt(message)

    async def look_up(self, message: OutgoingMessage) -> Delivered | MessageAbsent | RetryLater | Blocked:
        """Looks a sent message up without sending it again; RetryLater also while it may still arrive."""
        found = await self._delivery.find(message)
        if isinstance(found, MessageAbsent) and self._clock.now() - message.last_attempt <= NONCE_REMEMBERED:
            return RetryLater(message.last_attempt + NONCE_REMEMBERED, _MAY_STILL_ARRIVE)
        return found

    async def resend(
        self, message: OutgoingMessage, on_attempt: Callable[[datetime], Awaitable[None]]
    ) -> SendOutcome | MessageAbsent:
        """Looks a sent message up where its nonce may be forgotten, and sends it again if that is safe.

        `on_attempt` is awaited just before the attempt. MessageAbsent means that the message certainly does not exist.
        """
        if not self._nonce_is_trusted(message):
            found = await self._delivery.find(message)
            if not isinstance(found, MessageAbsent):
                return found
            age = self._clock.now() - message.last_attempt
            if age > NONCE_REMEMBERED:
                return found
            if not self._delivery.takes_nonce(message) and age < FORUM_POST_ABSENT_AFTER:
                return RetryLater(message.last_attempt + FORUM_POST_ABSENT_AFTER, _MAY_STILL_ARRIVE)
            # The earlier attempt may still arrive: the nonce keeps Discord from storing both.
            self._first_sent_s[message.key] = self._clock.monotonic()
        await on_attempt(self._clock.now())
        outcome = await self._attempt(message)
        if isinstance(outcome, Rejected):  # this attempt was, an earlier one may have been stored
            found = await self._delivery.find(message)
            return outcome if isinstance(found, MessageAbsent) else found
        return outcome

    def forget(self, message: OutgoingMessage) -> None:
        """Drops what is remembered about a message that was settled or released."""
        self._first_sent_s.pop(message.key, None)

    def _nonce_is_trusted(self, message: OutgoingMessage) -> bool:
        sent_s = self._first_sent_s.get(message.key) if self._delivery.takes_nonce(message) else None
        return sent_s is not None and self._clock.monotonic() - sent_s <= NONCE_TRUSTED_S

    async def _attempt(self, message: OutgoingMessage) -> SendOutcome:
        await self._rate_limiter.acquire()
        self._first_sent_s.setdefault(message.key, self._clock.monotonic())
        with self._metrics.step(Step.SEND):
            outcome = await self._delivery.send(message)
        self._metrics.posts.labels(_RESULT_LABELS[type(outcome)]).inc()
        return outcome


class SendRateLimiter:
    """Limits the rate over all channels: discord.py limits each route, but not their sum."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        self._clock = clock
        self._interval_s = 1 / per_second
        self._next_s = 0.0

    async def acquire(self) -> None:
        """Waits for the next free slot."""
        now_s = self._clock.monotonic()
        slot_s = max(now_s, self._next_s)
        self._next_s = slot_s + self._interval_s
        await self._clock.sleep(slot_s - now_s)
