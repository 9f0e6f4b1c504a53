"""A clock whose wall-clock time another process moves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.moved_clock import ClockFile, MovedClock

A_SECOND = timedelta(seconds=1)


def ahead(clock: MovedClock) -> timedelta:
    return clock.now() - datetime.now(UTC)


@pytest.mark.parametrize("jump_s", [90.0, -90.0, 3600.0, -3600.0, 172_800.0, -172_800.0])
def test_clock_jumps_and_returns_with_its_file(tmp_path: Path, jump_s: float) -> None:
    file = ClockFile(tmp_path / "clock")
    clock = MovedClock(file.path)
    assert abs(ahead(clock)) < A_SECOND
    file.ahead_s = jump_s
    assert abs(ahead(clock) - timedelta(seconds=jump_s)) < A_SECOND
    file.ahead_s = 0.0
    assert abs(ahead(clock)) < A_SECOND


def test_jump_leaves_the_monotonic_clock_alone(tmp_path: Path) -> None:
    file = ClockFile(tmp_path / "clock")
    clock = MovedClock(file.path)
    before_s = clock.monotonic()
    file.ahead_s = 3600.0
    assert 0 <= clock.monotonic() - before_s < 60
