"""Draws a chart: `python -m bot.charts.drawing`, a chart's JSON on standard input, a PNG on standard output.

A process of its own, started by `charts`: matplotlib takes half a second and 60 MB to be there, and holds the
interpreter's lock while it draws (docs/adr). It reads no settings, opens no connection, and knows nothing of Discord.
"""

import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bot.domain.charts.chart import Chart, ChartKind, Series

# 1200 × 675 pixels. Discord shows a picture about 550 pixels wide: 9 points are 25 pixels here, and 11 there.
_INCHES: Final = (6.0, 3.375)
_DPI: Final = 200
_SMALL: Final = 9.0
# In points, of the picture's 432: what three columns hold, and two.
_NARROW_NAME: Final = 104.0
_WIDE_NAME: Final = 165.0
_GAP: Final = re.compile("\0+")
# A ground of its own, between Discord's dark (#313338) and darker (#1e1f22): no text is readable on both themes else.
_GROUND: Final = "#26282c"
_TEXT: Final = "#f2f3f5"
_MUTED: Final = "#b5bac1"
_GRID: Final = "#43464d"
# Okabe and Ito's colours, which colour-blind readers tell apart, without black and the blue that is lost on a dark
# ground; lines differ by marker and dash as well, bars by their hatching.
_COLOURS: Final = ("#56b4e9", "#e69f00", "#2bbf94", "#f0e442", "#cc79a7", "#e8703a", "#9d8df1", "#8e9297")
_MARKERS: Final = ("o", "s", "^", "D", "v")
_DASHES: Final = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
_HATCHES: Final = ("", "///", "|||", "", "...", "\\\\\\", "", "xxx")
_PEOPLE_FIRST: Final = 10  # nice(2): the bot itself goes before its pictures


def draw(chart: Chart) -> Figure:
    """The chart, ready to be saved as PNG."""
    mpl.rcParams["text.parse_math"] = False  # a keyword may hold a `$`
    mpl.rcParams["hatch.linewidth"] = 0.5
    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor=_GROUND)
    FigureCanvasAgg(figure)
    font = _Font()
    axes = _axes(figure, chart, font)
    handles = _bars(axes, chart) if chart.kind is ChartKind.BARS else _lines(axes, chart.series)
    names = [font.readable(each.name, f"keyword {n}") for n, each in enumerate(_named(chart), 1)]
    below_title = _legend(figure, handles, names, font)
    figure.subplots_adjust(left=0.105, right=0.975, top=below_title, bottom=0.2 if _two_rows(chart) else 0.16)
    return figure


class _Font:
    """The font that comes with matplotlib: the same picture on every machine."""

    def __init__(self) -> None:
        self._path = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
        self._known = frozenset(get_font(str(self._path)).get_charmap())

    def at(self, points: float) -> FontProperties:
        return FontProperties(fname=str(self._path), size=points)

    def width(self, text: str) -> float:
        """How wide the text is in a legend, in points."""
        return float(TextPath((0, 0), text, prop=self.at(_SMALL)).get_extents().width) if text.strip() else 0.0

    def cut(self, text: str, width: float) -> str:
        """The text, or as much of it as fits, with "…" at its end."""
        if self.width(text) <= width:
            return text
        while self.width(f"{text}…") > width:
            text = text[:-1].rstrip()
        return f"{text}…"

    def readable(self, text: str, otherwise: str) -> str:
        """The text with "…" for what the font has no signs for; `otherwise` where nothing is left."""
        kept = "".join(sign if ord(sign) in self._known and sign.isprintable() else "\0" for sign in text)
        return _GAP.sub("…", kept) if any(map(str.isalnum, kept)) else otherwise


def _axes(figure: Figure, chart: Chart, font: _Font) -> Axes:
    axes = figure.add_subplot(facecolor=_GROUND)
    figure.text(0.025, 0.965, font.readable(chart.title, ""), color=_TEXT, va="top", fontproperties=font.at(12))
    figure.text(0.025, 0.03, font.readable(chart.note, ""), color=_MUTED, va="bottom", fontproperties=font.at(7.5))
    axes.spines[:].set_visible(False)
    axes.spines["bottom"].set(visible=True, color=_MUTED)
    axes.grid(axis="y", color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_MUTED, length=0)
    axes.set_xticks(range(len(chart.ticks)), _aligned(chart))
    axes.set_xlim(-0.5, len(chart.ticks) - 0.5)
    axes.set_ylim(0, chart.top)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(font.at(_SMALL))
    return axes


def _two_rows(chart: Chart) -> bool:
    return any("\n" in tick for tick in chart.ticks)


def _aligned(chart: Chart) -> list[str]:
    """The ticks, each in two rows where one is: matplotlib sets a single row some pixels higher."""
    return [f"{tick}\n" if _two_rows(chart) and "\n" not in tick else tick for tick in chart.ticks]


def _lines(axes: Axes, series: Sequence[Series]) -> list[Line2D]:
    lines = []
    for n, each in enumerate(series):
        values = [float("nan") if value is None else value for value in each.values]
        lines += axes.plot(
            range(len(values)),
            values,
            color=_COLOURS[n],
            linestyle=_DASHES[n % len(_DASHES)],
            marker=_MARKERS[n % len(_MARKERS)],
            linewidth=1.6,
            markersize=4.5,
            markeredgecolor=_GROUND,
            markeredgewidth=0.5,
            clip_on=False,  # a marker at zero is a whole one
        )
    return lines


def _bars(axes: Axes, chart: Chart) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = []
    feet = [0] * len(chart.ticks)
    for n, each in enumerate(chart.series):
        heights = [value or 0 for value in each.values]
        bars = axes.bar(
            range(len(feet)),
            heights,
            0.72,
            feet,
            color=_COLOURS[n],
            hatch=_HATCHES[n],
            edgecolor=_GROUND,
            linewidth=0.7,
        )
        handles.append(bars.patches[0])
        feet = [foot + height for foot, height in zip(feet, heights, strict=True)]
    if chart.markers is not None:
        values = [float("nan") if value is None else value for value in chart.markers.values]
        handles += axes.plot(
            range(len(values)), values, "D", color=_TEXT, markeredgecolor=_GROUND, markersize=5, clip_on=False
        )
    return handles


def _named(chart: Chart) -> tuple[Series, ...]:
    return chart.series if chart.markers is None else (*chart.series, chart.markers)


def _legend(figure: Figure, handles: Sequence[Line2D | Patch], names: Sequence[str], font: _Font) -> float:
    """Between title and axes, in three columns where the names are short; returns where the axes may begin."""
    columns = 3 if all(font.width(name) <= _NARROW_NAME for name in names) else 2
    # matplotlib leaves out labels that begin with an underscore: the names are put in afterwards.
    legend = figure.legend(
        handles,
        [str(n) for n in range(len(names))],
        loc="upper left",
        bbox_to_anchor=(0.015, 0.905),
        ncols=columns,
        frameon=False,
        prop=font.at(_SMALL),
        labelcolor=_TEXT,
        handlelength=2.4,
        columnspacing=1.4,
        labelspacing=0.35,
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(font.cut(name, _WIDE_NAME))
    rows = -(-len(names) // columns)
    return 0.875 - 0.057 * rows


def main() -> None:
    """Draw what stands on standard input."""
    with suppress(OSError):
        os.nice(_PEOPLE_FIRST)
    figure = draw(Chart.from_json(sys.stdin.buffer.read()))
    figure.savefig(sys.stdout.buffer, format="png")


if __name__ == "__main__":
    main()
