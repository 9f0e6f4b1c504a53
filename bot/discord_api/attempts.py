"""What each try of one request was answered: discord.py tries some again by itself, and shows the last answer alone.

A client's trace enters; whether a refusal in the end says anything of the tries before it leaves. What must not be made
twice is not tried again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import aiohttp


@dataclass(frozen=True, slots=True)
class Attempts:
    """The tries of the requests in hand: a status each, None where no answer came."""

    once: bool = False
    statuses: list[int | None] = field(default_factory=list)


class SecondAttemptBlocked(aiohttp.ClientError):
    """The request was made and not answered, and no second one may follow it: it may have been carried out."""


_attempts: Final = ContextVar[Attempts]("what the tries of the request in hand were answered")


@contextmanager
def track_attempts(*, once: bool = False) -> Iterator[Attempts]:
    """Note the tries of the requests that are made inside, by a client with the trace of `trace_attempts`.

    `once`: a second try raises SecondAttemptBlocked, but for one after a 429, when Discord has surely done nothing.
    """
    attempts = Attempts(once)
    before = _attempts.set(attempts)
    try:
        yield attempts
    finally:
        _attempts.reset(before)


def trace_attempts(trace: aiohttp.TraceConfig) -> aiohttp.TraceConfig:
    """Let `noted` know of every try that a client makes with this trace."""
    trace.on_request_start.append(_on_attempt)
    trace.on_request_end.append(_on_answer)
    return trace


async def _on_attempt(_session: object, _context: object, _params: aiohttp.TraceRequestStartParams) -> None:
    attempts = _attempts.get(None)
    if attempts is None:
        return
    if attempts.once and not all(map(_did_nothing, attempts.statuses)):
        raise SecondAttemptBlocked("no answer, and no second try")
    attempts.statuses.append(None)


async def _on_answer(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
    attempts = _attempts.get(None)
    if attempts is not None:
        attempts.statuses[-1] = params.response.status


def _did_nothing(status: int | None) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS


def definitely_rejected(attempts: Attempts) -> bool:
    """Whether a message that was refused in the end cannot have been stored by a try before the last."""
    return all(map(_did_nothing, attempts.statuses[:-1]))
