"""The description of the last poll, as users see it."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.poll_schedule import (
    BatchMissing,
    NextPoll,
    Poll,
    PollCompleted,
    PollFailed,
    PollKind,
    PollResult,
    PollThrottled,
    describe_poll,
)

PROBE, READ = PollKind.PROBE_THEN_READ_IF_BATCH, PollKind.READ
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# The announcement of Wednesday, 18 November 2026, 20:00 Eastern.
WEDNESDAY_NIGHT = datetime(2026, 11, 19, 1, 0, tzinfo=UTC)
READ_LAST_NIGHT = Poll(datetime(2026, 11, 18, 1, 30, tzinfo=UTC), PollCompleted(5, batch=True))


@pytest.mark.parametrize(
    ("at", "result", "description"),
    [
        ("11-19 06:00", PollCompleted(12, batch=True), "12 new papers"),
        ("11-19 06:00", PollCompleted(1, batch=False), "1 new paper"),
        ("11-19 06:00", PollCompleted(0, batch=True), "no new papers"),
        ("11-19 03:00", BatchMissing(), "not announced yet"),
        ("11-19 03:00", PollCompleted(0, batch=False), "not announced yet"),
        ("11-19 07:00", BatchMissing(), "not announced yet: late"),
        ("11-19 14:00", PollCompleted(0, batch=False), "no announcement: holiday or late"),
        ("11-19 18:00", BatchMissing(), "no announcement: holiday or late"),
        ("11-21 01:30", PollCompleted(0, batch=True), "nothing announced: Saturday"),
        ("11-22 01:30", PollCompleted(0, batch=False), "nothing announced: Sunday"),
        ("11-21 01:30", PollCompleted(3, batch=True), "3 new papers"),
    ],
)
def test_last_poll_is_described(at: str, result: PollResult, description: str) -> None:
    now = datetime.fromisoformat(f"2026-{at}:00+00:00")
    polls = [READ_LAST_NIGHT, Poll(now, result)]
    assert describe_poll(now + HOUR, polls, NextPoll(now + 2 * HOUR, PROBE)) == description


@pytest.mark.parametrize(
    ("result", "wait", "description"),
    [
        (PollThrottled(WEDNESDAY_NIGHT), 4 * MINUTE, "arXiv asks us to wait, next try in 4 min"),
        (
            PollFailed("arXiv is unreachable (timed out)", WEDNESDAY_NIGHT),
            2 * MINUTE,
            "arXiv is unreachable (timed out), next try in 2 min",
        ),
        (PollThrottled(WEDNESDAY_NIGHT), 45 * timedelta(seconds=1), "arXiv asks us to wait, next try in 45 s"),
        (PollThrottled(WEDNESDAY_NIGHT), 23 * HOUR, "arXiv asks us to wait, next try in 23 h"),
        (PollThrottled(WEDNESDAY_NIGHT), -MINUTE, "arXiv asks us to wait, next try in 0 s"),
    ],
)
def test_description_of_a_failed_poll_has_the_next_attempt(
    result: PollResult, wait: timedelta, description: str
) -> None:
    polls = [Poll(WEDNESDAY_NIGHT, result)]
    assert describe_poll(WEDNESDAY_NIGHT, polls, NextPoll(WEDNESDAY_NIGHT + wait, READ)) == description


def test_description_before_the_first_poll() -> None:
    assert describe_poll(WEDNESDAY_NIGHT, [], NextPoll(WEDNESDAY_NIGHT, READ)) == "arXiv has not been checked yet"
