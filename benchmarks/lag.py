"""Measures how long callbacks block the bot's event loop while every command runs, and while 100 people type.

20 ms are allowed. The second bot has 10,000 subscriptions, most of them in one server, in which 100 people type into
every option with suggestions and run commands, while `/healthz` is requested. The local Discord and the people run at a
lower priority than the bot, whose callbacks would wait for them otherwise. Run it on an idle machine: on a busy one,
where callbacks wait for other processes, only their CPU time counts.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from sandbox.arxiv import Corpus, LocalArxiv
from sandbox.discord.invocations import FIRST_RESPONSE_S
from tests.support.callback_timer import BLOCKED_MAX_S, TimedBot, timed_bot
from tests.support.hostile_server import create_subscriptions, run_load
from tests.support.loopback import free_port
from tests.support.running import REQUEST_INTERVAL_S, RunningSandbox, running_sandbox

# The time for the edits, the chart and the trending list that the commands requested.
_FINISH_S = 15
_SUBSCRIPTIONS = 10_000
_PEOPLE = 100
_LOAD_S = 40.0
_KEYWORDS = ("model", "language model", "diffusion", "graph", "agents", "reward model", "C++", "learning", "vision")
_CHANNELS = ("papers", "vision", "general", "reading club", "admins")
_ANNOUNCED_PAPERS = 400
_Measure = Callable[[Path], Coroutine[None, None, tuple[TimedBot, bool]]]
# Added to the niceness of everything but the bot.
_NICENESS = 10


def main() -> int:
    """Runs both loads; returns 1 when a callback blocked the loop for longer than 20 ms, or a person waited for 3 s."""
    exit_code = 0
    is_idle = os.getloadavg()[0] < (os.cpu_count() or 1) / 2
    for measure in (_measure_every_command, _measure_hostile_server):
        # A process cannot lower its niceness again, so each load has a process of its own.
        with ProcessPoolExecutor(1) as pool:
            bot, is_answered = pool.submit(_run, measure).result()
        print(bot.report())
        computed = [callback for callback in bot.slow if callback.cpu_s > BLOCKED_MAX_S]
        print(f"{len(computed)} of them computed for that long", "" if is_idle else "(the machine is busy)")
        if computed or (is_idle and bot.slow) or not is_answered:
            exit_code = 1
    return exit_code


def _run(measure: _Measure) -> tuple[TimedBot, bool]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder)))


async def _measure_every_command(folder: Path) -> tuple[TimedBot, bool]:
    arxiv = LocalArxiv(Corpus.generated(now=datetime.now(UTC), earlier_days=330), interval_s=REQUEST_INTERVAL_S)
    port = free_port()
    async with running_sandbox(folder, arxiv=arxiv, first_response_s=FIRST_RESPONSE_S) as sandbox:
        config = folder / "config.json"
        config.write_text(json.dumps(_settings(sandbox, port)), encoding="utf-8")
        async with timed_bot(sandbox, config, DAILY_PAPERS_HUGGINGFACE__ENABLED="true") as bot:
            os.nice(_NICENESS)
            await _run_commands(sandbox, port)
    return bot, True


async def _measure_hostile_server(folder: Path) -> tuple[TimedBot, bool]:
    port = free_port()
    arxiv = LocalArxiv(Corpus.generated(now=datetime.now(UTC), earlier_days=30), interval_s=REQUEST_INTERVAL_S)
    async with running_sandbox(folder, arxiv=arxiv, first_response_s=FIRST_RESPONSE_S) as sandbox:
        people = create_subscriptions(sandbox, _SUBSCRIPTIONS, people=_PEOPLE)
        config = folder / "config.json"
        config.write_text(json.dumps({"web": {"port": port}}), encoding="utf-8")
        environment = {"DAILY_PAPERS_ARXIV__POLL_INTERVAL_S": "10", "DAILY_PAPERS_HUGGINGFACE__ENABLED": "true"}
        async with timed_bot(sandbox, config, **environment) as bot:
            os.nice(_NICENESS)
            load = await run_load(sandbox, people, port, _LOAD_S)
    print(load)
    return bot, load.is_answered


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
