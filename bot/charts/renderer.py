"""Has charts drawn by a process of their own, so that drawing costs the bot neither time nor memory.

A chart enters; a PNG leaves, or ChartFailed. One picture at a time; a process that hangs, or that nobody waits for any
more, is killed. What it is told is numbers and names: no token, no settings.
"""

import asyncio
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

# A picture takes 1 s, the first of an installation, which looks for fonts, some seconds on a slow machine.
CHART_TIMEOUT_S: Final = 30.0
# How much of the process's error output goes to the log, in characters.
_STDERR_SHOWN: Final = 300

_PNG: Final = b"\x89PNG\r\n\x1a\n"
# -P: this program's own packages, and nothing from the folder in which it was started.
_DRAWING: Final = (sys.executable, "-P", "-m", "bot.charts.drawing")
# Of our environment the process gets what an interpreter needs to start; secrets stay here.
_HANDED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")


class Charts:
    """Draws one picture after the other; matplotlib keeps its list of fonts in `folder`."""

    def __init__(self, folder: Path, command: Sequence[str] = _DRAWING, *, timeout_s: float = CHART_TIMEOUT_S) -> None:
        self._folder = folder
        self._command = command
        self._timeout_s = timeout_s
        self._drawing = asyncio.Lock()

    async def draw(self, chart: Chart) -> bytes:
        """The chart as a PNG; raises ChartFailed with a reason in words."""
        async with self._drawing:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._drawn(chart.to_json())
            except TimeoutError:
                raise _failed("it took too long") from None
            except OSError as error:
                raise _failed("no process could be started for it", why=str(error)) from error

    async def _drawn(self, request: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            env=_environment(self._folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            picture, said = await process.communicate(request)
        finally:
            if process.returncode is None:
                await self._end(process)
        if process.returncode != 0 or not picture.startswith(_PNG):
            raise _failed("the drawing broke off", why=said.decode(errors="replace")[-_STDERR_SHOWN:])
        return picture

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        process.kill()
        await process.communicate()
        # It may have left a lock there, for which every later one would wait.
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


def _failed(reason: str, **extra: str) -> ChartFailed:
    log.warning("picture not drawn", extra={"reason": reason, **extra})
    return ChartFailed(f"The picture could not be drawn: {reason}")


def _environment(folder: Path) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        # Else in the home directory, which may be read-only or missing.
        "MPLCONFIGDIR": str(folder.absolute()),
        "MPLBACKEND": "agg",
    }
