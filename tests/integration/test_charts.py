"""Charts drawn by a real child process, and processes that hang, fail or are cancelled."""

import asyncio
import contextlib
import gc
import io
import os
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.charts.renderer import PICTURES_KEPT, ChartRenderer
from bot.domain.charts.chart import Chart, ChartKind, Series
from bot.runtime.errors import ChartFailed
from tests.support.clock import give_way
from tests.support.modes import mode_of, umask

TICKS = tuple(f"{n}\n2026" for n in range(12))
PLAIN = Chart(ChartKind.LINES, "A title", ("Jan",), (Series("a", (1,)),), "A note")
HOSTILE = (
    "$\\frac{1}{0}$ ^_^ {",
    "_starts with an underscore",
    "奖励模型",
    "\u202edrawkcab 🦘 \u0000",
    "W" * 200,
)


def chart(kind: ChartKind, names: tuple[str, ...], markers: Series | None = None) -> Chart:
    """Returns a chart with one series of zeros and one without values."""
    rows = [tuple(n * m or (None if m % 3 else 0) for m in range(12)) for n in range(len(names) - 1)]
    series = tuple(map(Series, names, [*rows, (None,) * 12]))
    return Chart(kind, "$1 of $2, [title] \\", TICKS, series, "\n".join(names), markers)


@contextlib.asynccontextmanager
async def event_loop_stays_responsive(limit_s: float = 0.02) -> AsyncIterator[None]:
    """Asserts that nothing occupies the event loop's thread for longer than `limit_s`.

    CPU time of other processes does not count, nor does garbage collection of what other tests left in memory.
    """
    durations_s: list[float] = []

    async def measure() -> None:
        while True:
            started_at_s = time.thread_time()
            await give_way()
            durations_s.append(time.thread_time() - started_at_s)

    gc.disable()
    task = asyncio.create_task(measure())
    try:
        yield
    finally:
        task.cancel()
        gc.enable()
    assert max(durations_s) < limit_s


def assert_is_a_chart(png: bytes) -> None:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (1200, 675)
    assert png.endswith(b"IEND\xaeB`\x82")
    assert len(png) < 200_000


@pytest.mark.slow
async def test_hostile_names_are_drawn_without_blocking_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    charts = ChartRenderer(tmp_path / "fonts")
    is_imported = "matplotlib" in sys.modules  # by another test
    async with event_loop_stays_responsive():
        lines = await charts.draw(chart(ChartKind.LINES, HOSTILE))
        bars = await charts.draw(chart(ChartKind.BARS, (*HOSTILE, "b", "c", "d"), Series("each once", (3,) * 12)))
    await charts.close()
    assert_is_a_chart(lines)
    assert_is_a_chart(bars)
    assert ("matplotlib" in sys.modules) is is_imported
    assert list((tmp_path / "fonts").iterdir())


Script = Callable[..., ChartRenderer]
# What a script does for one chart: reads it, then writes a picture that ends in some data.
READ = "import os, sys, time; n = sys.stdin.buffer.read(4); r = sys.stdin.buffer.read(int.from_bytes(n, 'big'))\n"
WRITE = (
    r"p = b'\x89PNG\r\n\x1a\n' + data; out = sys.stdout.buffer; out.write(len(p).to_bytes(4, 'big') + p); out.flush()"
    "\n"
)
# The same for every chart, with a line in a file for each process and each chart.
EACH = (
    "import os, sys\n"
    "def note(line): open({log!r}, 'a').write(line + chr(10))\n"
    "note('start')\n"
    "while n := sys.stdin.buffer.read(4):\n"
    "    r = sys.stdin.buffer.read(int.from_bytes(n, 'big')); note('chart')\n"
    r"    p = b'\x89PNG\r\n\x1a\n' + r; out = sys.stdout.buffer; out.write(len(p).to_bytes(4, 'big') + p); out.flush()"
    "\n"
)


@pytest.fixture
async def script(tmp_path: Path) -> AsyncIterator[Script]:
    """Returns a function for renderers that run this Python code instead of matplotlib."""
    async with contextlib.AsyncExitStack() as stack:

        def start(text: str, *, timeout_s: float = 20.0, idle_s: float = 20.0) -> ChartRenderer:
            command = (sys.executable, "-S", "-c", text)
            charts = ChartRenderer(tmp_path / "fonts", command, timeout_s=timeout_s, idle_s=idle_s)
            stack.push_async_callback(charts.close)
            return charts

        yield start


async def ended(pid: int) -> None:
    """Returns when the process has ended."""
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            await give_way()


def other(number: int) -> Chart:
    """Returns a chart that differs from the others."""
    return replace(PLAIN, title=f"Chart {number}")


async def test_hanging_process_is_killed_and_its_lock_removed(tmp_path: Path, script: Script) -> None:
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "fontlist.json.matplotlib-lock").touch()
    hangs = "import os, pathlib, sys, time; pathlib.Path(sys.argv[0]); print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(ChartFailed, match=r"^The chart could not be drawn: it took too long$"):
        await script(hangs, timeout_s=0.3).draw(PLAIN)
    assert not (tmp_path / "fonts").exists()


