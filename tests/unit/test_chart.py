"""A chart on its way to the process that draws it."""

import pytest

from bot.domain.charts.chart import CHART_NAME_MAX, Chart, ChartKind, Series


def test_chart_comes_back_from_its_json() -> None:
    lines = Chart(ChartKind.LINES, "A title", ("Jan", "Feb"), (Series('$x$ "quoted" 日本', (1, None)),), "A note")
    bars = Chart(ChartKind.BARS, "", ("1",), (), "", Series("each once", (3,)))
    assert Chart.from_json(lines.to_json()) == lines
    assert Chart.from_json(bars.to_json()) == bars


def test_long_names_are_cut_on_the_way() -> None:
    chart = Chart(ChartKind.LINES, "", ("Jan",), (Series("reward " * 30, (1,)),), "")
    (series,) = Chart.from_json(chart.to_json()).series
    assert series.name.endswith("…")
    assert len(series.name) <= CHART_NAME_MAX


@pytest.mark.parametrize("markers", [None, Series("each once", (1, 2))])
def test_series_that_does_not_fit_the_axis_is_no_chart(markers: Series | None) -> None:
    with pytest.raises(ValueError, match="a value for each tick"):
        Chart(ChartKind.BARS, "", ("Jan",), (Series("a", (1,) if markers else ()),), "", markers)


@pytest.mark.parametrize(
    ("kind", "rows", "top"),
    [
        (ChartKind.LINES, ((1, 100), (50, None)), 106),
        (ChartKind.BARS, ((1, 100), (50, None)), 106),
        (ChartKind.BARS, ((60, 70), (40, 30)), 106),
        (ChartKind.LINES, ((None, None),), 4),
        (ChartKind.LINES, ((0, 1),), 4),
        (ChartKind.BARS, (), 4),
    ],
)
def test_axis_ends_above_what_is_highest_of_lines_or_of_bars_on_each_other(
    kind: ChartKind, rows: tuple[tuple[int | None, ...], ...], top: float
) -> None:
    chart = Chart(kind, "", ("Jan", "Feb"), tuple(Series("a", row) for row in rows), "")
    assert chart.top == pytest.approx(top)
