"""Papers per month: final and missing counts, and the chart."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.charts.trend import MonthCount, Trend, duration, last_year
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.runtime.limits import ALT_TEXT_MAX

OCTOBER = Month(2026, 10)
LAST_PAPER_SHOWN = datetime(2026, 11, 13, tzinfo=UTC)  # moderation held a paper of 30 October until 12 November


def test_count_is_final_after_moderation() -> None:
    final = datetime(2026, 11, 15, tzinfo=UTC)
    assert not MonthCount(7, LAST_PAPER_SHOWN).is_final(OCTOBER)
    assert not MonthCount(7, final - timedelta(seconds=1)).is_final(OCTOBER)
    assert MonthCount(7, final).is_final(OCTOBER)


def test_final_count_stays_fresh() -> None:
    counted = MonthCount(7, datetime(2026, 11, 15, tzinfo=UTC))
    assert counted.is_fresh(OCTOBER, datetime(2036, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(("hours", "fresh"), [(0, True), (23.9, True), (24, False), (24 * 400, False)])
def test_other_count_is_fresh_for_one_day(hours: float, fresh: bool) -> None:
    counted = MonthCount(7, LAST_PAPER_SHOWN)
    assert counted.is_fresh(OCTOBER, LAST_PAPER_SHOWN + timedelta(hours=hours)) is fresh


def test_count_from_the_future_is_not_fresh() -> None:
    counted = MonthCount(7, datetime(2027, 1, 1, tzinfo=UTC))
    assert not counted.is_fresh(OCTOBER, datetime(2026, 12, 31, tzinfo=UTC))


MODEL, AGENT = Keyword.parse("Reward $model"), Keyword.parse("agent [cs.AI]")
MONTHS = last_year(datetime(2026, 11, 20, tzinfo=UTC))


def trend(**totals: int) -> Trend:
    """Returns the year to October 2026; `model_10=7` is a count for October."""
    keywords = {"model": MODEL, "agent": AGENT}
    counted = {}
    for name, total in totals.items():
        keyword, month = name.split("_")
        counted[keywords[keyword], next(each for each in MONTHS if each.month == int(month))] = total
    return Trend((MODEL, AGENT), MONTHS, counted)


def whole() -> Trend:
    """Returns a complete trend: 1,000 papers per month for one keyword, none for the other."""
    return Trend((MODEL, AGENT), MONTHS, {**{(MODEL, m): 1000 for m in MONTHS}, **{(AGENT, m): 0 for m in MONTHS}})


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), Month(2025, 11), Month(2026, 10)),
        (datetime(2026, 11, 30, 23, 59, tzinfo=UTC), Month(2025, 11), Month(2026, 10)),
        (datetime(2027, 1, 1, tzinfo=UTC), Month(2026, 1), Month(2026, 12)),
    ],
)
def test_last_year_is_the_last_twelve_complete_months(now: datetime, first: Month, last: Month) -> None:
    months = last_year(now)
    assert (len(months), months[0], months[-1]) == (12, first, last)


def test_missing_counts_start_with_the_newest_month() -> None:
    missing = trend(model_10=7, agent_9=1).missing
    assert missing[:3] == ((AGENT, OCTOBER), (MODEL, Month(2026, 9)), (MODEL, Month(2026, 8)))
    assert len(missing) == trend().size - 2 == 22
    assert whole().missing == ()


def test_new_count_fills_its_gap() -> None:
    filled = trend().counted(MODEL, OCTOBER, 9)
    assert filled.of(MODEL) == (None,) * 11 + (9,)
    assert filled.of(AGENT) == (None,) * 12


def test_chart_has_one_line_per_keyword_with_gaps() -> None:
    chart = trend(model_10=7).chart()
    assert [series.name for series in chart.series] == ["Reward $model", "agent [cs.AI]"]
    assert chart.series[0].values == (None,) * 11 + (7,)
    assert chart.note.startswith("Counted by arXiv")
    assert chart.note.endswith("Gaps: not counted yet.")
    assert "Gaps" not in whole().chart().note


def test_ticks_show_the_year_where_it_begins() -> None:
    assert whole().chart().ticks == (
        *("Nov\n2025", "Dec", "Jan\n2026", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct"),
    )


def test_numbers_have_a_total_once_complete() -> None:
    assert trend(model_10=7).numbers(MODEL) == "–, –, –, –, –, –, –, –, –, –, –, 7"
    assert whole().numbers(MODEL) == f"{', '.join(['1,000'] * 12)} · 12,000 in total"
    assert whole().numbers(AGENT) == f"{', '.join('0' * 12)} · 0 in total"


def test_alt_text_describes_the_chart_within_its_limit() -> None:
    text = whole().alt_text()
    assert text.startswith("Line chart: papers per month on arXiv, Nov 2025 to Oct 2026. Reward $model: 1,000, ")
    assert text.endswith("0 in total.")
    long = tuple(Keyword.parse(f"{n} " + "word " * 30) for n in range(5))
    assert len(Trend(long, MONTHS, {}).alt_text()) <= ALT_TEXT_MAX


@pytest.mark.parametrize(("day", "growing"), [(1, OCTOBER), (14, OCTOBER), (15, None), (30, None)])
def test_last_month_may_grow_for_two_weeks(day: int, growing: Month | None) -> None:
    assert trend().still_growing(datetime(2026, 11, day, tzinfo=UTC)) == growing


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(144, "2 min 24 s"), (180, "3 min"), (45, "45 s"), (59.6, "1 min"), (0.02, "1 s"), (3601, "60 min 1 s")],
)
def test_duration_is_shown_in_minutes_and_seconds(seconds: float, text: str) -> None:
    assert duration(seconds) == text
