"""The bot as a process that is made to be killed: at a step that is named, or whenever a test likes.

Each is a process of its own with the program's own `main`, forked from one that has imported everything: a start
costs no second of imports, so that a hundred of them are affordable.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bot.__main__ import main
from bot.runtime.metrics import Metrics, Step

KILLED = -signal.SIGKILL
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """Just before or just after a durable step, for the `nth` time that the process comes by."""

    step: Step
    side: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.side} {self.step.value}" + (f" {self.nth}" if self.nth > 1 else "")


class _Killer:
    """A witness of the steps that ends its own process at one of them; nothing is cleaned up, nothing is flushed."""

    def __init__(self, point: CrashPoint) -> None:
        self._point = point
        self._passed = 0

    def __call__(self, step: Step, side: str) -> None:
        if (step, side) == (self._point.step, self._point.side):
            self._passed += 1
            if self._passed == self._point.nth:
                os.kill(os.getpid(), signal.SIGKILL)


def _run(arguments: Sequence[str], environment: Mapping[str, str], log: Path, point: CrashPoint | None) -> None:
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    sys.exit(main(arguments, None if point is None else Metrics(_Killer(point))))


class BotProcess:
    """A running bot."""

    def __init__(self, process: ForkServerProcess, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.is_alive()

    def kill(self) -> None:
        """End it at once, whatever it does; nothing happens when it has ended."""
        self._process.kill()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    async def ended(self, within_s: float) -> int:
        """Wait for its end; returns its exit code, the signal's number below zero where a signal ended it."""
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        loop.add_reader(self._process.sentinel, over.set)
        try:
            async with asyncio.timeout(within_s):
                await over.wait()
        except TimeoutError:
            raise AssertionError(f"the bot did not end:\n{self.said()}") from None
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode

    async def asked_to_end(self, within_s: float) -> int:
        """Ask it to end in order, as `docker stop` does, and wait for it."""
        self._process.terminate()
        return await self.ended(within_s)

    def said(self) -> str:
        """What it and those before it wrote into the log."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""


@asynccontextmanager
async def a_killable_bot(
    environment: Mapping[str, str], config: Path, log: Path, *, at: CrashPoint | None = None
) -> AsyncIterator[BotProcess]:
    """Run the bot as a process that ends itself `at` a point, if one is named; what still runs at the end is killed."""
    async with _a_process(("--config", str(config)), environment, log, at) as bot:
        yield bot


@asynccontextmanager
async def a_killable_command(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, *, at: CrashPoint | None = None
) -> AsyncIterator[BotProcess]:
    """The same for one of the operator's commands."""
    async with _a_process(arguments, environment, log, at) as command:
        yield command


async def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, within_s: float
) -> tuple[int, str]:
    """Run one of the operator's commands to its end; returns its exit code and what it printed."""
    async with _a_process(arguments, environment, log, None) as command:
        return await command.ended(within_s), command.said()


@asynccontextmanager
async def _a_process(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, at: CrashPoint | None
) -> AsyncIterator[BotProcess]:
    process = _CONTEXT.Process(target=_run, args=(tuple(arguments), dict(environment), log, at))
    process.start()
    bot = BotProcess(process, log)
    try:
        yield bot
    finally:
        bot.kill()
        await bot.ended(40.0)
        process.close()
