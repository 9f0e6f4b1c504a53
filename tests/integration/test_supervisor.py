"""Loops that fail start again after a while, and people are told; the others never notice."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random

import pytest

from bot.runtime.errors import InvalidToken, StartupError, StoreUnavailable
from bot.runtime.metrics import Metrics
from bot.runtime.supervisor import RESTART_BACKOFF_CEILING_S, RESTART_BACKOFF_FLOOR_S, Supervisor, root_cause
from tests.support.clock import FakeClock, settle
from tests.support.loops import DEADLINE_S


class Scripted:
    """A loop that fails as often as it is told, then goes on for ever; it notes when it was started."""

    def __init__(self, clock: FakeClock, *failures: Exception, lasts_s: float = 0.0) -> None:
        self._clock = clock
        self._failures = list(failures)
        self._lasts_s = lasts_s
        self.began_s: list[float] = []

    async def run(self) -> None:
        self.began_s.append(self._clock.monotonic())
        await self._clock.sleep(self._lasts_s)
        if self._failures:
            raise self._failures.pop(0)
        await asyncio.Event().wait()

    @property
    def pauses_s(self) -> list[float]:
        """How long each failed try was over before the next began."""
        return [later - earlier - self._lasts_s for earlier, later in zip(self.began_s, self.began_s[1:], strict=False)]


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


async def test_loop_that_failed_starts_again_after_longer_and_longer_pauses(
    supervisor: Supervisor, clock: FakeClock
) -> None:
    loop = Scripted(clock, *(ValueError() for _ in range(12)))
    async with running(supervisor, {"Posting": loop.run}):
        await clock.advance(3600)
    assert len(loop.began_s) == 13
    for number, pause_s in enumerate(loop.pauses_s):
        floor_s = min(RESTART_BACKOFF_FLOOR_S * 2**number, RESTART_BACKOFF_CEILING_S)
        assert floor_s <= pause_s <= min(2 * floor_s, RESTART_BACKOFF_CEILING_S)


async def test_loop_that_had_held_for_long_starts_again_soon(supervisor: Supervisor, clock: FakeClock) -> None:
    loop = Scripted(clock, *(ValueError() for _ in range(5)), lasts_s=RESTART_BACKOFF_CEILING_S + 1)
    async with running(supervisor, {"Posting": loop.run}):
        await clock.advance(3600)
    assert len(loop.began_s) == 6
    assert max(loop.pauses_s) <= 2 * RESTART_BACKOFF_FLOOR_S + 1e-6


async def test_other_loops_go_on(supervisor: Supervisor, clock: FakeClock) -> None:
    broken, well = Scripted(clock, ValueError(), ValueError()), Scripted(clock)
    async with running(supervisor, {"Posting": broken.run, "Reading": well.run}):
        await clock.advance(60)
    assert len(broken.began_s) == 3
    assert well.began_s == [0.0]


async def test_unexpected_failure_is_told_and_logged_with_its_traceback(
    supervisor: Supervisor, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    loop = Scripted(clock, ValueError("secret detail"))
    async with running(supervisor, {"Posting": loop.run}):
        assert supervisor.problems == ("Posting stopped unexpectedly (ValueError)",)
    (record,) = caplog.records
    assert (record.levelno, record.message) == (logging.ERROR, "loop failed")
    assert record.exc_info is not None


async def test_database_that_cannot_be_written_is_told_in_its_own_words(
    supervisor: Supervisor, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    full = StoreUnavailable("the database cannot be used at the moment: disk is full")
    loop = Scripted(clock, ExceptionGroup("workers", [ExceptionGroup("inner", [full])]))
    async with running(supervisor, {"Posting": loop.run}):
        assert supervisor.problems == ("Posting stopped: the database cannot be used at the moment: disk is full",)
    (record,) = caplog.records
    assert not record.exc_info


async def test_trouble_is_shown_until_the_next_try_has_held_for_a_while(
    supervisor: Supervisor, clock: FakeClock
) -> None:
    loop = Scripted(clock, ValueError())
    async with running(supervisor, {"Posting": loop.run}):
        await clock.advance(60)
        assert supervisor.problems != ()
        await clock.advance(2)
        assert supervisor.problems == ()


async def test_trouble_of_a_loop_that_waits_for_its_next_try_stays(supervisor: Supervisor, clock: FakeClock) -> None:
    loop = Scripted(clock, *(ValueError() for _ in range(30)))
    async with running(supervisor, {"Posting": loop.run}):
        await clock.advance(1200)
        for _ in range(20):
            assert len(supervisor.problems) == 1
            await clock.advance(30)


async def test_start_that_is_refused_ends_all_and_says_why(supervisor: Supervisor, clock: FakeClock) -> None:
    refused, well = Scripted(clock, InvalidToken("Discord refused the token."), lasts_s=1), Scripted(clock)
    async with running(supervisor, {"Discord": refused.run, "Posting": well.run}) as run:
        await clock.advance(1)
        with pytest.raises(ExceptionGroup) as group:
            await run
    cause = root_cause(group.value)
    assert isinstance(cause, StartupError)
    assert str(cause) == "Discord refused the token."
    assert len(refused.began_s) == 1


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
    assert len(loop.began_s) == 1


def test_cause_of_a_plain_error_is_the_error_itself() -> None:
    error = ValueError()
    assert root_cause(error) is error
