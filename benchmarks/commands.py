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
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.database import copied, generated
from benchmarks.generated_papers import PaperGenerator
from benchmarks.generated_tables import GeneratedTables
from benchmarks.measured_bot import MeasuredBot, measured_bot, percentile
from benchmarks.results import Figure, Run
from bot.discord_api.custom_ids import NO_POST_KEY, AbstractButtonId, SubscribedButtonId
from bot.domain.paper import Paper
from cogs.subscribe import READING
from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from sandbox.discord import ChannelKind, Invocation, NotAcknowledged, Permission
from sandbox.discord.invocations import FIRST_RESPONSE_S
from tests.support.databases import setting
from tests.support.running import RunningSandbox, arxiv_with_one_paper, running_sandbox

_FIRST_MAX_MS, _FINAL_MAX_MS, _LAG_MAX_MS = 100.0, 500.0, 20.0
_PEOPLE: Final = 300
# How long a reply is waited for, and how long the bot runs before the first command.
_REPLY_MAX_S: Final = 30.0
_POLLING_BEFORE_S: Final = 5.0
# One request per second instead of one in three: a poll takes less time than between two of the same command.
_REQUEST_INTERVAL_S: Final = 1.0
# About 20,000 outbox rows in the first poll: the broadest keywords, which most channels have, match no paper of arXiv.
_WITHOUT_KEYWORDS: Final = 40
_EARLIER_PAPERS, _EARLIER_DAYS = 1_000, 8.0
_ANNOUNCED, _ANNOUNCED_EVERY_S, _ANNOUNCEMENTS_MAX = 20, 2.0, 150
_NICENESS: Final = 10
_BUSY: Final = 0  # the channel with the most keywords, in the server with the most channels


@dataclass(frozen=True, slots=True)
class _Answer:
    """How long a person waited for the first answer ("thinking" counts) and for the final one."""

    first_s: float
    final_s: float


@dataclass(slots=True)
class _Answers:
    first_ms: list[float] = field(default_factory=list)
    final_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Server:
    """The server with the most channels, its people, and the database behind it."""

    sandbox: RunningSandbox
    tables: GeneratedTables
    people: Iterator[int]

    async def run(self, name: str, options: dict[str, object], channel: int = _BUSY) -> Invocation:
        """Runs a command as the next person: there are limits per person."""
        return await self.sandbox.discord.run_command(
            name, options, user_id=next(self.people), channel_id=self.tables.channel_id(channel)
        )


_Action: TypeAlias = Callable[[_Server, int], Awaitable[_Answer]]


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
        for name, action in _ACTIONS.items():
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


async def _repeat(server: _Server, name: str, action: _Action, *, samples: int, budget_s: float) -> _Answers:
    """Runs one command several times, one after the other; one that is never answered counts with the longest wait."""
    loop, answers = asyncio.get_running_loop(), _Answers()
    ends_at_s = loop.time() + budget_s
    for number in range(samples):
        try:
            answer = await action(server, number)
        except (NotAcknowledged, TimeoutError) as error:
            print(f"{name}: {type(error).__name__}", file=sys.stderr)
            answers.final_ms.append(_REPLY_MAX_S * 1000)
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
) -> AsyncIterator[tuple[_Server, MeasuredBot]]:
    arxiv = _arxiv_with_papers(tables) if is_polling else arxiv_with_one_paper()
    interval_s = {"DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S": str(_REQUEST_INTERVAL_S)} if is_polling else {}
    poll_interval_s = "1" if is_polling else "3600"
    async with running_sandbox(folder, arxiv=arxiv) as sandbox:
        server = _Server(sandbox, tables, itertools.cycle(_add_servers(sandbox, tables)))
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
    busy = tables.guild_of(_BUSY)
    role = world.add_role(busy, "Editors", Permission.MANAGE_CHANNELS | Permission.MANAGE_GUILD)
    people = [world.add_user(f"person-{number}").id for number in range(_PEOPLE)]
    for user_id in people:
        world.add_member(busy, user_id, [role.id])
    return people


# --- actions -------------------------------------------------------------------------------------


def _command(name: str, channel: int = _BUSY, **options: object) -> _Action:
    async def act(server: _Server, _: int) -> _Answer:
        return _now_final(await _replied(await server.run(name, dict(options), channel)))

    return act


async def _replied(invocation: Invocation) -> Invocation:
    await invocation.wait_for_reply(_REPLY_MAX_S)
    return invocation


def _now_final(invocation: Invocation) -> _Answer:
    now_s = asyncio.get_running_loop().time()
    return _Answer((invocation.answered_at_s or now_s) - invocation.started_at_s, now_s - invocation.started_at_s)


async def _latest(server: _Server, _: int) -> _Answer:
    return _now_final(await _replied(await server.run("latest", {"keyword": server.tables.keywords[0].shown})))


