"""Tests of counting for charts against the local arXiv: progress, shared requests, failures and limits."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.domain.charts.trend import Trend, last_year
from bot.domain.keyword import Keyword
from bot.ingest.month_counts import MonthCounter
from bot.runtime.errors import ArxivThrottled
from bot.services.charts import (
    CHARTS_FILLED_AT_ONCE,
    CHARTS_QUEUED_PER_PERSON,
    REPLY_EDIT_S,
    ChartComplete,
    ChartInProgress,
    ChartQueued,
    ChartsBusy,
    ChartService,
    ChartState,
    CountFailed,
    ReplyExpired,
    TooManyCharts,
)
from bot.store.month_counts import MonthCounts
from bot.store.statistics import Statistics
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.ingest import MORNING, Ingest, ingest_over
from tests.support.store import Store

MODEL, AGENT = Keyword.parse("reward model"), Keyword.parse("agents")
INTERVAL_S = 3.0


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    """arXiv with one paper about reward models and two about agents in each of the last twelve months."""
    async with ingest_over(store) as ingest:
        for month in last_year(MORNING):
            days_ago = (MORNING - month.start).total_seconds() / 86_400
            for title in ("A reward model", "An agent", "More agents"):
                ingest.add_paper(title, days_ago=days_ago)
        yield ingest


def chart_service(ingest: Ingest, *, timeout_s: float = REPLY_EDIT_S) -> ChartService:
    counting = MonthCounter(ingest.client, MonthCounts(ingest.store.database), ingest.clock)
    statistics = Statistics(ingest.store.database)
    return ChartService(counting, statistics, ingest.clock, interval_s=INTERVAL_S, timeout_s=timeout_s)


class Recorder:
    """Records what the service shows: the trend and the state of each update."""

    def __init__(self) -> None:
        self.shown: list[tuple[Trend, ChartState]] = []

    async def show(self, trend: Trend, state: ChartState) -> None:
        self.shown.append((trend, state))

    @property
    def states(self) -> list[tuple[int, ChartState]]:
        """The number of missing counts and the state of each update."""
        return [(len(trend.missing), state) for trend, state in self.shown]


@dataclass
class StartedChart:
    """A chart that shows its first state, and continues when `may_continue` is set."""

    task: asyncio.Task[None]
    may_continue: asyncio.Event


async def start_chart(
    ingest: Ingest, charts: ChartService, keywords: list[Keyword], recorder: Recorder, *, person_id: int | None = None
) -> StartedChart:
    """Starts a chart and returns when it showed its first state: which of two starts first is not left to the store."""
    may_continue = asyncio.Event()

    async def show(trend: Trend, state: ChartState) -> None:
        await recorder.show(trend, state)
        await may_continue.wait()

    task = asyncio.create_task(charts.trend(keywords, show, person_id))
    await ingest.until(lambda: bool(recorder.shown))
    return StartedChart(task, may_continue)


async def finish_charts(ingest: Ingest, *started: StartedChart) -> None:
    for chart in started:
        chart.may_continue.set()
    await ingest.until(lambda: all(chart.task.done() for chart in started))
    for chart in started:
        chart.task.result()


async def test_chart_counts_every_month_and_a_second_chart_requests_nothing(ingest: Ingest) -> None:
    charts, recorder = chart_service(ingest), Recorder()
    started_at_s = ingest.clock.monotonic()
    await ingest.run(charts.trend([MODEL], recorder.show))
    assert recorder.states == [
        (12, ChartInProgress(36.0)),
        (8, ChartInProgress(24.0)),
        (4, ChartInProgress(12.0)),
        (0, ChartComplete()),
    ]
    assert recorder.shown[-1][0].of(MODEL) == (1,) * 12
    assert ingest.clock.monotonic() - started_at_s == 12 * INTERVAL_S
    assert len(ingest.take_requests()) == 12
    again = Recorder()
    # Two spellings of a keyword are one line.
    await ingest.run(charts.trend([MODEL, Keyword.parse("Reward  model")], again.show))
    assert again.states == [(0, ChartComplete())]
    assert again.shown[0][0].keywords == (MODEL,)
    assert ingest.take_requests() == []


@pytest.mark.slow
async def test_stored_counts_are_shown_before_missing_months_are_counted(ingest: Ingest) -> None:
    charts, recorder = chart_service(ingest), Recorder()
    await ingest.run(charts.trend([MODEL], Recorder().show))
    ingest.take_requests()
    await ingest.run(charts.trend([AGENT, MODEL], recorder.show))
    trend, state = recorder.shown[0]
    assert (trend.of(MODEL), trend.of(AGENT), state) == ((1,) * 12, (None,) * 12, ChartInProgress(36.0))
    assert len(ingest.take_requests()) == 12
    assert recorder.shown[-1][0].of(AGENT) == (2,) * 12


async def test_concurrent_charts_of_a_keyword_share_the_requests(ingest: Ingest) -> None:
    charts, first, second = chart_service(ingest), Recorder(), Recorder()
    charts_started = [await start_chart(ingest, charts, [MODEL], recorder) for recorder in (first, second)]
    await finish_charts(ingest, *charts_started)
    assert len(ingest.take_requests()) == 12
    assert first.states[-1] == second.states[-1] == (0, ChartComplete())
    assert (12, ChartInProgress(36.0)) in second.states


@pytest.mark.slow
async def test_charts_of_different_keywords_take_turns(ingest: Ingest) -> None:
    charts, first, second = chart_service(ingest), Recorder(), Recorder()
    await ingest.run(charts.trend([AGENT], Recorder().show))
    (month, *_) = last_year(MORNING)
    await MonthCounts(ingest.store.database).write(Keyword.parse("bandit"), month, 1, ingest.clock.now())

    charts_started = [
        await start_chart(ingest, charts, [MODEL], first),
        await start_chart(ingest, charts, [AGENT, Keyword.parse("bandit")], second),
    ]
    await finish_charts(ingest, *charts_started)
    assert first.states[0] == (12, ChartInProgress(36.0))
    # Until its 11 counts are complete, the other chart gets as many.
    assert second.states[0] == (11, ChartInProgress(66.0))


@pytest.mark.slow
async def test_time_left_follows_the_measured_pace(ingest: Ingest) -> None:
    recorder = Recorder()
    # A month without papers takes three requests: arXiv must return others before a zero is trusted.
    await ingest.run(chart_service(ingest).trend([Keyword.parse("quokka")], recorder.show))
    (_, first), (missing, second), *_ = recorder.states
    assert first == ChartInProgress(36.0)
    assert missing == 8
    assert isinstance(second, ChartInProgress)
    assert second.remaining_s > 60


async def test_chart_continues_after_arxiv_failed_in_the_middle(ingest: Ingest) -> None:
    charts, recorder = chart_service(ingest), Recorder()
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60", containing="[202605010000"))
    await ingest.run(charts.trend([MODEL], recorder.show))
    missing, state = recorder.states[-1]
    assert missing == 7
    assert isinstance(state, CountFailed)
    assert state.keyword == MODEL
    assert isinstance(state.error, ArxivThrottled)
    assert len(ingest.take_requests()) == 6
    await ingest.clock.advance(60)
    again = Recorder()
    # A new service, as after a restart: the counted months are stored.
    await ingest.run(chart_service(ingest).trend([MODEL], again.show))
    assert again.states[0] == (7, ChartInProgress(21.0))
    assert again.states[-1] == (0, ChartComplete())
    assert len(ingest.take_requests()) == 7


async def test_counting_stops_when_the_reply_can_no_longer_be_edited(ingest: Ingest) -> None:
    recorder = Recorder()
    await ingest.run(chart_service(ingest, timeout_s=0).trend([MODEL], recorder.show))
    assert recorder.states == [(12, ChartInProgress(36.0)), (12, ReplyExpired())]


@pytest.mark.slow
async def test_charts_over_the_limit_are_rejected_until_one_ends(ingest: Ingest) -> None:
    charts = chart_service(ingest)

    async def never(_: Trend, __: ChartState) -> None:
        await asyncio.Event().wait()

    others = [asyncio.create_task(charts.trend([Keyword.parse(f"k{n}")], never)) for n in range(CHARTS_FILLED_AT_ONCE)]
    await ingest.until(lambda: charts.in_progress == CHARTS_FILLED_AT_ONCE)
    recorder = Recorder()
    await charts.trend([MODEL], recorder.show)
    assert recorder.states == [(12, ChartsBusy(12 * INTERVAL_S * CHARTS_FILLED_AT_ONCE))]
    assert ingest.take_requests() == []
    others[0].cancel()
    await asyncio.wait(others[:1])
    await ingest.run(charts.trend([MODEL], recorder.show))
    assert recorder.states[-1] == (0, ChartComplete())
    for task in others:
        task.cancel()
    await asyncio.wait(others)


@pytest.mark.slow
async def test_charts_of_one_person_follow_each_other(ingest: Ingest) -> None:
    charts, first, second = chart_service(ingest), Recorder(), Recorder()

    charts_started = [
        await start_chart(ingest, charts, [MODEL], first, person_id=1),
        await start_chart(ingest, charts, [MODEL, AGENT], second, person_id=1),
    ]
    await finish_charts(ingest, *charts_started)
    assert first.states[-1] == second.states[-1] == (0, ChartComplete())
    assert second.states[:2] == [(24, ChartQueued(36.0)), (12, ChartInProgress(36.0))]
    assert len(ingest.take_requests()) == 24


async def test_second_chart_of_a_person_uses_the_counts_of_the_first(ingest: Ingest) -> None:
    charts, second = chart_service(ingest), Recorder()
    charts_started = [
        await start_chart(ingest, charts, [MODEL], Recorder(), person_id=1),
        await start_chart(ingest, charts, [MODEL], second, person_id=1),
    ]
    await finish_charts(ingest, *charts_started)
    assert second.states == [(12, ChartQueued(36.0)), (0, ChartComplete())]
    assert len(ingest.take_requests()) == 12


@pytest.mark.slow
async def test_person_with_many_charts_does_not_delay_another_person(ingest: Ingest) -> None:
    charts = chart_service(ingest)
    started = [
        await start_chart(ingest, charts, [Keyword.parse(f"agents {n}"), AGENT], Recorder(), person_id=1)
        for n in range(CHARTS_QUEUED_PER_PERSON + 1)
    ]
    rejected, other = Recorder(), Recorder()
    await ingest.run(charts.trend([AGENT], rejected.show, 1))
    assert rejected.states == [(12, TooManyCharts(CHARTS_QUEUED_PER_PERSON + 1))]
    other_chart = await start_chart(ingest, charts, [MODEL], other, person_id=2)
    assert other.states == [(12, ChartInProgress(72.0))]
    started[0].may_continue.set()
    await finish_charts(ingest, other_chart)
    assert other.states[-1] == (0, ChartComplete())
    assert charts.in_progress == 1
    for chart in started:
        chart.task.cancel()
    await asyncio.wait([chart.task for chart in started])
    await ingest.run(charts.trend([AGENT], Recorder().show, 1))


async def test_waiting_chart_of_a_person_ends_when_its_reply_can_no_longer_be_edited(ingest: Ingest) -> None:
    charts, second = chart_service(ingest, timeout_s=0), Recorder()

    async def never(_: Trend, __: ChartState) -> None:
        await asyncio.Event().wait()

    first = asyncio.create_task(charts.trend([MODEL], never, 1))
    await ingest.until(lambda: charts.in_progress == 1)
    await ingest.run(charts.trend([AGENT], second.show, 1))
    assert second.states == [(12, ChartQueued(36.0)), (12, ReplyExpired())]
    first.cancel()
    await asyncio.wait([first])
