"""Counting against the local arXiv: politely, once, and never a zero that is arXiv's mistake."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.charts.trend import TOTAL_FRESH_FOR
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.ingest.month_counts import MonthCounter
from bot.runtime.errors import ArxivThrottled, IncompleteResults, QueryRejected
from bot.store.month_counts import MonthCounts
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.ingest import Ingest, ingest_over
from tests.support.store import Store

MODEL, CAFE = Keyword.parse("reward model"), Keyword.parse("café")
JULY, OCTOBER = Month(2026, 7), Month(2026, 10)


@dataclass
class Scene:
    """Who counts, and the arXiv that is asked."""

    ingest: Ingest
    counting: MonthCounter

    def show(self, title: str, *moments: datetime) -> None:
        """arXiv shows a paper of each moment."""
        for moment in moments:
            self.ingest.add_paper(title, days_ago=(self.ingest.clock.now() - moment) / timedelta(days=1))

    async def count(self, keyword: Keyword, month: Month) -> int:
        return await self.ingest.run(self.counting.count(keyword, month))


@pytest.fixture
async def scene(store: Store) -> AsyncIterator[Scene]:
    """Three papers about reward models in July, one in October, and others."""
    async with ingest_over(store) as ingest:
        scene = Scene(ingest, MonthCounter(ingest.client, MonthCounts(store.database), ingest.clock))
        first, last = JULY.start, JULY.end - timedelta(seconds=1)
        scene.show("A reward model", first, first + timedelta(days=9), last, OCTOBER.start)
        scene.show("Something else", first - timedelta(seconds=1), last, OCTOBER.start)
        yield scene


async def test_count_is_what_arxiv_says_of_the_month_from_its_first_second_to_its_last(scene: Scene) -> None:
    assert await scene.count(MODEL, JULY) == 3
    (asked,) = scene.ingest.take_requests()
    assert asked.max_results == "1"
    assert asked.search_query.endswith("AND submittedDate:[202607010000 TO 202607312359]")


async def test_month_that_is_long_over_is_asked_for_once_in_a_lifetime(scene: Scene) -> None:
    await scene.count(MODEL, JULY)
    scene.ingest.take_requests()
    await scene.ingest.clock.advance(400 * 86_400.0)
    assert await scene.count(MODEL, JULY) == 3
    assert await scene.counting.known([MODEL, CAFE], [JULY, OCTOBER]) == {(MODEL, JULY): 3}
    assert scene.ingest.take_requests() == []


async def test_month_that_may_still_grow_is_asked_for_again_the_next_day(scene: Scene) -> None:
    # On the 19th October is final: ask for November.
    november = Month(2026, 11)
    scene.show("A reward model", november.start)
    assert await scene.count(MODEL, november) == 1
    scene.show("A reward model", november.start + timedelta(days=1))
    assert await scene.count(MODEL, november) == 1
    await scene.ingest.clock.advance(TOTAL_FRESH_FOR.total_seconds())
    assert await scene.counting.known([MODEL], [november]) == {}
    assert await scene.count(MODEL, november) == 2


async def test_two_who_ask_for_the_same_at_once_share_the_request(scene: Scene) -> None:
    both = asyncio.gather(scene.counting.count(MODEL, JULY), scene.counting.count(MODEL, JULY))
    assert await scene.ingest.run(_result(both)) == [3, 3]
    assert len(scene.ingest.take_requests()) == 1


async def test_second_of_two_asks_itself_when_the_first_gave_up(scene: Scene) -> None:
    first = asyncio.ensure_future(scene.counting.count(MODEL, JULY))
    second = asyncio.ensure_future(scene.counting.count(MODEL, JULY))
    await asyncio.sleep(0)
    first.cancel()
    assert await scene.ingest.run(_result(second)) == 3
    assert first.cancelled()


async def test_zero_that_is_arxivs_mistake_is_not_believed(scene: Scene) -> None:
    scene.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    assert await scene.count(MODEL, JULY) == 3
    keyword, probe, again = scene.ingest.take_queries()
    assert keyword == again
    assert probe == "submittedDate:[202607010000 TO 202607312359]"


async def test_zero_is_believed_from_an_arxiv_that_shows_the_months_papers(scene: Scene) -> None:
    assert await scene.count(CAFE, JULY) == 0
    assert len(scene.ingest.take_requests()) == 3
    assert await scene.counting.known([CAFE], [JULY]) == {(CAFE, JULY): 0}
    # That the month has papers is known now.
    assert await scene.count(Keyword.parse("quokka"), JULY) == 0
    assert len(scene.ingest.take_requests()) == 2


async def test_arxiv_that_shows_no_papers_at_all_is_not_believed(scene: Scene) -> None:
    scene.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
    with pytest.raises(IncompleteResults, match="returns no papers at all for 2026-07"):
        await scene.count(MODEL, JULY)
    assert await scene.counting.known([MODEL], [JULY]) == {}
    scene.ingest.arxiv.faults.clear()
    assert await scene.count(MODEL, JULY) == 3


async def test_accented_keyword_is_counted_both_ways(scene: Scene) -> None:
    scene.show("A café of quokkas", OCTOBER.start)
    scene.show("A cafe of quokkas", OCTOBER.start)
    assert await scene.count(CAFE, OCTOBER) == 2


async def test_arxiv_that_asks_us_to_wait_is_not_asked_again_before(scene: Scene) -> None:
    scene.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60"))
    for _ in range(2):
        with pytest.raises(ArxivThrottled) as refused:
            await scene.count(MODEL, JULY)
        assert refused.value.not_before > datetime(2026, 11, 19, 12, tzinfo=UTC)
    assert len(scene.ingest.take_requests()) == 1


async def test_query_that_arxiv_refuses_is_said_to_be_refused(scene: Scene) -> None:
    scene.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REFUSED))
    with pytest.raises(QueryRejected):
        await scene.count(MODEL, JULY)


async def _result(awaitable: Awaitable[object]) -> object:
    return await awaitable
