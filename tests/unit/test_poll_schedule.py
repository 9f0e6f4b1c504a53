"""The poll schedule, and the description of the last poll."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.poll_schedule import (
    BatchMissing,
    NextPoll,
    Poll,
    PollCompleted,
    PollFailed,
    PollKind,
    PollResult,
    PollThrottled,
    batch_cutoff,
    last_announcement,
    next_announcement,
    plan,
    plan_fixed,
)

EASTERN = ZoneInfo("America/New_York")
PROBE, READ = PollKind.PROBE_THEN_READ_IF_BATCH, PollKind.READ
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def utc(text: str) -> datetime:
    """Parses `11-18 12:00`, in 2026 and UTC."""
    return datetime.fromisoformat(f"2026-{text}:00+00:00")


def eastern(text: str) -> datetime:
    """Parses `11-18 20:00`, in 2026 and New York time."""
    return datetime.fromisoformat(f"2026-{text}:00").replace(tzinfo=EASTERN).astimezone(UTC)


# In November 2026 the 15th is a Sunday, and 20:00 Eastern is 01:00 UTC.
WEDNESDAY_NIGHT = eastern("11-18 20:00")
READ_LAST_NIGHT = Poll(eastern("11-17 20:30"), PollCompleted(5, batch=True))


def poll(at: datetime, result: PollResult) -> Poll:
    return Poll(at, result)


def batch(at: datetime, new_papers: int = 5) -> Poll:
    return Poll(at, PollCompleted(new_papers, batch=True))


def no_batch(at: datetime) -> Poll:
    return Poll(at, BatchMissing())


# --- the calendar ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "last", "following"),
    [
        ("11-18 19:59", "11-17 20:00", "11-18 20:00"),
        ("11-18 20:00", "11-18 20:00", "11-19 20:00"),
        ("11-19 23:00", "11-19 20:00", "11-22 20:00"),
        ("11-20 21:00", "11-19 20:00", "11-22 20:00"),
        ("11-21 21:00", "11-19 20:00", "11-22 20:00"),
        ("11-22 21:00", "11-22 20:00", "11-23 20:00"),
    ],
    ids=["before it", "at it", "Thursday night", "Friday night", "Saturday night", "Sunday night"],
)
def test_announcements_are_at_20_eastern_from_sunday_to_thursday(now: str, last: str, following: str) -> None:
    assert last_announcement(eastern(now)) == eastern(last)
    assert next_announcement(eastern(now)) == eastern(following)


def test_announcement_follows_new_yorks_clock_changes() -> None:
    # Clocks go forward on 8 March and back on 1 November 2026, both on a Sunday morning.
    assert next_announcement(utc("03-07 12:00")) == utc("03-09 00:00")
    assert last_announcement(utc("03-06 12:00")) == utc("03-06 01:00")
    assert next_announcement(utc("10-31 12:00")) == utc("11-02 01:00")
    assert last_announcement(utc("10-31 12:00")) == utc("10-30 00:00")


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis requires naive bounds
def test_last_and_next_announcement_enclose_any_time(now: datetime) -> None:
    last, following = last_announcement(now), next_announcement(now)
    assert last <= now < following
    assert last_announcement(following) == following
    assert next_announcement(last) == following
    assert timedelta(hours=23) <= following - last <= timedelta(hours=73)
    assert last_announcement(last - MINUTE) - timedelta(days=2, hours=8) <= batch_cutoff(now) < last - DAY + HOUR


@pytest.mark.parametrize(
    ("now", "cutoff"),
    [
        ("11-16 21:00", "11-13 14:00"),
        ("11-17 21:00", "11-16 14:00"),
        ("11-18 21:00", "11-17 14:00"),
        ("11-21 12:00", "11-18 14:00"),
        ("11-22 21:00", "11-19 14:00"),
    ],
    ids=["Monday", "Tuesday", "Wednesday", "Saturday", "Sunday"],
)
def test_batch_begins_at_the_submission_cutoff_of_the_previous_one(now: str, cutoff: str) -> None:
    assert batch_cutoff(eastern(now)) == eastern(cutoff)


# --- nights with an announcement -------------------------------------------------------------------------


def test_first_probe_is_half_an_hour_after_the_announcement() -> None:
    first = NextPoll(WEDNESDAY_NIGHT + 30 * MINUTE, PROBE)
    second_reading = batch(eastern("11-18 00:30"))
    assert plan(eastern("11-18 12:00"), [READ_LAST_NIGHT, second_reading]) == first
    assert plan(WEDNESDAY_NIGHT + 5 * MINUTE, [READ_LAST_NIGHT, second_reading]) == first


def test_probes_follow_every_half_hour_until_the_batch_is_there() -> None:
    first, second = no_batch(WEDNESDAY_NIGHT + 30 * MINUTE), no_batch(WEDNESDAY_NIGHT + 61 * MINUTE)
    assert plan(first.at + MINUTE, [READ_LAST_NIGHT, first]) == NextPoll(first.at + 30 * MINUTE, PROBE)
    assert plan(second.at, [READ_LAST_NIGHT, first, second]) == NextPoll(second.at + 30 * MINUTE, PROBE)


def test_second_poll_is_four_hours_after_the_first() -> None:
    read = batch(WEDNESDAY_NIGHT + 3 * HOUR)
    assert plan(read.at + MINUTE, [READ_LAST_NIGHT, read]) == NextPoll(read.at + 4 * HOUR, READ)


def test_no_poll_between_the_second_one_and_the_next_night() -> None:
    read = batch(WEDNESDAY_NIGHT + 3 * HOUR)
    again = batch(read.at + 4 * HOUR, 0)
    following = NextPoll(WEDNESDAY_NIGHT + DAY + 30 * MINUTE, PROBE)
    assert plan(again.at + MINUTE, [READ_LAST_NIGHT, read, again]) == following


def test_night_without_a_batch_has_one_poll_at_14_utc() -> None:
    last_probe = no_batch(utc("11-19 13:45"))
    assert plan(last_probe.at, [READ_LAST_NIGHT, last_probe]) == NextPoll(utc("11-19 14:00"), READ)


def test_late_batch_is_probed_for_every_two_hours_after_that() -> None:
    given_up = poll(utc("11-19 14:00"), PollCompleted(0, batch=False))
    late = no_batch(utc("11-19 16:00"))
    assert plan(given_up.at, [READ_LAST_NIGHT, given_up]) == NextPoll(utc("11-19 16:00"), PROBE)
    assert plan(late.at, [READ_LAST_NIGHT, given_up, late]) == NextPoll(utc("11-19 18:00"), PROBE)


def test_late_batch_has_a_second_poll_too() -> None:
    given_up = poll(utc("11-19 14:00"), PollCompleted(0, batch=False))
    late = batch(utc("11-19 16:00"))
    assert plan(late.at, [READ_LAST_NIGHT, given_up, late]) == NextPoll(utc("11-19 20:00"), READ)


def test_late_batch_is_probed_for_only_until_the_next_night() -> None:
    given_up = poll(utc("11-19 14:00"), PollCompleted(0, batch=False))
    last = no_batch(eastern("11-19 18:30"))
    assert plan(last.at, [READ_LAST_NIGHT, given_up, last]) == NextPoll(eastern("11-19 20:30"), PROBE)


def test_next_nights_probe_replaces_the_second_poll() -> None:
    late = batch(eastern("11-19 18:00"))
    assert plan(late.at, [READ_LAST_NIGHT, late]) == NextPoll(eastern("11-19 20:30"), PROBE)


# --- nights without an announcement ----------------------------------------------------------------------------------


def test_nights_without_announcement_have_one_poll_each() -> None:
    thursday = [batch(eastern("11-19 20:30")), batch(eastern("11-20 00:30"))]
    friday, saturday = batch(eastern("11-20 20:30"), 0), batch(eastern("11-21 20:31"), 0)
    assert plan(eastern("11-20 09:00"), thursday) == NextPoll(friday.at, READ)
    assert plan(friday.at, [*thursday, friday]) == NextPoll(eastern("11-21 20:30"), READ)
    sunday = NextPoll(eastern("11-22 20:30"), PROBE)
    assert plan(saturday.at, [*thursday, friday, saturday]) == sunday


def test_batch_on_a_night_without_announcement_has_a_second_poll() -> None:
    thursday = [
        batch(eastern("11-18 20:30")),
        no_batch(eastern("11-19 20:30")),
        poll(utc("11-20 14:00"), PollCompleted(0, False)),
    ]
    friday = batch(eastern("11-20 20:30"))
    assert plan(friday.at, [*thursday, friday]) == NextPoll(friday.at + 4 * HOUR, READ)


def test_late_batch_of_thursday_is_not_probed_for_on_the_weekend() -> None:
    thursday = [batch(eastern("11-18 20:30")), no_batch(eastern("11-19 20:30"))]
    friday = [poll(utc("11-20 14:00"), PollCompleted(0, batch=False)), no_batch(eastern("11-20 19:00"))]
    assert plan(friday[-1].at, [*thursday, *friday]) == NextPoll(eastern("11-20 20:30"), READ)


# --- start and failures -----------------------------------------------------------------------


def test_first_poll_is_immediate() -> None:
    assert plan(WEDNESDAY_NIGHT, []) == NextPoll(WEDNESDAY_NIGHT, READ)


def test_start_polls_at_once_if_the_last_poll_missed_an_announcement() -> None:
    now = WEDNESDAY_NIGHT + 5 * HOUR
    assert plan(now, [READ_LAST_NIGHT]) == NextPoll(now, READ)


def test_start_after_a_missed_night_does_not_wait_for_the_probe() -> None:
    now = WEDNESDAY_NIGHT + MINUTE
    assert plan(now, [batch(eastern("11-16 20:30"))]) == NextPoll(now, READ)


def test_start_after_tonights_poll_waits_for_the_second_one() -> None:
    read = batch(WEDNESDAY_NIGHT + HOUR)
    assert plan(read.at + 2 * HOUR, [READ_LAST_NIGHT, read]) == NextPoll(read.at + 4 * HOUR, READ)


def test_overdue_poll_is_due_now() -> None:
    read, now = batch(WEDNESDAY_NIGHT + HOUR), WEDNESDAY_NIGHT + 12 * HOUR
    assert plan(now, [READ_LAST_NIGHT, read]) == NextPoll(now, READ)


@pytest.mark.parametrize(
    "failure",
    [PollThrottled(WEDNESDAY_NIGHT + 34 * MINUTE), PollFailed("arXiv is out of reach", WEDNESDAY_NIGHT + 34 * MINUTE)],
)
def test_failed_poll_is_retried_when_requests_are_allowed(failure: PollResult) -> None:
    failed = poll(WEDNESDAY_NIGHT + 30 * MINUTE, failure)
    assert plan(failed.at + MINUTE, [READ_LAST_NIGHT, failed]) == NextPoll(WEDNESDAY_NIGHT + 34 * MINUTE, PROBE)
    assert plan(failed.at + HOUR, [READ_LAST_NIGHT, failed]) == NextPoll(failed.at + HOUR, PROBE)


@pytest.mark.parametrize("at", ["11-19 13:45", "11-19 14:00"])
def test_failed_poll_does_not_count_for_its_night(at: str) -> None:
    probed, failed = no_batch(utc("11-19 13:10")), poll(utc(at), PollThrottled(utc("11-19 14:10")))
    for polls in ([READ_LAST_NIGHT, failed], [READ_LAST_NIGHT, probed, failed]):
        assert plan(failed.at, polls) == NextPoll(utc("11-19 14:10"), READ)


@given(
    now=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis requires naive bounds
    ages_h=st.lists(st.integers(min_value=0, max_value=150), max_size=8),
    data=st.data(),
)
def test_next_poll_is_never_past_and_never_after_the_next_night(
    now: datetime, ages_h: list[int], data: st.DataObject
) -> None:
    results: st.SearchStrategy[PollResult] = st.sampled_from(
        [PollCompleted(0, batch=True), PollCompleted(0, batch=False), BatchMissing()]
    )
    polls = [poll(now - age * HOUR, data.draw(results)) for age in sorted(ages_h, reverse=True)]
    following = plan(now, polls)
    assert now <= following.at <= max(now, next_announcement(now) + 30 * MINUTE)


def test_week_has_two_polls_per_batch_and_one_per_other_night() -> None:
    now, reads = eastern("11-15 19:00"), []
    polls = [batch(eastern(at)) for at in ("11-12 20:30", "11-13 00:30", "11-14 20:30")]
    while (following := plan(now, polls)).at < eastern("11-22 20:00"):
        now = following.at
        evening = last_announcement(now)
        there = now >= evening + 5 * HOUR  # each batch appears after five hours
        if there or following.kind is READ:
            reads.append(now.astimezone(EASTERN))
            polls.append(poll(now, PollCompleted(0, batch=there)))
        else:
            polls.append(no_batch(now))
    assert [f"{read:%a %H:%M}" for read in reads] == [
        *("Mon 01:00", "Mon 05:00", "Tue 01:00", "Tue 05:00", "Wed 01:00", "Wed 05:00"),
        *("Thu 01:00", "Thu 05:00", "Fri 01:00", "Fri 05:00", "Fri 20:30", "Sat 20:30"),
    ]


# --- a fixed interval ------------------------------------------------------------------------------


def test_fixed_interval_counts_from_the_last_poll() -> None:
    last = batch(WEDNESDAY_NIGHT)
    assert plan_fixed(last.at + MINUTE, [last], 300) == NextPoll(last.at + 5 * MINUTE, READ)
    assert plan_fixed(last.at + HOUR, [last], 300) == NextPoll(last.at + HOUR, READ)


def test_fixed_interval_polls_at_once_on_the_first_start() -> None:
    assert plan_fixed(WEDNESDAY_NIGHT, [], 5) == NextPoll(WEDNESDAY_NIGHT, READ)


def test_fixed_interval_respects_backoff() -> None:
    last = poll(WEDNESDAY_NIGHT, PollThrottled(WEDNESDAY_NIGHT + 2 * MINUTE))
    assert plan_fixed(last.at, [last], 5) == NextPoll(WEDNESDAY_NIGHT + 2 * MINUTE, READ)
