"""How many papers a month: which counts are final, what is left to be counted, the chart and its words."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.charts.trend import MonthCount, Trend, duration, last_year
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.runtime.limits import ALT_TEXT_MAX

OCTOBER = Month(2026, 10)
LAST_PAPER_SHOWN = datetime(2026, 11, 13, tzinfo=UTC)  # moderation held a paper of 30 October until the 12th


def test_count_is_final_when_moderation_has_let_the_months_last_papers_through() -> None:
    final = datetime(2026, 11, 15, tzinfo=UTC)
    assert not MonthCount(7, LAST_PAPER_SHOWN).is_final(OCTOBER)
    assert not MonthCount(7, final - timedelta(seconds=1)).is_final(OCTOBER)
    assert MonthCount(7, final).is_final(OCTOBER)


def test_final_count_is_good_for_ever() -> None:
    counted = MonthCount(7, datetime(2026, 11, 15, tzinfo=UTC))
    assert counted.is_fresh(OCTOBER, datetime(2036, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(("hours", "good"), [(0, True), (23.9, True), (24, False), (24 * 400, False)])
def test_count_that_may_grow_is_good_for_a_day(hours: float, good: bool) -> None:
    counted = MonthCount(7, LAST_PAPER_SHOWN)
    assert counted.is_fresh(OCTOBER, LAST_PAPER_SHOWN + timedelta(hours=hours)) is good


def test_count_from_the_future_is_a_clock_gone_wrong() -> None:
    counted = MonthCount(7, datetime(2027, 1, 1, tzinfo=UTC))
    assert not counted.is_fresh(OCTOBER, datetime(2026, 12, 31, tzinfo=UTC))


MODEL, AGENT = Keyword.parse("Reward $model"), Keyword.parse("agent [cs.AI]")
MONTHS = last_year(datetime(2026, 11, 20, tzinfo=UTC))


def trend(**totals: int) -> Trend:
    """The year to October 2026, of which `model_10=7` was counted, in October."""
    keywords = {"model": MODEL, "agent": AGENT}
    counted = {}
    for name, total in totals.items():
        keyword, month = name.split("_")
        counted[keywords[keyword], next(each for each in MONTHS if each.month == int(month))] = total
    return Trend((MODEL, AGENT), MONTHS, counted)


def whole() -> Trend:
    """Both keywords are counted: 1,000 a month, and none."""
    return Trend((MODEL, AGENT), MONTHS, {**{(MODEL, m): 1000 for m in MONTHS}, **{(AGENT, m): 0 for m in MONTHS}})


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), Month(2025, 11), Month(2026, 10)),
        (datetime(2026, 11, 30, 23, 59, tzinfo=UTC), Month(2025, 11), Month(2026, 10)),
        (datetime(2027, 1, 1, tzinfo=UTC), Month(2026, 1), Month(2026, 12)),
    ],
)
def test_year_is_the_last_twelve_months_that_are_over(now: datetime, first: Month, last: Month) -> None:
    months = last_year(now)
    assert (len(months), months[0], months[-1]) == (12, first, last)


def test_what_is_missing_is_counted_from_the_newest_month_back() -> None:
    missing = trend(model_10=7, agent_9=1).missing
    assert missing[:3] == ((AGENT, OCTOBER), (MODEL, Month(2026, 9)), (MODEL, Month(2026, 8)))
    assert len(missing) == trend().size - 2 == 22
    assert whole().missing == ()


def test_count_that_came_fills_its_gap() -> None:
    filled = trend().counted(MODEL, OCTOBER, 9)
    assert filled.of(MODEL) == (None,) * 11 + (9,)
    assert filled.of(AGENT) == (None,) * 12


def test_chart_has_a_line_a_keyword_gaps_where_nothing_is_counted_and_says_so() -> None:
    chart = trend(model_10=7).chart()
    assert [series.name for series in chart.series] == ["Reward $model", "agent [cs.AI]"]
    assert chart.series[0].values == (None,) * 11 + (7,)
    assert chart.note.startswith("Counted by arXiv")
    assert chart.note.endswith("Gaps: not counted yet.")
    assert "Gaps" not in whole().chart().note


def test_months_are_named_and_the_year_stands_where_it_begins() -> None:
    assert whole().chart().ticks == (
        *("Nov\n2025", "Dec", "Jan\n2026", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct"),
    )


def test_numbers_stand_in_a_row_with_their_sum_once_all_are_there() -> None:
    assert trend(model_10=7).numbers(MODEL) == "–, –, –, –, –, –, –, –, –, –, –, 7"
    assert whole().numbers(MODEL) == f"{', '.join(['1,000'] * 12)} · 12,000 in all"
    assert whole().numbers(AGENT) == f"{', '.join('0' * 12)} · 0 in all"


def test_alt_text_says_the_picture_and_fits() -> None:
    words = whole().alt_text()
    assert words.startswith("Line chart: papers a month on arXiv, Nov 2025 to Oct 2026. Reward $model: 1,000, ")
    assert words.endswith("0 in all.")
    long = tuple(Keyword.parse(f"{n} " + "word " * 30) for n in range(5))
    assert len(Trend(long, MONTHS, {}).alt_text()) <= ALT_TEXT_MAX


@pytest.mark.parametrize(("day", "growing"), [(1, OCTOBER), (14, OCTOBER), (15, None), (30, None)])
def test_last_month_may_grow_for_two_weeks(day: int, growing: Month | None) -> None:
    assert trend().still_growing(datetime(2026, 11, day, tzinfo=UTC)) == growing


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(144, "2 min 24 s"), (180, "3 min"), (45, "45 s"), (59.6, "1 min"), (0.02, "1 s"), (3601, "60 min 1 s")],
)
def test_duration_is_said_in_minutes_and_seconds(seconds: float, words: str) -> None:
    assert duration(seconds) == words
