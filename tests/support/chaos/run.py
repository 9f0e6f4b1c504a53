"""Lets it all happen to the real bot, one life after the other, and counts what the channels hold in the end."""

import asyncio
import json
import re
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, closing, suppress
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from random import Random

from sandbox.arxiv import Corpus, LocalArxiv
from sandbox.discord import Limit, RateLimits
from tests.support.chaos import places
from tests.support.chaos.disruptions import Upheavals
from tests.support.chaos.faults import (
    SLOWEST_S,
    DiscordMisfortune,
    Size,
    arxiv_deck,
    discord_deck,
    forum_deck,
    life_s,
    upheavals,
)
from tests.support.killable import KILLED, BotProcess, a_killable_bot
from tests.support.ledger import Balance, Posted, balance, posted
from tests.support.quiescence import is_read, until, until_settled
from tests.support.running import DEADLINE_S, RunningSandbox, abs_url, running_sandbox

_INVALID = frozenset({401, 403, 429})
# Discord's own limits, but for the one over all channels: a bot that is started again within a second knows nothing of
# the forty messages that the one before it has sent in that second.
_LIMITS = RateLimits(overall=Limit(500, 1.0))
_PENDING_MAX = 5  # faults that wait for a request of Discord's
_NONCES_FORGOTTEN = 0.15  # how often the bot stays away for so long
_PAST_PAPERS = 40
_CALM_S = 120.0  # longer than the longest rest that a fault brings
_ASKED_EVERY_S = 0.05
_STALLED_S = 120.0


