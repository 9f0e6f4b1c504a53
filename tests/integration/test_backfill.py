"""A backfill over the local arXiv: politely, whole, newest month first, and without news for any channel."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.domain.backfill_plan import ARCHIVE_FRESH_FOR
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
from tests.support.ingest import Ingest, ingest_over
from tests.support.store import Store, rows

NOVEMBER, OCTOBER, SEPTEMBER, AUGUST = (Month(2026, month) for month in (11, 10, 9, 8))


@dataclass
class Onlooker:
    """Writes down what it is told."""

    progress: list[BackfillProgress] = field(default_factory=list)
    waits_told: list[ArxivBackoff] = field(default_factory=list)

    def on_plan(self, plan: BackfillPlan) -> None:
        """Nothing of interest here."""

    def on_progress(self, progress: BackfillProgress) -> None:
        self.progress.append(progress)

    def on_wait(self, wait: ArxivBackoff) -> None:
        self.waits_told.append(wait)


class Enough(Exception):
    """Whoever looked on has had enough."""


@dataclass
class Impatient(Onlooker):
    """Ends the backfill after so many pages."""

    pages: int = 4

    def on_progress(self, progress: BackfillProgress) -> None:
        if progress.rate.requests == self.pages:
            raise Enough


@dataclass
class Scene:
    """Who backfills, and the arXiv that is read."""

    ingest: Ingest
    onlooker: Onlooker = field(default_factory=Onlooker)

    def show(self, title: str, month: Month, count: int = 1) -> list[str]:
        """arXiv shows papers that were submitted in a month, evenly spread over its days."""
        span = min(month.end, self.ingest.clock.now()) - month.start
        return [self._show_at(title, month.start + span * number / count) for number in range(count)]

    def _show_at(self, title: str, moment: datetime) -> str:
        return self.ingest.add_paper(title, days_ago=(self.ingest.clock.now() - moment) / timedelta(days=1))

    async def backfill(self, first: Month, *, papers_only: bool = True) -> BackfillResult:
        store = self.ingest.store
        backfill = Backfill(
            subscriptions=store.subscriptions,
            backfilled_papers=BackfilledPapers(store.database),
            month_counts=MonthCounts(store.database),
            arxiv=self.ingest.client,
            clock=self.ingest.clock,
            metrics=Metrics(),
            listener=self.onlooker,
        )
        plan = await backfill.plan(first, papers_only=papers_only)
        return await self.ingest.run(backfill.run(plan))

    def archived(self) -> list[object]:
        """The ids of the archive, each as often as it stands there."""
        return [row[1] for row in rows(self.ingest.store.path)["backfilled_papers"]]

    def months(self) -> list[str]:
        """The windows that arXiv was asked for since, each as its first day."""
        return [query.split("submittedDate:[")[1][:8] for query in self.ingest.take_queries()]


@pytest.fixture
async def scene(store: Store) -> AsyncIterator[Scene]:
    """Reward models are watched, and their last thirty days are read."""
    async with ingest_over(store) as ingest:
        scene = Scene(ingest)
        for month in (OCTOBER, SEPTEMBER, AUGUST):
            scene.show("Something else", month)
        await ingest.watch("reward model")
        ingest.take_requests()
        yield scene


async def test_papers_of_every_month_are_archived_newest_month_first(scene: Scene) -> None:
    papers = [*scene.show("A reward model", OCTOBER, 3), *scene.show("Reward models", SEPTEMBER, 2)]
    scene.show("A reward model", AUGUST)
    outcome = await scene.backfill(SEPTEMBER)
    assert sorted(map(str, scene.archived())) == sorted(papers)
    assert (outcome.papers, outcome.new_papers, outcome.skipped) == (5, 5, ())
    assert list(dict.fromkeys(scene.months())) == ["20261101", "20261001", "20260901"]


async def test_second_run_of_the_day_asks_nothing_and_the_next_days_only_what_may_have_grown(scene: Scene) -> None:
    scene.show("A reward model", NOVEMBER)
    first = await scene.backfill(AUGUST)
    assert first.requests == len(scene.ingest.take_requests()) > 0
    assert (await scene.backfill(AUGUST)).requests == 0
    assert scene.ingest.take_requests() == []
    await scene.ingest.clock.advance(ARCHIVE_FRESH_FOR.total_seconds())
    scene.show("A reward model", NOVEMBER)
    await scene.backfill(AUGUST)
    assert set(scene.months()) == {"20261101"}


async def test_keyword_that_came_later_is_read_alone(scene: Scene) -> None:
    scene.show("A reward model about sheaves", SEPTEMBER)
    await scene.backfill(SEPTEMBER)
    await scene.ingest.watch("sheaves")
    scene.ingest.take_requests()
    await scene.backfill(SEPTEMBER)
    assert all("reward" not in query for query in scene.ingest.take_queries())
    assert len(scene.archived()) == 2


async def test_nothing_of_the_past_is_posted_and_what_a_pass_finds_later_is(scene: Scene) -> None:
    before = rows(scene.ingest.store.path)
    scene.show("A reward model", SEPTEMBER)
    new = scene.ingest.add_paper("A reward model", days_ago=2)
    await scene.backfill(SEPTEMBER)
    after = rows(scene.ingest.store.path)
    assert new in scene.archived()
    assert {table for table in after if after[table] != before[table]} == {
        "papers",
        "backfilled_papers",
        "backfilled_months",
    }
    assert await scene.ingest.poll() == PollCompleted(1, batch=True)
    assert await scene.ingest.due() == [new]


async def test_many_pages_are_read_to_their_end_and_the_forecast_firms_up(scene: Scene) -> None:
    papers = scene.show("A reward model", SEPTEMBER, ARXIV_PAGE_SIZE + 1)
    outcome = await scene.backfill(SEPTEMBER)
    assert sorted(map(str, scene.archived())) == sorted(papers)
    last = scene.onlooker.progress[-1]
    assert last.rate.requests == last.rate.expected == outcome.requests
    assert last.papers == len(papers)
    in_september = [each.rate for each in scene.onlooker.progress if each.month == SEPTEMBER and each.rate.requests]
    assert in_september[-2].expected - in_september[-2].requests in (0, 1)


async def test_more_keywords_than_a_query_holds_are_read_group_by_group(scene: Scene) -> None:
    for number in range(ARXIV_KEYWORDS_PER_QUERY):
        await scene.ingest.store.subscribe(f"sheaf {number}")
    paper = scene.show(f"A sheaf {ARXIV_KEYWORDS_PER_QUERY - 1} of a reward model", OCTOBER)
    await scene.backfill(OCTOBER)
    assert scene.archived() == paper * 2
    assert max(query.count("ti:") for query in scene.ingest.take_queries()) == ARXIV_KEYWORDS_PER_QUERY


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
        ArxivFault(ArxivFaultKind.QUERY_REFUSED, times=1),
        ArxivFault(ArxivFaultKind.POST_REFUSED, times=None),
    ],
    ids=lambda fault: fault.kind.value,
)
async def test_whatever_arxiv_leaves_out_at_times_is_there_in_the_end(scene: Scene, fault: ArxivFault) -> None:
    papers = [*scene.show("A reward model", OCTOBER, 8), *scene.show("A reward model", SEPTEMBER, 8)]
    scene.ingest.arxiv.faults.add(fault)
    outcome = await scene.backfill(SEPTEMBER)
    assert sorted(map(str, scene.archived())) == sorted(papers)
    assert outcome.skipped == ()


async def test_backoff_in_a_month_of_many_pages_goes_on_with_the_page_that_failed(scene: Scene) -> None:
    scene.show("A reward model", SEPTEMBER, 2 * ARXIV_PAGE_SIZE)
    scene.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, containing="[202609", retry_after="600"))
    scene.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, containing="[202609", retry_after="600"))
    began = scene.ingest.clock.now()
    await scene.backfill(SEPTEMBER)
    asked = [(each.start, each.status) for each in scene.ingest.take_requests() if "[202609" in each.search_query]
    assert asked == [("0", 429), ("0", 429), ("0", 200), (str(ARXIV_PAGE_SIZE), 200)]
    assert scene.ingest.clock.now() - began > timedelta(minutes=20)
    assert [type(wait) for wait in scene.onlooker.waits_told] == [ArxivThrottled, ArxivThrottled]


async def test_hours_of_nothing_but_trouble_end_it_and_what_was_read_is_kept(scene: Scene) -> None:
    paper = scene.show("A reward model", NOVEMBER)
    scene.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.UNAVAILABLE, times=None, containing="[202610"))
    began = scene.ingest.clock.now()
    with pytest.raises(ArxivThrottled):
        await scene.backfill(SEPTEMBER)
    assert scene.ingest.clock.now() - began <= GIVE_UP_AFTER
    assert scene.archived() == paper
    scene.ingest.arxiv.faults.clear()
    await scene.ingest.clock.advance(GIVE_UP_AFTER.total_seconds())
    scene.ingest.take_requests()
    await scene.backfill(SEPTEMBER)
    assert set(scene.months()) == {"20261001", "20260901"}


async def test_answer_ends_the_trouble_however_often_it_comes(scene: Scene) -> None:
    papers = scene.show("A reward model", SEPTEMBER, 4)
    for month in ("[202611", "[202610", "[202609"):
        almost = str(int(GIVE_UP_AFTER.total_seconds()) - 60)
        scene.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, containing=month, retry_after=almost))
    await scene.backfill(SEPTEMBER)
    assert sorted(map(str, scene.archived())) == sorted(papers)


async def test_month_that_arxiv_never_shows_whole_is_left_out_and_read_the_next_time(scene: Scene) -> None:
    papers = scene.show("A reward model", SEPTEMBER)
    scene.show("A reward model", OCTOBER, 9)
    scene.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=None, containing="[202610", keep=0.0))
    outcome = await scene.backfill(SEPTEMBER)
    assert scene.archived() == papers
    assert [words.split(":")[0] for words in outcome.skipped] == ["2026-10"]
    scene.ingest.arxiv.faults.clear()
    scene.ingest.take_requests()
    assert (await scene.backfill(SEPTEMBER)).papers == 9
    assert set(scene.months()) == {"20261001"}


async def test_months_without_papers_are_not_believed_of_an_arxiv_that_shows_none(scene: Scene) -> None:
    scene.show("A reward model", SEPTEMBER)
    scene.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
    outcome = await scene.backfill(SEPTEMBER)
    assert len(outcome.skipped) == 3
    scene.ingest.arxiv.faults.clear()
    assert (await scene.backfill(SEPTEMBER)).papers == 1


async def test_finished_months_are_counted_for_the_charts_once(scene: Scene) -> None:
    scene.show("A reward model", SEPTEMBER, 3)
    scene.show("A reward model", OCTOBER, 2)
    await scene.backfill(SEPTEMBER, papers_only=False)
    totals = [row[:3] for row in rows(scene.ingest.store.path)["month_counts"]]
    assert totals == [("reward model", "2026-09", 3), ("reward model", "2026-10", 2)]
    scene.ingest.take_requests()
    assert (await scene.backfill(SEPTEMBER, papers_only=False)).requests == 0


async def test_count_that_arxiv_does_not_give_is_left_out(scene: Scene) -> None:
    scene.show("A reward model", SEPTEMBER)
    await scene.backfill(SEPTEMBER)
    scene.ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REFUSED, containing="[202609"))
    outcome = await scene.backfill(SEPTEMBER, papers_only=False)
    assert [words.split(":")[0] for words in outcome.skipped] == ["the count of reward model in 2026-09"]
    assert scene.onlooker.progress[-1].counting


async def test_nobody_who_watches_leaves_nothing_to_do(store: Store) -> None:
    async with ingest_over(store) as ingest:
        scene = Scene(ingest)
        assert (await scene.backfill(AUGUST, papers_only=False)).requests == 0
        assert ingest.take_requests() == []


async def test_archive_names_each_keyword_of_a_paper(scene: Scene) -> None:
    await scene.ingest.store.subscribe("sheaves")
    scene.show("Sheaves as a reward model", OCTOBER)
    outcome = await scene.backfill(OCTOBER)
    by_id = {watched.id: watched.keyword for watched in await scene.ingest.store.watched()}
    archive = rows(scene.ingest.store.path)["backfilled_papers"]
    assert {by_id[int(str(row[0]))] for row in archive} == {Keyword.parse("reward model"), Keyword.parse("sheaves")}
    assert (outcome.papers, outcome.new_papers) == (1, 1)


async def test_backfill_that_is_ended_again_and_again_has_every_paper_once_in_the_end(scene: Scene) -> None:
    first = Month.of(scene.ingest.clock.now()).plus(-10)
    corpus = Corpus.generated(now=scene.ingest.clock.now(), upcoming=0, days=330, per_day=5)
    for paper in corpus.initial:
        scene.ingest.arxiv.add_paper(paper)
    about = [each for each in corpus.initial if "reward model" in f"{each.title} {each.abstract}".lower()]
    ended = 0
    scene.onlooker = Impatient()
    while True:
        try:
            await scene.backfill(first)
        except Enough:
            ended += 1
        else:
            break
    assert ended == 3  # eleven months, three at a time: of the fourth the page came and was lost
    assert len(scene.ingest.take_requests()) == 11 + ended
    archive = scene.archived()
    assert len(set(archive)) == len(archive)
    assert set(archive) >= {paper.arxiv_id for paper in about if paper.published >= first.start}
