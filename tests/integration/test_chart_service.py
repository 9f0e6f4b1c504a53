"""Charts that fill: politely, shared, and told how far they are; against the local arXiv."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.domain.charts.trend import Trend, last_year
from bot.domain.keyword import Keyword
from bot.ingest.month_counts import MonthCounter
from bot.runtime.errors import ArxivThrottled
from bot.runtime.limits import INTERACTION_TOKEN_S
from bot.services.charts import (
    CHARTS_FILLED_AT_ONCE,
    ChartComplete,
    ChartInProgress,
    ChartsBusy,
    ChartService,
    ChartState,
    CountFailed,
    ReplyExpired,
)
from bot.store.month_counts import MonthCounts
from bot.store.statistics import Statistics
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.ingest import MORNING, Reading, reading
from tests.support.store import Store

MODEL, AGENT = Keyword.parse("reward model"), Keyword.parse("agents")
INTERVAL_S = 3.0


@pytest.fixture
async def upper(store: Store) -> AsyncIterator[Reading]:
    """A paper about reward models in each of the last twelve months, and two about agents."""
    async with reading(store) as upper:
        for month in last_year(MORNING):
            days_ago = (MORNING - month.start).total_seconds() / 86_400
            for title in ("A reward model", "An agent", "More agents"):
                upper.show(title, days_ago=days_ago)
        yield upper


def charting(upper: Reading, *, patience_s: float = INTERACTION_TOKEN_S) -> ChartService:
    counting = MonthCounter(upper.client, MonthCounts(upper.store.database), upper.clock)
    statistics = Statistics(upper.store.database)
    return ChartService(counting, statistics, upper.clock, interval_s=INTERVAL_S, patience_s=patience_s)


class Reader:
    """Who asked for a chart: what was shown, as how much was missing and what was said."""

    def __init__(self) -> None:
        self.shown: list[tuple[Trend, ChartState]] = []

    async def show(self, trend: Trend, filling: ChartState) -> None:
        self.shown.append((trend, filling))

    @property
    def said(self) -> list[tuple[int, ChartState]]:
        return [(len(trend.missing), filling) for trend, filling in self.shown]


async def test_chart_fills_from_nothing_and_the_next_one_asks_nothing(upper: Reading) -> None:
    charts, reader = charting(upper), Reader()
    began_s = upper.clock.monotonic()
    await upper.pumped(charts.trend([MODEL], reader.show))
    assert reader.said == [
        (12, ChartInProgress(36.0)),
        (8, ChartInProgress(24.0)),
        (4, ChartInProgress(12.0)),
        (0, ChartComplete()),
    ]
    assert reader.shown[-1][0].of(MODEL) == (1,) * 12
    assert upper.clock.monotonic() - began_s == 12 * INTERVAL_S
    assert len(upper.asked()) == 12
    again = Reader()
    # The same keyword typed in two ways is one line.
    await upper.pumped(charts.trend([MODEL, Keyword.parse("Reward  model")], again.show))
    assert again.said == [(0, ChartComplete())]
    assert again.shown[0][0].keywords == (MODEL,)
    assert upper.asked() == []


async def test_what_is_known_is_shown_at_once_and_the_rest_is_counted(upper: Reading) -> None:
    charts, reader = charting(upper), Reader()
    await upper.pumped(charts.trend([MODEL], Reader().show))
    upper.asked()
    await upper.pumped(charts.trend([AGENT, MODEL], reader.show))
    trend, filling = reader.shown[0]
    assert (trend.of(MODEL), trend.of(AGENT), filling) == ((1,) * 12, (None,) * 12, ChartInProgress(36.0))
    assert len(upper.asked()) == 12
    assert reader.shown[-1][0].of(AGENT) == (2,) * 12


async def test_two_who_ask_at_once_share_the_counts(upper: Reading) -> None:
    charts, first, second = charting(upper), Reader(), Reader()

    async def both() -> None:
        await asyncio.gather(charts.trend([MODEL], first.show), charts.trend([MODEL], second.show))

    await upper.pumped(both())
    assert len(upper.asked()) == 12
    assert first.said[-1] == second.said[-1] == (0, ChartComplete())
    assert (12, ChartInProgress(72.0)) in second.said  # two charts, each slows the other down


async def test_arxiv_that_breaks_off_in_the_middle_leaves_what_was_counted(upper: Reading) -> None:
    charts, reader = charting(upper), Reader()
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60", containing="[202605010000"))
    await upper.pumped(charts.trend([MODEL], reader.show))
    missing, filling = reader.said[-1]
    assert missing == 7
    assert isinstance(filling, CountFailed)
    assert filling.keyword == MODEL
    assert isinstance(filling.error, ArxivThrottled)
    assert len(upper.asked()) == 6
    await upper.clock.advance(60)
    again = Reader()
    # As after a restart: the months that were counted are kept.
    await upper.pumped(charting(upper).trend([MODEL], again.show))
    assert again.said[0] == (7, ChartInProgress(21.0))
    assert again.said[-1] == (0, ChartComplete())
    assert len(upper.asked()) == 7


async def test_reply_that_can_no_longer_be_edited_is_not(upper: Reading) -> None:
    reader = Reader()
    await upper.pumped(charting(upper, patience_s=0).trend([MODEL], reader.show))
    assert reader.said == [(12, ChartInProgress(36.0)), (12, ReplyExpired())]


async def test_only_a_few_charts_are_filled_at_once_and_who_gives_up_makes_room(upper: Reading) -> None:
    charts = charting(upper)

    async def never(_: Trend, __: ChartState) -> None:
        await asyncio.Event().wait()

    others = [asyncio.create_task(charts.trend([Keyword.parse(f"k{n}")], never)) for n in range(CHARTS_FILLED_AT_ONCE)]
    await upper.until(lambda: len(charts._left) == CHARTS_FILLED_AT_ONCE)
    reader = Reader()
    await charts.trend([MODEL], reader.show)
    assert reader.said == [(12, ChartsBusy(12 * INTERVAL_S * CHARTS_FILLED_AT_ONCE))]
    assert upper.asked() == []
    others[0].cancel()
    await asyncio.wait(others[:1])
    await upper.pumped(charts.trend([MODEL], reader.show))
    assert reader.said[-1] == (0, ChartComplete())
    for task in others:
        task.cancel()
    await asyncio.wait(others)
