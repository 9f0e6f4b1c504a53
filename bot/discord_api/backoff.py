"""Stops all requests to Discord while Cloudflare blocks the bot's address, or Discord's global rate limit lasts.

An answer that is not Discord's starts a global backoff, and no channel is at fault. Only a probe is sent when it is
due, and only Discord's own answer to a probe ends the backoff. Interaction replies are still tried, rarely. This module
sends nothing: `backoff_watch.py` sends the probes.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from random import Random
from typing import Final, assert_never

import aiohttp
import discord

from bot.discord_api.answers import ForeignAnswer, OwnAnswer, RateLimitAnswer, read_answer
from bot.runtime.clock import Clock, Wakeup
from bot.runtime.errors import DailyPapersError
from bot.runtime.problems import DISCORD_BACKOFF, Problem, ReportedProblems
from bot.runtime.retry import Backoff, backoff_delay_s

log = logging.getLogger(__name__)

# The longest wait that the bot accepts from Discord or Cloudflare, whatever they ask for: one more request per hour
# costs them nothing, and a wrong value must not silence the bot for longer.
WAIT_MAX_S: Final = 3600.0
BACKOFF_FLOOR_S: Final = 2.0
BACKOFF_CEILING_S: Final = 600.0
ROUTE_BACKOFF_FLOOR_S: Final = 2.0
# So many proxy pages with status 5xx in a row, without an answer of Discord's in between, start a backoff.
SERVER_ERROR_PAGES_MAX: Final = 10
# After a reply to an interaction was blocked, how long no other one is tried: 0.6 % of the invalid requests for which
# Discord bans an address.
REPLIES_PAUSED_S: Final = 10.0
# Requests wait so much longer than the probe, so that they usually find the backoff ended.
PROBE_MARGIN: Final = timedelta(seconds=1)
# How long a route is remembered whose requests were blocked although the probe was answered, and how many.
ROUTE_REMEMBERED_S: Final = 3600.0
ROUTES_MAX: Final = 1000

# discord.py waits out a rate limit up to this long, then raises RateLimited.
RATELIMIT_WAIT_MAX_S: Final = 30.0

# Proxy pages with these statuses concern the one request, which is too large.
_TOO_LARGE: Final = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_URI_TOO_LONG})

_probing: Final = ContextVar("whether this request is a probe", default=False)


class DiscordBackoff(DailyPapersError, aiohttp.ClientError):
    """No request of this kind may leave before `not_before`; `everywhere`: no request to Discord at all.

    An aiohttp error, because callers of discord.py expect those.
    """

    def __init__(self, message: str, not_before: datetime, *, everywhere: bool) -> None:
        super().__init__(message)
        self.not_before = not_before
        self.everywhere = everywhere


@dataclass(frozen=True, slots=True)
class BackoffPeriod:
    """A global backoff: its cause, its beginning, when the next probe is due, and after how long it is due."""

    reason: str
    since: datetime
    not_before: datetime
    delay_s: float = WAIT_MAX_S


@contextmanager
def probing() -> Iterator[None]:
    """Requests made inside the block are probes: they are sent during a backoff, and end it if Discord answers."""
    token = _probing.set(True)
    try:
        yield
    finally:
        _probing.reset(token)


class RouteFailures:
    """Routes with failures that concern no other route: each failure doubles the delay, a success forgets the route."""

    def __init__(self, clock: Clock, rng: Random) -> None:
        self._clock = clock
        self._rng = rng
        # The number of failures and when the route may be forgotten, oldest first.
        self._routes: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def failed(self, route: str) -> float:
        """Counts a failure; returns how many seconds the next request waits."""
        failures = self._failures(route) + 1
        self._remember(route, failures)
        return backoff_delay_s(failures, ROUTE_BACKOFF_FLOOR_S, BACKOFF_CEILING_S, self._rng.random())

    def add(self, route: str) -> None:
        """Remembers a route without a failure."""
        self._remember(route, self._failures(route))

    def is_known(self, route: str) -> bool:
        """Whether the route is remembered."""
        _, forget_s = self._routes.get(route, (0, 0.0))
        return route in self._routes and self._clock.monotonic() < forget_s

    def forget(self, route: str) -> None:
        """Forgets a route."""
        self._routes.pop(route, None)

    def _failures(self, route: str) -> int:
        return self._routes[route][0] if self.is_known(route) else 0

    def _remember(self, route: str, failures: int) -> None:
        self._routes.pop(route, None)
        self._routes[route] = (failures, self._clock.monotonic() + ROUTE_REMEMBERED_S)
        if len(self._routes) > ROUTES_MAX:
            self._routes.popitem(last=False)


class GlobalBackoff:
    """Whether requests may be sent now. A route is a method and a path, or one text for all interaction replies."""

    def __init__(
        self,
        clock: Clock,
        rng: Random,
        problems: ReportedProblems,
        on_global_limit: Callable[[float], None] = lambda _wait_s: None,
    ) -> None:
        self.changed = Wakeup(clock)
        # Called with the seconds to wait for, if they are too few for a backoff.
        self._on_global_limit = on_global_limit
        self._clock = clock
        self._problems = problems
        self._delays = Backoff(rng, floor_s=BACKOFF_FLOOR_S, ceiling_s=BACKOFF_CEILING_S, requested_max_s=WAIT_MAX_S)
        self._period: BackoffPeriod | None = None
        self._probe_due_s = 0.0
        self._start_s = 0.0
        self._route = ""  # the one whose answer started the backoff
        self._error_pages = 0
        self._replies_from_s = 0.0
        # Routes that were blocked although the probe was answered, and those whose rate limit names no usable wait.
        self._blocked_routes, self._unusable_waits = RouteFailures(clock, rng), RouteFailures(clock, rng)

    @property
    def period(self) -> BackoffPeriod | None:
        """The current backoff, if there is one."""
        return self._period

    def error(self) -> DiscordBackoff | None:
        """Returns the error that a request would raise now, if there is a backoff."""
        return None if self._period is None else self._error_of(self._period)

    def probe_due_in_s(self) -> float | None:
        """Returns the seconds until the next probe; None without a backoff."""
        return None if self._period is None else max(0.0, self._probe_due_s - self._clock.monotonic())

    def check(self, *, is_reply: bool) -> None:
        """Raises DiscordBackoff if the request must not be sent now."""
        if self._period is None or _probing.get():
            return
        if not is_reply or self._clock.monotonic() < self._replies_from_s:
            raise self._error_of(self._period)

    async def handle(self, route: str, response: aiohttp.ClientResponse, *, is_reply: bool) -> None:
        """Handles an answer; raises DiscordBackoff or RateLimited if discord.py must not see it."""
        answer = await read_answer(response, self._clock.now())
        match answer:
            case OwnAnswer():
                self._answered_by_discord()
                if response.ok:
                    self._blocked_routes.forget(route)
                    self._unusable_waits.forget(route)
            case RateLimitAnswer():
                self._handle_rate_limit(route, answer)
            case ForeignAnswer():
                self._handle_page(route, answer, is_reply=is_reply)
            case _:
                assert_never(answer)

    def _answered_by_discord(self) -> None:
        self._error_pages = 0
        if _probing.get():
            self._end()

    def _handle_rate_limit(self, route: str, answer: RateLimitAnswer) -> None:
        wait_s = None if answer.wait_s is None else min(answer.wait_s, WAIT_MAX_S)
        if wait_s is not None and wait_s > RATELIMIT_WAIT_MAX_S and answer.is_global:
            raise self._start("Discord's global rate limit", wait_s, route)
        self._answered_by_discord()
        if wait_s is not None and answer.is_global:
            self._on_global_limit(wait_s)
        if wait_s is None:  # discord.py would fail, or repeat the request at once
            raise discord.RateLimited(self._unusable_waits.failed(route))
        if wait_s > RATELIMIT_WAIT_MAX_S:
            raise discord.RateLimited(wait_s)

    def _handle_page(self, route: str, page: ForeignAnswer, *, is_reply: bool) -> None:
        if page.status in _TOO_LARGE:
            return
        is_outage = page.status >= HTTPStatus.INTERNAL_SERVER_ERROR and page.retry_after_s is None
        if is_outage:
            self._error_pages += 1
            if self._error_pages < SERVER_ERROR_PAGES_MAX and self._period is None:
                return  # as in any outage of Discord: the request is repeated
        if self._period is None and self._blocked_routes.is_known(route):
            not_before = self._clock.now() + timedelta(seconds=self._blocked_routes.failed(route))
            raise DiscordBackoff(f"Cloudflare rejects the request (status {page.status})", not_before, everywhere=False)
        if is_reply:
            self._replies_from_s = self._clock.monotonic() + REPLIES_PAUSED_S
        problem = "Discord is unavailable" if is_outage else "Cloudflare blocks the bot's requests to Discord"
        reason = f"{problem} (status {page.status})"
        raise self._start(reason, page.retry_after_s or 0.0, route)

    def _start(self, reason: str, requested_s: float, route: str) -> DiscordBackoff:
        """Starts a backoff, or continues it after a probe; any other answer was under way when it started."""
        if self._period is None or _probing.get():
            since = self._clock.now() if self._period is None else self._period.since
            self._route = route if self._period is None else self._route
            return self._error_of(self._postpone_probe(reason, requested_s, since))
        return self._error_of(self._period)

    def probe_failed(self) -> None:
        """Continues the backoff after a probe without an answer."""
        if self._period is not None:
            self._postpone_probe(self._period.reason, 0.0, self._period.since)

    def _postpone_probe(self, reason: str, requested_s: float, since: datetime) -> BackoffPeriod:
        delay_s = self._delays.failed(requested_s)
        period = BackoffPeriod(reason, since, self._clock.now() + timedelta(seconds=delay_s), delay_s)
        self._set(period, delay_s)
        return period

    def restore(self, period: BackoffPeriod) -> None:
        """Continues the backoff of an earlier run, for its own delay at most, however wrong a clock was."""
        wait_s = (period.not_before - self._clock.now()).total_seconds()
        wait_s = min(max(wait_s, 0.0), period.delay_s, WAIT_MAX_S)
        self._set(replace(period, not_before=self._clock.now() + timedelta(seconds=wait_s)), wait_s)

    def _set(self, period: BackoffPeriod, wait_s: float) -> None:
        if self._period is None:
            self._start_s = self._clock.monotonic()
        self._period = period
        self._probe_due_s = self._clock.monotonic() + wait_s
        if self._problems.report(DISCORD_BACKOFF, Problem(f"Posting is paused: {period.reason}", period.not_before)):
            log.warning("Discord backoff", extra={"reason": period.reason, "retry_at": period.not_before.isoformat()})
        self.changed.notify()

    def _end(self) -> None:
        if self._period is None:
            return
        # By the monotonic clock, within this run: the system clock may have been set since.
        duration_s = self._clock.monotonic() - self._start_s
        self._period = None
        self._delays.succeeded()
        self._replies_from_s = 0.0
        if self._route:
            self._blocked_routes.add(self._route)
        self._problems.resolve(DISCORD_BACKOFF)
        log.info("Discord backoff over", extra={"duration_s": round(duration_s)})
        self.changed.notify()

    def _error_of(self, period: BackoffPeriod) -> DiscordBackoff:
        not_before = max(period.not_before, self._clock.now()) + PROBE_MARGIN
        return DiscordBackoff(period.reason, not_before, everywhere=True)
