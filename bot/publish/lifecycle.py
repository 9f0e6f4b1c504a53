"""The lifecycle of an outgoing message: bind, send, look up, settle. Paper posts and trending posts share it.

A message is stored before its first attempt and settled after its outcome, so that a crash between two steps leaves a
message that the next run looks up. This module chooses neither what a message contains nor when it is due.
"""

import secrets
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar, assert_never

from bot.domain.history import SearchStart
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
from bot.publish.availability import ChannelAvailability
from bot.publish.sender import Sender
from bot.runtime.clock import Clock
from bot.runtime.metrics import Metrics, Step

MessageT = TypeVar("MessageT", bound=OutgoingMessage)
MessageT_co = TypeVar("MessageT_co", bound=OutgoingMessage, covariant=True)
MessageT_contra = TypeVar("MessageT_contra", bound=OutgoingMessage, contravariant=True)


class Bind(Protocol[MessageT_co]):
    """Stores a new message with its content; returns None if that content is already bound."""

    def __call__(
        self, *, key: str, nonce: str, now: datetime, search: SearchStart
    ) -> Awaitable[MessageT_co | None]: ...


class MessageStorage(Protocol[MessageT_contra]):
    """Where the bound messages of one kind are stored; each method is one transaction."""

    async def record_attempt(self, message: MessageT_contra, now: datetime, attempted_at: datetime | None) -> None:
        """Stores the time of another attempt, which is about to be made; `attempted_at` is Discord's time."""
        ...

    async def record_search(self, message: MessageT_contra, after: int) -> None:
        """Stores that the history up to this message id does not contain the message."""
        ...

    async def delivered(self, message: MessageT_contra, delivered: Delivered, now: datetime) -> None:
        """Settles a message that Discord stored."""
        ...

    async def rejected(self, message: MessageT_contra, reason: str, now: datetime) -> None:
        """Settles a message that Discord will never accept as it is."""
        ...

    async def release(self, message: MessageT_contra) -> None:
        """Releases a message that certainly does not exist: what it contains may be bound to another one."""
        ...


@dataclass(frozen=True, slots=True)
class ForumPostLost:
    """The forum post in which the message was to appear accepts no more messages; the message is released."""


StepOutcome = SendOutcome | MessageAbsent | ForumPostLost


class MessageLifecycle(Generic[MessageT]):
    """Takes the messages of one kind through their lifecycle, one step per call."""

    def __init__(
        self,
        storage: MessageStorage[MessageT],
        sender: Sender,
        availability: ChannelAvailability,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._storage = storage
        self._sender = sender
        self._availability = availability
        self._clock = clock
        self._metrics = metrics

    async def bind(self, bind: Bind[MessageT]) -> MessageT | None:
        """Stores a new message with a key and a nonce; returns None if its content is already bound."""
        key, nonce = secrets.token_urlsafe(9), secrets.token_hex(12)
        with self._metrics.step(Step.BIND):
            search = self._sender.start_search()
            return await bind(key=key, nonce=nonce, now=self._clock.now(), search=search)

    async def send(self, message: MessageT) -> StepOutcome:
        """Makes the first attempt to send a message that was just bound, and settles it by the outcome."""
        outcome = await self._sender.send(message)
        if isinstance(outcome, Blocked):
            # The only attempt was rejected: the message certainly does not exist.
            await self._release(message)
            if message.header.thread_id is not None:
                return ForumPostLost()
        return await self._settle(message, outcome)

    async def resume(self, message: MessageT, *, resend: bool = True) -> StepOutcome:
        """Looks an unsettled message up or sends it again, and settles it by the outcome.

        `resend=False`: only look it up.
        """
        journal = _MessageJournal(self._storage, message)
        outcome = await (self._sender.resend if resend else self._sender.look_up)(message, journal)
        if isinstance(outcome, Blocked) and outcome.gone and message.header.thread_id is not None:
            # If the message was in the forum post, it was deleted with it.
            await self._release(message)
            return ForumPostLost()
        return await self._settle(message, outcome)

    async def _settle(self, message: MessageT, outcome: SendOutcome | MessageAbsent) -> StepOutcome:
        match outcome:
            case Delivered():
                with self._metrics.step(Step.SETTLE):
                    await self._storage.delivered(message, outcome, self._clock.now())
                self._forget(message)
            case Rejected(reason):
                await self._storage.rejected(message, reason, self._clock.now())
                self._forget(message)
            case MessageAbsent():
                await self._release(message)
            case Blocked() | RetryLater() | OutcomeUnknown():
                await self._availability.postpone(message.channel_id, outcome)
            case _:
                assert_never(outcome)
        return outcome

    async def _release(self, message: MessageT) -> None:
        await self._storage.release(message)
        self._forget(message)

    def _forget(self, message: MessageT) -> None:
        self._sender.forget(message)
        self._availability.reset_backoff(message.channel_id)


class _MessageJournal(Generic[MessageT]):
    """Stores the attempts and the search of one message."""

    def __init__(self, storage: MessageStorage[MessageT], message: MessageT) -> None:
        self._storage = storage
        self._message = message

    async def attempt(self, now: datetime, server_time: datetime | None) -> None:
        await self._storage.record_attempt(self._message, now, server_time)

    async def searched(self, after: int) -> None:
        await self._storage.record_search(self._message, after)
