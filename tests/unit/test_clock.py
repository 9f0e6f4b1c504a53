"""The stopwatch: periods by the monotonic clock, and jumps of the wall clock."""

from datetime import timedelta

import pytest

from bot.runtime.clock import CLOCK_JUMP_MIN, Stopwatch
from tests.support.clock import START, FakeClock


async def test_stopwatch_measures_with_the_monotonic_clock() -> None:
    clock = FakeClock()
    stopwatch = Stopwatch(clock)
    await clock.advance(90)
    clock.jump(timedelta(days=2))
    assert stopwatch.started_at == START
    assert stopwatch.elapsed == timedelta(seconds=90)
    stopwatch.restart()
    assert stopwatch.elapsed == stopwatch.jump == timedelta()


@pytest.mark.parametrize("seconds", [30, 90, 3600, -30, -90, -172_800])
async def test_stopwatch_notices_a_jump(seconds: int) -> None:
    clock = FakeClock()
    stopwatch = Stopwatch(clock)
    await clock.advance(10)
    clock.jump(timedelta(seconds=seconds))
    assert stopwatch.jump == timedelta(seconds=seconds)


@pytest.mark.parametrize("sign", [1, -1])
async def test_small_adjustment_is_not_a_jump(sign: int) -> None:
    clock = FakeClock()
    stopwatch = Stopwatch(clock)
    clock.jump(sign * (CLOCK_JUMP_MIN - timedelta(seconds=1)))
    assert stopwatch.jump == timedelta()
