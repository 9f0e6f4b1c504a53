"""Runs the real bot in a process of its own, against the sandbox, and measures its event loop's lag and its memory.

It starts the bot as `python -m bot` does. What it measures costs the bot less than a hundredth of its time.
"""

import asyncio
import gc
import json
import math
import multiprocessing
import os
import signal
import sys
import time
from array import array
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.__main__ import THREAD_SWITCH_INTERVAL_S, keyword_fault
from bot.composition.app import run
from bot.config import Settings, load_settings
from bot.runtime.garbage import CollectionLimit
from tests.support.running import RunningSandbox

_LAG_INTERVAL_S: Final = 0.01
_READY_MAX_S: Final = 300.0
_STOPPED_MAX_S: Final = 30.0


@dataclass(slots=True)
class MeasuredBot:
    """A running bot; `lags_ms` is filled when it has ended."""

    pid: int
    ready_after_s: float
    lags_ms: list[float] = field(default_factory=list)

    def resident_mb(self) -> float:
        """Returns the resident memory now, in megabytes (10^6 bytes)."""
        return memory_mb(self.pid, "VmRSS")

    def peak_mb(self) -> float:
        """Returns the highest resident memory since the start."""
        return memory_mb(self.pid, "VmHWM")


def memory_mb(pid: int, field_name: str) -> float:
    """Returns a size from /proc/PID/status, in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == field_name:
            return int(value.split()[0]) * 1024 / 1e6
    raise ValueError(f"the system reports no {field_name}")


def percentile(values: Sequence[float], share: float) -> float:
    """Returns the smallest value that at least this share of the values does not exceed; of few, it is the largest."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@asynccontextmanager
async def measured_bot(sandbox: RunningSandbox, folder: Path, **environment: str) -> AsyncIterator[MeasuredBot]:
    """Runs the bot until the block ends; its log is `bot.log` in the folder."""
    report = folder / "lags.json"
    process = multiprocessing.get_context("spawn").Process(
        target=_run_process, args=(sandbox.environment(**environment), str(report), str(folder / "bot.log"))
    )
    started_s = time.monotonic()
    process.start()
    pid = process.pid
    if pid is None:
        raise RuntimeError("the bot's process did not start")
    try:
        await sandbox.discord.wait_until_bot_ready(_READY_MAX_S)
        bot = MeasuredBot(pid, time.monotonic() - started_s)
        yield bot
    finally:
        process.terminate()
        await asyncio.to_thread(process.join, _STOPPED_MAX_S)
        if process.is_alive():
            process.kill()
    bot.lags_ms = json.loads(report.read_text(encoding="ascii"))


def _run_process(environment: Mapping[str, str], report: str, log: str) -> None:
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    sys.setswitchinterval(THREAD_SWITCH_INTERVAL_S)
    CollectionLimit().start()
    lags_s = array("d")
    asyncio.run(_run_bot(load_settings(None, environment, keyword_fault), lags_s))
    Path(report).write_text(json.dumps([lag_s * 1000 for lag_s in lags_s]), encoding="ascii")


async def _run_bot(settings: Settings, lags_s: "array[float]") -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    meter = asyncio.create_task(_measure_lag(lags_s))
    try:
        await run(settings, stop, on_loaded=gc.freeze)
    finally:
        meter.cancel()


async def _measure_lag(lags_s: "array[float]") -> None:
    while True:
        started_s = time.perf_counter()
        await asyncio.sleep(_LAG_INTERVAL_S)
        lags_s.append(max(0.0, time.perf_counter() - started_s - _LAG_INTERVAL_S))