async def test_process_whose_callers_are_all_cancelled_is_killed(tmp_path: Path, script: Script) -> None:
    pid_file = tmp_path / "pid"
    text = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    charts = script(text)
    first, second = asyncio.create_task(charts.draw(PLAIN)), asyncio.create_task(charts.draw(PLAIN))
    while not pid_file.exists() or not pid_file.read_text():
        await give_way()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    os.kill(int(pid_file.read_text()), 0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


@pytest.mark.parametrize(
    "text",
    ["raise SystemExit(3)", "print('no chart')", "import sys; sys.stdin.close()", READ + "print('no chart' * 10**6)"],
)
async def test_process_without_a_chart_is_reported_as_failed(script: Script, text: str) -> None:
    with pytest.raises(ChartFailed, match=r"^The chart could not be drawn: the drawing process failed$"):
        await script(text).draw(PLAIN)


async def test_reason_of_a_failed_process_is_logged(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ChartFailed):
        await script(READ + "raise SystemExit('x' * 5000 + 'the reason')").draw(PLAIN)
    (record,) = [each for each in caplog.records if each.name == "bot.charts.renderer"]
    assert vars(record)["detail"].strip().endswith("xthe reason")
    assert len(vars(record)["detail"]) == 300


async def test_process_that_cannot_be_started_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ChartFailed, match=r"^The chart could not be drawn: the drawing process could not be started$"):
        await ChartRenderer(tmp_path, (str(tmp_path / "missing"),)).draw(PLAIN)


async def test_folder_of_the_process_is_private(tmp_path: Path, script: Script) -> None:
    with umask(0):
        await script(READ + "data = b''\n" + WRITE).draw(PLAIN)
    assert mode_of(tmp_path / "fonts") == 0o700


async def test_process_receives_no_secret(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a token")
    output = (await script(READ + "data = repr(os.environ).encode()\n" + WRITE).draw(PLAIN)).decode(errors="replace")
    assert "MPLCONFIGDIR" in output
    assert "a token" not in output


async def test_charts_are_drawn_one_at_a_time_by_one_process(tmp_path: Path, script: Script) -> None:
    log = tmp_path / "log"
    charts = script(EACH.format(log=str(log)))
    pictures = await asyncio.gather(*(charts.draw(other(number)) for number in range(3)))
    assert [picture[8:] for picture in pictures] == [other(number).to_json() for number in range(3)]
    assert log.read_text().split() == ["start", "chart", "chart", "chart"]


async def test_equal_charts_are_drawn_once(tmp_path: Path, script: Script) -> None:
    log = tmp_path / "log"
    charts = script(EACH.format(log=str(log)))
    await asyncio.gather(*(charts.draw(PLAIN) for _ in range(5)))
    await charts.draw(PLAIN)
    assert log.read_text().split() == ["start", "chart"]
    for number in range(PICTURES_KEPT):
        await charts.draw(other(number))
    await charts.draw(PLAIN)
    assert log.read_text().split().count("chart") == PICTURES_KEPT + 2


async def test_process_without_charts_ends_and_the_next_chart_starts_one(tmp_path: Path, script: Script) -> None:
    log, pid_file = tmp_path / "log", tmp_path / "pid"
    text = f"import os; open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n" + EACH.format(log=str(log))
    charts = script(text, idle_s=0)
    await charts.draw(PLAIN)
    await ended(int(pid_file.read_text()))
    await charts.draw(other(1))
    assert log.read_text().split() == ["start", "chart", "start", "chart"]


async def test_process_that_ended_is_replaced(tmp_path: Path, script: Script) -> None:
    pid_file = tmp_path / "pid"
    text = f"import os; open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n" + READ + "data = b''\n" + WRITE
    charts = script(text)
    await charts.draw(PLAIN)
    first = int(pid_file.read_text())
    await ended(first)
    await charts.draw(other(1))
    assert int(pid_file.read_text()) != first


async def test_chart_of_a_process_that_ends_after_one_chart_is_drawn_by_another(tmp_path: Path, script: Script) -> None:
    log = tmp_path / "log"
    charts = script(f"open({str(log)!r}, 'a').write('start ')\n" + READ + "data = b''\n" + WRITE + READ + "os._exit(1)")
    await charts.draw(PLAIN)
    await charts.draw(other(1))
    assert log.read_text().split() == ["start", "start"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ChartKind)
def test_drawing_program_writes_a_picture(kind: ChartKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in this process, so that its coverage is measured: the renderer passes no variables for that on."""
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    from bot.charts import drawing

    drawn = chart(kind, HOSTILE, Series("each once", tuple(range(12))) if kind is ChartKind.BARS else None)
    output = io.BytesIO()
    drawing.main([], io.BytesIO(drawn.to_json()), output)
    assert_is_a_chart(output.getvalue())


@pytest.mark.slow
def test_drawing_program_writes_each_picture_with_its_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    from bot.charts import drawing

    request = chart(ChartKind.LINES, HOSTILE).to_json()
    requests = io.BytesIO((len(request).to_bytes(4, "big") + request) * 2)
    output = io.BytesIO()
    drawing.main(["--each"], requests, output)
    written = output.getvalue()
    length = int.from_bytes(written[:4], "big")
    assert len(written) == 2 * (4 + length)
    assert_is_a_chart(written[4 : 4 + length])
    assert written[4 + length :] == written[: 4 + length]


@pytest.mark.slow
def test_name_is_drawn_with_the_font_that_has_its_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    # Imported here: for the other tests of this file matplotlib is never needed.
    import matplotlib as mpl

    from bot.charts.drawing import draw
    from bot.charts.fonts import Fonts

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    fonts = Fonts([folder / "STIXGeneral.ttf"])  # it has one Japanese character, matplotlib's default font has none
    drawn = draw(chart(ChartKind.LINES, ("reward", "の", "奖励")), fonts)
    (legend,) = drawn.legends
    shown = [(text.get_text(), Path(str(text.get_fontproperties().get_file())).name) for text in legend.get_texts()]
    assert shown == [
        ("reward", "DejaVuSans.ttf"),
        ("の", "STIXGeneral.ttf"),
        ("keyword 3 (named above)", "DejaVuSans.ttf"),
    ]
