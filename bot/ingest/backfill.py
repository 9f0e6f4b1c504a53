"""Reads the past of what is watched, for the page and the charts: newest month first, at the end of arXiv's queue.

A first month enters; papers go to the archive slice by slice, a month's mark when it is complete, and counts to the
month totals. Nothing that decides what is new for a channel is touched. Whoever watches is told of each page.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bot.arxiv.client import PageSource
from bot.arxiv.gate import Priority
from bot.domain.backfill_plan import (
    BackfillRate,
    MonthTask,
    RequestForecast,
    month_window,
    months_probe,
    months_to_read,
    pending_months,
)
from bot.domain.feed import FeedPage
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.domain.paper import ArxivId
from bot.domain.queries import Window, probe_query
from bot.domain.subscription import WatchedKeyword
from bot.ingest.month_counts import MonthCounter
from bot.ingest.retrying import RetryingArxivClient
from bot.ingest.window_reader import WindowReader, WindowResult
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivBackoff, ArxivError, IncompleteResults, QueryRejected
from bot.runtime.metrics import Metrics, Step
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.month_counts import MonthCounts
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

# Papers a transaction, so that a running bot gets its turn long before its busy timeout.
ARCHIVE_PAPERS_PER_WRITE: Final = 500


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What there is to do: readings in their order, and the counts for charts that are not there yet."""

    keywords: int
    tasks: tuple[MonthTask, ...]
    counts: tuple[tuple[Keyword, Month], ...]


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """How far it has come: what is in hand, the pace, and the papers so far."""

    month: Month
    counting: bool
    rate: BackfillRate
    papers: int


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """What came of it: requests answered, papers that matched, those of them new here, and what could not be read."""

    asked: int
    papers: int
    new_papers: int
    elapsed_s: float
    left_out: tuple[str, ...]


class ProgressListener(Protocol):
    """Who is told how it goes."""

    def planned(self, plan: BackfillPlan) -> None:
        """What is about to be done."""
        ...

    def progressed(self, progress: BackfillProgress) -> None:
        """A page came, or the next month began."""
        ...

    def waits(self, wait: ArxivBackoff) -> None:
        """arXiv is in trouble, or asks us to wait; it is asked again at `wait.not_before`."""
        ...


