"""The sandbox's clock: ending a day."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import SandboxClock

FRIDAY = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (FRIDAY, "Saturday 28"),
        (FRIDAY + timedelta(days=1), "Tuesday 01"),  # Saturday and Sunday have no lists
        (FRIDAY + timedelta(days=2), "Tuesday 01"),
        (FRIDAY + timedelta(days=3), "Tuesday 01"),
        (datetime(2026, 11, 27, tzinfo=UTC), "Saturday 28"),
    ],
)
def test_end_of_a_day_is_after_midnight_of_a_day_with_a_list(now: datetime, day: str) -> None:
    clock = SandboxClock(lambda: now)
    clock.end_day()
    assert f"{clock.now():%A %d %H:%M}" == f"{day} 00:01"
    assert clock.unix_s() == clock.now().timestamp()


def test_days_can_be_ended_one_after_the_other() -> None:
    clock = SandboxClock(lambda: FRIDAY - timedelta(days=2))
    clock.end_day()
    clock.end_day()
    assert f"{clock.now():%A %H:%M}" == "Friday 00:01"
