"""A chart as it is handed to the process that draws: what stands in it, free of how it looks.

Titles, labels and series enter; JSON leaves, and the same chart comes back from it.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from bot.domain.text import cut

# How long a keyword may be in a chart's legend; three stand beside each other.
CHART_NAME_MAX: Final = 26


class ChartKind(StrEnum):
    """How the series are drawn: as lines side by side, or as bars that stand on each other."""

    LINES = "lines"
    BARS = "bars"


@dataclass(frozen=True, slots=True)
class Series:
    """One row of numbers under a name; None is a gap."""

    name: str
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of numbers. `markers` are drawn as single signs above the series; `note` says where they come from."""

    kind: ChartKind
    title: str
    ticks: tuple[str, ...]
    series: tuple[Series, ...]
    note: str
    markers: Series | None = None

    def __post_init__(self) -> None:
        every = self.series if self.markers is None else (*self.series, self.markers)
        if any(len(each.values) != len(self.ticks) for each in every):
            raise ValueError("every series has a value for each tick, or a gap")

    @property
    def top(self) -> float:
        """Where the axis ends that begins at zero: above the highest value, never so low that one paper fills it."""
        rows = [[value or 0 for value in each.values] for each in self.series]
        stacked = self.kind is ChartKind.BARS
        heights = [sum(row) if stacked else max(row) for row in zip(*rows, strict=True)]
        return max(4.0, 1.06 * max(heights, default=0))

    def to_json(self) -> bytes:
        """What `from_json` reads; long names are cut."""
        return json.dumps(asdict(self) | {"series": [_shortened(each) for each in self.series]}).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Chart":
        """The chart that `to_json` wrote."""
        read: dict[str, Any] = json.loads(text)
        return cls(
            kind=ChartKind(read["kind"]),
            title=read["title"],
            ticks=tuple(read["ticks"]),
            series=tuple(map(_to_series, read["series"])),
            note=read["note"],
            markers=None if read["markers"] is None else _to_series(read["markers"]),
        )


def _shortened(series: Series) -> dict[str, Any]:
    return asdict(series) | {"name": cut(series.name, CHART_NAME_MAX)}


def _to_series(read: dict[str, Any]) -> Series:
    return Series(read["name"], tuple(read["values"]))
