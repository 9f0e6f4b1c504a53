"""Renders charts as PNG in a child process, so that drawing costs the bot neither CPU time nor memory.

One chart is drawn at a time. A process that exceeds its timeout, or whose caller is cancelled, is killed. The process
never receives the token or settings.
"""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bot.domain.charts.chart import Chart
from bot.runtime.child_process import ChildFailed, python_module, run_child
from bot.runtime.errors import ChartFailed

log = logging.getLogger(__name__)

# A chart takes 1 s; the first of an installation, which scans for fonts, takes several on a slow machine.
CHART_TIMEOUT_S: Final = 30.0

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_NAME: Final = "drawing process"
_COMMAND: Final = python_module("bot.charts.drawing")


class ChartRenderer:
    """Draws one chart after the other; matplotlib caches its list of fonts in `folder`."""

    def __init__(self, folder: Path, command: Sequence[str] = _COMMAND, *, timeout_s: float = CHART_TIMEOUT_S) -> None:
        self._folder = folder
        self._command = command
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()

    async def draw(self, chart: Chart) -> bytes:
        """Returns the chart as PNG. Raises ChartFailed with the reason."""
        async with self._lock:
            try:
                png = await self._run(chart.to_json())
            except ChildFailed as error:
                raise _failed(str(error), detail=error.detail) from error
        if not png.startswith(_PNG):
            raise _failed(f"the {_NAME} failed")
        return png

    async def _run(self, request: bytes) -> bytes:
        with contextlib.suppress(OSError):  # matplotlib then uses a temporary folder
            await asyncio.to_thread(self._folder.mkdir, 0o700, exist_ok=True)  # matplotlib's own has the umask's mode
        environment, is_finished = _environment(self._folder), False
        try:
            png = await run_child(_NAME, self._command, request, timeout_s=self._timeout_s, environment=environment)
            is_finished = True
        finally:
            if not is_finished:
                # It may have left a lock in the folder that would block every later process.
                await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        return png


def _failed(reason: str, **extra: str) -> ChartFailed:
    log.warning("chart not drawn", extra={"reason": reason, **extra})
    return ChartFailed(f"The chart could not be drawn: {reason}")


def _environment(folder: Path) -> Mapping[str, str]:
    # The default is in the home directory, which may be read-only or missing.
    return {"MPLCONFIGDIR": str(folder.absolute()), "MPLBACKEND": "agg"}
