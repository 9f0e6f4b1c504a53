"""Notices interactions that another process acknowledged: a second bot with the same token. It sends nothing."""

import re
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import aiohttp

from bot.discord_api.answers import parsed_body

# Discord's error code (topics/opcodes-and-status-codes) for an interaction that was acknowledged before.
ALREADY_ACKNOWLEDGED: Final = 40060

_CALLBACK: Final = re.compile(r"/interactions/(\d+)/[^/]+/callback$")
# An interaction can be acknowledged for 3 s; in this time there are not as many.
_INTERACTIONS_KEPT: Final = 1_000


def observe_acknowledgements(trace: aiohttp.TraceConfig, on_second_bot: Callable[[str], None]) -> aiohttp.TraceConfig:
    """Makes the trace of discord.py's HTTP client call `on_second_bot` with the evidence; returns the trace.

    Only the first answer to an interaction counts: the answer to a repeated request says that the first one arrived.
    """
    answers: Counter[str] = Counter()

    async def on_start(_session: object, _context: object, params: aiohttp.TraceRequestStartParams) -> None:
        callback = _CALLBACK.search(params.url.path)
        if callback is not None:
            answers[callback[1]] += 1
            if len(answers) > _INTERACTIONS_KEPT:
                del answers[next(iter(answers))]

    async def on_end(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
        callback = _CALLBACK.search(params.url.path)
        if callback is None or params.response.status != HTTPStatus.BAD_REQUEST or answers[callback[1]] != 1:
            return
        # aiohttp keeps the body for discord.py.
        if _error_code(await params.response.read()) == ALREADY_ACKNOWLEDGED:
            on_second_bot("an interaction that another process acknowledged")

    trace.on_request_start.append(on_start)
    trace.on_request_end.append(on_end)
    return trace


def _error_code(body: bytes) -> object:
    parsed = parsed_body(body)
    return parsed.get("code") if isinstance(parsed, dict) else None
