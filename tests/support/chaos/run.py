"""Runs the real bot again and again through kills, faults and disruptions, and compares the posts in the end."""

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
from tests.support.chaos import scenario
from tests.support.chaos.disruptions import Disruptor
from tests.support.chaos.faults import (
    SLOWEST_S,
    RequestFault,
    Size,
    arxiv_faults,
    discord_faults,
    disruptions,
    forum_faults,
    uptime_s,
)
from tests.support.killable import KILLED, BotProcess, killable_bot
from tests.support.posted_papers import Comparison, PostedPaper, compare, posted_papers
from tests.support.quiescence import is_synced, wait_until, wait_until_settled
from tests.support.running import DEADLINE_S, RunningSandbox, abs_url, running_sandbox

_INVALID = frozenset({401, 403, 429})
# Discord's limits, except for the one over all channels: a bot that starts within the same second does not know about
# the forty messages that the run before has sent.
_LIMITS = RateLimits(overall=Limit(500, 1.0))
_PENDING_MAX = 5  # faults that wait for a matching request to Discord
_NONCES_FORGOTTEN = 0.15  # the share of downtimes after which Discord has forgotten the nonces
_PAST_PAPERS = 40
_QUIET_PERIOD_S = 120.0  # longer than the longest backoff that a fault causes
_CHECK_INTERVAL_S = 0.05
_STALLED_S = 120.0


