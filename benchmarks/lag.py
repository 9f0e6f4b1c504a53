"""Measures how long callbacks block the bot's event loop while every command runs; 20 ms are allowed.

The bot runs in its own process, so that the local Discord and arXiv do not load its loop. Every callback is timed, and
the stack of one that runs for too long is sampled. A thread that computes, for a feed or a page, counts as well: it
shares the interpreter with the loop (THREAD_TURN_S). Run it on an idle machine.
"""

import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
import traceback
from asyncio.events import Handle
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from bot.__main__ import main as run_program
from sandbox.arxiv import Corpus, LocalArxiv
from tests.support.loopback import free_port
from tests.support.running import DEADLINE_S, REQUEST_INTERVAL_S, RunningSandbox, running_sandbox

# How long a callback may block the loop.
_BLOCKED_MAX_S = 0.020
# The time for the edits, the chart and the trending list that the commands requested.
_FINISH_S = 15
_SAMPLE_INTERVAL_S = 0.002
_REPORTED_MAX = 12
_KEYWORDS = ("model", "language model", "diffusion", "graph", "agents", "reward model", "C++", "learning", "vision")
_CHANNELS = ("papers", "vision", "general", "reading club", "admins")
_ANNOUNCED_PAPERS = 400


@dataclass(frozen=True, slots=True)
class SlowCallback:
    """One callback that ran for too long, and its stack when it was sampled."""

    took_s: float
    cpu_s: float  # the rest of the time its thread waited: for the disk, another thread or another process
    task: str
    stack: str


@dataclass(frozen=True, slots=True)
class _Report:
    callbacks: int
    slow: tuple[SlowCallback, ...]


class _CallbackTimer:
    """Times every callback of the event loop in this process."""

    def __init__(self) -> None:
        self.callbacks = 0
        self.slow: list[SlowCallback] = []
        self._started_at_s: float | None = None
        self._cpu_at_start_s = 0.0
        self._stack = ""
        self._main = threading.get_ident()

    def start(self) -> None:
        """Times every callback from now on."""
        run = Handle._run
        timer = self

        def timed(handle: Handle) -> None:
            timer._stack, timer._cpu_at_start_s, timer._started_at_s = "", time.thread_time(), time.perf_counter()
            try:
                run(handle)
            finally:
                timer._finished(handle)

        Handle._run = timed  # type: ignore[method-assign, assignment]  # every callback runs through this method
        threading.Thread(target=self._sample_stacks, daemon=True).start()

    def _finished(self, handle: Handle) -> None:
        started_at_s, self._started_at_s = self._started_at_s, None
        self.callbacks += 1
        if started_at_s is not None and (took_s := time.perf_counter() - started_at_s) > _BLOCKED_MAX_S:
            self.slow.append(
                SlowCallback(took_s, time.thread_time() - self._cpu_at_start_s, _describe(handle), self._stack)
            )

    def _sample_stacks(self) -> None:
        while True:
            time.sleep(_SAMPLE_INTERVAL_S)
            started_at_s = self._started_at_s
            if started_at_s is not None and time.perf_counter() - started_at_s > _BLOCKED_MAX_S / 2 and not self._stack:
                frame = sys._current_frames().get(self._main)
                self._stack = "".join(traceback.format_stack(frame)[-6:])


def _describe(handle: Handle) -> str:
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]  # every handle has one
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


def main() -> int:
    """Runs every command once; returns 1 when a callback blocked the loop for longer than 20 ms."""
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(_measure(Path(folder)))
    print(f"{report.callbacks:,} callbacks, {len(report.slow)} of them over {_BLOCKED_MAX_S * 1000:.0f} ms")
    for callback in sorted(report.slow, key=lambda callback: -callback.took_s)[:_REPORTED_MAX]:
        took_ms, cpu_ms = callback.took_s * 1000, callback.cpu_s * 1000
        print(f"\n{took_ms:.0f} ms ({cpu_ms:.0f} ms of CPU): {callback.task}\n{callback.stack}")
    return 1 if report.slow else 0


async def _measure(folder: Path) -> _Report:
    arxiv = LocalArxiv(Corpus.generated(now=datetime.now(UTC), earlier_days=330), interval_s=REQUEST_INTERVAL_S)
    port = free_port()
    async with running_sandbox(folder, arxiv=arxiv) as sandbox:
        config = folder / "config.json"
        config.write_text(json.dumps(_settings(sandbox, port)), encoding="utf-8")
        environment = sandbox.environment(DAILY_PAPERS_HUGGINGFACE__ENABLED="true")
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_run_bot, args=(str(config), environment, str(folder / "report.json")))
        process.start()
        try:
            await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
            await _run_commands(sandbox, port)
        finally:
            process.terminate()
            await asyncio.to_thread(process.join)
    report = json.loads((folder / "report.json").read_text())
    return _Report(report["callbacks"], tuple(SlowCallback(**callback) for callback in report["slow"]))


def _settings(sandbox: RunningSandbox, port: int) -> dict[str, object]:
    channels = [str(sandbox.channel(name)) for name in _CHANNELS]
    subscriptions = [{"channel_id": channel, "keywords": list(_KEYWORDS)} for channel in channels]
    return {"subscriptions": subscriptions, "web": {"port": port, "public_channels": channels}}


async def _run_commands(sandbox: RunningSandbox, port: int) -> None:
    """Runs every command while papers are posted and edited, and requests the page and the metrics."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    sandbox.huggingface.lists.generate(yesterday, 120)
    await sandbox.wait_for_status("Last checked**: <t:")
    await sandbox.command("channel trending daily", channel="vision")
    papers = sandbox.arxiv.announce(_ANNOUNCED_PAPERS, days_ago=(0.1, 0.5))
    await sandbox.wait_for_next_poll()
    for name, options in _COMMANDS:
        print(f"/{name}", *(f"{key}:{value}" for key, value in options.items()), flush=True)
        await sandbox.command(name, {**options, "date": yesterday.isoformat()} if name == "trending" else options)
    for paper in papers[:50]:
        sandbox.arxiv.revise(paper.arxiv_id, abstract="We compute once more, with a language model.")
    for _ in range(3):
        await _fetch(f"http://127.0.0.1:{port}/")
        await _fetch(f"http://127.0.0.1:{port}/metrics")
    await sandbox.wait_for_next_poll()
    await asyncio.sleep(_FINISH_S)


_COMMANDS: tuple[tuple[str, dict[str, object]], ...] = (
    ("subscribe", {"keyword": "retrieval, planning, theorem"}),
    ("keywords", {}),
    ("latest", {"keyword": "language model"}),
    ("trending", {}),
    ("channel show", {}),
    ("channel test", {}),
    ("page", {"format": "html"}),
    ("page", {"format": "md"}),
    ("page", {"format": "json"}),
    ("stats", {}),
    ("trend", {"keyword": "diffusion, graph, agents"}),
    ("status", {}),
)


async def _fetch(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        await response.read()
