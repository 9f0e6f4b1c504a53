"""Renders charts as PNG in a child process, so that drawing costs the bot neither CPU time nor memory.

One chart is drawn at a time. Equal charts are drawn once, and the last pictures are cached. The process stays for a
short time, because starting it takes much longer than drawing. A process that exceeds its timeout, or all of whose
callers are cancelled, is killed. It never receives the token or settings.
"""

import asyncio
import contextlib
import logging
import shutil
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bot.charts.process import DrawingProcess, ProcessFailed
from bot.domain.charts.chart import Chart
from bot.runtime.child_process import python_module
from bot.runtime.errors import ChartFailed

log = logging.getLogger(__name__)

# A chart takes 1 s; the first of an installation, which scans for fonts, takes several on a slow machine.
CHART_TIMEOUT_S: Final = 30.0
# How long the process, which has 90 MB, waits for the next chart.
IDLE_S: Final = 20.0
# After how many charts a new process is started, so that its memory cannot grow for long.
CHARTS_PER_PROCESS: Final = 200
# How many pictures are cached; one has up to 0.2 MB.
PICTURES_KEPT: Final = 16

_COMMAND: Final = (*python_module("bot.charts.drawing"), "--each")


class _Drawing:
    """A chart that is being drawn, and how many callers wait for it."""

    def __init__(self, task: asyncio.Task[bytes]) -> None:
        self.task = task
        self.callers = 0


class ChartRenderer:
    """Draws one chart after the other; matplotlib caches its list of fonts in `folder`."""

    def __init__(
        self,
        folder: Path,
        command: Sequence[str] = _COMMAND,
        *,
        timeout_s: float = CHART_TIMEOUT_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self._folder = folder
        self._command = command
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._lock = asyncio.Lock()
        self._drawings: dict[bytes, _Drawing] = {}
        self._pictures: OrderedDict[bytes, bytes] = OrderedDict()
        self._process: DrawingProcess | None = None
        self._retirement: asyncio.Task[None] | None = None

    async def draw(self, chart: Chart) -> bytes:
        """Returns the chart as PNG. Raises ChartFailed with the reason."""
        request = chart.to_json()
        if request in self._pictures:
            self._pictures.move_to_end(request)
            return self._pictures[request]
        drawing = self._drawings.get(request)
        if drawing is None:
            drawing = self._drawings[request] = _Drawing(asyncio.create_task(self._draw(request)))
        drawing.callers += 1
        try:
            return await asyncio.shield(drawing.task)
        finally:
            drawing.callers -= 1
            if not drawing.callers:
                self._drawings.pop(request, None)
                await _ended(drawing.task)

    async def close(self) -> None:
        """Cancels the charts that are being drawn, and ends the process."""
        for drawing in list(self._drawings.values()):
            await _ended(drawing.task)
        async with self._lock:
            await self._cancel_retirement()
            await self._retire()

    async def _draw(self, request: bytes) -> bytes:
        async with self._lock:
            await self._cancel_retirement()
            try:
                async with asyncio.timeout(self._timeout_s):
                    picture = await self._run(request)
            except TimeoutError:
                raise _failed("it took too long") from None
            except ProcessFailed as error:
                raise _failed("the drawing process failed", detail=str(error)) from error
            except OSError as error:
                raise _failed("the drawing process could not be started", detail=str(error)) from error
            self._retirement = asyncio.create_task(self._retire_later())
        self._pictures[request] = picture
        if len(self._pictures) > PICTURES_KEPT:
            self._pictures.popitem(last=False)
        return picture

    async def _run(self, request: bytes) -> bytes:
        if self._process is not None and self._process.is_usable(CHARTS_PER_PROCESS):
            with contextlib.suppress(ProcessFailed):  # it may have ended while it was idle, which is noticed only now
                return await self._draw_with(self._process, request)
        await self._retire()
        self._process = await self._start()
        return await self._draw_with(self._process, request)

    async def _start(self) -> DrawingProcess:
        with contextlib.suppress(OSError):  # matplotlib then uses a temporary folder
            # matplotlib's own has the umask's mode.
            await asyncio.to_thread(self._folder.mkdir, 0o700, exist_ok=True)
        return await DrawingProcess.start(self._command, self._folder)

    async def _draw_with(self, process: DrawingProcess, request: bytes) -> bytes:
        try:
            return await process.draw(request)
        except BaseException:  # includes a cancellation: the rest of its picture would be read as the next one
            self._process = None
            if await process.kill():
                # It may have left a lock in the folder that would block every later process.
                await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
            raise

    async def _retire_later(self) -> None:
        await asyncio.sleep(self._idle_s)
        async with self._lock:
            self._retirement = None
            await self._retire()

    async def _cancel_retirement(self) -> None:
        """Cancels the retirement, which waits for its time or for the lock that the caller has."""
        if self._retirement is not None:
            await _ended(self._retirement)
            self._retirement = None

    async def _retire(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.kill()


async def _ended(task: "asyncio.Task[bytes] | asyncio.Task[None]") -> None:
    """Cancels a task unless it is complete, and waits until it has ended."""
    task.cancel()
    await asyncio.wait([task])


def _failed(reason: str, **extra: str) -> ChartFailed:
    log.warning("chart not drawn", extra={"reason": reason, **extra})
    return ChartFailed(f"The chart could not be drawn: {reason}")
