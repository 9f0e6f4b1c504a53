"""Maps discord.py's exceptions to outcomes of a message. It sends nothing and logs nothing."""

from datetime import timedelta
from typing import Final

import discord

from bot.discord_api.permissions import BLOCKED_BY_CODE
from bot.domain.outgoing import Blocked, Delivered, OutcomeUnknown, Rejected, RetryLater, SendOutcome
from bot.publish.availability import SEND_BACKOFF_FLOOR_S
from bot.runtime.clock import Clock

# Discord's error codes (topics/opcodes-and-status-codes).
_UNKNOWN_MESSAGE: Final = 10008

_RATE_LIMITED: Final = "Discord's rate limit"


class OutcomeMapper:
    """Says what an exception means for a message or a channel."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def of_write(self, error: Exception) -> SendOutcome:
        """Returns the outcome of a request that sends or changes a message."""
        if isinstance(error, discord.RateLimited):
            return self.retry_in(error.retry_after, _RATE_LIMITED)
        if not isinstance(error, discord.HTTPException) or error.status >= 500:
            return OutcomeUnknown(f"no answer from Discord ({type(error).__name__})")
        if error.code == _UNKNOWN_MESSAGE:  # it was delivered, and somebody deleted it
            return Delivered(None)
        if error.code in BLOCKED_BY_CODE:
            return BLOCKED_BY_CODE[error.code]
        if error.status in (401, 403, 404):
            return Blocked(f"Discord denies the bot access ({error.text or error.status}).")
        if error.status == 429:
            return self.retry_in(SEND_BACKOFF_FLOOR_S, _RATE_LIMITED)
        return Rejected(f"Discord rejected the message: {error.text} ({error.code})")

    def of_read(self, error: Exception) -> RetryLater | Blocked:
        """Returns what an exception says of a channel that was only read."""
        outcome = self.of_write(error)
        if isinstance(outcome, RetryLater | Blocked):
            return outcome
        return self.retry_in(SEND_BACKOFF_FLOOR_S, "no answer from Discord")

    def retry_in(self, delay_s: float, reason: str) -> RetryLater:
        """Returns the outcome to try again after `delay_s` seconds."""
        return RetryLater(self._clock.now() + timedelta(seconds=delay_s), reason)
