"""The contents of a chart, and their JSON form for the process that draws it. It knows nothing about its appearance."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from bot.domain.text import cut

# The maximum length of a name in the legend, which has three columns.
CHART_NAME_MAX: Final = 26


class ChartKind(StrEnum):
    """How the series are drawn: as lines, or as stacked bars."""

    LINES = "lines"
    BARS = "bars"


@dataclass(frozen=True, slots=True)
class Series:
    """A named series of numbers; None is a gap."""

    name: str
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The contents of one chart; `markers` are drawn as single signs over the series."""

    kind: ChartKind
    title: str
    ticks: tuple[str, ...]
    series: tuple[Series, ...]
    note: str
    markers: Series | None = None

    def __post_init__(self) -> None:
        all_series = self.series if self.markers is None else (*self.series, self.markers)
        if any(len(each.values) != len(self.ticks) for each in all_series):
            raise ValueError("every series must have a value or a gap for each tick")

    @property
    def top(self) -> float:
        """The upper end of the axis: above the highest value, and at least 4, so that one paper does not fill it."""
        rows = [[value or 0 for value in each.values] for each in self.series]
        stacked = self.kind is ChartKind.BARS
        heights = [sum(row) if stacked else max(row) for row in zip(*rows, strict=True)]
        return max(4.0, 1.06 * max(heights, default=0))

    def to_json(self) -> bytes:
        """Returns the JSON form, with long names cut."""
        return json.dumps(asdict(self) | {"series": [_shortened(each) for each in self.series]}).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Chart":
        """Returns the chart that `to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        return cls(
            kind=ChartKind(fields["kind"]),
            title=fields["title"],
            ticks=tuple(fields["ticks"]),
            series=tuple(map(_to_series, fields["series"])),
            note=fields["note"],
            markers=None if fields["markers"] is None else _to_series(fields["markers"]),
        )


def _shortened(series: Series) -> dict[str, Any]:
    return asdict(series) | {"name": cut(series.name, CHART_NAME_MAX)}


def _to_series(fields: dict[str, Any]) -> Series:
    return Series(fields["name"], tuple(fields["values"]))