class Backfill:
    """Reads what is not there yet; one at a time on a database."""

    def __init__(
        self,
        *,
        subscriptions: Subscriptions,
        backfilled_papers: BackfilledPapers,
        month_counts: MonthCounts,
        arxiv: PageSource,
        clock: Clock,
        metrics: Metrics,
        listener: ProgressListener,
    ) -> None:
        self._subscriptions = subscriptions
        self._backfilled_papers = backfilled_papers
        self._clock = clock
        self._metrics = metrics
        self._listener = listener
        keep_waiting = RetryingArxivClient(arxiv, clock, on_page=self._page_came, on_wait=listener.waits)
        self._arxiv = keep_waiting
        self._reader = WindowReader(keep_waiting, metrics)
        self._month_counter = MonthCounter(keep_waiting, month_counts, clock)
        self._began_s = clock.monotonic()
        self._forecast = RequestForecast(0, 0)
        self._reading_pages = self._at_counts = False
        self._in_hand = Month.of(clock.now())
        self._found: set[ArxivId] = set()
        self._new_papers = 0
        self._left_out: list[str] = []

    async def plan(self, first: Month, *, papers_only: bool) -> BackfillPlan:
        """What is to be done from `first` on; asks the store alone."""
        now = self._clock.now()
        watched = await self._subscriptions.watched()
        months = months_to_read(first, now)
        tasks = pending_months(watched, await self._backfilled_papers.months(), months, now)
        counts = () if papers_only else await self._uncounted([each.keyword for each in watched], months)
        return BackfillPlan(len(watched), tasks, counts)

    async def _uncounted(
        self, keywords: Sequence[Keyword], months: Sequence[Month]
    ) -> tuple[tuple[Keyword, Month], ...]:
        now = self._clock.now()
        over = [month for month in months if month.end <= now]
        known = await self._month_counter.known(keywords, over)
        return tuple((keyword, month) for month in over for keyword in keywords if (keyword, month) not in known)

    async def run(self, plan: BackfillPlan) -> BackfillResult:
        """Do it; raises ArxivBackoff when arXiv fails for too long, and StoreUnavailable. What was read is kept."""
        self._began_s = self._clock.monotonic()
        self._forecast = RequestForecast(len(plan.tasks), len(plan.counts))
        self._listener.planned(plan)
        for reading in plan.tasks:
            await self._read(reading)
        for keyword, month in plan.counts:
            await self._count(keyword, month)
        return BackfillResult(
            self._forecast.asked, len(self._found), self._new_papers, self._elapsed_s, tuple(self._left_out)
        )

    async def _read(self, reading: MonthTask) -> None:
        self._forecast = self._forecast.task_started()
        self._in_hand, self._reading_pages = reading.month, True
        self._tell()
        try:
            await self._read_month(reading)
        except (IncompleteResults, QueryRejected) as error:
            self._leave_out(f"{reading.month}", error)
        self._forecast = self._forecast.task_finished()
        self._reading_pages = False

    async def _read_month(self, reading: MonthTask) -> None:
        began = self._clock.now()
        window = month_window(reading.month, began)
        shown = 0
        keywords = [watched.keyword for watched in reading.keywords]
        async for read in self._reader.read(keywords, window, Priority.BACKGROUND, trust_zero=False):
            await self._keep(reading.keywords, read)
            shown += len(read.papers)
            self._tell()
        if not shown:
            await self._check_that_papers_are_shown(window)
        with self._metrics.step(Step.COMMIT):
            await self._backfilled_papers.complete_month(reading.keywords, reading.month, began)
        log.debug("month archived", extra={"month": str(reading.month), "keywords": len(keywords), "shown": shown})

    async def _keep(self, keywords: tuple[WatchedKeyword, ...], read: WindowResult) -> None:
        for start in range(0, len(read.papers), ARCHIVE_PAPERS_PER_WRITE):
            papers = read.papers[start : start + ARCHIVE_PAPERS_PER_WRITE]
            with self._metrics.step(Step.COMMIT):
                self._new_papers += await self._backfilled_papers.add(keywords, papers, read.matches)
        self._found.update(match.arxiv_id for match in read.matches)

    async def _check_that_papers_are_shown(self, window: Window) -> None:
        """After a month without any: at times arXiv says so for minutes, and its mark would stand for good."""
        self._reading_pages = False
        page = await self._arxiv.fetch(probe_query(months_probe(window)), start=0, size=1, priority=Priority.BACKGROUND)
        if page.total == 0:
            raise IncompleteResults("arXiv returns no papers at all")

    async def _count(self, keyword: Keyword, month: Month) -> None:
        self._in_hand, self._at_counts = month, True
        try:
            await self._month_counter.count(keyword, month)
        except (IncompleteResults, QueryRejected) as error:
            self._leave_out(f"the count of {keyword.shown} in {month}", error)
        self._forecast = self._forecast.counted()
        self._tell()

    def _leave_out(self, what: str, error: ArxivError) -> None:
        log.warning("left out of the backfill", extra={"what": what, "why": str(error)})
        self._left_out.append(f"{what}: {error}")

    def _page_came(self, page: FeedPage, start: int) -> None:
        if self._reading_pages:
            seen_to = start + len(page.papers) + len(page.rejected)
            self._forecast = self._forecast.answered(page.total, seen_to)
        else:
            self._forecast = self._forecast.asked_once()
        if not self._at_counts:  # a count is told of when it is over: until then it would stand there twice
            self._tell()

    def _tell(self) -> None:
        rate = BackfillRate(self._forecast.asked, self._forecast.expected, self._elapsed_s)
        self._listener.progressed(BackfillProgress(self._in_hand, self._at_counts, rate, len(self._found)))

    @property
    def _elapsed_s(self) -> float:
        return self._clock.monotonic() - self._began_s
