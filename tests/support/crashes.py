"""One crash and its result: the bot is killed at a point and started again, then its posts are compared.

The expected posts follow from what arXiv announced, never from the bot's database, which only shows whether the bot
has work left.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from bot.domain.channel_settings import ChannelSettings, ThreadMode
from tests.support.databases import IS_POSTGRESQL, copy
from tests.support.killable import KILLED, BotProcess, CrashPoint, killable_bot
from tests.support.posted_papers import Comparison, PostedPaper, compare, posted_papers
from tests.support.quiescence import wait_until, wait_until_settled, wait_until_synced
from tests.support.running import RunningSandbox, running_sandbox
from tests.support.store import opened

KEYWORDS = {"papers": ("reward model", "agents"), "vision": ("agents",)}
PAPERS = 12  # more than one message holds
BOTH = 3  # how many of them match in both channels
LIMIT = 5  # how many of them a posting contains in a limited channel
_CASES_AT_ONCE = 6 if IS_POSTGRESQL else 12
# So many programs that start at once can need a minute on a busy machine.
DEADLINE_S = 120.0


class Work(Enum):
    """What the bot reads from arXiv when it is killed."""

    INITIAL_SYNC = "initial sync"
    POLL = "poll"
    LIMITED_POLL = "limited poll"
    THREADED_POLL = "threaded poll"


# The settings of the channels, where they are not the defaults.
SETTINGS: Final = {
    Work.LIMITED_POLL: ChannelSettings(papers_per_posting=LIMIT),
    Work.THREADED_POLL: ChannelSettings(threads=ThreadMode.PER_PAPER),
}


class Nonces(Enum):
    """Whether Discord still remembers the nonces when the bot is started again."""

    KNOWN = "nonces known"
    FORGOTTEN = "nonces forgotten"


class Stored:
    """The point at which Discord has stored the message and not answered yet; the bot has no step there."""

    def __str__(self) -> str:
        return "between stored and answered"


STORED = Stored()


@dataclass(frozen=True, slots=True)
class Case:
    """Where the bot is killed, and what Discord remembers afterwards."""

    work: Work
    point: CrashPoint | Stored
    nonces: Nonces

    def __str__(self) -> str:
        return f"{self.work.value}, {self.point}, {self.nonces.value}"


@dataclass(frozen=True, slots=True)
class CrashResult:
    """What the channels contain in the end, and how the second run of the bot shut down."""

    posts: Comparison
    exit_code: int


async def run_all(cases: Collection[Case], folder: Path) -> Mapping[Case, CrashResult | Exception]:
    """Runs the cases concurrently, each with servers of its own; returns a failure as the case's result."""
    synced = folder / "synced.sqlite3"
    if any(case.work is not Work.INITIAL_SYNC for case in cases):
        await _prepare_synced(folder / "preparation", synced)
    slots = asyncio.Semaphore(_CASES_AT_ONCE)
    opening = asyncio.Lock()

    async def run(case: Case, number: int) -> CrashResult | Exception:
        async with slots:
            try:
                return await _run(case, folder / str(number), synced, opening)
            except (AssertionError, TimeoutError) as error:
                return error

    results = await asyncio.gather(*(run(case, number) for number, case in enumerate(cases)))
    return dict(zip(cases, results, strict=True))


async def _prepare_synced(folder: Path, synced: Path) -> None:
    """Creates a database after the initial sync, with which the cases of a poll begin."""
    async with _crash_sandbox(folder) as sandbox, _bot(sandbox) as bot:
        await wait_until_synced(sandbox.database, DEADLINE_S)
        assert await bot.terminate(DEADLINE_S) == 0, bot.log_text()
    await asyncio.to_thread(copy, sandbox.database, synced)


