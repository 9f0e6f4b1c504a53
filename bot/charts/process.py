"""The child process that draws charts: each request and each picture is preceded by its length in four bytes.

It inherits a few environment variables only, so no secrets.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from bot.runtime.child_process import child_environment

# How much of the process's error output is kept, in bytes.
_STDERR_KEPT: Final = 300
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PICTURE_MAX: Final = 4_000_000


class ProcessFailed(Exception):
    """The process ended or wrote something else than a picture; the text is the end of its error output."""


class DrawingProcess:
    """A process that draws one chart after the other until it is killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._drawn = 0
        self._errors = b""
        self._reading = asyncio.create_task(self._read_errors())

    @classmethod
    async def start(cls, command: Sequence[str], folder: Path) -> Self:
        """Starts the process; raises OSError if it cannot."""
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                *command, env=_environment(folder), stdin=pipe, stdout=pipe, stderr=pipe
            )
        )

    def is_usable(self, charts_max: int) -> bool:
        """Whether it still runs and has drawn fewer charts than that."""
        return self._process.returncode is None and self._drawn < charts_max

    async def draw(self, request: bytes) -> bytes:
        """Returns the picture; raises ProcessFailed. The process must be killed after any exception."""
        requests, pictures = self._process.stdin, self._process.stdout
        assert requests is not None  # noqa: S101 - both are pipes
        assert pictures is not None  # noqa: S101
        try:
            requests.write(len(request).to_bytes(4, "big") + request)
            await requests.drain()
            length = int.from_bytes(await pictures.readexactly(4), "big")
            picture = await pictures.readexactly(min(length, _PICTURE_MAX))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            await self.kill()
            raise ProcessFailed(self._errors.decode(errors="replace")) from error
        if not picture.startswith(_PNG):
            raise ProcessFailed("not a picture")
        self._drawn += 1
        return picture

    async def kill(self) -> bool:
        """Ends the process, and waits for its end; returns whether it still ran."""
        is_running = self._process.returncode is None
        if is_running:
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None:
            await self._process.stdout.read()
        await self._reading
        await self._process.wait()
        return is_running

    async def _read_errors(self) -> None:
        errors = self._process.stderr
        while errors is not None and (piece := await errors.read(_STDERR_KEPT)):
            self._errors = (self._errors + piece)[-_STDERR_KEPT:]


def _environment(folder: Path) -> Mapping[str, str]:
    # The default is in the home directory, which may be read-only or missing.
    return child_environment({"MPLCONFIGDIR": str(folder.absolute()), "MPLBACKEND": "agg"})
