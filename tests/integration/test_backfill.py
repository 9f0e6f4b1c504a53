"""The backfill over the local arXiv: every paper of every month, newest month first, and nothing is posted."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.domain.backfill_plan import BACKFILL_FRESH_FOR
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.domain.poll_schedule import PollCompleted
from bot.domain.queries import ARXIV_KEYWORDS_PER_QUERY
from bot.domain.window_scan import ARXIV_PAGE_SIZE
from bot.ingest.backfill import Backfill, BackfillPlan, BackfillProgress, BackfillResult
from bot.ingest.retrying import GIVE_UP_AFTER
from bot.runtime.errors import ArxivBackoff, ArxivThrottled
from bot.runtime.metrics import Metrics
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.month_counts import MonthCounts
from sandbox.arxiv import ArxivFault, ArxivFaultKind, Corpus
from tests.support.databases import rows
from tests.support.ingest import Ingest, ingest_over
from tests.support.store import Store

NOVEMBER, OCTOBER, SEPTEMBER, AUGUST = (Month(2026, month) for month in (11, 10, 9, 8))


@dataclass
class RecordingListener:
    """Records the progress and the waits."""

    progress: list[BackfillProgress] = field(default_factory=list)
    waits: list[ArxivBackoff] = field(default_factory=list)

    def on_plan(self, plan: BackfillPlan) -> None:
        """Not recorded."""

    def on_progress(self, progress: BackfillProgress) -> None:
        self.progress.append(progress)

    def on_wait(self, wait: ArxivBackoff) -> None:
        self.waits.append(wait)


class Stopped(Exception):
    """The listener stopped the backfill."""


@dataclass
class StoppingListener(RecordingListener):
    """Stops the backfill after a number of pages."""

    pages: int = 4

    def on_progress(self, progress: BackfillProgress) -> None:
        if progress.rate.requests == self.pages:
            raise Stopped


@dataclass
class BackfillHarness:
    """Ingest with a backfill, and the listener of the backfill."""

    ingest: Ingest
    listener: RecordingListener = field(default_factory=RecordingListener)

    def add_papers(self, title: str, month: Month, count: int = 1) -> list[str]:
        """Adds papers to arXiv, evenly spread over a month; returns their ids."""
        span = min(month.end, self.ingest.clock.now()) - month.start
        return [self._add_paper(title, month.start + span * number / count) for number in range(count)]

    def _add_paper(self, title: str, submitted: datetime) -> str:
        return self.ingest.add_paper(title, days_ago=(self.ingest.clock.now() - submitted) / timedelta(days=1))

    async def backfill(self, first: Month, *, papers_only: bool = True) -> BackfillResult:
        store = self.ingest.store
        backfill = Backfill(
            subscriptions=store.subscriptions,
            backfilled_papers=BackfilledPapers(store.database),
            month_counts=MonthCounts(store.database),
            arxiv=self.ingest.client,
            clock=self.ingest.clock,
            metrics=Metrics(),
            listener=self.listener,
        )
        plan = await backfill.plan(first, papers_only=papers_only)
        return await self.ingest.run(backfill.run(plan))

    def backfilled(self) -> list[object]:
        """Returns the ids of the backfilled papers, with repetitions."""
        return [row[2] for row in rows(self.ingest.store.path)["backfilled_papers"]]

    def take_months(self) -> list[str]:
        """Returns the first day of each window that was requested since the last call."""
        return [query.split("submittedDate:[")[1][:8] for query in self.ingest.take_queries()]


@pytest.fixture
async def harness(store: Store) -> AsyncIterator[BackfillHarness]:
    """One watched keyword, whose last thirty days are synced."""
    async with ingest_over(store) as ingest:
        harness = BackfillHarness(ingest)
        for month in (OCTOBER, SEPTEMBER, AUGUST):
            harness.add_papers("Something else", month)
        await ingest.watch("reward model")
        ingest.take_requests()
        yield harness


async def test_papers_of_every_month_are_stored_newest_month_first(harness: BackfillHarness) -> None:
    papers = [*harness.add_papers("A reward model", OCTOBER, 3), *harness.add_papers("Reward models", SEPTEMBER, 2)]
    harness.add_papers("A reward model", AUGUST)
    result = await harness.backfill(SEPTEMBER)
    assert sorted(map(str, harness.backfilled())) == sorted(papers)
    assert (result.papers, result.new_papers, result.skipped) == (5, 5, ())
    assert list(dict.fromkeys(harness.take_months())) == ["20261101", "20261001", "20260901"]


async def test_second_run_requests_only_months_that_may_have_grown(harness: BackfillHarness) -> None:
    harness.add_papers("A reward model", NOVEMBER)
    first = await harness.backfill(AUGUST)
    assert first.requests == len(harness.ingest.take_requests()) > 0
    assert (await harness.backfill(AUGUST)).requests == 0
    assert harness.ingest.take_requests() == []
    await harness.ingest.clock.advance(BACKFILL_FRESH_FOR.total_seconds())
    harness.add_papers("A reward model", NOVEMBER)
    await harness.backfill(AUGUST)
    assert set(harness.take_months()) == {"20261101"}


@pytest.mark.slow
async def test_keyword_added_later_is_read_alone(harness: BackfillHarness) -> None:
    harness.add_papers("A reward model about sheaves", SEPTEMBER)
    await harness.backfill(SEPTEMBER)
    await harness.ingest.watch("sheaves")
    harness.ingest.take_requests()
    await harness.backfill(SEPTEMBER)
    assert all("reward" not in query for query in harness.ingest.take_queries())
    assert len(harness.backfilled()) == 2


async def test_backfilled_papers_are_not_posted_and_those_of_a_poll_are(harness: BackfillHarness) -> None:
    before = rows(harness.ingest.store.path)
    harness.add_papers("A reward model", SEPTEMBER)
    new = harness.ingest.add_paper("A reward model", days_ago=2)
    await harness.backfill(SEPTEMBER)
    after = rows(harness.ingest.store.path)
    assert new in harness.backfilled()
    assert {table for table in after if after[table] != before[table]} == {
        "papers",
        "backfilled_papers",
        "author_keys",
        "backfilled_months",
    }
    assert await harness.ingest.poll() == PollCompleted(1, batch=True)
    assert await harness.ingest.due() == [new]


@pytest.mark.slow
async def test_forecast_is_exact_after_a_month_of_many_pages(harness: BackfillHarness) -> None:
    papers = harness.add_papers("A reward model", SEPTEMBER, ARXIV_PAGE_SIZE + 1)
    result = await harness.backfill(SEPTEMBER)
    assert sorted(map(str, harness.backfilled())) == sorted(papers)
    last = harness.listener.progress[-1]
    assert last.rate.requests == last.rate.expected == result.requests
    assert last.papers == len(papers)
    in_september = [each.rate for each in harness.listener.progress if each.month == SEPTEMBER and each.rate.requests]
    assert in_september[-2].expected - in_september[-2].requests in (0, 1)


@pytest.mark.slow
async def test_more_keywords_than_fit_a_query_are_read_in_groups(harness: BackfillHarness) -> None:
    for number in range(ARXIV_KEYWORDS_PER_QUERY):
        await harness.ingest.store.subscribe(f"sheaf {number}")
    paper = harness.add_papers(f"A sheaf {ARXIV_KEYWORDS_PER_QUERY - 1} of a reward model", OCTOBER)
    await harness.backfill(OCTOBER)
    assert harness.backfilled() == paper * 2
    # One of the keywords in the largest group is `reward model`, which the harness watches.
    assert max(query.count('ti:"sheaf"') for query in harness.ingest.take_queries()) == ARXIV_KEYWORDS_PER_QUERY - 1


@pytest.mark.parametrize(
    "fault",
    [
        ArxivFault(ArxivFaultKind.SHORT_PAGE, times=2),
        ArxivFault(ArxivFaultKind.SHUFFLED, times=2),
        ArxivFault(ArxivFaultKind.EMPTY, times=1, containing="[202610"),
        ArxivFault(ArxivFaultKind.RATE_LIMITED, times=3),
        ArxivFault(ArxivFaultKind.UNAVAILABLE, times=1),
        ArxivFault(ArxivFaultKind.RESET_IN_ANSWER, times=1),
        ArxivFault(ArxivFaultKind.HTML, times=1),
        ArxivFault(ArxivFaultKind.QUERY_REJECTED, times=1),
        ArxivFault(ArxivFaultKind.POST_REJECTED, times=None),
    ],
    ids=lambda fault: fault.kind.value,
)
async def test_transient_fault_loses_no_paper(harness: BackfillHarness, fault: ArxivFault) -> None:
    papers = [*harness.add_papers("A reward model", OCTOBER, 8), *harness.add_papers("A reward model", SEPTEMBER, 8)]
    harness.ingest.arxiv.faults.add(fault)
    result = await harness.backfill(SEPTEMBER)
    assert sorted(map(str, harness.backfilled())) == sorted(papers)
    assert result.skipped == ()


@pytest.mark.slow
async def test_failed_page_is_requested_again_after_the_backoff(harness: BackfillHarness) -> None:
    harness.add_papers("A reward model", SEPTEMBER, 2 * ARXIV_PAGE_SIZE)
    harness.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, containing="[202609", retry_after="600"))
    harness.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, containing="[202609", retry_after="600"))
    started_at = harness.ingest.clock.now()
    await harness.backfill(SEPTEMBER)
    requests = [(each.start, each.status) for each in harness.ingest.take_requests() if "[202609" in each.search_query]
    assert requests == [("0", 429), ("0", 429), ("0", 200), (str(ARXIV_PAGE_SIZE), 200)]
    assert harness.ingest.clock.now() - started_at > timedelta(minutes=20)
    assert [type(wait) for wait in harness.listener.waits] == [ArxivThrottled, ArxivThrottled]


async def test_hours_of_failures_end_the_backfill_and_keep_what_was_read(harness: BackfillHarness) -> None:
    paper = harness.add_papers("A reward model", NOVEMBER)
    harness.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.UNAVAILABLE, times=None, containing="[202610"))
    started_at = harness.ingest.clock.now()
    with pytest.raises(ArxivThrottled):
        await harness.backfill(SEPTEMBER)
    assert harness.ingest.clock.now() - started_at <= GIVE_UP_AFTER
    assert harness.backfilled() == paper
    harness.ingest.arxiv.faults.clear()
    await harness.ingest.clock.advance(GIVE_UP_AFTER.total_seconds())
    harness.ingest.take_requests()
    await harness.backfill(SEPTEMBER)
    assert set(harness.take_months()) == {"20261001", "20260901"}


async def test_each_response_resets_the_time_until_the_backfill_gives_up(harness: BackfillHarness) -> None:
    papers = harness.add_papers("A reward model", SEPTEMBER, 4)
    for month in ("[202611", "[202610", "[202609"):
        almost = str(int(GIVE_UP_AFTER.total_seconds()) - 60)
        harness.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, containing=month, retry_after=almost))
    await harness.backfill(SEPTEMBER)
    assert sorted(map(str, harness.backfilled())) == sorted(papers)


@pytest.mark.slow
async def test_incomplete_month_is_skipped_and_read_by_the_next_run(harness: BackfillHarness) -> None:
    papers = harness.add_papers("A reward model", SEPTEMBER)
    harness.add_papers("A reward model", OCTOBER, 9)
    harness.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=None, containing="[202610", keep=0.0))
    result = await harness.backfill(SEPTEMBER)
    assert harness.backfilled() == papers
    assert [text.split(":")[0] for text in result.skipped] == ["2026-10"]
    harness.ingest.arxiv.faults.clear()
    harness.ingest.take_requests()
    assert (await harness.backfill(SEPTEMBER)).papers == 9
    assert set(harness.take_months()) == {"20261001"}


async def test_empty_months_are_skipped_when_arxiv_returns_no_papers_at_all(harness: BackfillHarness) -> None:
    harness.add_papers("A reward model", SEPTEMBER)
    harness.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
    result = await harness.backfill(SEPTEMBER)
    assert len(result.skipped) == 3
    harness.ingest.arxiv.faults.clear()
    assert (await harness.backfill(SEPTEMBER)).papers == 1


async def test_past_months_are_counted_for_the_charts_once(harness: BackfillHarness) -> None:
    harness.add_papers("A reward model", SEPTEMBER, 3)
    harness.add_papers("A reward model", OCTOBER, 2)
    await harness.backfill(SEPTEMBER, papers_only=False)
    totals = [row[:3] for row in rows(harness.ingest.store.path)["month_counts"]]
    assert totals == [("reward model", "2026-09", 3), ("reward model", "2026-10", 2)]
    harness.ingest.take_requests()
    assert (await harness.backfill(SEPTEMBER, papers_only=False)).requests == 0


async def test_failed_count_is_skipped(harness: BackfillHarness) -> None:
    harness.add_papers("A reward model", SEPTEMBER)
    await harness.backfill(SEPTEMBER)
    harness.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REJECTED, containing="[202609"))
    result = await harness.backfill(SEPTEMBER, papers_only=False)
    assert [text.split(":")[0] for text in result.skipped] == ["the count of reward model in 2026-09"]
    assert harness.listener.progress[-1].counting


async def test_nothing_is_requested_without_watched_keywords(store: Store) -> None:
    async with ingest_over(store) as ingest:
        harness = BackfillHarness(ingest)
        assert (await harness.backfill(AUGUST, papers_only=False)).requests == 0
        assert ingest.take_requests() == []


async def test_paper_is_stored_for_each_keyword_it_matches(harness: BackfillHarness) -> None:
    await harness.ingest.store.subscribe("sheaves")
    harness.add_papers("Sheaves as a reward model", OCTOBER)
    result = await harness.backfill(OCTOBER)
    by_id = {watched.id: watched.keyword for watched in await harness.ingest.store.watched()}
    stored = rows(harness.ingest.store.path)["backfilled_papers"]
    assert {by_id[int(str(row[0]))] for row in stored} == {Keyword.parse("reward model"), Keyword.parse("sheaves")}
    assert (result.papers, result.new_papers) == (1, 1)


@pytest.mark.slow
async def test_backfill_that_is_stopped_repeatedly_stores_every_paper_once(harness: BackfillHarness) -> None:
    first = Month.of(harness.ingest.clock.now()).plus(-10)
    corpus = Corpus.generated(now=harness.ingest.clock.now(), upcoming=0, days=330, per_day=5)
    for paper in corpus.initial:
        harness.ingest.arxiv.add_paper(paper)
    about = [each for each in corpus.initial if "reward model" in f"{each.title} {each.abstract}".lower()]
    stops = 0
    harness.listener = StoppingListener()
    while True:
        try:
            await harness.backfill(first)
        except Stopped:
            stops += 1
        else:
            break
    assert stops == 3  # eleven months, three per run: the page of the fourth is fetched and lost
    assert len(harness.ingest.take_requests()) == 11 + stops
    backfilled = harness.backfilled()
    assert len(set(backfilled)) == len(backfilled)
    assert set(backfilled) >= {paper.arxiv_id for paper in about if paper.published >= first.start}
