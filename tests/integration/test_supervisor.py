"""The supervisor: failed loops restart after a backoff and are reported; other loops are not affected."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random

import pytest

from bot.runtime.errors import InvalidToken, StartupError, StoreUnavailable
from bot.runtime.metrics import Metrics
from bot.runtime.supervisor import (
    RESTART_BACKOFF_CEILING_S,
    RESTART_BACKOFF_FLOOR_S,
    STORE_CHECK_INTERVAL_S,
    Supervisor,
    root_cause,
)
from tests.support.clock import FakeClock, settle
from tests.support.loops import DEADLINE_S


class Scripted:
    """A loop that raises the given failures in turn, then runs forever; it records when it was started."""

    def __init__(self, clock: FakeClock, *failures: Exception, runs_for_s: float = 0.0) -> None:
        self._clock = clock
        self._failures = list(failures)
        self._runs_for_s = runs_for_s
        self.started_at_s: list[float] = []

    async def run(self) -> None:
        self.started_at_s.append(self._clock.monotonic())
        await self._clock.sleep(self._runs_for_s)
        if self._failures:
            raise self._failures.pop(0)
        await asyncio.Event().wait()

    @property
    def delays_s(self) -> list[float]:
        """The time from each failure to the next start."""
        return [
            later - earlier - self._runs_for_s
            for earlier, later in zip(self.started_at_s, self.started_at_s[1:], strict=False)
        ]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def supervisor(clock: FakeClock) -> Supervisor:
    return Supervisor(clock, Random(1), Metrics())


@asynccontextmanager
async def running(
    supervisor: Supervisor, loops: Mapping[str, Callable[[], Awaitable[None]]]
) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(supervisor.run(loops))
    await settle()
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_failed_loop_restarts_with_exponential_backoff(supervisor: Supervisor, clock: FakeClock) -> None:
    loop = Scripted(clock, *(ValueError() for _ in range(12)))
    async with running(supervisor, {"Posting": loop.run}):
        await clock.advance(3600)
    assert len(loop.started_at_s) == 13
    for number, delay_s in enumerate(loop.delays_s):
        floor_s = min(RESTART_BACKOFF_FLOOR_S * 2**number, RESTART_BACKOFF_CEILING_S)
        assert floor_s <= delay_s <= min(2 * floor_s, RESTART_BACKOFF_CEILING_S)


async def test_loop_that_ran_for_long_before_it_failed_restarts_soon(supervisor: Supervisor, clock: FakeClock) -> None:
    loop = Scripted(clock, *(ValueError() for _ in range(5)), runs_for_s=RESTART_BACKOFF_CEILING_S + 1)
    async with running(supervisor, {"Posting": loop.run}):
        await clock.advance(3600)
    assert len(loop.started_at_s) == 6
    assert max(loop.delays_s) <= 2 * RESTART_BACKOFF_FLOOR_S + 1e-6


async def test_other_loops_keep_running(supervisor: Supervisor, clock: FakeClock) -> None:
    failing, healthy = Scripted(clock, ValueError(), ValueError()), Scripted(clock)
    async with running(supervisor, {"Posting": failing.run, "Reading": healthy.run}):
        await clock.advance(60)
    assert len(failing.started_at_s) == 3
    assert healthy.started_at_s == [0.0]


async def test_unexpected_failure_is_reported_and_logged_with_traceback(
    supervisor: Supervisor, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    loop = Scripted(clock, ValueError("secret detail"))
    async with running(supervisor, {"Posting": loop.run}):
        assert supervisor.problems == ("Posting stopped unexpectedly (ValueError)",)
    (record,) = caplog.records
    assert (record.levelno, record.message) == (logging.ERROR, "loop failed")
    assert record.exc_info is not None


async def test_unavailable_database_is_reported_with_its_own_message(
    supervisor: Supervisor, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    full = StoreUnavailable("the database cannot be used at the moment: disk is full")
    loop = Scripted(clock, ExceptionGroup("workers", [ExceptionGroup("inner", [full])]))
    async with running(supervisor, {"Posting": loop.run}):
        assert supervisor.problems == ("Posting stopped: the database cannot be used at the moment: disk is full",)
    (record,) = caplog.records
    assert not record.exc_info


class ScriptedStore:
    """A database that cannot be written at some times."""

    def __init__(self, clock: FakeClock, *outages_s: tuple[float, float]) -> None:
        self._clock = clock
        self._outages_s = outages_s
        self.checks = 0

    async def problem(self) -> str | None:
        self.checks += 1
        now_s = self._clock.monotonic()
        return "disk is full" if any(start_s <= now_s < end_s for start_s, end_s in self._outages_s) else None


def writing(store: ScriptedStore) -> Callable[[], Awaitable[None]]:
    """Returns a loop that fails while the database cannot be written."""

    async def run() -> None:
        if reason := await store.problem():
            raise StoreUnavailable(reason)
        await asyncio.Event().wait()

    return run


async def test_loop_restarts_within_seconds_after_an_outage_of_the_database(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = ScriptedStore(clock, (0, 3000))
    supervisor = Supervisor(clock, Random(1), Metrics(), store.problem)
    async with running(supervisor, {"Posting": writing(store)}):
        await clock.advance(3000 + STORE_CHECK_INTERVAL_S)
        checks = store.checks
        await clock.advance(3600)
    assert store.checks == checks  # nothing is checked after the outage
    assert len(caplog.records) < 25


async def test_loop_that_fails_with_a_usable_database_restarts_with_backoff(clock: FakeClock) -> None:
    loop = Scripted(clock, *(StoreUnavailable("too many queries") for _ in range(5)))
    supervisor = Supervisor(clock, Random(1), Metrics(), ScriptedStore(clock).problem)
    async with running(supervisor, {"Posting": loop.run}):
        await clock.advance(3600)
    assert [int(delay_s) for delay_s in loop.delays_s] >= [1, 2, 4, 8, 16]


async def test_backoff_begins_again_after_an_outage_of_the_database(clock: FakeClock) -> None:
    store = ScriptedStore(clock, (0, 100))
    loop = Scripted(clock, *(StoreUnavailable("disk is full") for _ in range(7)), ValueError(), ValueError())
    supervisor = Supervisor(clock, Random(1), Metrics(), store.problem)
    async with running(supervisor, {"Posting": loop.run}):
        await clock.advance(3600)
    assert len(loop.delays_s) == 9
    assert max(loop.delays_s[-2:]) <= 8 * RESTART_BACKOFF_FLOOR_S


async def test_problem_is_shown_until_the_restarted_loop_has_run_for_a_while(
    supervisor: Supervisor, clock: FakeClock
) -> None:
    loop = Scripted(clock, ValueError())
    async with running(supervisor, {"Posting": loop.run}):
        await clock.advance(60)
        assert supervisor.problems != ()
        await clock.advance(2)
        assert supervisor.problems == ()


async def test_problem_is_shown_while_the_loop_waits_for_its_restart(supervisor: Supervisor, clock: FakeClock) -> None:
    loop = Scripted(clock, *(ValueError() for _ in range(30)))
    async with running(supervisor, {"Posting": loop.run}):
        await clock.advance(1200)
        for _ in range(20):
            assert len(supervisor.problems) == 1
            await clock.advance(30)


async def test_startup_error_ends_all_loops_and_is_raised(supervisor: Supervisor, clock: FakeClock) -> None:
    rejected, healthy = Scripted(clock, InvalidToken("Discord rejected the token."), runs_for_s=1), Scripted(clock)
    async with running(supervisor, {"Discord": rejected.run, "Posting": healthy.run}) as run:
        await clock.advance(1)
        with pytest.raises(ExceptionGroup) as group:
            await run
    cause = root_cause(group.value)
    assert isinstance(cause, StartupError)
    assert str(cause) == "Discord rejected the token."
    assert len(rejected.started_at_s) == 1


async def test_run_ends_when_every_loop_has_ended(supervisor: Supervisor) -> None:
    async def ends() -> None:
        """Nothing to do."""

    async with asyncio.timeout(DEADLINE_S):
        await supervisor.run({"Posting": ends, "Reading": ends})
    assert supervisor.problems == ()


async def test_cancelled_run_cancels_its_loops(supervisor: Supervisor, clock: FakeClock) -> None:
    loop = Scripted(clock, ValueError())
    async with running(supervisor, {"Posting": loop.run}) as run:
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    await clock.advance(3600)
    assert len(loop.started_at_s) == 1


def test_root_cause_of_a_plain_error_is_the_error_itself() -> None:
    error = ValueError()
    assert root_cause(error) is error
