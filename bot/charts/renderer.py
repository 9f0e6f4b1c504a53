"""Renders charts as PNG in a child process, so that drawing costs the bot neither CPU time nor memory.

One chart is drawn at a time. A process that exceeds its timeout, or whose caller is cancelled, is killed. The process
never receives the token or settings.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bot.domain.charts.chart import Chart
from bot.runtime.errors import ChartFailed

log = logging.getLogger(__name__)

# A chart takes 1 s; the first of an installation, which scans for fonts, takes several on a slow machine.
CHART_TIMEOUT_S: Final = 30.0
# How much of the process's error output goes to the log, in characters.
_STDERR_LOGGED: Final = 300

_PNG: Final = b"\x89PNG\r\n\x1a\n"
# -P: no modules are imported from the current directory.
_COMMAND: Final = (sys.executable, "-P", "-m", "bot.charts.drawing")
# The variables that an interpreter needs to start; the process inherits no others, so no secrets.
_INHERITED: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")


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
                async with asyncio.timeout(self._timeout_s):
                    return await self._run(chart.to_json())
            except TimeoutError:
                raise _failed("it took too long") from None
            except OSError as error:
                raise _failed("the drawing process could not be started", detail=str(error)) from error

    async def _run(self, request: bytes) -> bytes:
        with contextlib.suppress(OSError):  # matplotlib then uses a temporary folder
            await asyncio.to_thread(self._folder.mkdir, 0o700, exist_ok=True)  # matplotlib's own has the umask's mode
        process = await asyncio.create_subprocess_exec(
            *self._command,
            env=_environment(self._folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            png, stderr = await process.communicate(request)
        finally:
            if process.returncode is None:
                await self._kill(process)
        if process.returncode != 0 or not png.startswith(_PNG):
            raise _failed("the drawing process failed", detail=stderr.decode(errors="replace")[-_STDERR_LOGGED:])
        return png

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        process.kill()
        await process.communicate()
        # It may have left a lock in the folder that would block every later process.
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


def _failed(reason: str, **extra: str) -> ChartFailed:
    log.warning("chart not drawn", extra={"reason": reason, **extra})
    return ChartFailed(f"The chart could not be drawn: {reason}")


def _environment(folder: Path) -> Mapping[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **inherited,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        # The default is in the home directory, which may be read-only or missing.
        "MPLCONFIGDIR": str(folder.absolute()),
        "MPLBACKEND": "agg",
    }
