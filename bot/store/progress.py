"""Reports how far a migration is: one of a large database takes minutes."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Final

log = logging.getLogger(__name__)

_REPORT_INTERVAL_S: Final = 5.0


class MigrationProgress:
    """Logs the number of copied rows every few seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._reported_at_s = monotonic()

    def step(self, name: str, copied: Iterator[int]) -> None:
        """Runs a step, which yields how many rows each of its parts copied."""
        rows = 0
        for part in copied:
            rows += part
            if self._monotonic() - self._reported_at_s >= _REPORT_INTERVAL_S:
                self._reported_at_s = self._monotonic()
                log.info("database migration", extra={"step": name, "rows": rows})
