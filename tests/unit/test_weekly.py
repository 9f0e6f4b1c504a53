"""Papers posted per week: the numbers and their chart."""

from datetime import UTC, datetime

from bot.domain.charts.chart import Series
from bot.domain.charts.weekly import STATS_KEYWORDS, Weekly
from bot.runtime.limits import ALT_TEXT_MAX

SINCE = datetime(2026, 8, 22, 12, 0, tzinfo=UTC)


def weekly(*papers: int, **keywords: tuple[int, ...]) -> Weekly:
    return Weekly(SINCE, papers, tuple(Series(name, values) for name, values in keywords.items()))


def many(count: int) -> Weekly:
    """Returns two weeks in each of which keyword n has n papers."""
    return weekly(9, 9, **{f"k{n}": (n, n) for n in range(1, count + 1)})


def test_keywords_are_ordered_by_number_of_papers() -> None:
    found = weekly(9, 9, few=(1, 0), most=(4, 5), also_few=(0, 1))
    assert [series.name for series in found.most_posted] == ["most", "also_few", "few"]
    assert found.total == 18


def test_keywords_after_the_seventh_are_summed() -> None:
    assert [series.name for series in many(STATS_KEYWORDS).most_posted] == [f"k{n}" for n in range(7, 0, -1)]
    *first, others = many(STATS_KEYWORDS + 1).most_posted
    assert [series.name for series in first] == [f"k{n}" for n in range(8, 1, -1)]
    assert others == Series("1 other keyword", (1, 1))
    assert many(STATS_KEYWORDS + 3).most_posted[-1] == Series("3 other keywords", (6, 6))


def test_papers_that_match_two_keywords_are_marked_once() -> None:
    both = weekly(1, 0, first=(1, 0), second=(1, 0)).chart()
    assert both.markers == Series("papers, counted once", (1, 0))
    assert both.note.endswith("◆ counts each paper once.")
    alone = weekly(2, 0, first=(1, 0), second=(1, 0)).chart()
    assert alone.markers is None
    assert alone.note == "Each bar covers seven days from the date shown."


def test_ticks_show_the_first_day_and_the_month_where_it_changes() -> None:
    assert weekly(*[0] * 4).chart().ticks == ("Aug 22", "29", "Sep 5", "12")


def test_alt_text_describes_the_chart_within_its_limit() -> None:
    assert weekly(1, 1200, models=(1, 1200)).alt_text() == (
        "Bar chart: papers posted per week, 1,201 in total: 1, 1,200. By keyword: models: 1,201."
    )
    assert len(weekly(1, **{f"{n} {'word ' * 39}": (1,) for n in range(9)}).alt_text()) <= ALT_TEXT_MAX
