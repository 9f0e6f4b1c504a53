"""The backfill: reads older months of every watched keyword for the page and the charts, newest month first.

Papers are stored for each complete window, then the month is marked as read, and months that are over are counted for
the charts. It sends requests with background priority, and never touches what decides which papers are new.
"""

import logging
from collections.abc import Iterable, Sequence
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
from bot.domain.queries import Window, is_countable
from bot.domain.subscription import WatchedKeyword
from bot.ingest.month_counts import MonthCounter
from bot.ingest.retrying import RetryingArxivClient
from bot.ingest.window_reader import WindowReader, WindowResult, has_papers
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivBackoff, ArxivError, IncompleteResults, QueryRejected
from bot.runtime.metrics import Metrics, Step
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.month_counts import MonthCounts
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

# Papers per transaction: a running bot can write in between, long before its busy timeout.
BACKFILL_PAPERS_PER_WRITE: Final = 500


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What is missing: months to read, in order, and the counts for the charts."""

    keywords: int
    tasks: tuple[MonthTask, ...]
    counts: tuple[tuple[Keyword, Month], ...]


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """The current month, whether it is being counted or read, the rate, and the papers so far."""

    month: Month
    counting: bool
    rate: BackfillRate
    papers: int


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """How it ended: requests, papers that matched, how many of them are new here, and what was skipped and why."""

    requests: int
    papers: int
    new_papers: int
    elapsed_s: float
    skipped: tuple[str, ...]


class ProgressListener(Protocol):
    """Receives the progress of a backfill."""

    def on_plan(self, plan: BackfillPlan) -> None:
        """Called once, before the first request."""
        ...

    def on_progress(self, progress: BackfillProgress) -> None:
        """Called after each page, and when the next month starts."""
        ...

    def on_wait(self, wait: ArxivBackoff) -> None:
        """Called before a backoff is waited out; the next request is sent at `wait.not_before`."""
        ...


class Backfill:
    """Reads the missing months; only one backfill may run per database."""

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
        self._client = RetryingArxivClient(arxiv, clock, on_page=self._on_page, on_wait=listener.on_wait)
        self._reader = WindowReader(self._client, metrics)
        self._month_counter = MonthCounter(self._client, month_counts, clock)
        self._started_at_s = clock.monotonic()
        self._forecast = RequestForecast(0, 0)
        self._reading_pages = self._counting = False
        self._current_month = Month.of(clock.now())
        self._papers: set[ArxivId] = set()
        self._new_papers = 0
        self._skipped: list[str] = []

    async def plan(self, first: Month, *, papers_only: bool) -> BackfillPlan:
        """Returns what is missing from the month `first` on; it sends no request."""
        now = self._clock.now()
        watched = await self._subscriptions.watched()
        months = months_to_read(first, now)
        tasks = pending_months(watched, await self._backfilled_papers.months(), months, now)
        counts = () if papers_only else await self._missing_counts(_countable(watched), months)
        return BackfillPlan(len(watched), tasks, counts)

    async def _missing_counts(
        self, keywords: Sequence[Keyword], months: Sequence[Month]
    ) -> tuple[tuple[Keyword, Month], ...]:
        now = self._clock.now()
        past = [month for month in months if month.end <= now]
        known = await self._month_counter.known(keywords, past)
        return tuple((keyword, month) for month in past for keyword in keywords if (keyword, month) not in known)

    async def run(self, plan: BackfillPlan) -> BackfillResult:
        """Carries out the plan; everything that was read is kept, however it ends.

        Raises ArxivBackoff when arXiv has failed for too long, and StoreUnavailable.
        """
        self._started_at_s = self._clock.monotonic()
        self._forecast = RequestForecast(len(plan.tasks), len(plan.counts))
        self._listener.on_plan(plan)
        for task in plan.tasks:
            await self._read(task)
        for keyword, month in plan.counts:
            await self._count(keyword, month)
        return BackfillResult(
            self._forecast.requests, len(self._papers), self._new_papers, self._elapsed_s, tuple(self._skipped)
        )

    async def _read(self, task: MonthTask) -> None:
        self._forecast = self._forecast.task_started()
        self._current_month, self._reading_pages = task.month, True
        self._report_progress()
        try:
            await self._read_month(task)
        except (IncompleteResults, QueryRejected) as error:
            self._skip(f"{task.month}", error)
        self._forecast = self._forecast.task_finished()
        self._reading_pages = False

    async def _read_month(self, task: MonthTask) -> None:
        started_at = self._clock.now()
        window = month_window(task.month, started_at)
        papers = 0
        keywords = [watched.keyword for watched in task.keywords]
        async for part in self._reader.read(keywords, window, Priority.BACKGROUND, trust_zero=False):
            await self._store(task.keywords, part)
            papers += len(part.papers)
            self._report_progress()
        if not papers:
            await self._check_that_arxiv_returns_papers(window)
        with self._metrics.step(Step.COMMIT):
            await self._backfilled_papers.complete_month(task.keywords, task.month, started_at)
        log.debug("month read", extra={"month": str(task.month), "keywords": len(keywords), "papers": papers})

    async def _store(self, keywords: tuple[WatchedKeyword, ...], part: WindowResult) -> None:
        for start in range(0, len(part.papers), BACKFILL_PAPERS_PER_WRITE):
            papers = part.papers[start : start + BACKFILL_PAPERS_PER_WRITE]
            with self._metrics.step(Step.COMMIT):
                self._new_papers += await self._backfilled_papers.add(keywords, papers, part.matches)
        self._papers.update(match.arxiv_id for match in part.matches)

    async def _check_that_arxiv_returns_papers(self, window: Window) -> None:
        """Raises IncompleteResults unless arXiv returns papers: a month marked as read by mistake would stay empty."""
        self._reading_pages = False
        if not await has_papers(self._client, months_probe(window), Priority.BACKGROUND):
            raise IncompleteResults("arXiv returns no papers at all")

    async def _count(self, keyword: Keyword, month: Month) -> None:
        self._current_month, self._counting = month, True
        try:
            await self._month_counter.count(keyword, month)
        except (IncompleteResults, QueryRejected) as error:
            self._skip(f"the count of {keyword.shown} in {month}", error)
        self._forecast = self._forecast.count_finished()
        self._report_progress()

    def _skip(self, what: str, error: ArxivError) -> None:
        log.warning("backfill part skipped", extra={"skipped": what, "reason": str(error)})
        self._skipped.append(f"{what}: {error}")

    def _on_page(self, page: FeedPage, start: int) -> None:
        if self._reading_pages:
            seen_to = start + page.entries
            self._forecast = self._forecast.page_received(page.total, seen_to)
        else:
            self._forecast = self._forecast.probe_finished()
        if not self._counting:  # a count is reported when it is finished: until then the forecast includes it twice
            self._report_progress()

    def _report_progress(self) -> None:
        rate = BackfillRate(self._forecast.requests, self._forecast.expected, self._elapsed_s)
        self._listener.on_progress(BackfillProgress(self._current_month, self._counting, rate, len(self._papers)))

    @property
    def _elapsed_s(self) -> float:
        return self._clock.monotonic() - self._started_at_s


def _countable(watched: Iterable[WatchedKeyword]) -> list[Keyword]:
    """Returns the keywords that arXiv can count."""
    return [each.keyword for each in watched if is_countable(each.keyword)]
