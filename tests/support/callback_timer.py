"""Times every callback of a bot's event loop, in a process of its own, and names those that take too long.

The local Discord and arXiv do not load that loop. The stack of a callback that runs for too long is sampled. A thread
that computes, for a feed or a page, counts as well: it shares the interpreter with the loop (THREAD_SWITCH_INTERVAL_S).
"""

import asyncio
import gc
import json
import multiprocessing
import os
import sys
import threading
import time
import traceback
from asyncio.events import Handle
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bot.__main__ import main as run_program
from tests.support.running import DEADLINE_S, RunningSandbox

# How long a callback may block the loop.
BLOCKED_MAX_S = 0.020
_SAMPLE_INTERVAL_S = 0.002
_REPORTED_MAX = 12


@dataclass(frozen=True, slots=True)
class SlowCallback:
    """One callback that ran for too long, and its stack when it was sampled."""

    took_s: float
    cpu_s: float  # the rest of the time its thread waited: for the disk, another thread or another process
    collecting_s: float  # of the CPU time, for the garbage collector
    process_cpu_s: float  # CPU time of every thread of the bot, the callback's included
    task: str
    stack: str

    def __str__(self) -> str:
        took_ms, cpu_ms, collecting_ms, process_ms = (
            round(each_s * 1000) for each_s in (self.took_s, self.cpu_s, self.collecting_s, self.process_cpu_s)
        )
        computed = f"{cpu_ms} ms of CPU, {collecting_ms} of them garbage collection; all threads: {process_ms} ms"
        return f"{took_ms} ms ({computed}): {self.task}\n{self.stack}"


class _CallbackTimer:
    """Times every callback of the event loop in this process."""

    def __init__(self) -> None:
        self.callbacks = 0
        self.slow: list[SlowCallback] = []
        self._started_at_s: float | None = None
        self._cpu_at_start_s = self._process_cpu_at_start_s = 0.0
        self._collecting_s = self._collection_started_at_s = 0.0
        self._stack = ""
        self._main = threading.get_ident()

    def start(self) -> None:
        """Times every callback from now on."""
        run = Handle._run  # noqa: SLF001 -- every callback runs through this method
        timer = self

        def timed(handle: Handle) -> None:
            timer._collecting_s = 0.0
            timer._stack, timer._process_cpu_at_start_s = "", time.process_time()
            timer._cpu_at_start_s, timer._started_at_s = time.thread_time(), time.perf_counter()
            try:
                run(handle)
            finally:
                timer._finished(handle)

        Handle._run = timed  # type: ignore[method-assign, assignment]  # noqa: SLF001 -- see above
        gc.callbacks.append(self._collected)
        threading.Thread(target=self._sample_stacks, daemon=True).start()

    def _collected(self, phase: str, _: Mapping[str, int]) -> None:
        if threading.get_ident() != self._main:
            return
        if phase == "start":
            self._collection_started_at_s = time.thread_time()
        else:
            self._collecting_s += time.thread_time() - self._collection_started_at_s

    def _finished(self, handle: Handle) -> None:
        started_at_s, self._started_at_s = self._started_at_s, None
        self.callbacks += 1
        if started_at_s is not None and (took_s := time.perf_counter() - started_at_s) > BLOCKED_MAX_S:
            self.slow.append(
                SlowCallback(
                    took_s,
                    time.thread_time() - self._cpu_at_start_s,
                    self._collecting_s,
                    time.process_time() - self._process_cpu_at_start_s,
                    _describe(handle),
                    self._stack,
                )
            )

    def _sample_stacks(self) -> None:
        while True:
            time.sleep(_SAMPLE_INTERVAL_S)
            started_at_s = self._started_at_s
            if started_at_s is not None and time.perf_counter() - started_at_s > BLOCKED_MAX_S / 2 and not self._stack:
                frame = sys._current_frames().get(self._main)  # noqa: SLF001 -- its documented name
                self._stack = "".join(traceback.format_stack(frame)[-6:])


def _describe(handle: Handle) -> str:
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]  # noqa: SLF001 -- every handle has one
    return owner.get_name() + " " + repr(owner.get_coro()) if isinstance(owner, asyncio.Task) else repr(handle)


def _run_bot(config: str, environment: Mapping[str, str], report: str) -> None:
    os.environ.update(environment)
    with Path(report).with_suffix(".log").open("ab") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    timer = _CallbackTimer()
    timer.start()
    with suppress(SystemExit):
        run_program(["--config", config])
    Path(report).write_text(
        json.dumps({"callbacks": timer.callbacks, "slow": [asdict(callback) for callback in timer.slow]})
    )


@dataclass(slots=True)
class TimedBot:
    """A bot whose callbacks are timed; the results are there when it has ended."""

    callbacks: int = 0
    slow: list[SlowCallback] = field(default_factory=list)

    def report(self) -> str:
        """Returns how many callbacks took too long, and the longest of them."""
        longest = sorted(self.slow, key=lambda callback: -callback.took_s)[:_REPORTED_MAX]
        count = f"{self.callbacks:,} callbacks, {len(self.slow)} of them over {BLOCKED_MAX_S * 1000:.0f} ms"
        return "\n\n".join([count, *map(str, longest)])


@asynccontextmanager
async def timed_bot(sandbox: RunningSandbox, config: Path, **environment: str) -> AsyncIterator[TimedBot]:
    """Runs the bot until the block ends."""
    report = config.with_name("report.json")
    process = multiprocessing.get_context("spawn").Process(
        target=_run_bot, args=(str(config), sandbox.environment(**environment), str(report))
    )
    bot = TimedBot()
    process.start()
    try:
        await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
        yield bot
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)
    content = json.loads(report.read_text())
    bot.callbacks, bot.slow = content["callbacks"], [SlowCallback(**callback) for callback in content["slow"]]