async def _run(case: Case, folder: Path, synced: Path, opening: asyncio.Lock) -> CrashResult:
    async with _crash_sandbox(folder) as sandbox:
        expected: list[PostedPaper] = []
        if case.work is not Work.INITIAL_SYNC:
            await asyncio.to_thread(copy, synced, sandbox.database)
            if case.work in SETTINGS:
                async with opening:  # on a server, Alembic checks the schema, in one thread of a process at a time
                    await _set_channels(sandbox, SETTINGS[case.work])
            expected = _announce(sandbox, LIMIT if case.work is Work.LIMITED_POLL else PAPERS)
        await _run_until_killed(sandbox, case.point)
        await wait_for_requests(sandbox)
        if case.nonces is Nonces.FORGOTTEN:
            sandbox.discord.forget_nonces()
        async with _bot(sandbox) as bot:
            if case.work is Work.INITIAL_SYNC:
                await wait_until_synced(sandbox.database, DEADLINE_S)
                expected = _announce(sandbox, PAPERS)
            await sandbox.wait_until(lambda: posted_papers(sandbox.world).keys() >= set(expected))
            await wait_until_settled(sandbox.database, DEADLINE_S)
            await sandbox.wait_for_next_poll()
            if case.work is Work.THREADED_POLL:
                await sandbox.wait_until(lambda: _has_thread_per_paper(sandbox, expected))
            exit_code = await bot.terminate(DEADLINE_S)
        return CrashResult(compare(expected, posted_papers(sandbox.world)), exit_code)


async def _run_until_killed(sandbox: RunningSandbox, point: CrashPoint | Stored) -> None:
    async with _bot(sandbox, at=point if isinstance(point, CrashPoint) else None) as bot:
        if isinstance(point, Stored):
            kill_when_stored(sandbox, bot)
        assert await bot.wait_for_exit(DEADLINE_S) == KILLED, bot.log_text()


def kill_when_stored(sandbox: RunningSandbox, bot: BotProcess) -> None:
    """Kills the bot when Discord has stored a message, before it answers."""
    sandbox.world.subscribe(lambda event, *_: bot.kill() if event == "MESSAGE_CREATE" else None)


async def wait_for_requests(sandbox: RunningSandbox) -> None:
    """Waits until Discord has handled every request that the killed bot sent."""
    await wait_until(lambda: all(request.status is not None for request in sandbox.discord.requests), DEADLINE_S)


@asynccontextmanager
async def _crash_sandbox(folder: Path) -> AsyncIterator[RunningSandbox]:
    """Runs a sandbox with one past paper that must not be posted, and a config file with subscriptions."""
    await asyncio.to_thread(folder.mkdir)
    async with running_sandbox(folder) as sandbox:
        sandbox.add_paper("A Reward Model of Old, for Agents")
        subscriptions = [
            {"channel_id": sandbox.channel(name), "keywords": keywords} for name, keywords in KEYWORDS.items()
        ]
        _config(sandbox).write_text(json.dumps({"subscriptions": subscriptions}), encoding="utf-8")
        yield sandbox


def _config(sandbox: RunningSandbox) -> Path:
    return sandbox.database.with_name("config.json")


def _bot(sandbox: RunningSandbox, *, at: CrashPoint | None = None) -> AbstractAsyncContextManager[BotProcess]:
    return killable_bot(sandbox.environment(), _config(sandbox), sandbox.database.with_name("log"), at=at)


async def _set_channels(sandbox: RunningSandbox, settings: ChannelSettings) -> None:
    """Sets the settings of every channel."""
    async with opened(sandbox.database) as store:
        for name in KEYWORDS:
            await store.set_channel(sandbox.channel(name), settings)


def _has_thread_per_paper(sandbox: RunningSandbox, expected: Collection[PostedPaper]) -> bool:
    """Whether the bot started as many threads as papers are expected; more than these never go away."""
    world = sandbox.world
    threads = [each for each in world.channels.values() if each.is_thread and each.owner_id == world.bot_id]
    return len(threads) == len(expected)


def _announce(sandbox: RunningSandbox, limit: int) -> list[PostedPaper]:
    """Adds new papers to arXiv; returns where they must be posted: the first ones in each channel."""
    expected = []
    for number in range(PAPERS):
        for_both = number < BOTH
        url = sandbox.add_paper(f"Reward Models {'for Agents' if for_both else 'alone'}, Part {number}")
        if number < limit:
            expected += [(sandbox.channel(name), url) for name in (("papers", "vision") if for_both else ("papers",))]
    return expected
