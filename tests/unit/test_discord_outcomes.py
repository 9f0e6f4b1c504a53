"""discord.py's exceptions as outcomes of a request."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bot.discord_api.outcomes import OutcomeMapper
from bot.domain.outgoing import Blocked, Delivered, OutcomeUnknown, Rejected, RetryLater
from tests.support.clock import START, FakeClock


def http_error(status: int, code: int = 0, text: str = "") -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="")
    return discord.HTTPException(response, {"code": code, "message": text})


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (aiohttp.ServerDisconnectedError(), OutcomeUnknown("no answer from Discord (ServerDisconnectedError)")),
        (TimeoutError(), OutcomeUnknown("no answer from Discord (TimeoutError)")),
        (http_error(502), OutcomeUnknown("no answer from Discord (HTTPException)")),
        (http_error(404, 10008, "Unknown Message"), Delivered(None)),
        (http_error(403, 0, "odd"), Blocked("Discord denies the bot access (odd).")),
        (http_error(401), Blocked("Discord denies the bot access (401).")),
        (
            http_error(400, 50035, "Invalid Form Body"),
            Rejected("Discord rejected the message: Invalid Form Body (50035)"),
        ),
    ],
)
def test_exception_of_a_write_has_one_outcome(error: Exception, outcome: object) -> None:
    assert OutcomeMapper(FakeClock()).of_write(error) == outcome


@pytest.mark.parametrize("error", [discord.RateLimited(9.0), http_error(429)])
def test_rate_limit_is_retried_later(error: Exception) -> None:
    outcome = OutcomeMapper(FakeClock()).of_write(error)
    assert isinstance(outcome, RetryLater)
    assert START < outcome.not_before <= START + timedelta(seconds=9)


@pytest.mark.parametrize("error", [TimeoutError(), http_error(500), http_error(404, 10008)])
def test_read_without_a_useful_answer_is_retried_later(error: Exception) -> None:
    outcome = OutcomeMapper(FakeClock()).of_read(error)
    assert isinstance(outcome, RetryLater)
    assert outcome.reason == "no answer from Discord"
    assert outcome.not_before > START


def test_read_of_a_channel_without_access_is_blocked() -> None:
    assert OutcomeMapper(FakeClock()).of_read(http_error(403, 0, "odd")) == Blocked(
        "Discord denies the bot access (odd)."
    )
