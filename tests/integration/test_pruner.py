"""The pruner removes old abstracts once per day, by a clock that a server has confirmed."""

import logging
from collections.abc import Coroutine
from datetime import timedelta
from email.utils import format_datetime

import pytest

from bot.runtime.server_time import CorrectedClock
from bot.services.pruning import PRUNING_INTERVAL_S, PRUNING_PAUSE_S, AbstractPruner
from bot.store.pruning import PAPERS_AT_ONCE, AbstractPruning
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.loops import LoopUnderTest
from tests.support.store import NOW, Store

KEPT = timedelta(days=30)
DAY = timedelta(days=1)
OLD = paper("2609.00001", published=NOW - KEPT - DAY)
NEXT = paper("2610.00001", published=NOW - KEPT + DAY / 2)


class PrunerHarness(LoopUnderTest):
    """A pruner with a real store, on a clock that the test moves."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        super().__init__(clock)
        self._store = store
        self.corrected = CorrectedClock(clock)
        self._pruner = AbstractPruner(AbstractPruning(store.database), self.corrected, KEPT)

    def run(self) -> Coroutine[object, object, None]:
        return self._pruner.run()

    def is_quiet(self) -> bool:
        super().is_quiet()
        return self.clock.sleeping > 0

    def answer(self) -> None:
        """Makes a server report the time."""
        headers = {"Date": format_datetime(self.clock.server_now(), usegmt=True)}
        self.corrected.observe("arxiv.org", headers)

    async def pruned(self) -> set[str]:
        """Returns the ids of the papers without an abstract."""
        found = await self._store.papers.get_many([OLD.arxiv_id, NEXT.arxiv_id])
        return {arxiv_id.value for arxiv_id, each in found.items() if not each.abstract}


def logged_papers(caplog: pytest.LogCaptureFixture) -> list[object]:
    return [vars(record)["papers"] for record in caplog.records if record.message == "abstracts pruned"]


async def test_abstracts_are_pruned_at_the_start_and_once_per_day(
    store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await store.papers.add([OLD, NEXT])
    harness = PrunerHarness(store, clock)
    harness.answer()
    async with harness.running():
        await harness.advance(PRUNING_INTERVAL_S / 2)
        assert await harness.pruned() == {OLD.arxiv_id.value}
        await harness.advance(PRUNING_INTERVAL_S)
        assert await harness.pruned() == {OLD.arxiv_id.value, NEXT.arxiv_id.value}
    assert logged_papers(caplog) == [1, 1]


async def test_run_continues_until_every_old_abstract_is_pruned(
    store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    papers = PAPERS_AT_ONCE + 1
    await store.papers.add([paper(f"2609.{n:05}", published=OLD.published) for n in range(papers)])
    harness = PrunerHarness(store, clock)
    harness.answer()
    async with harness.running():
        await harness.advance(3 * PRUNING_PAUSE_S)
    assert logged_papers(caplog) == [papers]


async def test_nothing_is_pruned_by_a_clock_that_no_server_has_confirmed(store: Store, clock: FakeClock) -> None:
    await store.papers.add([OLD, NEXT])
    clock.set_wall_clock(365 * DAY)
    harness = PrunerHarness(store, clock)
    async with harness.running():
        await harness.advance(60)
        assert await harness.pruned() == set()
        harness.answer()
        await harness.advance(60)
        assert await harness.pruned() == {OLD.arxiv_id.value}
