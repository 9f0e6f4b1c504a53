"""Builds the full-text index of the papers of an earlier release in the background, while everything else runs."""

import logging
from typing import Final

from bot.domain.search.documents import IndexProgress
from bot.runtime.clock import Clock
from bot.runtime.problems import Problem, ReportedProblems
from bot.store.search_building import SearchIndexBuilding

log = logging.getLogger(__name__)

# Between two parts, so that others need not wait: a million papers take half an hour.
BUILDING_PAUSE_S: Final = 0.1
# How often the progress is logged and the disk is checked, and how often while it lacks space.
PROGRESS_INTERVAL_S: Final = 60.0
DISK_CHECK_INTERVAL_S: Final = 600.0
# The name of the problem that the disk lacks space for the index.
LACKS_SPACE: Final = "search index"


class SearchIndexer:
    """Puts the papers into the index that are not in it."""

    def __init__(self, building: SearchIndexBuilding, clock: Clock, problems: ReportedProblems) -> None:
        self._building = building
        self._clock = clock
        self._problems = problems

    async def run(self) -> None:
        """Builds the index; ends when it is complete."""
        progress = await self._building.begin()
        if not progress.is_complete:
            await self._build(progress)

    async def _build(self, progress: IndexProgress) -> None:
        checked_at_s = float("-inf")
        while not progress.is_complete:
            if self._clock.monotonic() - checked_at_s >= PROGRESS_INTERVAL_S:
                log.info("search index incomplete", extra={"papers": progress.papers, "done": progress.done})
                await self._wait_for_space()
                checked_at_s = self._clock.monotonic()
            progress = await self._building.build_part()
            await self._clock.sleep(BUILDING_PAUSE_S)
        log.info("search index complete", extra={"papers": progress.done})

    async def _wait_for_space(self) -> None:
        while (lacking := await self._building.lacking_bytes()) > 0:
            text = f"The search index is not complete: the disk of the database lacks {lacking / 1e9:.1f} GB for it"
            if self._problems.report(LACKS_SPACE, Problem(text, fails_health=False)):
                log.warning("search index waits for disk space", extra={"reason": f"{lacking / 1e9:.1f} GB too few"})
            await self._clock.sleep(DISK_CHECK_INTERVAL_S)
        self._problems.resolve(LACKS_SPACE)
