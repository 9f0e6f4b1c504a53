"""Counts the requests that Discord holds against us: 10,000 of them in ten minutes ban the address.

Statuses enter, as discord.py's HTTP client sees them; until when to rest leaves.
"""

from collections import deque
from types import SimpleNamespace
from typing import Final

import aiohttp

from bot.runtime.clock import Clock

# 10,000 invalid requests (401, 403, 429) in 10 minutes ban the address (topics/rate-limits). Past 0.4 % ours
# rest; with those under way, one a channel served at once, they stay below 1 %.
INVALID_REQUESTS_MAX: Final = 40
INVALID_REQUESTS_WINDOW_S: Final = 600.0

# topics/rate-limits, "Invalid Request Limit".
_INVALID: Final = frozenset({401, 403, 429})


class InvalidRequests:
    """The invalid requests of the last ten minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at_s: deque[float] = deque(maxlen=INVALID_REQUESTS_MAX)

    def trace(self) -> aiohttp.TraceConfig:
        """Lets a client's every answer be counted, those that discord.py deals with itself too."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._on_answer)
        return trace

    async def _on_answer(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        if params.response.status in _INVALID:
            self._at_s.append(self._clock.monotonic())

    def pause_s(self) -> float:
        """How many seconds no more requests of doubtful use should leave; 0 where they may."""
        if len(self._at_s) < INVALID_REQUESTS_MAX:
            return 0.0
        return max(0.0, self._at_s[0] + INVALID_REQUESTS_WINDOW_S - self._clock.monotonic())
