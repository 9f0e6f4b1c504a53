"""The bot as a bot process: started, watched, started again, ended.

Enters: a command and its environment. Leaves: the bot's log lines, each with a prefix, and its state for the page.
It never reads what the bot writes, and never keeps a bot alive that was told to end.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# The bot promises to end within 5 s; one that does not is stuck.
KILL_AFTER_S: Final = 8.0
BACKOFF_FLOOR_S: Final = 1.0
BACKOFF_CEILING_S: Final = 30.0
# One that lived so long did not fail at its start.
HEALTHY_AFTER_S: Final = 30.0
_LINE_MAX_BYTES: Final = 64 * 1024


class BotState(StrEnum):
    """Whether the bot process is there."""

    OFF = "off"  # the sandbox was started without one
    RUNNING = "running"
    DOWN = "down"  # it ended by itself and will be started again


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the bot is started again: doubling from floor to ceiling."""

    floor_s: float = BACKOFF_FLOOR_S
    ceiling_s: float = BACKOFF_CEILING_S

    def delay_s(self, failures: int) -> float:
        """The wait after so many starts in a row that ended early."""
        return min(self.ceiling_s, self.floor_s * 2.0 ** min(failures - 1, 30))


class BotProcess:
    """Keeps one bot process running from `run()` until that task is cancelled."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        show: Callable[[str], None],
        changed: Callable[[BotState], None],
        backoff: Backoff = Backoff(),
        kill_after_s: float = KILL_AFTER_S,
    ) -> None:
        self._command = tuple(command)
        self._environment = {**os.environ, **environment}
        self._show = show
        self._changed = changed
        self._backoff = backoff
        self._kill_after_s = kill_after_s

    async def run(self) -> None:
        """Start the bot, and start it again whenever it ends; on cancellation, end it in order."""
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            code = await self._run_once()
            failures = 1 if loop.time() - began > HEALTHY_AFTER_S else failures + 1
            delay_s = self._backoff.delay_s(failures)
            self._show(f"sandbox | the bot ended with code {code}; it is started again in {delay_s:g} s")
            self._changed(BotState.DOWN)
            await asyncio.sleep(delay_s)

    async def _run_once(self) -> int:
        # A session of its own: Ctrl-C in the terminal reaches the sandbox alone, which then ends the bot in order.
        process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._changed(BotState.RUNNING)
        try:
            await self._forward_output(process)
            return await process.wait()
        finally:
            if process.returncode is None:
                await self._terminate(process)

    async def _forward_output(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is not None:
            async for line in _lines(process.stdout):
                self._show(f"bot | {line}")

    async def _terminate(self, process: asyncio.subprocess.Process) -> None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._kill_after_s):
                await self._forward_output(process)
                await process.wait()
        except TimeoutError:
            self._show(f"sandbox | the bot did not end within {self._kill_after_s:g} s and was killed")
            with contextlib.suppress(ProcessLookupError):  # it ended in this very moment
                process.kill()
            await process.wait()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    # Not readline(): that raises on a line longer than its buffer.
    pending = b""
    while chunk := await stream.read(_LINE_MAX_BYTES):
        *complete, pending = (pending + chunk).split(b"\n")
        for line in complete:
            yield line.decode(errors="replace").rstrip("\r")
        if len(pending) > _LINE_MAX_BYTES:
            yield pending.decode(errors="replace")
            pending = b""
    if pending:
        yield pending.decode(errors="replace")
