"""A chart on its way to the process that draws it."""

import pytest

from bot.domain.chart import Chart, ChartKind, Series
from bot.limits import CHART_NAME_MAX


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


@pytest.mark.parametrize("marks", [None, Series("each once", (1, 2))])
def test_series_that_does_not_fit_the_axis_is_no_chart(marks: Series | None) -> None:
    with pytest.raises(ValueError, match="a value for each tick"):
        Chart(ChartKind.BARS, "", ("Jan",), (Series("a", (1,) if marks else ()),), "", marks)
