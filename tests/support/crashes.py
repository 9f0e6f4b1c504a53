"""One crash and what becomes of it: the bot is killed at a point, started again, and the channels are counted.

A case in, a balance out. What is expected follows from what arXiv was made to show, never from the bot's database;
that is asked only whether the bot has come to rest.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.support.killable import KILLED, BotProcess, CrashPoint, a_killable_bot
from tests.support.ledger import Balance, Posted, balance, posted
from tests.support.quiescence import until, until_read, until_settled
from tests.support.running import DEADLINE_S, RunningSandbox, running_sandbox

KEYWORDS = {"papers": ("reward model", "agents"), "vision": ("agents",)}
PAPERS = 12  # more than one message holds
BOTH = 3  # so many of them are for the other channel too
_CASES_AT_ONCE = 24


class Reading(Enum):
    """Which reading of arXiv is in hand when the bot dies."""

    FIRST = "first reading"
    PASS = "pass"


class Nonces(Enum):
    """Whether Discord still knows the nonces when the bot is back."""

    KNOWN = "nonces known"
    FORGOTTEN = "nonces forgotten"


class Stored:
    """Not a step of ours: Discord has stored the message, and its answer is not on its way yet."""

    def __str__(self) -> str:
        return "between stored and answered"


STORED = Stored()


@dataclass(frozen=True, slots=True)
class Case:
    """Where the bot dies, and what the world has forgotten when it is back."""

    reading: Reading
    point: CrashPoint | Stored
    nonces: Nonces

    def __str__(self) -> str:
        return f"{self.reading.value}, {self.point}, {self.nonces.value}"


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the channels hold in the end, and how the bot that was started again ended when it was asked to."""

    balance: Balance
    exit_code: int


async def try_all(cases: Collection[Case], folder: Path) -> Mapping[Case, Aftermath | Exception]:
    """Try every case, several at once, each in a world of its own; what failed is its case's alone."""
    prepared = folder / "prepared.sqlite3"
    if any(case.reading is Reading.PASS for case in cases):
        await _read_past(folder / "preparation", prepared)
    room = asyncio.Semaphore(_CASES_AT_ONCE)

    async def tried(case: Case, number: int) -> Aftermath | Exception:
        async with room:
            try:
                return await _try(case, folder / str(number), prepared)
            except (AssertionError, TimeoutError) as error:
                return error

    outcomes = await asyncio.gather(*(tried(case, number) for number, case in enumerate(cases)))
    return dict(zip(cases, outcomes, strict=True))


async def _read_past(folder: Path, prepared: Path) -> None:
    """Let a bot make its first reading in an orderly life; its database is where the cases of a pass begin."""
    async with _a_world(folder) as sandbox, _a_bot(sandbox) as bot:
        await until_read(sandbox.database, DEADLINE_S)
        assert await bot.asked_to_end(DEADLINE_S) == 0, bot.said()
        shutil.copy(sandbox.database, prepared)


async def _try(case: Case, folder: Path, prepared: Path) -> Aftermath:
    async with _a_world(folder) as sandbox:
        expected: list[Posted] = []
        if case.reading is Reading.PASS:
            shutil.copy(prepared, sandbox.database)
            expected = _announce(sandbox)
        await _live_and_die(sandbox, case.point)
        await _nothing_is_on_its_way(sandbox)
        if case.nonces is Nonces.FORGOTTEN:
            sandbox.discord.forget_nonces()
        async with _a_bot(sandbox) as bot:
            if case.reading is Reading.FIRST:
                await until_read(sandbox.database, DEADLINE_S)
                expected = _announce(sandbox)
            await sandbox.wait_until(lambda: posted(sandbox.world).keys() >= set(expected))
            await until_settled(sandbox.database, DEADLINE_S)
            await sandbox.wait_for_next_poll()
            code = await bot.asked_to_end(DEADLINE_S)
        return Aftermath(balance(expected, posted(sandbox.world)), code)


async def _live_and_die(sandbox: RunningSandbox, point: CrashPoint | Stored) -> None:
    async with _a_bot(sandbox, at=point if isinstance(point, CrashPoint) else None) as bot:
        if isinstance(point, Stored):
            sandbox.world.subscribe(lambda event, *_: bot.kill() if event == "MESSAGE_CREATE" else None)
        assert await bot.ended(DEADLINE_S) == KILLED, bot.said()


async def _nothing_is_on_its_way(sandbox: RunningSandbox) -> None:
    """What had left when the bot died arrives before the next one asks."""
    await until(lambda: all(request.status is not None for request in sandbox.discord.requests), DEADLINE_S)


@asynccontextmanager
async def _a_world(folder: Path) -> AsyncIterator[RunningSandbox]:
    """An arXiv with a past that is nobody's news, and channels that watch it by the settings file."""
    await asyncio.to_thread(folder.mkdir)
    async with running_sandbox(folder) as sandbox:
        sandbox.add_paper("A Reward Model of Old, for Agents")
        wanted = [{"channel_id": sandbox.channel(name), "keywords": keywords} for name, keywords in KEYWORDS.items()]
        _config(sandbox).write_text(json.dumps({"subscriptions": wanted}), encoding="utf-8")
        yield sandbox


def _config(sandbox: RunningSandbox) -> Path:
    return sandbox.database.with_name("config.json")


def _a_bot(sandbox: RunningSandbox, *, at: CrashPoint | None = None) -> AbstractAsyncContextManager[BotProcess]:
    return a_killable_bot(sandbox.environment(), _config(sandbox), sandbox.database.with_name("log"), at=at)


def _announce(sandbox: RunningSandbox) -> list[Posted]:
    """arXiv shows what nobody has seen before; returns where it should be posted."""
    expected = []
    for number in range(PAPERS):
        for_both = number < BOTH
        url = sandbox.add_paper(f"Reward Models {'for Agents' if for_both else 'alone'}, Part {number}")
        expected += [(sandbox.channel(name), url) for name in (("papers", "vision") if for_both else ("papers",))]
    return expected
