"""Discord's time, from the `Date` headers of its responses and this machine's monotonic clock.

It never reads this machine's wall clock, which may be wrong or change at any moment. It sends nothing.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp

from bot.runtime.clock import Clock


class DiscordTime:
    """The time by Discord's clock, never later than the real one; unknown until the first response."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._observed: tuple[datetime, float] | None = None
        self._started_at: datetime | None = None

    @property
    def started_at(self) -> datetime | None:
        """The time of the first response, just after the start of the process; None before it."""
        return self._started_at

    def now(self) -> datetime | None:
        """Returns the current time; None before the first response."""
        if self._observed is None:
            return None
        time, observed_at_s = self._observed
        return time + timedelta(seconds=self._clock.monotonic() - observed_at_s)

    def record(self, date: str | None) -> None:
        """Records the `Date` header of a response that has just arrived; ignores one that is not a date."""
        time = _parse(date)
        if time is not None:
            self._observed = (time, self._clock.monotonic())
            self._started_at = self._started_at or time

    def observe(self, trace: aiohttp.TraceConfig) -> aiohttp.TraceConfig:
        """Makes the trace of discord.py's HTTP client record every response of the API; returns the trace."""

        async def on_end(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
            self.record(params.response.headers.get("Date"))

        trace.on_request_end.append(on_end)
        return trace


def _parse(date: str | None) -> datetime | None:
    if date is None:
        return None
    try:
        time = parsedate_to_datetime(date)
    except ValueError:
        return None
    return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