@dataclass(frozen=True, slots=True)
class Tally:
    """The progress of a run."""

    kills: int = 0
    faults: int = 0
    announcements: int = 0
    expected: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run."""

    seed: int
    tally: Tally
    posts: Comparison
    exit_code: int
    early_requests: int
    invalid_requests: int
    database: str
    duration_s: float

    @property
    def is_correct(self) -> bool:
        """Whether the posts are exact, arXiv's interval was kept, the database is sound and the shutdown was clean.

        Invalid requests are reported only: a bot that is killed forgets how many it has made.
        """
        return self.posts.is_exact and self.early_requests == 0 and self.database == "ok" and self.exit_code == 0

    def lines(self) -> tuple[str, ...]:
        """Returns the result as text, the most important counts last."""
        events = f"{self.tally.kills} kills, {self.tally.faults} faults, {self.tally.announcements} announcements"
        return (
            f"seed {self.seed}: {events} in {self.duration_s:.0f} s",
            f"early requests to arXiv: {self.early_requests}; invalid requests to Discord: {self.invalid_requests}",
            f"database: {self.database}; exit code {self.exit_code}",
            f"posts expected: {self.posts.expected}",
            f"posts found:    {self.posts.found}",
            f"missing:        {len(self.posts.missing)}",
            f"duplicate:      {len(self.posts.duplicate)}",
            f"unexpected:     {len(self.posts.unexpected)}",
        )


async def run_chaos(size: Size, seed: int, folder: Path, on_progress: Callable[[Tally], None]) -> Result:
    """Runs everything once; the seed determines the choices, but not the order of events."""
    arxiv = LocalArxiv(Corpus(), interval_s=size.interval_s)
    async with running_sandbox(folder, arxiv=arxiv, rate_limits=_LIMITS) as sandbox:
        return await _Run(size, seed, sandbox, on_progress).run()


class _Run:
    def __init__(self, size: Size, seed: int, sandbox: RunningSandbox, on_progress: Callable[[Tally], None]) -> None:
        self._size = size
        self._seed = seed
        self._sandbox = sandbox
        self._on_progress = on_progress
        self._channels = scenario.add_channels(sandbox.world, size.channels, forums=size.forums)
        self._subscriptions = scenario.assign_keywords(self._channels, size.keywords, self._random_for("subscriptions"))
        self._papers_random = self._random_for("papers")
        self._expected: set[PostedPaper] = set()
        self._kills = self._announcements = self._arxiv_faults = self._discord_faults = self._disruptions = 0
        self._is_synced = False

    def _random_for(self, purpose: str) -> Random:
        return Random(f"{self._seed}/{purpose}")

    async def run(self) -> Result:
        started_s = time.monotonic()
        self._announce(_PAST_PAPERS, (0.5, 29.0), new=False)
        _config(self._sandbox).write_text(_config_text(self._subscriptions), encoding="utf-8")
        async with asyncio.TaskGroup() as actors:
            sources = (self._inject_arxiv_faults(), self._inject_discord_faults(), self._disrupt())
            faults = [actors.create_task(source) for source in sources]
            forums = actors.create_task(self._inject_forum_faults())
            await self._run_and_kill(lambda: all(fault.done() for fault in faults))
            forums.cancel()
        self._clear_faults()
        exit_code = await self._run_to_the_end()
        found = posted_papers(self._sandbox.world)
        return Result(
            seed=self._seed,
            tally=self._tally(),
            posts=compare(self._expected, found),
            exit_code=exit_code,
            early_requests=len(self._sandbox.arxiv.violations),
            invalid_requests=sum(request.status in _INVALID for request in self._sandbox.discord.requests),
            database=_check_database(self._sandbox.database),
            duration_s=time.monotonic() - started_s,
        )

    def _tally(self) -> Tally:
        return Tally(
            self._kills,
            self._arxiv_faults + self._discord_faults + self._disruptions,
            self._announcements,
            len(self._expected),
            posted_papers(self._sandbox.world).total(),
        )

    # Runs of the bot

    async def _run_and_kill(self, is_enough: Callable[[], bool]) -> None:
        """Starts and kills the bot until everything planned has happened."""
        rng = self._random_for("runs")
        every = max(1, self._size.kills // self._size.announcements)
        while not (is_enough() and self._kills >= self._size.kills and self._announcements >= self._size.announcements):
            announces = self._is_synced and self._kills % every == 0
            await self._run_once(uptime_s(rng), rng.random() if announces else None)
            if rng.random() < _NONCES_FORGOTTEN:
                await asyncio.sleep(SLOWEST_S)
                self._sandbox.discord.forget_nonces()
            self._is_synced = self._is_synced or is_synced(self._sandbox.database)
            self._on_progress(self._tally())

    async def _run_once(self, run_s: float, announce_at: float | None) -> None:
        async with self._bot() as bot:
            if announce_at is not None:
                await asyncio.sleep(run_s * announce_at)
                self._announcements += 1
                self._announce(self._size.papers_each, (0.2, 6.0), new=True)
            await asyncio.sleep(run_s * (1 - (announce_at or 0.0)))
            assert bot.is_running, bot.log_text()
            bot.kill()
            assert await bot.wait_for_exit(DEADLINE_S) == KILLED
        self._kills += 1

    async def _run_to_the_end(self) -> int:
        """Runs the bot without faults until everything is posted, then shuts it down; returns its exit code."""
        async with self._bot() as bot:
            with suppress(TimeoutError):  # the comparison shows what is missing
                await wait_until(lambda: posted_papers(self._sandbox.world).keys() >= self._expected, _QUIET_PERIOD_S)
                await wait_until_settled(self._sandbox.database, _QUIET_PERIOD_S)
            await self._sandbox.wait_for_next_poll()
            return await bot.terminate(DEADLINE_S)

    def _bot(self) -> AbstractAsyncContextManager[BotProcess]:
        environment = self._sandbox.environment(DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S=str(self._size.interval_s))
        return killable_bot(environment, _config(self._sandbox), self._sandbox.database.with_name("log"))

    def _announce(self, count: int, days_ago: tuple[float, float], *, new: bool) -> None:
        for draft in scenario.papers(count, self._size.keywords, self._papers_random, days_ago):
            paper = self._sandbox.arxiv.add_paper(draft)
            if new:
                self._expected |= {
                    (channel, abs_url(paper)) for channel in scenario.subscribers(paper, self._subscriptions)
                }

    # Faults and disruptions

    async def _inject_arxiv_faults(self) -> None:
        faults, rng = self._sandbox.arxiv.faults, self._random_for("arXiv")
        before_sync = iter(arxiv_faults(self._size.arxiv_faults, self._size.rare, rng, complete=True))
        after_sync = iter(arxiv_faults(self._size.arxiv_faults, self._size.rare, rng, complete=False))
        while self._arxiv_faults < self._size.arxiv_faults:
            if not faults.pending:
                await asyncio.sleep(rng.uniform(0.0, 0.8))
                faults.add(*next(after_sync if self._is_synced else before_sync))
            await asyncio.sleep(_CHECK_INTERVAL_S)
            self._arxiv_faults = sum(request.fault is not None for request in self._sandbox.arxiv.requests)

    async def _inject_discord_faults(self) -> None:
        faults, rng = self._sandbox.discord.faults, self._random_for("Discord")
        planned_faults = cycle(discord_faults(self._size.discord_faults, self._size.rare, rng))
        for planned in count(1):
            fault = next(planned_faults)
            faults.add(fault.method, fault.path, fault.kind)
            await asyncio.sleep(rng.uniform(0.0, 1.0))
            await wait_until(lambda: faults.pending <= _PENDING_MAX, _STALLED_S)
            self._discord_faults = planned - faults.pending
            if self._discord_faults >= self._size.discord_faults:
                return

    async def _inject_forum_faults(self) -> None:
        """Injects one fault after the other until it is cancelled: requests that only forums need are rare."""
        if not self._size.forums:
            return
        faults, rng = self._sandbox.discord.faults, self._random_for("forums")
        for fault in cycle(forum_faults(rng)):
            matches = self._matching_requests(fault)
            faults.add(fault.method, fault.path, fault.kind)
            while self._matching_requests(fault) == matches:  # noqa: ASYNC110 - the bot is another process
                await asyncio.sleep(_CHECK_INTERVAL_S)

    def _matching_requests(self, fault: RequestFault) -> int:
        """Returns how many requests so far match the fault."""
        path = re.compile(fault.path)
        return sum(
            request.method == fault.method and path.search(request.path) is not None
            for request in self._sandbox.discord.requests
        )

    async def _disrupt(self) -> None:
        rng = self._random_for("disruptions")
        disruptor = Disruptor(self._sandbox, self._channels, rng)
        for disruption in disruptions(self._size.disruptions, rng):
            await asyncio.sleep(rng.uniform(0.2, 2.0))
            await disruptor.cause(disruption)
            self._disruptions += 1

    def _clear_faults(self) -> None:
        self._sandbox.arxiv.faults.clear()
        self._sandbox.discord.faults.clear()


def _config(sandbox: RunningSandbox) -> Path:
    return sandbox.database.with_name("config.json")


def _config_text(keywords_of: Mapping[int, tuple[str, ...]]) -> str:
    subscriptions = [{"channel_id": str(channel), "keywords": keywords} for channel, keywords in keywords_of.items()]
    return json.dumps({"subscriptions": subscriptions})


def _check_database(database: Path) -> str:
    """Returns "ok", or the faults that SQLite finds in the file."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        faults = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    return ", ".join([*faults, *(f"dangling row in {row[0]}" for row in dangling)])
