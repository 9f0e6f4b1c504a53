"""The months that were counted, as they are kept."""

from datetime import timedelta

from bot.domain.charts.trend import MonthCount
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.store.month_counts import MonthCounts
from tests.support.store import NOW, Store

SEPTEMBER, OCTOBER = Month(2026, 9), Month(2026, 10)
MODEL, AGENT = Keyword.parse("Reward model"), Keyword.parse("agent [cs.AI]")


async def test_counts_are_returned_for_the_given_keywords_and_months(store: Store) -> None:
    month_counts = MonthCounts(store.database)
    await month_counts.write(MODEL, OCTOBER, 12, NOW)
    await month_counts.write(MODEL, SEPTEMBER, 0, NOW)
    await month_counts.write(AGENT, OCTOBER, 7, NOW)
    assert await month_counts.known([MODEL, AGENT], [OCTOBER]) == {
        (MODEL, OCTOBER): MonthCount(12, NOW),
        (AGENT, OCTOBER): MonthCount(7, NOW),
    }
    assert await month_counts.known([MODEL], [SEPTEMBER]) == {(MODEL, SEPTEMBER): MonthCount(0, NOW)}
    assert await month_counts.known([Keyword.parse("agent")], [OCTOBER]) == {}
    assert await month_counts.known([], [OCTOBER]) == {}


async def test_later_count_replaces_one_of_another_spelling(store: Store) -> None:
    month_counts = MonthCounts(store.database)
    await month_counts.write(MODEL, OCTOBER, 12, NOW)
    later = NOW + timedelta(days=2)
    await month_counts.write(Keyword.parse("REWARD  model".title()), OCTOBER, 13, later)
    assert await month_counts.known([MODEL], [OCTOBER]) == {(MODEL, OCTOBER): MonthCount(13, later)}