@dataclass(frozen=True, slots=True)
class Tally:
    """How far it has come."""

    kills: int = 0
    faults: int = 0
    announcements: int = 0
    expected: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What is left when it is over."""

    seed: int
    tally: Tally
    balance: Balance
    exit_code: int
    too_soon: int
    invalid_requests: int
    database: str
    took_s: float

    @property
    def is_well(self) -> bool:
        """Whether nothing happened that should not, to arXiv, to Discord and to the database.

        Invalid requests are told and not judged: a bot that is killed forgets how many it has made.
        """
        return self.balance.is_even and self.too_soon == 0 and self.database == "ok" and self.exit_code == 0

    def lines(self) -> tuple[str, ...]:
        """The result in words, the counts that matter last."""
        went = f"{self.tally.kills} kills, {self.tally.faults} faults, {self.tally.announcements} announcements"
        return (
            f"seed {self.seed}: {went} in {self.took_s:.0f} s",
            f"requests to arXiv too soon: {self.too_soon}; invalid requests to Discord: {self.invalid_requests}",
            f"database: {self.database}; exit code {self.exit_code}",
            f"posts expected: {self.balance.expected}",
            f"posts found:    {self.balance.found}",
            f"missing:        {len(self.balance.missing)}",
            f"double:         {len(self.balance.double)}",
            f"uncalled for:   {len(self.balance.uncalled)}",
        )


async def run_chaos(size: Size, seed: int, folder: Path, on_progress: Callable[[Tally], None]) -> Result:
    """Go through it; what is drawn follows from the seed, what meets what in which instant does not."""
    arxiv = LocalArxiv(Corpus(), interval_s=size.interval_s)
    async with running_sandbox(folder, arxiv=arxiv, rate_limits=_LIMITS) as sandbox:
        return await _Run(size, seed, sandbox, on_progress).run()


class _Run:
    def __init__(self, size: Size, seed: int, sandbox: RunningSandbox, on_progress: Callable[[Tally], None]) -> None:
        self._size = size
        self._seed = seed
        self._sandbox = sandbox
        self._on_progress = on_progress
        self._channels = places.add_channels(sandbox.world, size.channels, forums=size.forums)
        self._watching = places.share_out(self._channels, size.keywords, self._drawn_for("watching"))
        self._papers_drawn = self._drawn_for("papers")
        self._expected: set[Posted] = set()
        self._kills = self._announcements = self._arxiv_faults = self._discord_faults = self._upheavals = 0
        self._is_read = False

    def _drawn_for(self, what: str) -> Random:
        return Random(f"{self._seed}/{what}")

    async def run(self) -> Result:
        began_s = time.monotonic()
        self._show(_PAST_PAPERS, (0.5, 29.0), news=False)
        _config(self._sandbox).write_text(_subscriptions(self._watching), encoding="utf-8")
        async with asyncio.TaskGroup() as actors:
            miseries = [actors.create_task(work) for work in (self._vex_arxiv(), self._vex_discord(), self._upset())]
            forums = actors.create_task(self._vex_forums())
            await self._live(lambda: all(misery.done() for misery in miseries))
            forums.cancel()
        self._calm_down()
        exit_code = await self._live_to_the_end()
        found = posted(self._sandbox.world)
        return Result(
            seed=self._seed,
            tally=self._tally(),
            balance=balance(self._expected, found),
            exit_code=exit_code,
            too_soon=len(self._sandbox.arxiv.violations),
            invalid_requests=sum(request.status in _INVALID for request in self._sandbox.discord.requests),
            database=_soundness(self._sandbox.database),
            took_s=time.monotonic() - began_s,
        )

    def _tally(self) -> Tally:
        return Tally(
            self._kills,
            self._arxiv_faults + self._discord_faults + self._upheavals,
            self._announcements,
            len(self._expected),
            posted(self._sandbox.world).total(),
        )

    # The bot's lives

    async def _live(self, is_enough: Callable[[], bool]) -> None:
        draw = self._drawn_for("lives")
        every = max(1, self._size.kills // self._size.announcements)
        while not (is_enough() and self._kills >= self._size.kills and self._announcements >= self._size.announcements):
            announces = self._is_read and self._kills % every == 0
            await self._live_and_die(life_s(draw), draw.random() if announces else None)
            if draw.random() < _NONCES_FORGOTTEN:
                await asyncio.sleep(SLOWEST_S)
                self._sandbox.discord.forget_nonces()
            self._is_read = self._is_read or is_read(self._sandbox.database)
            self._on_progress(self._tally())

    async def _live_and_die(self, lasts_s: float, announced_at: float | None) -> None:
        async with self._a_bot() as bot:
            if announced_at is not None:
                await asyncio.sleep(lasts_s * announced_at)
                self._announcements += 1
                self._show(self._size.papers_each, (0.2, 6.0), news=True)
            await asyncio.sleep(lasts_s * (1 - (announced_at or 0.0)))
            assert bot.runs, bot.said()
            bot.kill()
            assert await bot.ended(DEADLINE_S) == KILLED
        self._kills += 1

    async def _live_to_the_end(self) -> int:
        """A last life in peace: everything that is owed is posted, and nothing else; then it ends in order."""
        async with self._a_bot() as bot:
            with suppress(TimeoutError):  # the balance says what is missing
                await until(lambda: posted(self._sandbox.world).keys() >= self._expected, _CALM_S)
                await until_settled(self._sandbox.database, _CALM_S)
            await self._sandbox.wait_for_next_poll()
            return await bot.asked_to_end(DEADLINE_S)

    def _a_bot(self) -> AbstractAsyncContextManager[BotProcess]:
        environment = self._sandbox.environment(DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S=str(self._size.interval_s))
        return a_killable_bot(environment, _config(self._sandbox), self._sandbox.database.with_name("log"))

    def _show(self, count: int, days_ago: tuple[float, float], *, news: bool) -> None:
        for draft in places.papers(count, self._size.keywords, self._papers_drawn, days_ago):
            paper = self._sandbox.arxiv.add_paper(draft)
            if news:
                self._expected |= {(channel, abs_url(paper)) for channel in places.subscribers(paper, self._watching)}

    # What goes wrong

    async def _vex_arxiv(self) -> None:
        faults, draw = self._sandbox.arxiv.faults, self._drawn_for("arXiv")
        honest = iter(arxiv_deck(self._size.arxiv_faults, self._size.rare, draw, honest=True))
        lying = iter(arxiv_deck(self._size.arxiv_faults, self._size.rare, draw, honest=False))
        while self._arxiv_faults < self._size.arxiv_faults:
            if not faults.pending:
                await asyncio.sleep(draw.uniform(0.0, 0.8))
                faults.add(*next(lying if self._is_read else honest))
            await asyncio.sleep(_ASKED_EVERY_S)
            self._arxiv_faults = sum(request.fault is not None for request in self._sandbox.arxiv.requests)

    async def _vex_discord(self) -> None:
        faults, draw = self._sandbox.discord.faults, self._drawn_for("Discord")
        deck = cycle(discord_deck(self._size.discord_faults, self._size.rare, draw))
        for planned in count(1):
            misfortune = next(deck)
            faults.add(misfortune.method, misfortune.path, misfortune.kind)
            await asyncio.sleep(draw.uniform(0.0, 1.0))
            await until(lambda: faults.pending <= _PENDING_MAX, _STALLED_S)
            self._discord_faults = planned - faults.pending
            if self._discord_faults >= self._size.discord_faults:
                return

    async def _vex_forums(self) -> None:
        """One fault after the other, for as long as it lasts: a forum is seldom asked for anything of its own."""
        if not self._size.forums:
            return
        faults, draw = self._sandbox.discord.faults, self._drawn_for("forums")
        for misfortune in cycle(forum_deck(draw)):
            met = self._met(misfortune)
            faults.add(misfortune.method, misfortune.path, misfortune.kind)
            while self._met(misfortune) == met:  # noqa: ASYNC110 - the bot is another process
                await asyncio.sleep(_ASKED_EVERY_S)

    def _met(self, misfortune: DiscordMisfortune) -> int:
        """How many requests came by that it could have happened to."""
        path = re.compile(misfortune.path)
        return sum(
            request.method == misfortune.method and path.search(request.path) is not None
            for request in self._sandbox.discord.requests
        )

    async def _upset(self) -> None:
        draw = self._drawn_for("upheavals")
        world = Upheavals(self._sandbox, self._channels, draw)
        for upheaval in upheavals(self._size.upheavals, draw):
            await asyncio.sleep(draw.uniform(0.2, 2.0))
            await world.happen(upheaval)
            self._upheavals += 1

    def _calm_down(self) -> None:
        self._sandbox.arxiv.faults.clear()
        self._sandbox.discord.faults.clear()


def _config(sandbox: RunningSandbox) -> Path:
    return sandbox.database.with_name("config.json")


def _subscriptions(watching: Mapping[int, tuple[str, ...]]) -> str:
    wanted = [{"channel_id": str(channel), "keywords": keywords} for channel, keywords in watching.items()]
    return json.dumps({"subscriptions": wanted})


def _soundness(database: Path) -> str:
    """Ok, or what SQLite has to say about the file."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        words = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    return ", ".join([*words, *(f"dangling row in {row[0]}" for row in dangling)])
