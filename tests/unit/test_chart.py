"""The contents of a chart, and their JSON form."""

import pytest

from bot.domain.charts.chart import CHART_NAME_MAX, Chart, ChartKind, Series


def test_chart_survives_json() -> None:
    lines = Chart(ChartKind.LINES, "A title", ("Jan", "Feb"), (Series('$x$ "quoted" 日本', (1, None)),), "A note")
    bars = Chart(ChartKind.BARS, "", ("1",), (), "", Series("each once", (3,)))
    assert Chart.from_json(lines.to_json()) == lines
    assert Chart.from_json(bars.to_json()) == bars


def test_long_names_are_cut_in_json() -> None:
    chart = Chart(ChartKind.LINES, "", ("Jan",), (Series("reward " * 30, (1,)),), "")
    (series,) = Chart.from_json(chart.to_json()).series
    assert series.name.endswith("…")
    assert len(series.name) <= CHART_NAME_MAX


@pytest.mark.parametrize("markers", [None, Series("each once", (1, 2))])
def test_series_must_have_a_value_for_each_tick(markers: Series | None) -> None:
    with pytest.raises(ValueError, match="a value or a gap for each tick"):
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
def test_axis_ends_above_the_highest_line_or_stacked_bar(
    kind: ChartKind, rows: tuple[tuple[int | None, ...], ...], top: float
) -> None:
    chart = Chart(kind, "", ("Jan", "Feb"), tuple(Series("a", row) for row in rows), "")
    assert chart.top == pytest.approx(top)
