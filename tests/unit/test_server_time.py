"""The corrected clock: the machine's time while a server confirms it, otherwise the servers' time."""

import logging
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest

from bot.runtime.server_time import CorrectedClock
from tests.support.clock import START, FakeClock

JUMPS = [
    timedelta(seconds=90),
    timedelta(hours=1),
    timedelta(days=2),
    timedelta(days=30),
]
BOTH_WAYS = [*JUMPS, *(-jump for jump in JUMPS)]


def date(time: datetime) -> dict[str, str]:
    return {"Date": format_datetime(time, usegmt=True)}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def corrected(clock: FakeClock) -> CorrectedClock:
    return CorrectedClock(clock)


def test_without_a_response_the_time_is_the_machines(clock: FakeClock, corrected: CorrectedClock) -> None:
    clock.jump(timedelta(days=2))
    assert corrected.now() == START + timedelta(days=2)
    assert not corrected.is_verified
    assert corrected.problem is None


@pytest.mark.parametrize("jump", BOTH_WAYS)
def test_clock_that_was_wrong_from_the_start_is_corrected(
    clock: FakeClock, corrected: CorrectedClock, jump: timedelta
) -> None:
    clock.jump(jump)
    corrected.observe("arxiv.org", date(START))
    assert corrected.now() == START
    assert corrected.error == jump
    assert corrected.is_verified


@pytest.mark.parametrize("jump", BOTH_WAYS)
async def test_jump_after_a_response_changes_nothing(
    clock: FakeClock, corrected: CorrectedClock, jump: timedelta
) -> None:
    corrected.observe("discord.com", date(START))
    await clock.advance(3600)
    clock.jump(jump)
    assert corrected.now() == START + timedelta(hours=1)
    await clock.advance(4)
    clock.jump(-jump)
    assert corrected.now() == clock.now() == START + timedelta(seconds=3604)
    assert corrected.problem is None


@pytest.mark.parametrize("seconds", [-60, -59, 0, 59, 60])
def test_difference_of_up_to_a_minute_is_not_corrected(
    clock: FakeClock, corrected: CorrectedClock, seconds: int
) -> None:
    clock.jump(timedelta(seconds=seconds))
    corrected.observe("arxiv.org", date(START))
    assert corrected.now() == clock.now()


async def test_machine_that_was_suspended_is_right_again_after_one_response(
    clock: FakeClock, corrected: CorrectedClock
) -> None:
    for server in ("discord.com", "arxiv.org"):
        corrected.observe(server, date(START))
    clock.jump(timedelta(hours=8))  # the monotonic clock stops while a machine sleeps
    assert corrected.error == timedelta(hours=8)
    corrected.observe("discord.com", date(clock.now()))
    assert corrected.now() == START + timedelta(hours=8)


async def test_server_with_a_wrong_clock_does_not_correct_a_right_one(
    clock: FakeClock, corrected: CorrectedClock
) -> None:
    corrected.observe("discord.com", date(START))
    for _ in range(10):
        await clock.advance(3)
        corrected.observe("arxiv.org", date(clock.now() + timedelta(days=2)))
    assert corrected.now() == clock.now()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": ""},
        {"Date": "yesterday"},
        {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"Date": "Fri, 31 Dec 99999999999999999999 23:59:59 GMT"},
        {"Date": "Mon, 01 Jan 2040 00:00:00 GMT", "Age": "1e3"},
        {"Date": "Mon, 01 Jan 2040 00:00:00 GMT", "Age": "-5"},
        {"Date": "Mon, 01 Jan 2040 00:00:00 GMT", "Age": "99999999"},
        {"Date": "Mon, 01 Jan 2040 00:00:00 GMT", "Age": "86401"},
    ],
)
def test_unusable_header_is_ignored(corrected: CorrectedClock, headers: dict[str, str]) -> None:
    corrected.observe("arxiv.org", headers)
    assert not corrected.is_verified
    assert corrected.now() == START


def test_time_in_a_cache_is_added_to_the_date(clock: FakeClock, corrected: CorrectedClock) -> None:
    corrected.observe("arxiv.org", date(START - timedelta(hours=3)) | {"Age": "10800"})
    assert corrected.problem is None
    assert corrected.now() == START


def test_wrong_clock_is_logged_once_until_it_is_right(
    clock: FakeClock, corrected: CorrectedClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock.jump(timedelta(days=2))
    for _ in range(3):
        corrected.observe("arxiv.org", date(START))
    clock.jump(timedelta(days=-2))
    for _ in range(3):
        corrected.observe("arxiv.org", date(START))
    assert [record.message for record in caplog.records] == ["clock is wrong", "clock is right again"]


@pytest.mark.parametrize(
    ("jump", "words"),
    [
        (timedelta(seconds=90), "90 s ahead of"),
        (timedelta(seconds=-90), "90 s behind"),
        (timedelta(hours=1), "60 minutes ahead of"),
        (timedelta(hours=-30), "30 hours behind"),
        (timedelta(days=30), "30 days ahead of"),
    ],
)
def test_problem_states_by_how_much_the_clock_is_wrong(
    clock: FakeClock, corrected: CorrectedClock, jump: timedelta, words: str
) -> None:
    clock.jump(jump)
    corrected.observe("arxiv.org", date(START))
    assert corrected.problem == f"The machine's clock is {words} the time that servers report"
