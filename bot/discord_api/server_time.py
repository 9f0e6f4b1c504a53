"""Discord's time, from the `Date` headers of its responses and this machine's monotonic clock.

It never reads this machine's wall clock, which may be wrong or change at any moment. It sends nothing.
"""

from collections.abc import Mapping
from datetime import datetime

import aiohttp

from bot.runtime.clock import Clock
from bot.runtime.server_time import ServerTime, reported_time


class DiscordTime:
    """The time by Discord's clock, never later than the real one; unknown until the first response."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._observed: ServerTime | None = None
        self._started_at: datetime | None = None

    @property
    def started_at(self) -> datetime | None:
        """The time of the first response, just after the start of the process; None before it."""
        return self._started_at

    def now(self) -> datetime | None:
        """Returns the current time; None before the first response."""
        return None if self._observed is None else self._observed.at(self._clock.monotonic())

    def record(self, headers: Mapping[str, str]) -> None:
        """Records the time in the headers of a response that has just arrived; ignores headers without a usable one."""
        time = reported_time(headers)
        if time is not None:
            self._observed = ServerTime(time, self._clock.monotonic())
            self._started_at = self._started_at or time

    def observe(self, trace: aiohttp.TraceConfig) -> aiohttp.TraceConfig:
        """Makes the trace of discord.py's HTTP client record every response of the API; returns the trace."""

        async def on_end(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
            self.record(params.response.headers)

        trace.on_request_end.append(on_end)
        return trace
