"""What each try of one request was answered: discord.py tries some again by itself, and shows the last answer alone.

A client's trace enters; whether a refusal in the end says anything of the tries before it leaves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import Final

import aiohttp

# A status a try, None where no answer came.
Tries = list[int | None]
_tries: Final = ContextVar[Tries]("what the tries of the request in hand were answered")


@contextmanager
def noted() -> Iterator[Tries]:
    """Note the tries of the requests that are made inside, by a client with the trace of `note_tries`."""
    tries: Tries = []
    before = _tries.set(tries)
    try:
        yield tries
    finally:
        _tries.reset(before)


def note_tries(trace: aiohttp.TraceConfig) -> aiohttp.TraceConfig:
    """Let `noted` know of every try that a client makes with this trace."""
    trace.on_request_start.append(_on_try)
    trace.on_request_end.append(_on_answer)
    return trace


async def _on_try(_session: object, _context: object, _params: aiohttp.TraceRequestStartParams) -> None:
    if (tries := _tries.get(None)) is not None:
        tries.append(None)


async def _on_answer(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
    if tries := _tries.get(None):
        tries[-1] = params.response.status


def surely_refused(tries: Tries) -> bool:
    """Whether a message that was refused in the end cannot have been stored before: only a 429 is surely nothing."""
    return all(status == HTTPStatus.TOO_MANY_REQUESTS for status in tries[:-1])
