"""Month counts against the local arXiv: requested once, and never a zero by mistake."""

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
class MonthCounterHarness:
    """A month counter, and the local arXiv that it queries."""

    ingest: Ingest
    counter: MonthCounter

    def add_papers(self, title: str, *submitted: datetime) -> None:
        """Adds a paper to arXiv for each time of submission."""
        for time in submitted:
            self.ingest.add_paper(title, days_ago=(self.ingest.clock.now() - time) / timedelta(days=1))

    async def count(self, keyword: Keyword, month: Month) -> int:
        return await self.ingest.run(self.counter.count(keyword, month))


@pytest.fixture
async def harness(store: Store) -> AsyncIterator[MonthCounterHarness]:
    """Three papers about reward models in July, one in October, and others."""
    async with ingest_over(store) as ingest:
        harness = MonthCounterHarness(ingest, MonthCounter(ingest.client, MonthCounts(store.database), ingest.clock))
        first, last = JULY.start, JULY.end - timedelta(seconds=1)
        harness.add_papers("A reward model", first, first + timedelta(days=9), last, OCTOBER.start)
        harness.add_papers("Something else", first - timedelta(seconds=1), last, OCTOBER.start)
        yield harness


async def test_count_is_arxivs_total_from_the_first_to_the_last_second_of_the_month(
    harness: MonthCounterHarness,
) -> None:
    assert await harness.count(MODEL, JULY) == 3
    (request,) = harness.ingest.take_requests()
    assert request.max_results == "1"
    assert request.search_query.endswith("AND submittedDate:[202607010000 TO 202607312359]")


async def test_count_of_a_past_month_is_requested_only_once(harness: MonthCounterHarness) -> None:
    await harness.count(MODEL, JULY)
    harness.ingest.take_requests()
    await harness.ingest.clock.advance(400 * 86_400.0)
    assert await harness.count(MODEL, JULY) == 3
    assert await harness.counter.known([MODEL, CAFE], [JULY, OCTOBER]) == {(MODEL, JULY): 3}
    assert harness.ingest.take_requests() == []


async def test_count_that_may_still_grow_is_requested_again_the_next_day(harness: MonthCounterHarness) -> None:
    # On the 19th October is final, so November is counted.
    november = Month(2026, 11)
    harness.add_papers("A reward model", november.start)
    assert await harness.count(MODEL, november) == 1
    harness.add_papers("A reward model", november.start + timedelta(days=1))
    assert await harness.count(MODEL, november) == 1
    await harness.ingest.clock.advance(TOTAL_FRESH_FOR.total_seconds())
    assert await harness.counter.known([MODEL], [november]) == {}
    assert await harness.count(MODEL, november) == 2


async def test_concurrent_counts_of_the_same_month_share_a_request(harness: MonthCounterHarness) -> None:
    both = asyncio.gather(harness.counter.count(MODEL, JULY), harness.counter.count(MODEL, JULY))
    assert await harness.ingest.run(_result(both)) == [3, 3]
    assert len(harness.ingest.take_requests()) == 1


async def test_second_of_two_counts_sends_a_request_when_the_first_is_cancelled(harness: MonthCounterHarness) -> None:
    first = asyncio.ensure_future(harness.counter.count(MODEL, JULY))
    second = asyncio.ensure_future(harness.counter.count(MODEL, JULY))
    await asyncio.sleep(0)
    first.cancel()
    assert await harness.ingest.run(_result(second)) == 3
    assert first.cancelled()


async def test_zero_by_mistake_is_not_stored(harness: MonthCounterHarness) -> None:
    harness.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    assert await harness.count(MODEL, JULY) == 3
    keyword, probe, again = harness.ingest.take_queries()
    assert keyword == again
    assert probe == "submittedDate:[202607010000 TO 202607312359]"


async def test_zero_is_trusted_when_arxiv_returns_other_papers_of_the_month(harness: MonthCounterHarness) -> None:
    assert await harness.count(CAFE, JULY) == 0
    assert len(harness.ingest.take_requests()) == 3
    assert await harness.counter.known([CAFE], [JULY]) == {(CAFE, JULY): 0}
    # It is known now that the month has papers.
    assert await harness.count(Keyword.parse("quokka"), JULY) == 0
    assert len(harness.ingest.take_requests()) == 2


async def test_count_fails_when_arxiv_returns_no_papers_at_all(harness: MonthCounterHarness) -> None:
    harness.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
    with pytest.raises(IncompleteResults, match="returns no papers at all for 2026-07"):
        await harness.count(MODEL, JULY)
    assert await harness.counter.known([MODEL], [JULY]) == {}
    harness.ingest.arxiv.faults.clear()
    assert await harness.count(MODEL, JULY) == 3


async def test_accented_keyword_is_counted_with_and_without_accent(harness: MonthCounterHarness) -> None:
    harness.add_papers("A café of quokkas", OCTOBER.start)
    harness.add_papers("A cafe of quokkas", OCTOBER.start)
    assert await harness.count(CAFE, OCTOBER) == 2


async def test_nothing_is_requested_during_a_backoff(harness: MonthCounterHarness) -> None:
    harness.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60"))
    for _ in range(2):
        with pytest.raises(ArxivThrottled) as raised:
            await harness.count(MODEL, JULY)
        assert raised.value.not_before > datetime(2026, 11, 19, 12, tzinfo=UTC)
    assert len(harness.ingest.take_requests()) == 1


async def test_rejected_query_raises(harness: MonthCounterHarness) -> None:
    harness.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REJECTED))
    with pytest.raises(QueryRejected):
        await harness.count(MODEL, JULY)


async def _result(awaitable: Awaitable[object]) -> object:
    return await awaitable
