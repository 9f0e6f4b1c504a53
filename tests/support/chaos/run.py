"""Runs the real bot repeatedly through everything that goes wrong, and compares the posts in the end."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

from sandbox.arxiv import Corpus, LocalArxiv
from sandbox.discord import Limit, RateLimits
from sandbox.discord.invocations import FIRST_RESPONSE_S
from tests.support.chaos import scenario
from tests.support.chaos.database import disrupt_database
from tests.support.chaos.disruptions import Disruptor, block_discord, move_clock
from tests.support.chaos.faults import SLOWEST_S, uptime_s
from tests.support.chaos.floods import DESCRIPTORS, Flooder
from tests.support.chaos.hazards import Hazard
from tests.support.chaos.hostile import HostilePerson
from tests.support.chaos.injection import inject_arxiv_faults, inject_discord_faults, inject_forum_faults
from tests.support.chaos.observer import StatusObserver
from tests.support.chaos.result import Result, Tally, log_errors
from tests.support.chaos.size import Size
from tests.support.chaos.stage import Stage
from tests.support.databases import faults
from tests.support.killable import KILLED, BotProcess, Conditions, killable_bot
from tests.support.loopback import free_port
from tests.support.posted_papers import PostedPaper, compare, posted_papers
from tests.support.quiescence import is_synced, wait_until, wait_until_settled
from tests.support.running import DEADLINE_S, RunningSandbox, abs_url, running_sandbox

_INVALID = frozenset({401, 403, 429})
# Discord's limits, except for the one over all channels: a bot that starts within the same second does not know about
# the forty messages that the run before has sent.
_LIMITS = RateLimits(overall=Limit(500, 1.0))
_NONCES_FORGOTTEN = 0.15  # the share of downtimes after which Discord has forgotten the nonces
_PAST_PAPERS = 40
# A poll reads up to 40 keywords per request: with thousands, the faults would let hardly any poll succeed.
_HOSTILE_KEYWORDS_MAX = 80
_QUIET_PERIOD_S = 120.0  # longer than the longest backoff that a fault causes
_PROGRESS_EVERY_S = 2.0
# On a busy machine, most runs end before the bot is ready: if nothing was posted for so long, a run is long enough.
_NO_PROGRESS_S, _LONG_RUN_S = 60.0, 30.0
_SYNC_CHECKED_EVERY_S = 0.5
_CHECK_INTERVAL_S = 0.1
_NOT_STARTED = 1  # the exit code
# A run that lacks something after this multiple of its time stops without it.
_OVERTIME = 2.0


async def run_chaos(size: Size, seed: int, folder: Path, on_progress: Callable[[Tally], None]) -> Result:
    """Runs everything once; the seed determines the choices, but not the order of events."""
    arxiv = LocalArxiv(Corpus(), interval_s=size.interval_s)
    async with running_sandbox(folder, arxiv=arxiv, rate_limits=_LIMITS, first_response_s=FIRST_RESPONSE_S) as sandbox:
        return await _Run(Stage(size, seed, sandbox, free_port()), seed, on_progress).run()


class _Run:
    def __init__(self, stage: Stage, seed: int, on_progress: Callable[[Tally], None]) -> None:
        self._stage = stage
        self._size = stage.size
        self._seed = seed
        self._sandbox = stage.sandbox
        self._on_progress = on_progress
        world = stage.sandbox.world
        disrupted = scenario.add_channels(world, stage.size.channels)
        place = scenario.add_uninvolved_server(world)
        self._hostile = scenario.add_hostile_server(world, stage.size.people)
        self._counted = (*disrupted, place.channel)
        rng = stage.random_for("subscriptions")
        self._subscriptions = scenario.assign_keywords(self._counted, stage.size.keywords, rng)
        self._papers_random = stage.random_for("papers")
        self._expected: set[PostedPaper] = set()
        self._announcements = 0
        self._disruptor = Disruptor(stage, disrupted)
        self._observer = StatusObserver(stage, place)
        self._flooder = Flooder(stage)
        self._progress = _PostingProgress()
        self._started_s = 0.0

    async def run(self) -> Result:
        self._announce(_PAST_PAPERS, (0.5, 29.0), new=False)
        _config(self._sandbox).write_text(_config_text(self._subscriptions), encoding="utf-8")
        async with self._bot():  # the first process waits until everything is imported, and this one waits for it
            pass
        self._started_s = time.monotonic()
        async with asyncio.TaskGroup() as watchers:
            for watch in (self._report(), self._observer.run(), self._flooder.check_health()):
                watchers.create_task(watch)
            async with asyncio.TaskGroup() as actors:
                for actor in self._actors():
                    actors.create_task(actor)
            self._sandbox.discord.faults.clear()
            self._sandbox.arxiv.faults.clear()
            exit_code = await self._run_to_the_end()
        return self._result(exit_code)

    def _actors(self) -> Iterator[Coroutine[object, object, None]]:
        yield self._run_and_kill()
        yield self._announce_papers()
        by_hazard: Mapping[Hazard, Callable[[], Coroutine[object, object, None]]] = {
            Hazard.ARXIV: lambda: inject_arxiv_faults(self._stage),
            Hazard.DISCORD: lambda: inject_discord_faults(self._stage),
            Hazard.GATEWAY: self._disruptor.run,
            Hazard.CLOUDFLARE: lambda: block_discord(self._stage),
            Hazard.CLOCK: lambda: move_clock(self._stage),
            Hazard.FLOOD: self._flooder.run,
            Hazard.DATABASE: lambda: disrupt_database(self._stage),
        }
        yield from (act() for hazard, act in by_hazard.items() if self._size.has(hazard))
        if self._size.has(Hazard.DISCORD):
            yield inject_forum_faults(self._stage)
        if self._size.has(Hazard.HOSTILE):
            for person in self._hostile.people:
                yield HostilePerson(self._stage, self._hostile, person, self._counted).run()

    # Runs of the bot

    async def _run_and_kill(self) -> None:
        """Starts and kills the bot until the time is over and everything has happened often enough."""
        rng = self._stage.random_for("runs")
        while not self._is_over():
            run_s = uptime_s(rng) if self._size.has(Hazard.KILLS) else self._size.duration_s
            await self._run_once(max(run_s, _LONG_RUN_S) if self._progress.standstill_s > _NO_PROGRESS_S else run_s)
            if rng.random() < _NONCES_FORGOTTEN:
                await asyncio.sleep(SLOWEST_S)
                self._sandbox.discord.forget_nonces()
        self._stage.is_over = True

    def _is_over(self) -> bool:
        elapsed = self._elapsed_s() / self._size.duration_s
        has_enough = self._stage.has_enough and self._announcements >= self._size.announcements
        return elapsed >= _OVERTIME or (elapsed >= 1.0 and has_enough)

    async def _run_once(self, run_s: float) -> None:
        async with self._bot() as bot:
            self._stage.bot = bot
            disruptions = self._stage.database_disruptions
            await self._sleep_while_running(bot, run_s)
            self._stage.bot = None
            bot.kill()
            exit_code = await bot.wait_for_exit(DEADLINE_S)
        # Without its database, a bot that starts exits with a reason; one that runs waits for it.
        may_exit = self._stage.database_is_away or self._stage.database_disruptions > disruptions
        assert exit_code == KILLED or (exit_code == _NOT_STARTED and may_exit), bot.log_text()[-20_000:]
        self._stage.counts[Hazard.KILLS] += exit_code == KILLED

    async def _sleep_while_running(self, bot: BotProcess, run_s: float) -> None:
        ends_at_s = time.monotonic() + run_s
        while bot.is_running and (left_s := ends_at_s - time.monotonic()) > 0:  # noqa: ASYNC110 -- no event reports its end
            await asyncio.sleep(min(left_s, _CHECK_INTERVAL_S))

    async def _run_to_the_end(self) -> int:
        """Runs the bot without faults until everything is posted, then shuts it down; returns its exit code."""
        async with self._bot() as bot:
            self._stage.bot = bot
            with suppress(TimeoutError):  # the comparison shows what is missing
                await wait_until(lambda: self._counted_posts().keys() >= self._expected, _QUIET_PERIOD_S)
                await wait_until_settled(self._sandbox.database, _QUIET_PERIOD_S, self._counted)
                await self._sandbox.wait_for_next_poll()
            self._stage.bot, self._stage.is_finished = None, True
            return await bot.terminate(DEADLINE_S)

    def _bot(self) -> AbstractAsyncContextManager[BotProcess]:
        environment = self._sandbox.environment(
            DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S=str(self._size.interval_s),
            DAILY_PAPERS_WEB__PORT=str(self._stage.web_port),
        )
        return killable_bot(
            environment,
            _config(self._sandbox),
            _log(self._sandbox),
            conditions=Conditions(clock=self._stage.clock.path, descriptors=DESCRIPTORS),
        )

    # Papers

    async def _announce_papers(self) -> None:
        """Announces papers at regular intervals, once every keyword had its initial sync."""
        while not self._stage.is_over:
            await self._stage.pause(_SYNC_CHECKED_EVERY_S)
            self._stage.is_synced = self._stage.is_synced or is_synced(self._sandbox.database, self._counted)
            due = self._elapsed_s() / self._size.duration_s * self._size.announcements
            if self._stage.is_synced and self._announcements < due and not self._stage.is_over:
                self._announcements += 1
                self._announce(self._size.papers_each, (0.2, 6.0), new=True)
                if self._size.has(Hazard.HOSTILE) and self._announcements <= scenario.HOSTILE_PAPERS_MAX:
                    self._sandbox.arxiv.add_paper(scenario.hostile_paper(self._papers_random))
                await self._stage.pause(self._size.duration_s / self._size.announcements / 2)

    def _announce(self, count: int, days_ago: tuple[float, float], *, new: bool) -> None:
        for draft in scenario.papers(count, self._size.keywords, self._papers_random, days_ago):
            paper = self._sandbox.arxiv.add_paper(draft)
            if new:
                self._expected |= {
                    (channel, abs_url(paper)) for channel in scenario.subscribers(paper, self._subscriptions)
                }

    def _counted_posts(self) -> Counter[PostedPaper]:
        posted = posted_papers(self._sandbox.world)
        return Counter({paper: times for paper, times in posted.items() if paper[0] not in self._hostile.channels})

    # Progress and result

    async def _report(self) -> None:
        while not self._stage.is_finished:
            self._progress.add(self._counted_posts().total(), len(self._expected))
            self._on_progress(self._tally())
            await asyncio.sleep(_PROGRESS_EVERY_S)

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._started_s

    def _tally(self) -> Tally:
        return Tally(
            elapsed_s=self._elapsed_s(),
            counts=self._stage.counts,
            announcements=self._announcements,
            expected=len(self._expected),
            found=self._counted_posts().total(),
            slowest_status_s=self._observer.observed.slowest_s,
            longest_standstill_s=self._progress.longest_standstill_s,
        )

    def _result(self, exit_code: int) -> Result:
        posted = posted_papers(self._sandbox.world)
        return Result(
            seed=self._seed,
            tally=self._tally(),
            posts=compare(self._expected, self._counted_posts()),
            hostile_duplicates=sum(times > 1 for (at, _), times in posted.items() if at in self._hostile.channels),
            observed=self._observer.observed,
            health=self._flooder.health,
            exit_code=exit_code,
            early_requests=len(self._sandbox.arxiv.violations),
            invalid_requests=sum(request.status in _INVALID for request in self._sandbox.discord.requests),
            database=faults(self._sandbox.database),
            log_errors=log_errors(_log(self._sandbox)),
        )


class _PostingProgress:
    """The longest time in which papers waited and none was posted."""

    def __init__(self) -> None:
        self.longest_standstill_s = 0.0
        self.standstill_s = 0.0
        self._found = 0
        self._progressed_at_s = time.monotonic()

    def add(self, found: int, expected: int) -> None:
        """Compares the number of posts with the last one."""
        now_s = time.monotonic()
        if found > self._found or found >= expected:
            self._found, self._progressed_at_s = found, now_s
        self.standstill_s = now_s - self._progressed_at_s
        self.longest_standstill_s = max(self.longest_standstill_s, self.standstill_s)


def _config(sandbox: RunningSandbox) -> Path:
    return sandbox.database.with_name("config.json")


def _log(sandbox: RunningSandbox) -> Path:
    return sandbox.database.with_name("log")


def _config_text(keywords_of: Mapping[int, tuple[str, ...]]) -> str:
    subscriptions = [{"channel_id": str(channel), "keywords": keywords} for channel, keywords in keywords_of.items()]
    limits = {"keywords_per_server": _HOSTILE_KEYWORDS_MAX}
    return json.dumps({"subscriptions": subscriptions, "limits": limits})
