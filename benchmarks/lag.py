"""How long the event loop of the real bot stands still while it has everything to do that people can ask of it.

The bot is a process of its own, so that the local Discord and arXiv take nothing of its loop. Every turn of one of its
tasks is timed; while one lasts too long, its stack is looked at. A thread that computes, for a feed or a page, counts
too: it and the loop take turns (THREAD_TURN_S). Measure on a machine that has nothing else to do.
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

# What the loop may stand still at most, from the start to the end.
_LONGEST_S = 0.020
# Until edits, the chart and the day's list that were asked for have come.
_AFTERWARDS_S = 15
_LOOKED_AT_EVERY_S = 0.002
_SHOWN = 12
_KEYWORDS = ("model", "language model", "diffusion", "graph", "agents", "reward model", "C++", "learning", "vision")
_CHANNELS = ("papers", "vision", "general", "reading club", "admins")
_ANNOUNCED = 400


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a task that lasted too long, and where it was when it was looked at."""

    took_s: float
    computed_s: float  # the rest of the time the loop's thread waited: for a disk, another thread, another process
    task: str
    stack: str


@dataclass(frozen=True, slots=True)
class _Report:
    turns: int
    long: tuple[Turn, ...]


class _Watch:
    """Times the turns of a loop's callbacks in this process."""

    def __init__(self) -> None:
        self.turns = 0
        self.long: list[Turn] = []
        self._began_s: float | None = None
        self._computed_s = 0.0
        self._stack = ""
        self._main = threading.get_ident()

    def start(self) -> None:
        """From here on every callback is timed."""
        run = Handle._run
        watch = self

        def timed(handle: Handle) -> None:
            watch._stack, watch._computed_s, watch._began_s = "", time.thread_time(), time.perf_counter()
            try:
                run(handle)
            finally:
                watch._ended(handle)

        Handle._run = timed  # type: ignore[method-assign, assignment]  # the one way by which every callback comes
        threading.Thread(target=self._poll, daemon=True).start()

    def _ended(self, handle: Handle) -> None:
        began_s, self._began_s = self._began_s, None
        self.turns += 1
        if began_s is not None and (took_s := time.perf_counter() - began_s) > _LONGEST_S:
            self.long.append(Turn(took_s, time.thread_time() - self._computed_s, _name(handle), self._stack))

    def _poll(self) -> None:
        while True:
            time.sleep(_LOOKED_AT_EVERY_S)
            began_s = self._began_s
            if began_s is not None and time.perf_counter() - began_s > _LONGEST_S / 2 and not self._stack:
                frame = sys._current_frames().get(self._main)
                self._stack = "".join(traceback.format_stack(frame)[-6:])


def _name(handle: Handle) -> str:
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]  # of every handle
    return owner.get_name() + " " + repr(owner.get_coro()) if isinstance(owner, asyncio.Task) else repr(handle)


def _bot(config: str, environment: Mapping[str, str], report: str) -> None:
    os.environ.update(environment)
    with Path(report).with_suffix(".log").open("ab") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    watch = _Watch()
    watch.start()
    with suppress(SystemExit):
        run_program(["--config", config])
    Path(report).write_text(json.dumps({"turns": watch.turns, "long": [asdict(turn) for turn in watch.long]}))


def main() -> int:
    """Let the bot do everything once; 1 when its loop stood still for longer than 20 ms."""
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(_measure(Path(folder)))
    print(f"{report.turns:,} turns, {len(report.long)} of them longer than {_LONGEST_S * 1000:.0f} ms")
    for turn in sorted(report.long, key=lambda turn: -turn.took_s)[:_SHOWN]:
        print(
            f"\n{turn.took_s * 1000:.0f} ms, {turn.computed_s * 1000:.0f} ms of them at work: {turn.task}\n{turn.stack}"
        )
    return 1 if report.long else 0


async def _measure(folder: Path) -> _Report:
    arxiv = LocalArxiv(Corpus.generated(now=datetime.now(UTC), earlier_days=330), interval_s=REQUEST_INTERVAL_S)
    port = free_port()
    async with running_sandbox(folder, arxiv=arxiv) as sandbox:
        config = folder / "config.json"
        config.write_text(json.dumps(_settings(sandbox, port)), encoding="utf-8")
        environment = sandbox.environment(DAILY_PAPERS_HUGGINGFACE__ENABLED="true")
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_bot, args=(str(config), environment, str(folder / "report.json")))
        process.start()
        try:
            await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
            await _everything(sandbox, port)
        finally:
            process.terminate()
            await asyncio.to_thread(process.join)
    said = json.loads((folder / "report.json").read_text())
    return _Report(said["turns"], tuple(Turn(**turn) for turn in said["long"]))


def _settings(sandbox: RunningSandbox, port: int) -> dict[str, object]:
    channels = [str(sandbox.channel(name)) for name in _CHANNELS]
    watched = [{"channel_id": channel, "keywords": list(_KEYWORDS)} for channel in channels]
    return {"subscriptions": watched, "web": {"port": port, "public_channels": channels}}


async def _everything(sandbox: RunningSandbox, port: int) -> None:
    """Past, papers, lists, edits, pages, charts: what each command answers, while papers are posted."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    sandbox.huggingface.lists.generate(yesterday, 120)
    await sandbox.wait_for_status("Last checked**: <t:")
    await sandbox.command("channel trending daily", channel="vision")
    papers = sandbox.arxiv.announce(_ANNOUNCED, days_ago=(0.1, 0.5))
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
    await asyncio.sleep(_AFTERWARDS_S)


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
