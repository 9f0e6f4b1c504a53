"""Distinguishes Discord's own answers from proxy pages, and reads how long a 429 asks the bot to wait.

It decides nothing and keeps nothing: `backoff.py` decides what follows from an answer.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

import aiohttp

from bot.runtime.retry import retry_after_s, usable_wait_s

_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class ForeignAnswer:
    """An answer that is not Discord's: Discord answers with JSON, Cloudflare and other proxies with a page."""

    status: int
    retry_after_s: float | None


@dataclass(frozen=True, slots=True)
class RateLimitAnswer:
    """A 429 of Discord; `wait_s` is None if the answer says nothing usable about how long to wait."""

    wait_s: float | None
    is_global: bool


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """Any other answer of Discord, an error or not."""


DiscordAnswer = ForeignAnswer | RateLimitAnswer | OwnAnswer


async def read_answer(response: aiohttp.ClientResponse, now: datetime) -> DiscordAnswer:
    """Classifies an answer; reads its body only if the body is JSON and the answer an error."""
    if response.status == HTTPStatus.NO_CONTENT:
        return OwnAnswer()
    header_s = retry_after_s(response.headers.get("Retry-After"), now)
    if response.content_type != _JSON:
        return ForeignAnswer(response.status, header_s)
    if response.status < HTTPStatus.BAD_REQUEST:
        return OwnAnswer()
    body = parsed_body(await response.read())
    # Discord's errors have a message (reference#error-messages); other servers' JSON does not count.
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return ForeignAnswer(response.status, header_s)
    if response.status != HTTPStatus.TOO_MANY_REQUESTS:
        return OwnAnswer()
    wait_s = usable_wait_s(body.get("retry_after"))
    # Discord's own 429 passed through Google's proxy, which adds this header; Cloudflare's did not (discord.py).
    if not response.headers.get("Via"):
        return ForeignAnswer(response.status, wait_s or header_s)
    return RateLimitAnswer(wait_s or header_s, is_global=body.get("global") is True)


def parsed_body(body: bytes) -> object:
    """Returns the value of a body of JSON; None if it is not JSON, or nested too deeply."""
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed
