"""The months that were counted, as they are kept."""

from datetime import timedelta

from bot.domain.charts.trend import MonthTotal
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.store.totals import Totals
from tests.support.store import NOW, Store

SEPTEMBER, OCTOBER = Month(2026, 9), Month(2026, 10)
MODEL, AGENT = Keyword.parse("Reward model"), Keyword.parse("agent [cs.AI]")


async def test_counts_come_back_for_the_keywords_and_months_that_are_asked_for(store: Store) -> None:
    totals = Totals(store.database)
    await totals.write(MODEL, OCTOBER, 12, NOW)
    await totals.write(MODEL, SEPTEMBER, 0, NOW)
    await totals.write(AGENT, OCTOBER, 7, NOW)
    assert await totals.known([MODEL, AGENT], [OCTOBER]) == {
        (MODEL, OCTOBER): MonthTotal(12, NOW),
        (AGENT, OCTOBER): MonthTotal(7, NOW),
    }
    assert await totals.known([MODEL], [SEPTEMBER]) == {(MODEL, SEPTEMBER): MonthTotal(0, NOW)}
    assert await totals.known([Keyword.parse("agent")], [OCTOBER]) == {}
    assert await totals.known([], [OCTOBER]) == {}


async def test_later_count_takes_the_place_of_an_earlier_one_however_the_keyword_is_typed(store: Store) -> None:
    totals = Totals(store.database)
    await totals.write(MODEL, OCTOBER, 12, NOW)
    later = NOW + timedelta(days=2)
    await totals.write(Keyword.parse("REWARD  model".title()), OCTOBER, 13, later)
    assert await totals.known([MODEL], [OCTOBER]) == {(MODEL, OCTOBER): MonthTotal(13, later)}
