"""Observes every HTTP request that discord.py makes, its own retries included.

`track_attempts` records how Discord answered each attempt of a request: discord.py raises an error for the last one
only. `InvalidRequests` counts the answers that Discord holds against the bot's address. This module sends nothing.
"""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace
from typing import Final

import aiohttp
import discord
import yarl
from discord.http import Route

from bot.discord_api.backoff import GlobalBackoff
from bot.discord_api.request_budget import DiscordSlot, RequestBudget
from bot.runtime.clock import Clock
from bot.runtime.problems import Problem, ReportedProblems

log = logging.getLogger(__name__)

# Discord bans an address after 10,000 invalid requests (401, 403, 429) in 10 minutes (topics/rate-limits). The bot
# stops at 0.4 % of that; with the requests already under way, one per channel being served, it stays below 1 %.
INVALID_REQUESTS_MAX: Final = 40
INVALID_REQUESTS_WINDOW_S: Final = 600.0

TOO_MANY_INVALID: Final = "too many invalid requests, for which Discord bans an address"

# topics/rate-limits, "Invalid Request Limit".
_INVALID_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts of the current request: one status each, None while no answer has arrived."""

    once: bool = False
    statuses: list[int | None] = field(default_factory=list)


class SecondAttemptBlocked(aiohttp.ClientError):
    """The first attempt got no answer and may have been carried out, so no second one may follow."""


_attempts: Final = ContextVar[Attempts]("attempts of the current request")


@contextmanager
def track_attempts(*, once: bool = False) -> Iterator[Attempts]:
    """Records the attempts of every request made inside the block, by a client that uses `request_trace`.

    `once`: a second attempt raises SecondAttemptBlocked, unless the first was answered 429 and so changed nothing.
    """
    attempts = Attempts(once)
    token = _attempts.set(attempts)
    try:
        yield attempts
    finally:
        _attempts.reset(token)


def definitely_rejected(attempts: Attempts) -> bool:
    """Whether no attempt before the last can have stored the message."""
    return all(map(_changed_nothing, attempts.statuses[:-1]))


def _changed_nothing(status: int | None) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS


class InvalidRequests:
    """Counts the invalid requests of the last ten minutes."""

    def __init__(self, clock: Clock, problems: ReportedProblems | None = None) -> None:
        self._clock = clock
        self._problems = problems or ReportedProblems()
        self._times_s: deque[float] = deque(maxlen=INVALID_REQUESTS_MAX)

    def record(self, status: int) -> None:
        """Counts an answer if Discord considers its request invalid."""
        if status not in _INVALID_STATUSES:
            return
        was_paused = self.pause_s() > 0
        self._times_s.append(self._clock.monotonic())
        if self.pause_s() > 0:
            self._report(is_new=not was_paused)

    def _report(self, *, is_new: bool) -> None:
        retry_at = self._clock.now() + timedelta(seconds=self.pause_s())
        problem = Problem(f"Posting is paused: {TOO_MANY_INVALID}", retry_at, expires_at=retry_at)
        self._problems.report("rejections", problem)
        if is_new:
            fields = {"reason": TOO_MANY_INVALID, "retry_at": retry_at.isoformat()}
            log.warning("too many rejected requests", extra=fields)

    def pause_s(self) -> float:
        """Returns for how many seconds the bot should send nothing that Discord may reject; 0 if it may send now."""
        if len(self._times_s) < INVALID_REQUESTS_MAX:
            return 0.0
        return max(0.0, self._times_s[0] + INVALID_REQUESTS_WINDOW_S - self._clock.monotonic())


def request_trace(
    invalid_requests: InvalidRequests, backoff: GlobalBackoff | None = None, budget: RequestBudget | None = None
) -> aiohttp.TraceConfig:
    """Returns the trace for discord.py's HTTP client that `track_attempts` and `invalid_requests` depend on.

    With `backoff`, requests are stopped during a global backoff, and answers that discord.py cannot handle never reach
    it: it would fail with an exception of any type, or wait without a limit. With `budget`, every attempt except the
    replies to interactions waits for its slot.
    """
    request = _RequestTrace(invalid_requests, backoff, budget)
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(request.on_start)
    trace.on_request_end.append(request.on_end)
    trace.on_request_exception.append(request.on_exception)
    return trace


class _RequestTrace:
    """What happens before and after each attempt."""

    def __init__(
        self, invalid_requests: InvalidRequests, backoff: GlobalBackoff | None, budget: RequestBudget | None
    ) -> None:
        self._invalid_requests = invalid_requests
        self._backoff = backoff
        self._budget = budget

    async def on_start(
        self, _session: object, context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        self._check_backoff(params.url)
        attempts = _attempts.get(None)
        if attempts is not None and attempts.once and not all(map(_changed_nothing, attempts.statuses)):
            raise SecondAttemptBlocked("no answer to the first attempt, so no second one is made")
        if self._budget is not None and _is_rest(params.url) and not _is_reply(params.url):
            context.slot = await self._budget.acquire()
            self._check_backoff(params.url)  # one may have begun in the meantime
        if attempts is not None:
            attempts.statuses.append(None)

    def _check_backoff(self, url: yarl.URL) -> None:
        if self._backoff is not None and _is_rest(url):
            self._backoff.check(is_reply=_is_reply(url))

    async def on_end(self, _session: object, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        _release(context)
        attempts = _attempts.get(None)
        if attempts is not None:
            attempts.statuses[-1] = params.response.status
        try:
            if self._backoff is not None and _is_rest(params.url):
                is_reply = _is_reply(params.url)
                await self._backoff.handle(_route(params.method, params.url), params.response, is_reply=is_reply)
        except discord.RateLimited:
            self._invalid_requests.record(params.response.status)
            raise
        # Not after a proxy page, which raises DiscordBackoff: Discord did not see the request.
        self._invalid_requests.record(params.response.status)

    async def on_exception(self, _session: object, context: SimpleNamespace, _params: object) -> None:
        _release(context)


def _release(context: SimpleNamespace) -> None:
    slot = getattr(context, "slot", None)
    if isinstance(slot, DiscordSlot):
        slot.release()


def _is_rest(url: yarl.URL) -> bool:
    """Whether a request is for Discord's REST API, and not for the gateway or a file."""
    return str(url).startswith(Route.BASE + "/")


def _is_reply(url: yarl.URL) -> bool:
    """Whether a request replies to an interaction; the bot uses no other webhooks."""
    return str(url).removeprefix(Route.BASE).startswith(("/interactions/", "/webhooks/"))


def _route(method: str, url: yarl.URL) -> str:
    return "interactions" if _is_reply(url) else f"{method} {url.path}"
