"""The bot as a process that a test kills, at any time or at a given step.

Each process runs the program's `main` and is forked from a server that has imported everything, so that a start
skips a second of imports, and a test can start a hundred bots.
"""

import asyncio
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bot.__main__ import main
from bot.runtime.metrics import Metrics, Step
from tests.support.moved_clock import MovedClock

KILLED = -signal.SIGKILL
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """Just before or just after a durable step, when the process reaches it for the `nth` time."""

    step: Step
    side: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.side} {self.step.value}" + (f" {self.nth}" if self.nth > 1 else "")


class _Killer:
    """An observer of the steps that kills its own process at one of them, without any clean-up or flush."""

    def __init__(self, point: CrashPoint) -> None:
        self._point = point
        self._count = 0

    def __call__(self, step: Step, side: str) -> None:
        if (step, side) == (self._point.step, self._point.side):
            self._count += 1
            if self._count == self._point.nth:
                os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is special about a process: where it kills itself, whose clock it follows, how many files it may open."""

    crash_point: CrashPoint | None = None
    clock: Path | None = None  # the file of a MovedClock
    descriptors: int | None = None

    def start(self, arguments: Sequence[str]) -> int:
        """Runs the program in this process; returns its exit code."""
        if self.descriptors is not None:
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, hard))
        metrics = None if self.crash_point is None else Metrics(_Killer(self.crash_point))
        return main(arguments, metrics, None if self.clock is None else MovedClock(self.clock))


_ORDINARY = Conditions()


def _run(arguments: Sequence[str], environment: Mapping[str, str], log: Path, conditions: Conditions) -> None:
    os.environ.update(environment)
    os.chdir(log.parent)  # on PostgreSQL, the bot stores its fonts in its working directory
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    sys.exit(conditions.start(arguments))


class BotProcess:
    """A running bot."""

    def __init__(self, process: ForkServerProcess, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.is_alive()

    def kill(self) -> None:
        """Kills the process; does nothing if it has ended."""
        self._process.kill()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    async def wait_for_exit(self, timeout_s: float) -> int:
        """Waits for the end of the process; returns its exit code, the negated number if a signal ended it."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            async with asyncio.timeout(timeout_s):
                await ended.wait()
        except TimeoutError:
            raise AssertionError(f"the bot did not end:\n{self.log_text()}") from None
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode

    async def terminate(self, timeout_s: float) -> int:
        """Shuts the process down cleanly with SIGTERM, as `docker stop` does; returns its exit code."""
        self._process.terminate()
        return await self.wait_for_exit(timeout_s)

    def log_text(self) -> str:
        """Returns the log of this process and of those before it with the same file."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""


@asynccontextmanager
async def killable_bot(
    environment: Mapping[str, str],
    config: Path,
    log: Path,
    *,
    at: CrashPoint | None = None,
    conditions: Conditions = _ORDINARY,
) -> AsyncIterator[BotProcess]:
    """Runs the bot as a process that kills itself `at` a point, if given; kills it when the block ends."""
    async with _process(("--config", str(config)), environment, log, replace(conditions, crash_point=at)) as bot:
        yield bot


@asynccontextmanager
async def killable_command(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, *, at: CrashPoint | None = None
) -> AsyncIterator[BotProcess]:
    """Runs one of the operator's commands in the same way."""
    async with _process(arguments, environment, log, Conditions(at)) as command:
        yield command


async def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, timeout_s: float
) -> tuple[int, str]:
    """Runs one of the operator's commands to its end; returns its exit code and its output."""
    async with _process(arguments, environment, log, _ORDINARY) as command:
        return await command.wait_for_exit(timeout_s), command.log_text()


@asynccontextmanager
async def _process(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, conditions: Conditions
) -> AsyncIterator[BotProcess]:
    process = _CONTEXT.Process(target=_run, args=(tuple(arguments), dict(environment), log, conditions))
    process.start()
    bot = BotProcess(process, log)
    try:
        yield bot
    finally:
        bot.kill()
        await bot.wait_for_exit(40.0)
        process.close()
