"""Posts one message in each of 1,000 channels at Discord's limit, and compares the bot with a plain discord.py loop.

The local Discord enforces its limits, also the global one of 50 requests per second. The bot and the plain loop run in
processes of their own. A full run also posts in 10,000 channels: the time has to grow linearly, and the memory not at
all.
"""

import asyncio
import multiprocessing
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import islice
from pathlib import Path

import discord as discord_py
import sqlalchemy as sa

from benchmarks.page import generate_page
from benchmarks.results import Figure, Run
from bot.__main__ import main as run_program
from bot.discord_api.client import use_endpoints
from bot.discord_api.messages import embeds
from bot.domain.channel_settings import Layout
from bot.domain.keyword import Keyword
from bot.domain.paper import Paper
from bot.store import schema
from bot.store.codecs import paper_to_row
from sandbox.discord import Guild, RateLimits, World
from tests.support.databases import create_where_missing, drop, writing
from tests.support.running import TOKEN, RunningSandbox, running_sandbox

_SIZES = (1_000, 10_000)
_PLAIN_CHANNELS = 1_000
# Discord's limits of channels per server (support.discord.com) and of requests per second (topics/rate-limits).
_CHANNELS_PER_SERVER = 500
_REQUESTS_PER_S = 50
# The targets: a fifth more time than Discord's limit allows, and little memory however many channels there are.
_SECONDS_PER_LIMIT = 1.2
_CPU_MS_MAX = 5.0
_GROWTH_MAX_MB = 24.0
# How long after the start of the bot the papers become due, and after how long without a message posting has failed.
_START_S, _START_CHANNELS_PER_S = 10.0, 500
_STUCK_S = 30.0
_SAMPLE_S = 0.1
_PAPERS = 3
_KEYWORD = "Reward Model"


@dataclass(slots=True)
class DeliveryRun:
    """How a process delivered one message to each channel."""

    name: str
    seconds: float = 0.0
    cpu_s: float = 0.0
    ready_mb: float = 0.0
    peak_mb: float = 0.0
    messages: int = 0
    requests: int = 0
    global_429: int = 0
    route_429: int = 0

    @property
    def cpu_ms(self) -> float:
        """The CPU time per message."""
        return self.cpu_s * 1000 / max(1, self.messages)


def measure(run: Run) -> Sequence[Figure]:
    """Runs both: in 1,000 channels, in a full run also in 10,000; the plain loop always in 1,000."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        plain = pool.submit(_measured, "discord.py", _PLAIN_CHANNELS).result()
        figures: list[Figure] = []
        for channels in _SIZES[: run.size(1, len(_SIZES))]:
            figures += _figures(pool.submit(_measured, "bot", channels).result(), channels, plain)
    return figures


def _figures(bot: DeliveryRun, channels: int, plain: DeliveryRun) -> list[Figure]:
    def figure(what: str, unit: str, value: float, target: float | None, naive: float = 0.0) -> Figure:
        name, compared = f"{channels:,} channels: {what}", (naive,) if naive else ()
        return Figure(name, (value,), unit, target, compared, "a plain discord.py loop" if naive else "")

    messages = Figure(f"{channels:,} channels: messages", (bot.messages,), "messages", channels, at_least=True)
    plain_s = plain.seconds * channels / _PLAIN_CHANNELS
    return [
        messages,
        figure("time", "s", bot.seconds, _SECONDS_PER_LIMIT * channels / _REQUESTS_PER_S, plain_s),
        figure("requests", "requests/s", bot.requests / bot.seconds, _REQUESTS_PER_S, plain.requests / plain.seconds),
        figure("429s of the global limit", "responses", bot.global_429, 0),
        figure("429s of a route", "responses", bot.route_429, 0),
        figure("CPU time per message", "ms", bot.cpu_ms, _CPU_MS_MAX, plain.cpu_ms),
        figure("memory when ready", "MB", bot.ready_mb, None, plain.ready_mb),
        figure("growth of the memory", "MB", bot.peak_mb - bot.ready_mb, _GROWTH_MAX_MB),
    ]


def _measured(name: str, channels: int) -> DeliveryRun:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(name, Path(folder), channels))


async def _measure(name: str, folder: Path, channels: int) -> DeliveryRun:
    async with running_sandbox(folder, rate_limits=RateLimits()) as sandbox:
        channel_ids = _add_channels(sandbox.world, channels)
        due_at = datetime.now(UTC) + timedelta(seconds=_START_S + channels / _START_CHANNELS_PER_S)
        if name == "bot":
            _queue_papers(sandbox.database, sandbox.world, channel_ids, due_at)
            log = str(folder / "log")
            started = _process(_run_bot, sandbox.environment(DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600"), log)
        else:
            started = _process(_run_plain_loop, sandbox.url, channel_ids)
        async with started as pid:
            return await _observe(DeliveryRun(name), sandbox, pid, channels)


def _add_channels(world: World, count: int) -> Sequence[int]:
    """Adds text channels, as many to each server as Discord allows."""
    owner_id = world.add_user("owner").id
    ids: list[int] = []
    guild: Guild | None = None
    for number in range(count):
        if guild is None or number % _CHANNELS_PER_SERVER == 0:
            guild = world.add_guild(f"Server {number // _CHANNELS_PER_SERVER}", owner_id)
        ids.append(world.add_channel(guild.id, f"papers-{number}").id)
    return ids


def _papers() -> tuple[Paper, ...]:
    return generate_page((_KEYWORD,), _PAPERS).sections[0].papers


def _queue_papers(path: Path, world: World, channel_ids: Sequence[int], due_at: datetime) -> None:
    """Creates a database in which every channel waits for the same papers."""
    drop(path)  # the sandbox creates an empty one on a server
    create_where_missing(path)
    keyword, papers, now = Keyword.parse(_KEYWORD), _papers(), datetime.now(UTC)
    queued = {"arrived_at": now, "due_at": due_at}
    subscribed = {"keyword_id": 1, "shown": keyword.shown, "by_file": False, "by_command": True, "added_by": 1}
    rows: dict[sa.Table, list[dict[str, object]]] = {
        schema.keywords: [
            {"id": 1, "canonical": keyword.canonical, "shown": keyword.shown, "new_since": now, "synced_until": now}
        ],
        schema.papers: [paper_to_row(paper) for paper in papers],
        schema.channels: [{"channel_id": each, "guild_id": world.channels[each].guild_id} for each in channel_ids],
        schema.subscriptions: [{"channel_id": each, "added_at": now, **subscribed} for each in channel_ids],
        schema.outbox: [
            {"channel_id": each, "arxiv_id": paper.arxiv_id.value, "published": paper.published, **queued}
            for each in channel_ids
            for paper in papers
        ],
    }
    with writing(path) as connection:
        for table, values in rows.items():
            connection.execute(sa.insert(table), values)
        entries = sa.select(schema.outbox.c.id, sa.literal(1))
        connection.execute(sa.insert(schema.outbox_keywords).from_select(["outbox_id", "keyword_id"], entries))


@asynccontextmanager
async def _process(target: Callable[..., None], *arguments: object) -> AsyncIterator[int]:
    """Runs a function in a process of its own until the block ends; yields its id."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    try:
        yield process.pid or 0
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


