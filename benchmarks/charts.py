"""Draws pictures for requests that arrive at once: with one process that stays, and with a process for each picture.

Equal requests share a picture.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.results import Figure, Run
from bot.charts.renderer import ChartRenderer
from bot.domain.charts.chart import Chart, ChartKind, Series

_PICTURES: Final = 20
_NAIVE_PICTURES: Final = 4
# Limits.
_WAIT_MAX_S: Final = 0.7  # per picture, with the start of the process: more than one per second
_EQUAL_MAX_S: Final = 0.01
_TICKS: Final = tuple(f"week {number}" for number in range(12))


def measure(_: Run) -> Sequence[Figure]:
    """Draws different pictures, equal ones, and some with a process for each."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        charts = ChartRenderer(Path(folder) / "fonts")
        await charts.draw(_chart(-1))  # the first of an installation scans for fonts
        await charts.close()
        each_s = await _draw(charts, _PICTURES)
        started_at_s = time.perf_counter()
        await asyncio.gather(*(charts.draw(_chart(_PICTURES - 1)) for _ in range(_PICTURES)))
        equal_s = (time.perf_counter() - started_at_s) / _PICTURES
        await charts.close()
        naive_s = await _draw_in_own_processes(Path(folder) / "fonts")
    return [
        Figure(
            f"one of {_PICTURES} different pictures at once",
            (each_s,),
            "s",
            _WAIT_MAX_S,
            (naive_s,),
            "a process for each picture",
        ),
        Figure(f"one of {_PICTURES} equal pictures at once", (equal_s * 1000,), "ms", _EQUAL_MAX_S * 1000),
    ]


async def _draw(charts: ChartRenderer, count: int) -> float:
    started_at_s = time.perf_counter()
    await asyncio.gather(*(charts.draw(_chart(number)) for number in range(count)))
    return (time.perf_counter() - started_at_s) / count


async def _draw_in_own_processes(folder: Path) -> float:
    started_at_s = time.perf_counter()
    for number in range(_NAIVE_PICTURES):
        charts = ChartRenderer(folder)
        await charts.draw(_chart(number))
        await charts.close()
    return (time.perf_counter() - started_at_s) / _NAIVE_PICTURES


def _chart(number: int) -> Chart:
    series = tuple(Series(f"keyword {n}", tuple((n * week + number) % 9 for week in range(12))) for n in range(5))
    return Chart(ChartKind.BARS, f"Server {number}", _TICKS, series, "Papers posted per week")
