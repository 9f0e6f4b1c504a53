"""Runs the bot as a child process: starts it, forwards its output, restarts it with backoff, and stops it.

Reports the state of the process to the page. It never interprets the bot's output, and never restarts a bot while
the sandbox shuts down.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# The bot shuts down within 5 s; one that does not is stuck.
KILL_AFTER_S: Final = 8.0
BACKOFF_FLOOR_S: Final = 1.0
BACKOFF_CEILING_S: Final = 30.0
# A bot that ran this long did not fail at startup.
HEALTHY_AFTER_S: Final = 30.0
_LINE_MAX_BYTES: Final = 64 * 1024


class BotState(StrEnum):
    """The state of the bot process."""

    OFF = "off"  # the sandbox was started without one
    RUNNING = "running"
    DOWN = "down"  # it exited on its own and will be restarted


@dataclass(frozen=True, slots=True)
class RestartBackoff:
    """The delay before a restart, which doubles from `floor_s` to `ceiling_s`."""

    floor_s: float = BACKOFF_FLOOR_S
    ceiling_s: float = BACKOFF_CEILING_S

    def delay_s(self, failures: int) -> float:
        """Returns the delay after `failures` consecutive early exits."""
        return min(self.ceiling_s, self.floor_s * 2.0 ** min(failures - 1, 30))


class BotSupervisor:
    """Keeps one bot process running while `run()` runs."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        write_line: Callable[[str], None],
        on_state_change: Callable[[BotState], None],
        backoff: RestartBackoff = RestartBackoff(),
        kill_after_s: float = KILL_AFTER_S,
    ) -> None:
        self._command = tuple(command)
        self._environment = {**os.environ, **environment}
        self._write_line = write_line
        self._on_state_change = on_state_change
        self._backoff = backoff
        self._kill_after_s = kill_after_s
        self._restarting = asyncio.Event()

    def restart(self, command: Sequence[str]) -> None:
        """Shuts the bot down cleanly and starts it again with another command."""
        self._command = tuple(command)
        self._restarting.set()

    async def run(self) -> None:
        """Starts the bot and restarts it whenever it exits; when cancelled, shuts it down cleanly."""
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            started_s = loop.time()
            code = await self._run_until_restart()
            if code is None:
                continue
            failures = 1 if loop.time() - started_s > HEALTHY_AFTER_S else failures + 1
            delay_s = self._backoff.delay_s(failures)
            self._write_line(f"sandbox | the bot exited with code {code}; restarting in {delay_s:g} s")
            self._on_state_change(BotState.DOWN)
            await asyncio.sleep(delay_s)

    async def _run_until_restart(self) -> int | None:
        """Returns the exit code of the bot; None if it was shut down because a restart was requested."""
        self._restarting.clear()
        running, restarting = asyncio.create_task(self._run_once()), asyncio.create_task(self._restarting.wait())
        try:
            await asyncio.wait({running, restarting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            restarting.cancel()
            running.cancel()  # has no effect if the bot has exited
            await asyncio.wait({running})
        return None if running.cancelled() else running.result()

    async def _run_once(self) -> int:
        # In a new session, so that Ctrl-C in the terminal reaches only the sandbox, which then stops the bot cleanly.
        process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._on_state_change(BotState.RUNNING)
        try:
            return await self._until_exit(process)
        finally:
            if process.returncode is None:
                await self._terminate(process)

    async def _until_exit(self, process: asyncio.subprocess.Process) -> int:
        await self._forward_output(process)
        return await process.wait()

    async def _forward_output(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is not None:
            async for line in _lines(process.stdout):
                self._write_line(f"bot | {line}")

    async def _terminate(self, process: asyncio.subprocess.Process) -> None:
        process.send_signal(signal.SIGTERM)
        try:
            # Not asyncio.timeout: in a task that was cancelled, Python 3.11.2 raises CancelledError at its end.
            await asyncio.wait_for(self._until_exit(process), self._kill_after_s)
        except TimeoutError:
            self._write_line(f"sandbox | the bot did not exit within {self._kill_after_s:g} s and was killed")
            with contextlib.suppress(ProcessLookupError):  # it has just exited
                process.kill()
            await process.wait()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    # Not readline(), which raises if a line is longer than its buffer.
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
