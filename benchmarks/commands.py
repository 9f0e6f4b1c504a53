"""Measures the first and the final answer of every command on the large database, idle and during polls.

The real bot serves the channels of the generated database in the sandbox's Discord. People run one command after the
other; during polls, papers are announced, read, matched and posted all the time. The sandbox has a lower priority than
the bot. A command is repeated until its samples or its time are used up: of few samples, p99 is the longest.
"""

import asyncio
import itertools
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from benchmarks.command_actions import ACTIONS, BUSY, REPLY_MAX_S, Action, BusyServer
from benchmarks.database import copied, generated
from benchmarks.generated_papers import PaperGenerator
from benchmarks.generated_tables import GeneratedTables
from benchmarks.measured_bot import MeasuredBot, measured_bot, percentile
from benchmarks.results import Figure, Run
from bot.domain.paper import Paper
from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from sandbox.discord import ChannelKind, NotAcknowledged, Permission
from sandbox.discord.invocations import FIRST_RESPONSE_S
from tests.support.databases import setting
from tests.support.running import RunningSandbox, arxiv_with_one_paper, running_sandbox

_FIRST_MAX_MS, _FINAL_MAX_MS, _LAG_MAX_MS = 100.0, 500.0, 20.0
_PEOPLE: Final = 300
# How long the bot runs before the first command.
_POLLING_BEFORE_S: Final = 5.0
# One request per second instead of one in three: a poll takes less time than between two of the same command.
_REQUEST_INTERVAL_S: Final = 1.0
# About 20,000 outbox rows in the first poll: the broadest keywords, which most channels have, match no paper of arXiv.
_WITHOUT_KEYWORDS: Final = 40
_EARLIER_PAPERS, _EARLIER_DAYS = 1_000, 8.0
_ANNOUNCED, _ANNOUNCED_EVERY_S, _ANNOUNCEMENTS_MAX = 20, 2.0, 150
_NICENESS: Final = 10


@dataclass(slots=True)
class _Answers:
    first_ms: list[float] = field(default_factory=list)
    final_ms: list[float] = field(default_factory=list)


def measure(run: Run) -> Sequence[Figure]:
    """Starts the bot twice on copies of the generated database: idle, and with polls."""
    path, tables = generated(run)
    figures: list[Figure] = []
    for is_polling in (False, True):
        # A process cannot lower its niceness again, so each phase has a process of its own.
        with copied(path) as copy, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            figures += pool.submit(_run_phase, copy, tables, run, is_polling=is_polling).result()
    return figures


def _run_phase(path: Path, tables: GeneratedTables, run: Run, *, is_polling: bool) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_phase(path, tables, Path(folder), run, is_polling=is_polling))


async def _phase(path: Path, tables: GeneratedTables, folder: Path, run: Run, *, is_polling: bool) -> list[Figure]:
    when = "during polls" if is_polling else "idle"
    answers: dict[str, _Answers] = {}
    async with _running(path, tables, folder, is_polling=is_polling) as (server, bot):
        for name, action in ACTIONS.items():
            answers[name] = await _repeat(server, name, action, samples=run.size(50, 200), budget_s=run.size(2, 20))
        peak_mb = bot.peak_mb()
    figures = [figure for name, each in answers.items() for figure in _figures(f"{name}, {when}", each)]
    lag = Figure(f"event loop lag, {when}, p99", (percentile(bot.lags_ms, 0.99),), "ms", _LAG_MAX_MS)
    return [*figures, lag, Figure(f"memory, {when}, peak", (peak_mb,), "MB", 150.0)]


def _figures(name: str, answers: _Answers) -> list[Figure]:
    first_ms = answers.first_ms  # empty if no command that was acknowledged got its final answer
    first = (
        [Figure(f"{name}: first answer, p99", (percentile(first_ms, 0.99),), "ms", _FIRST_MAX_MS)] if first_ms else []
    )
    return [
        *first,
        Figure(f"{name}: final answer, p50", (percentile(answers.final_ms, 0.5),), "ms"),
        Figure(f"{name}: final answer, p99", (percentile(answers.final_ms, 0.99),), "ms", _FINAL_MAX_MS),
    ]