async def _observe(delivery: DeliveryRun, sandbox: RunningSandbox, pid: int, channels: int) -> DeliveryRun:
    """Waits until every channel has a message; measures from the first to the last of them."""
    loop = asyncio.get_running_loop()
    first_s = last_s = cpu_s = 0.0
    skipped = sent = 0
    deadline_s = loop.time() + 2 * _START_S + _STUCK_S
    while sent < channels and loop.time() < deadline_s:
        await asyncio.sleep(_SAMPLE_S)
        new = list(islice(sandbox.discord.requests, skipped + delivery.requests, None))
        times_s = [request.started_at_s for request in new if request.method == "POST"]
        if not first_s and not times_s:
            cpu_s, skipped, delivery.ready_mb = _cpu_s(pid), skipped + len(new), _memory_mb(pid, "VmRSS")
            continue
        delivery.requests += len(new)
        if times_s:
            first_s, last_s, deadline_s = first_s or times_s[0], times_s[-1], loop.time() + _STUCK_S
        sent = sum(channel.last_message_id is not None for channel in sandbox.world.channels.values())
    delivery.messages, delivery.seconds = sent, max(last_s - first_s, 1e-9)
    delivery.cpu_s, delivery.peak_mb = _cpu_s(pid) - cpu_s, _memory_mb(pid, "VmHWM")
    delivery.global_429 = sandbox.discord.global_rejections
    rejected = [
        request
        for request in islice(sandbox.discord.requests, skipped, None)
        if request.status == HTTPStatus.TOO_MANY_REQUESTS
    ]
    delivery.route_429 = len(rejected) - delivery.global_429
    return delivery


def _cpu_s(pid: int) -> float:
    """Returns the CPU time that a process has used (proc(5): fields 14 and 15 of its status, after the name)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def _run_bot(environment: dict[str, str], log: str) -> None:
    os.environ.update(environment)
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    with suppress(SystemExit):
        run_program([])


def _run_plain_loop(url: str, channel_ids: Sequence[int]) -> None:
    """Sends the same embeds to one channel after the other, and leaves every limit to discord.py."""
    use_endpoints(f"{url}/api/v10", None)
    papers = [(paper, (_KEYWORD,)) for paper in _papers()]

    async def send() -> None:
        client = discord_py.Client(intents=discord_py.Intents.none())
        async with client:
            await client.login(TOKEN)
            await asyncio.sleep(1)  # until the CPU time of the login is measured
            for channel_id in channel_ids:
                await client.get_partial_messageable(channel_id).send(embeds=embeds(papers, Layout.CARDS))

    asyncio.run(send())
