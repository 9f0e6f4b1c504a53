"""Pictures, drawn by a real process beside this one; and processes that hang, fail or are given up."""

import asyncio
import contextlib
import gc
import os
import struct
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.charts.renderer import Charts
from bot.domain.charts.chart import Chart, ChartKind, Series
from bot.runtime.errors import ChartFailed
from tests.support.clock import give_way

TICKS = tuple(f"{n}\n2026" for n in range(12))
NO_HEADER = Chart(ChartKind.LINES, "A title", ("Jan",), (Series("a", (1,)),), "A note")
HOSTILE = (
    "$\\frac{1}{0}$ ^_^ {",
    "_starts with an underscore",
    "奖励模型",
    "\u202edrawkcab 🦘 \u0000",
    "W" * 200,
)


def chart(kind: ChartKind, names: tuple[str, ...], markers: Series | None = None) -> Chart:
    """Rows of which one is all zero and one all gaps."""
    rows = [tuple(n * m or (None if m % 3 else 0) for m in range(12)) for n in range(len(names) - 1)]
    series = tuple(map(Series, names, [*rows, (None,) * 12]))
    return Chart(kind, "$1 of $2, [title] \\", TICKS, series, "\n".join(names), markers)


@contextlib.asynccontextmanager
async def no_long_turns(limit_s: float = 0.02) -> AsyncIterator[None]:
    """Nothing keeps the event loop's thread busy for longer.

    The time of other programs does not count, nor does looking through what other tests have left in memory.
    """
    turns: list[float] = []

    async def measure() -> None:
        while True:
            began_s = time.thread_time()
            await give_way()
            turns.append(time.thread_time() - began_s)

    gc.disable()
    task = asyncio.create_task(measure())
    try:
        yield
    finally:
        task.cancel()
        gc.enable()
    assert max(turns) < limit_s


def assert_is_a_picture(png: bytes) -> None:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (1200, 675)
    assert png.endswith(b"IEND\xaeB`\x82")
    assert len(png) < 200_000


async def test_hostile_names_are_drawn_beside_the_event_loop_and_without_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    charts = Charts(tmp_path / "fonts")
    async with no_long_turns():
        lines = await charts.draw(chart(ChartKind.LINES, HOSTILE))
        bars = await charts.draw(chart(ChartKind.BARS, (*HOSTILE, "b", "c", "d"), Series("each once", (3,) * 12)))
    assert_is_a_picture(lines)
    assert_is_a_picture(bars)
    assert "matplotlib" not in sys.modules
    assert list((tmp_path / "fonts").iterdir())


def script(tmp_path: Path, text: str, *, timeout_s: float = 20.0) -> Charts:
    """Charts that are drawn by a few lines of Python instead."""
    return Charts(tmp_path / "fonts", (sys.executable, "-S", "-c", text), timeout_s=timeout_s)


async def test_process_that_hangs_is_killed_and_its_locks_go(tmp_path: Path) -> None:
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "fontlist.json.matplotlib-lock").touch()
    hangs = "import os, pathlib, sys, time; pathlib.Path(sys.argv[0]); print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(ChartFailed, match=r"^The picture could not be drawn: it took too long$"):
        await script(tmp_path, hangs, timeout_s=0.3).draw(NO_HEADER)
    assert not (tmp_path / "fonts").exists()


async def test_process_that_nobody_waits_for_any_more_is_killed(tmp_path: Path) -> None:
    began = tmp_path / "began"
    text = f"import os, time; open({str(began)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    task = asyncio.create_task(script(tmp_path, text).draw(NO_HEADER))
    while not began.exists() or not began.read_text():
        await give_way()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(began.read_text()), 0)


@pytest.mark.parametrize("text", ["raise SystemExit(3)", "print('no picture')", "import sys; sys.stdin.close()"])
async def test_process_that_brings_no_picture_is_said_to_have_failed(tmp_path: Path, text: str) -> None:
    with pytest.raises(ChartFailed, match=r"^The picture could not be drawn: the drawing broke off$"):
        await script(tmp_path, text).draw(NO_HEADER)


async def test_process_that_cannot_be_started_is_said_to_have_failed(tmp_path: Path) -> None:
    with pytest.raises(ChartFailed, match=r"^The picture could not be drawn: no process could be started for it$"):
        await Charts(tmp_path, (str(tmp_path / "missing"),)).draw(NO_HEADER)


async def test_process_is_told_of_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a token")
    text = r"import os, sys; sys.stdout.buffer.write(b'\x89PNG\r\n\x1a\n' + repr(os.environ).encode())"
    said = (await script(tmp_path, text).draw(NO_HEADER)).decode(errors="replace")
    assert "MPLCONFIGDIR" in said
    assert "a token" not in said


async def test_pictures_are_drawn_one_after_the_other(tmp_path: Path) -> None:
    text = (
        f"import os, sys, time; lock = {str(tmp_path / 'lock')!r}; open(lock, 'x'); time.sleep(0.05); os.remove(lock)\n"
        r"sys.stdout.buffer.write(b'\x89PNG\r\n\x1a\n')"
    )
    charts = script(tmp_path, text)
    assert len(await asyncio.gather(*(charts.draw(NO_HEADER) for _ in range(3)))) == 3
