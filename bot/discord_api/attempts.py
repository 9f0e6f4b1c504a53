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
class Tries:
    """The tries of the requests in hand: a status each, None where no answer came."""

    once: bool = False
    statuses: list[int | None] = field(default_factory=list)


class TriedOnce(aiohttp.ClientError):
    """The request was made and not answered, and no second one may follow it: it may have been carried out."""


_tries: Final = ContextVar[Tries]("what the tries of the request in hand were answered")


@contextmanager
def noted(*, once: bool = False) -> Iterator[Tries]:
    """Note the tries of the requests that are made inside, by a client with the trace of `note_tries`.

    `once`: a second try raises TriedOnce, but for one after a 429, when Discord has surely done nothing.
    """
    tries = Tries(once)
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
    tries = _tries.get(None)
    if tries is None:
        return
    if tries.once and not all(map(_did_nothing, tries.statuses)):
        raise TriedOnce("no answer, and no second try")
    tries.statuses.append(None)


async def _on_answer(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
    tries = _tries.get(None)
    if tries is not None:
        tries.statuses[-1] = params.response.status


def _did_nothing(status: int | None) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS


def surely_refused(tries: Tries) -> bool:
    """Whether a message that was refused in the end cannot have been stored by a try before the last."""
    return all(map(_did_nothing, tries.statuses[:-1]))