async def _repeat(server: BusyServer, name: str, action: Action, *, samples: int, budget_s: float) -> _Answers:
    """Runs one command several times, one after the other; one that is never answered counts with the longest wait."""
    loop, answers = asyncio.get_running_loop(), _Answers()
    ends_at_s = loop.time() + budget_s
    for number in range(samples):
        try:
            answer = await action(server, number)
        except (NotAcknowledged, TimeoutError) as error:
            print(f"{name}: {type(error).__name__}", file=sys.stderr)
            answers.final_ms.append(REPLY_MAX_S * 1000)
            if isinstance(error, NotAcknowledged):
                answers.first_ms.append(FIRST_RESPONSE_S * 1000)
        else:
            answers.first_ms.append(answer.first_s * 1000)
            answers.final_ms.append(answer.final_s * 1000)
        if loop.time() > ends_at_s:
            break
    return answers


# --- the bot and the sandbox ---------------------------------------------------------------------


@asynccontextmanager
async def _running(
    path: Path, tables: GeneratedTables, folder: Path, *, is_polling: bool
) -> AsyncIterator[tuple[BusyServer, MeasuredBot]]:
    arxiv = _arxiv_with_papers(tables) if is_polling else arxiv_with_one_paper()
    interval_s = {"DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S": str(_REQUEST_INTERVAL_S)} if is_polling else {}
    poll_interval_s = "1" if is_polling else "3600"
    async with running_sandbox(folder, arxiv=arxiv, first_response_s=FIRST_RESPONSE_S) as sandbox:
        server = BusyServer(sandbox, tables, itertools.cycle(_add_servers(sandbox, tables)))
        environment = {
            "DAILY_PAPERS_DATABASE": setting(path),
            "DAILY_PAPERS_ARXIV__POLL_INTERVAL_S": poll_interval_s,
            "DAILY_PAPERS_HUGGINGFACE__ENABLED": "true",
            **interval_s,
        }
        async with measured_bot(sandbox, folder, **environment) as bot, asyncio.TaskGroup() as group:
            os.nice(_NICENESS)
            announcing = group.create_task(_announce(arxiv)) if is_polling else None
            await asyncio.sleep(_POLLING_BEFORE_S)
            yield server, bot
            if announcing is not None:
                announcing.cancel()


def _arxiv_with_papers(tables: GeneratedTables) -> LocalArxiv:
    keywords = [keyword.shown for keyword in tables.keywords[_WITHOUT_KEYWORDS:]]
    count = _EARLIER_PAPERS + _ANNOUNCED * _ANNOUNCEMENTS_MAX
    generator = PaperGenerator(count, keywords, datetime.now(UTC), seed=13)
    arxiv = LocalArxiv(Corpus(_draft(each.paper) for each in generator.papers()), interval_s=_REQUEST_INTERVAL_S)
    arxiv.announce(_EARLIER_PAPERS, days_ago=(0.01, _EARLIER_DAYS))
    return arxiv


def _draft(paper: Paper) -> SandboxPaper:
    """Returns the paper without its id and dates."""
    return SandboxPaper(
        title=paper.title,
        abstract=paper.abstract,
        authors=paper.authors,
        categories=paper.categories,
        comment=paper.comment,
    )


async def _announce(arxiv: LocalArxiv) -> None:
    for _ in range(_ANNOUNCEMENTS_MAX):
        arxiv.announce(_ANNOUNCED, days_ago=(0.01, 0.5))
        await asyncio.sleep(_ANNOUNCED_EVERY_S)


def _add_servers(sandbox: RunningSandbox, tables: GeneratedTables) -> list[int]:
    """Adds the servers and channels of the database to Discord; returns people of the first server."""
    world, admin_id = sandbox.world, sandbox.world.default.admin_id
    for channel in range(tables.size.channels):
        guild_id = tables.guild_of(channel)
        if guild_id not in world.guilds:
            world.add_guild(f"Server {guild_id}", admin_id, guild_id=guild_id)
        world.add_channel(guild_id, f"papers-{channel}", ChannelKind.TEXT, channel_id=tables.channel_id(channel))
    busy = tables.guild_of(BUSY)
    role = world.add_role(busy, "Editors", Permission.MANAGE_CHANNELS | Permission.MANAGE_GUILD)
    people = [world.add_user(f"person-{number}").id for number in range(_PEOPLE)]
    for user_id in people:
        world.add_member(busy, user_id, [role.id])
    return people
