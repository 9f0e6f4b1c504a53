"""One message brought to its end: sent with its nonce, and looked for before it is sent again.

A message that was bound before enters, with whatever it shows; what became of it leaves, for whoever settles it. It
never sends what may be there already.
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

# 50 requests a second a bot (topics/rate-limits); ours leaves room for people's commands.
SENDS_PER_SECOND: Final = 40
# Nonces are checked "in the past few minutes" (Create Message); beyond this the history is read instead.
NONCE_TRUSTED_S: Final = 60.0
# Past this a nonce is surely forgotten; until then an absent message may still be on its way, and keeps its nonce.
NONCE_REMEMBERED: Final = timedelta(minutes=10)
# A forum post has no nonce: so long after an attempt its absence from the forum is believed.
ABSENCE_BELIEVED_AFTER: Final = timedelta(seconds=60)
# Channels served side by side; more would only queue at the pace above.
CHANNELS_AT_ONCE: Final = 50
# A channel whose answers stay away.
SEND_BACKOFF_FLOOR_S: Final = 2.0

_ON_ITS_WAY: Final = "it may still be on its way"

# Label values of /metrics: dashboards and alerts depend on them.
_RESULT_LABELS: Final = {
    Delivered: "Delivered",
    RetryLater: "RetryLater",
    OutcomeUnknown: "Unanswered",
    Rejected: "Undeliverable",
    Blocked: "Obstructed",
}


class Delivery(Protocol):
    """What the lower half asks of Discord."""

    async def ready(self) -> None:
        """Wait until the channels and permissions of every server are known."""
        ...

    async def blocked(self, channel_id: int) -> Blocked | RetryLater | None:
        """Why nothing can be posted in the channel at the moment; None when it can."""
        ...

    def takes_nonce(self, post: OutgoingMessage) -> bool:
        """Whether Discord keeps the message from being there twice; a new forum post has no such guard."""
        ...

    async def send(self, post: OutgoingMessage) -> SendOutcome:
        """Send the message once; with the same nonce it is never there twice within the nonce's window."""
        ...

    async def find(self, post: OutgoingMessage) -> Delivered | MessageAbsent | RetryLater | Blocked:
        """Look for the message by its key in what the channel holds since its first attempt."""
        ...


class Sender:
    """Sends messages, all at one pace."""

    def __init__(self, delivery: Delivery, clock: Clock, metrics: Metrics) -> None:
        self._delivery = delivery
        self._clock = clock
        self._metrics = metrics
        self._rate_limiter = SendRateLimiter(clock, SENDS_PER_SECOND)
        # When this process first tried each message, by its key: a nonce is trusted only so long, and only by who sent
        # it.
        self._first_tried_s: dict[str, float] = {}

    async def ready(self) -> None:
        """Wait until the channels and permissions of every server are known."""
        await self._delivery.ready()

    async def blocked(self, channel_id: int) -> Blocked | RetryLater | None:
        """Why nothing can be posted in the channel at the moment; None when it can."""
        return await self._delivery.blocked(channel_id)

    async def first(self, post: OutgoingMessage) -> SendOutcome:
        """Send a message that was never tried; Obstructed: surely nothing of it is there."""
        return await self._send(post)

    async def find(self, post: OutgoingMessage) -> Delivered | MessageAbsent | RetryLater | Blocked:
        """Look for a message that was tried; RetryLater also while it may still be on its way."""
        found = await self._delivery.find(post)
        if isinstance(found, MessageAbsent) and self._clock.now() - post.last_attempt <= NONCE_REMEMBERED:
            return RetryLater(post.last_attempt + NONCE_REMEMBERED, _ON_ITS_WAY)
        return found

    async def again(
        self, post: OutgoingMessage, on_attempt: Callable[[datetime], Awaitable[None]]
    ) -> SendOutcome | MessageAbsent:
        """Bring a message further that was tried before: it may be there, whatever Discord says to the next try.

        `on_attempt` writes down that it leaves once more. Absent: it is surely not there, and may be bound anew.
        """
        if not self._nonce_is_trusted(post):
            found = await self._delivery.find(post)
            if not isinstance(found, MessageAbsent):
                return found
            age = self._clock.now() - post.last_attempt
            if age > NONCE_REMEMBERED:
                return found
            if not self._delivery.takes_nonce(post) and age < ABSENCE_BELIEVED_AFTER:
                return RetryLater(post.last_attempt + ABSENCE_BELIEVED_AFTER, _ON_ITS_WAY)
            # So young that it may still be on its way: the nonce keeps the two apart.
            self._first_tried_s[post.key] = self._clock.monotonic()
        await on_attempt(self._clock.now())
        outcome = await self._send(post)
        if isinstance(outcome, Rejected):
            found = await self._delivery.find(post)
            return outcome if isinstance(found, MessageAbsent) else found
        return outcome

    def forget(self, post: OutgoingMessage) -> None:
        """The message is settled, or released."""
        self._first_tried_s.pop(post.key, None)

    def _nonce_is_trusted(self, post: OutgoingMessage) -> bool:
        tried_s = self._first_tried_s.get(post.key) if self._delivery.takes_nonce(post) else None
        return tried_s is not None and self._clock.monotonic() - tried_s <= NONCE_TRUSTED_S

    async def _send(self, post: OutgoingMessage) -> SendOutcome:
        await self._rate_limiter.turn()
        self._first_tried_s.setdefault(post.key, self._clock.monotonic())
        with self._metrics.step(Step.SEND):
            outcome = await self._delivery.send(post)
        self._metrics.posts.labels(_RESULT_LABELS[type(outcome)]).inc()
        return outcome


class SendRateLimiter:
    """Our own pace over all channels: discord.py knows each route's limit, not the one over all of them."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        self._clock = clock
        self._interval_s = 1 / per_second
        self._next_s = 0.0

    async def turn(self) -> None:
        """Wait for the next free moment."""
        now_s = self._clock.monotonic()
        moment_s = max(now_s, self._next_s)
        self._next_s = moment_s + self._interval_s
        await self._clock.sleep(moment_s - now_s)
