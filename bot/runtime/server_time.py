"""The corrected clock: the machine's time while a server confirms it, otherwise the time that servers report.

Every response has a `Date` header. Between responses, the time of a server advances with the monotonic clock, so that
a jump of the machine's clock changes nothing. This module sends no request, and never waits.
"""

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp

from bot.runtime.clock import Clock
from bot.runtime.problems import Problem, ReportedProblems
from bot.runtime.retry import http_date

log = logging.getLogger(__name__)

# A `Date` header has whole seconds, and its response may take up to a minute to arrive.
CLOCK_TOLERANCE: Final = timedelta(seconds=60)
# Of each server the last responses count: one wrong header does not outweigh a clock that the other confirms.
_RESPONSES_PER_SERVER: Final = 2
# A header beyond these dates is a fault of the server.
_EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
# RFC 9111, 5.1: the seconds that a response spent in a cache. More than a day is not a clock to rely on.
_AGE_MAX_S: Final = 86_400
# The name of the check in `/healthz`.
_PROBLEM: Final = "clock"


@dataclass(frozen=True, slots=True)
class ServerTime:
    """The time that a server reported, and when: `monotonic_s` is on the monotonic clock of this process."""

    time: datetime
    monotonic_s: float

    def at(self, monotonic_s: float) -> datetime:
        """Returns the server's time at another reading of the monotonic clock."""
        return self.time + timedelta(seconds=monotonic_s - self.monotonic_s)


class CorrectedClock:
    """A clock whose `now` agrees with the servers to about a minute once one has answered.

    While the machine's clock agrees with one of the last responses, it is the time; otherwise the last response is.
    """

    def __init__(self, clock: Clock, problems: ReportedProblems | None = None) -> None:
        self._clock = clock
        self._problems = problems or ReportedProblems()
        self._by_server: dict[str, deque[ServerTime]] = {}
        self._last: ServerTime | None = None

    def now(self) -> datetime:
        return self._clock.now() - self.error

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, delay_s: float) -> None:
        await self._clock.sleep(delay_s)

    @property
    def is_verified(self) -> bool:
        """Whether a server has reported its time to this process."""
        return self._last is not None

    @property
    def error(self) -> timedelta:
        """How far the machine's clock is ahead of the servers' (negative: behind); 0 while one of them confirms it."""
        now, monotonic_s = self._clock.now(), self._clock.monotonic()
        if self._last is None or any(
            abs(now - response.at(monotonic_s)) <= CLOCK_TOLERANCE
            for responses in self._by_server.values()
            for response in responses
        ):
            return timedelta()
        return now - self._last.at(monotonic_s)

    @property
    def problem(self) -> str | None:
        """A sentence without a full stop about the machine's wrong clock.

        None while the clock is right, or no server has answered yet.
        """
        error = self.error
        if not error:
            return None
        direction = "ahead of" if error > timedelta() else "behind"
        return f"The machine's clock is {_words(abs(error))} {direction} the time that servers report"

    def observe(self, server: str, headers: Mapping[str, str]) -> None:
        """Takes the time from the headers of a response that has just arrived; ignores headers without a usable one."""
        time = reported_time(headers)
        if time is None:
            return
        self._last = ServerTime(time, self._clock.monotonic())
        self._by_server.setdefault(server, deque(maxlen=_RESPONSES_PER_SERVER)).append(self._last)
        self.report()

    def report(self) -> None:
        """Reports and logs that the machine's clock has become wrong, or right again."""
        problem = self.problem
        if problem is None:
            if self._problems.resolve(_PROBLEM):
                log.info("clock is right again")
        elif self._problems.report(_PROBLEM, Problem(problem)):
            log.warning("clock is wrong", extra={"reason": problem, "ahead_s": round(self.error.total_seconds())})

    def observe_responses(self, trace: aiohttp.TraceConfig) -> aiohttp.TraceConfig:
        """Makes a trace report every response of its session to this clock; returns the trace."""

        async def on_end(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
            self.observe(params.url.host or "", params.response.headers)

        trace.on_request_end.append(on_end)
        return trace


def reported_time(headers: Mapping[str, str]) -> datetime | None:
    """Returns the time that a server reports in the headers of a response; None if there is no usable one."""
    date = http_date(headers.get("Date", ""))
    age = headers.get("Age", "0").strip()
    if date is None or not (age.isascii() and age.isdigit() and len(age) <= 6 and int(age) <= _AGE_MAX_S):
        return None
    return date.astimezone(UTC) + timedelta(seconds=int(age)) if _EARLIEST <= date < _LATEST else None


def _words(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    for unit, length_s in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.0f} s"
