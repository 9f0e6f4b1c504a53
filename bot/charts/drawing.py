"""Draws a chart: run as `python -m bot.charts.drawing`, it reads a chart as JSON from stdin and writes PNG to stdout;
with `--each` one after the other (see `draw_each`).

It runs in a child process of `bot.charts.renderer`, because matplotlib takes half a second and 60 MB to import and
holds the GIL while it draws (docs/adr/0007). It never reads settings or opens a connection.
"""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bot.charts.fonts import Font, Fonts
from bot.domain.charts.chart import Chart, ChartKind, Series

# 1200 × 675 pixels. Discord shows an image about 550 pixels wide: 9 points are 25 pixels here and 11 there.
_INCHES: Final = (6.0, 3.375)
_DPI: Final = 200
_LABEL_POINTS: Final = 9.0
# The widest legend entry in three columns and in two, in points; the image is 432 points wide.
_NARROW_NAME: Final = 104.0
_WIDE_NAME: Final = 165.0
# An opaque background between Discord's dark colours (#313338, #1e1f22), since no text is readable on both themes.
_BACKGROUND: Final = "#26282c"
_TEXT: Final = "#f2f3f5"
_MUTED: Final = "#b5bac1"
_GRID: Final = "#43464d"
# Okabe and Ito's colours, which colour-blind readers can tell apart, without black and the blue that is invisible on a
# dark background. Lines also differ by marker and dash, bars by hatching.
_COLOURS: Final = ("#56b4e9", "#e69f00", "#2bbf94", "#f0e442", "#cc79a7", "#e8703a", "#9d8df1", "#8e9297")
_MARKERS: Final = ("o", "s", "^", "D", "v")
_DASHES: Final = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
_HATCHES: Final = ("", "///", "|||", "", "...", "\\\\\\", "", "xxx")
_NICENESS: Final = 10  # nice(2): the bot takes precedence


def draw(chart: Chart, fonts: Fonts | None = None) -> Figure:
    """Returns the chart as a figure; names in the legend are drawn with the font that has their characters."""
    mpl.rcParams["text.parse_math"] = False  # a keyword may contain `$`
    mpl.rcParams["hatch.linewidth"] = 0.5
    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor=_BACKGROUND)
    FigureCanvasAgg(figure)
    fonts = Fonts() if fonts is None else fonts
    axes = _axes(figure, chart, fonts.default)
    handles = _bars(axes, chart) if chart.kind is ChartKind.BARS else _lines(axes, chart.series)
    names = [_legend_name(n, each.name, fonts) for n, each in enumerate(_legend_series(chart), 1)]
    top = _legend(figure, handles, names, fonts.default)
    figure.subplots_adjust(left=0.105, right=0.975, top=top, bottom=0.2 if _has_two_rows(chart) else 0.16)
    return figure


def _axes(figure: Figure, chart: Chart, font: Font) -> Axes:
    axes = figure.add_subplot(facecolor=_BACKGROUND)
    figure.text(0.025, 0.965, font.printable(chart.title, ""), color=_TEXT, va="top", fontproperties=font.at(12))
    figure.text(0.025, 0.03, font.printable(chart.note, ""), color=_MUTED, va="bottom", fontproperties=font.at(7.5))
    axes.spines[:].set_visible(False)
    axes.spines["bottom"].set(visible=True, color=_MUTED)
    axes.grid(axis="y", color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_MUTED, length=0)
    axes.set_xticks(range(len(chart.ticks)), _tick_labels(chart))
    axes.set_xlim(-0.5, len(chart.ticks) - 0.5)
    axes.set_ylim(0, chart.top)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(font.at(_LABEL_POINTS))
    return axes


def _has_two_rows(chart: Chart) -> bool:
    return any("\n" in tick for tick in chart.ticks)


def _tick_labels(chart: Chart) -> list[str]:
    """Returns the tick labels, all with two rows if one has two: matplotlib places a single row higher."""
    return [f"{tick}\n" if _has_two_rows(chart) and "\n" not in tick else tick for tick in chart.ticks]


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
            markeredgecolor=_BACKGROUND,
            markeredgewidth=0.5,
            clip_on=False,  # shows the whole marker at zero
        )
    return lines


def _bars(axes: Axes, chart: Chart) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = []
    bottoms = [0] * len(chart.ticks)
    for n, each in enumerate(chart.series):
        heights = [value or 0 for value in each.values]
        bars = axes.bar(
            range(len(bottoms)),
            heights,
            0.72,
            bottoms,
            color=_COLOURS[n],
            hatch=_HATCHES[n],
            edgecolor=_BACKGROUND,
            linewidth=0.7,
        )
        handles.append(bars.patches[0])
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    if chart.markers is not None:
        values = [float("nan") if value is None else value for value in chart.markers.values]
        handles += axes.plot(
            range(len(values)), values, "D", color=_TEXT, markeredgecolor=_BACKGROUND, markersize=5, clip_on=False
        )
    return handles


def _legend_series(chart: Chart) -> tuple[Series, ...]:
    return chart.series if chart.markers is None else (*chart.series, chart.markers)


def _legend_name(number: int, name: str, fonts: Fonts) -> tuple[str, Font]:
    font = fonts.for_text(name)
    return font.printable(name, f"keyword {number} (named above)"), font


def _legend(
    figure: Figure, handles: Sequence[Line2D | Patch], names: Sequence[tuple[str, Font]], default: Font
) -> float:
    """Adds the legend below the title, in three columns if the names are short; returns the top of the axes."""
    columns = 3 if all(font.width(name, _LABEL_POINTS) <= _NARROW_NAME for name, font in names) else 2
    # matplotlib omits labels that begin with an underscore, so the names are set afterwards.
    legend = figure.legend(
        handles,
        [str(n) for n in range(len(names))],
        loc="upper left",
        bbox_to_anchor=(0.015, 0.905),
        ncols=columns,
        frameon=False,
        prop=default.at(_LABEL_POINTS),
        labelcolor=_TEXT,
        handlelength=2.4,
        columnspacing=1.4,
        labelspacing=0.35,
    )
    for text, (name, font) in zip(legend.get_texts(), names, strict=True):
        text.set_text(font.cut(name, _LABEL_POINTS, _WIDE_NAME))
        text.set_fontproperties(font.at(_LABEL_POINTS))
    rows = -(-len(names) // columns)
    return 0.875 - 0.057 * rows


def draw_each(requests: BinaryIO, pictures: BinaryIO) -> None:
    """Draws each chart of a stream; each request and each picture is preceded by its length in four bytes."""
    fonts = Fonts()
    while length := requests.read(4):
        picture = io.BytesIO()
        draw(Chart.from_json(requests.read(int.from_bytes(length, "big"))), fonts).savefig(picture, format="png")
        pictures.write(len(picture.getvalue()).to_bytes(4, "big") + picture.getvalue())
        pictures.flush()


def main(arguments: Sequence[str], requests: BinaryIO, pictures: BinaryIO) -> None:
    """Draws the chart that is requested; with `--each`, one after the other."""
    if arguments == ["--each"]:
        draw_each(requests, pictures)
        return
    figure = draw(Chart.from_json(requests.read()))
    figure.savefig(pictures, format="png")


if __name__ == "__main__":
    with suppress(OSError):
        os.nice(_NICENESS)
    main(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer)
