"""The clock watch: corrects stored times once a server has confirmed the time, and after each jump of the clock.

It also keeps the report of a wrong clock up to date. It never sets a clock.
"""

import logging
from collections.abc import Callable
from typing import Final

from bot.runtime.clock import Stopwatch
from bot.runtime.server_time import CorrectedClock
from bot.store.clock_repair import StoredTimes

log = logging.getLogger(__name__)

CLOCK_CHECK_INTERVAL_S: Final = 10.0
# Until the first response after a start, which takes seconds.
_FIRST_CHECK_INTERVAL_S: Final = 0.5


class ClockWatch:
    """Watches the corrected clock; `on_change` wakes the loops that sleep until a time."""

    def __init__(self, clock: CorrectedClock, stored_times: StoredTimes, on_change: Callable[[], None]) -> None:
        self._clock = clock
        self._stored_times = stored_times
        self._on_change = on_change

    async def run(self) -> None:
        """Watches the clock until it is cancelled."""
        stopwatch = Stopwatch(self._clock)
        while not self._clock.is_verified:
            await self._clock.sleep(_FIRST_CHECK_INTERVAL_S)
        await self._correct(stopwatch)
        while True:
            await self._clock.sleep(CLOCK_CHECK_INTERVAL_S)
            self._clock.report()
            if stopwatch.jump:
                await self._correct(stopwatch)

    async def _correct(self, stopwatch: Stopwatch) -> None:
        was_set = bool(stopwatch.jump)
        stopwatch.restart()
        corrected = await self._stored_times.correct(self._clock.now())
        if corrected:
            log.warning("stored times corrected", extra={"rows": corrected, "reason": "they were in the future"})
        if corrected or was_set:
            self._on_change()