async def _subscribe(server: _Server, number: int) -> _Answer:
    """Measures a keyword that other channels have: it needs no initial sync."""
    return _now_final(await _subscribed(server, number))


async def _subscribed(server: _Server, number: int) -> Invocation:
    keyword = server.tables.keywords[number % 20].shown
    invocation = await server.run("subscribe", {"keyword": keyword}, 1 + number % 90)
    await invocation.wait_for_edit(lambda message: READING not in message.content, _REPLY_MAX_S)
    return invocation


async def _unsubscribe(server: _Server, number: int) -> _Answer:
    channel = 10 + number % 80
    places = server.tables.channel_keywords[channel]
    place = places[number // 80 % len(places)]
    options: dict[str, object] = {"keyword": server.tables.keywords[place].shown}
    return _now_final(await _replied(await server.run("unsubscribe", options, channel)))


async def _post_latest(server: _Server, number: int) -> _Answer:
    """Presses "Also post the latest 5" below the reply to `/subscribe`."""
    replied = await _subscribed(server, number)
    channel = number % 90
    keyword_id = server.tables.channel_keywords[channel][0] + 1
    button = SubscribedButtonId("past", server.tables.channel_id(channel), (keyword_id,))
    return _now_final(await _press(server, replied, button.encode()))


async def _abstract(server: _Server, number: int) -> _Answer:
    """Presses "Read the abstract" of a paper."""
    replied = await _replied(await server.run("help", {}))
    return await _abstract_below(server, replied, number * 97)


async def _abstract_behind_page(server: _Server, number: int) -> _Answer:
    """Presses the same button while the page of the busiest channel is built: it must not wait for the page."""
    replied = await _replied(await server.run("help", {}))
    page = await server.run("page", {"format": "json"})
    await page.wait_until_acknowledged()
    answer = await _abstract_below(server, replied, number * 89)
    await page.wait_for_reply(_REPLY_MAX_S)
    return answer


async def _abstract_below(server: _Server, replied: Invocation, paper: int) -> _Answer:
    arxiv_id = server.tables.arxiv_id(paper % server.tables.size.papers)
    return _now_final(await _press(server, replied, AbstractButtonId(arxiv_id, NO_POST_KEY).encode()))


async def _press(server: _Server, replied: Invocation, custom_id: str) -> Invocation:
    assert replied.reply is not None  # noqa: S101 -- it was waited for
    content = replied.reply.content
    pressed = await server.sandbox.discord.press_forged(replied.reply.id, custom_id, user_id=replied.user_id)
    await pressed.wait_until_acknowledged()
    await pressed.wait_for(lambda each: each.reply is not None and each.reply.content != content, _REPLY_MAX_S)
    return pressed


def _typing(name: str, focused: str, typed: str) -> _Action:
    """Types into an option: the suggestions are the first and the final answer."""

    async def act(server: _Server, _: int) -> _Answer:
        loop = asyncio.get_running_loop()
        started_at_s = loop.time()
        await server.sandbox.discord.autocomplete(
            name, {focused: typed}, focused, user_id=next(server.people), channel_id=server.tables.channel_id(_BUSY)
        )
        took_s = loop.time() - started_at_s
        return _Answer(took_s, took_s)

    return act


_YESTERDAY: Final = (datetime.now(UTC) - timedelta(days=20)).date().isoformat()
_ACTIONS: Final[dict[str, _Action]] = {
    "/latest of the broadest keyword": _latest,
    "/subscribe to a watched keyword": _subscribe,
    "Also post the latest 5": _post_latest,
    "/unsubscribe": _unsubscribe,
    "/keywords": _command("keywords"),
    "/status": _command("status"),
    "/channel show": _command("channel show"),
    "/channel test": _command("channel test"),
    "/channel style": _command("channel style", 3, style="compact"),
    "/channel schedule": _command("channel schedule", 3, time="08:30", zone="Europe/Berlin"),
    "/channel pause": _command("channel pause", 4),
    "/channel resume": _command("channel resume", 4),
    "/channel trending daily": _command("channel trending daily", 5),
    "/channel trending off": _command("channel trending off", 5),
    "/page format:html": _command("page", format="html"),
    "/page format:md": _command("page", format="md"),
    "/page format:atom": _command("page", format="atom"),
    "/page format:json": _command("page", format="json"),
    "/stats": _command("stats"),
    "/trending of an earlier day": _command("trending", date=_YESTERDAY),
    "/help": _command("help"),
    "suggestions of /unsubscribe": _typing("unsubscribe", "keyword", "spa"),
    "suggestions of /trend": _typing("trend", "keyword", "graph"),
    "Read the abstract": _abstract,
    "Read the abstract while a page is built": _abstract_behind_page,
}
