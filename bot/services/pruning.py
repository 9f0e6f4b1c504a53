"""The pruner: removes the abstracts of old papers once per day, in small parts.

It runs only if the setting `abstracts_kept_days` is set.
"""

import logging
from datetime import timedelta
from typing import Final

from bot.runtime.server_time import CorrectedClock
from bot.store.pruning import BEGINNING, AbstractPruning, PruningPosition

log = logging.getLogger(__name__)

PRUNING_INTERVAL_S: Final = 24 * 3600.0
# Between two transactions, so that others need not wait: a million papers take 40 minutes.
PRUNING_PAUSE_S: Final = 0.2


class AbstractPruner:
    """Removes the abstracts of papers that were last updated more than `kept` ago."""

    def __init__(self, pruning: AbstractPruning, clock: CorrectedClock, kept: timedelta) -> None:
        self._pruning = pruning
        self._clock = clock
        self._kept = kept

    async def run(self) -> None:
        """Prunes what is due until it is cancelled."""
        while True:
            # A machine whose clock is ahead would lose the abstracts of new papers.
            while not self._clock.is_verified:
                await self._clock.sleep(PRUNING_PAUSE_S)
            await self._prune_all()
            await self._clock.sleep(PRUNING_INTERVAL_S)

    async def _prune_all(self) -> None:
        papers = 0
        position: PruningPosition | None = BEGINNING
        while position is not None:
            part = await self._pruning.prune(self._kept, self._clock.now(), position)
            papers += part.papers
            position = part.position
            await self._clock.sleep(PRUNING_PAUSE_S)
        log.info("abstracts pruned", extra={"papers": papers})
