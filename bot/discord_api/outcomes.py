"""Maps discord.py's exceptions to outcomes of a message, and describes them. It sends nothing."""

import logging
import math
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import aiohttp
import discord

from bot.discord_api.backoff import WAIT_MAX_S, DiscordBackoff
from bot.discord_api.permissions import BLOCKED_BY_CODE
from bot.domain.outgoing import Blocked, Delivered, OutcomeUnknown, Rejected, RetryLater, SendOutcome
from bot.domain.text import collapse, cut, escape_markdown
from bot.publish.availability import SEND_BACKOFF_FLOOR_S
from bot.runtime.clock import Clock
from bot.runtime.errors import StoreUnavailable

# How much of Discord's explanation is kept: it is at most a few sentences, and can quote what was sent.
EXPLANATION_MAX: Final = 300

# Discord's error codes (topics/opcodes-and-status-codes).
_UNKNOWN_MESSAGE: Final = 10008
# Unknown interaction, and "Interaction has already been acknowledged".
_EXPIRED_CODES: Final = frozenset({10062, 40060})

# discord.py logs with a traceback what a listener, a button or an autocompletion raises.
_LOGGERS: Final = ("discord.client", "discord.ui.view", "discord.app_commands.tree")
_AUTOCOMPLETION: Final = "Ignoring exception in autocomplete"

_RATE_LIMITED: Final = "Discord's rate limit"


def is_from_discord(error: discord.HTTPException) -> bool:
    """Whether Discord itself returned the error: a proxy page is not JSON."""
    headers = getattr(error.response, "headers", {})
    return str(headers.get("Content-Type", "application/json")).startswith("application/json")


def is_outage(error: BaseException | None) -> bool:
    """Whether a request failed for a reason that says nothing about the request, so that a traceback would not help."""
    if isinstance(error, discord.HTTPException):
        return error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or not is_from_discord(error)
    return isinstance(error, discord.RateLimited | aiohttp.ClientError | TimeoutError)


def describe_failure(error: BaseException) -> str:
    """Describes a failed request on one line, without the text of a proxy page."""
    if isinstance(error, discord.HTTPException):
        explanation = f": {_explanation(error)}" if _explanation(error) else ""
        return f"status {error.status}, error code {error.code}{explanation}"
    text = cut(collapse(str(error)), EXPLANATION_MAX)
    return text or type(error).__name__


def hide_outage_traces() -> None:
    """Keeps the tracebacks of outages, which may contain a proxy page, out of discord.py's log records."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_without_outage_trace)


def _without_outage_trace(record: logging.LogRecord) -> bool:
    """Replaces a traceback that would not help by one line; drops the record if suggestions could not be sent.

    Discord requests suggestions for each keystroke, and no longer waits for some of them.
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is None or not (is_outage(error) or _is_expired(error) or isinstance(error, StoreUnavailable)):
        return True
    record.exc_info = None
    record.reason = describe_failure(error)
    record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
    return not str(record.msg).startswith(_AUTOCOMPLETION)


def _is_expired(error: BaseException) -> bool:
    """Whether Discord no longer waits for the answer to an interaction, or has one."""
    return isinstance(error, discord.HTTPException) and error.code in _EXPIRED_CODES


def _explanation(error: discord.HTTPException) -> str:
    return cut(collapse(error.text), EXPLANATION_MAX) if is_from_discord(error) else ""


class OutcomeMapper:
    """Says what an exception means for a message or a channel."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def of_write(self, error: Exception) -> SendOutcome:
        """Returns the outcome of a request that sends or changes a message."""
        if isinstance(error, DiscordBackoff):
            return RetryLater(error.not_before, str(error), everywhere=error.everywhere)
        if isinstance(error, discord.RateLimited):
            return self.retry_in(error.retry_after, _RATE_LIMITED)
        if not isinstance(error, discord.HTTPException) or error.status >= 500:
            return OutcomeUnknown(f"no answer from Discord ({type(error).__name__})")
        if not is_from_discord(error) and error.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return OutcomeUnknown(f"no answer from Discord, but a proxy page with status {error.status}")
        return self._of_discord_error(error)

    def _of_discord_error(self, error: discord.HTTPException) -> SendOutcome:
        if error.code == _UNKNOWN_MESSAGE:  # it was delivered, and somebody deleted it
            return Delivered(None)
        if error.code in BLOCKED_BY_CODE:
            return BLOCKED_BY_CODE[error.code]
        if error.status in (401, 403, 404):
            # People read this.
            return Blocked(f"Discord denies the bot access ({escape_markdown(_explanation(error)) or error.status}).")
        if error.status == 429:
            return self.retry_in(SEND_BACKOFF_FLOOR_S, _RATE_LIMITED)
        return Rejected(f"Discord rejected the message: {_explanation(error)} ({error.code})")

    def of_read(self, error: Exception) -> RetryLater | Blocked:
        """Returns what an exception says of a channel that was only read."""
        outcome = self.of_write(error)
        if isinstance(outcome, RetryLater | Blocked):
            return outcome
        return self.retry_in(SEND_BACKOFF_FLOOR_S, "no answer from Discord")

    def retry_in(self, delay_s: float, reason: str) -> RetryLater:
        """Returns the outcome to try again after `delay_s` seconds, within the limits for any wait."""
        bounded_s = SEND_BACKOFF_FLOOR_S if math.isnan(delay_s) else min(max(delay_s, SEND_BACKOFF_FLOOR_S), WAIT_MAX_S)
        return RetryLater(self._clock.now() + timedelta(seconds=bounded_s), reason)
