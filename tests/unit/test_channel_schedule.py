"""Channel schedules: when papers are posted, across clock changes and with late batches."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.channel_schedule import (
    DailySchedule,
    Immediate,
    describe_schedule,
    due_at,
    next_daily_time,
    parse_time,
    split_zone,
)
from bot.domain.poll_schedule import last_announcement, last_evening, next_announcement
from bot.domain.weekdays import EVERY_DAY, MONDAY_TO_FRIDAY
from bot.domain.zones import available
from bot.runtime.errors import InvalidSchedule

BERLIN = DailySchedule(8, 30, "Europe/Berlin")
# Wednesday's announcement, 20:00 Eastern, is on Thursday in UTC (winter time on both sides).
ANNOUNCED = datetime(2026, 11, 19, 1, 0, tzinfo=UTC)
THURSDAYS_DIGEST = datetime(2026, 11, 19, 7, 30, tzinfo=UTC)
FRIDAYS_DIGEST = THURSDAYS_DIGEST + timedelta(days=1)
MONDAYS_DIGEST = THURSDAYS_DIGEST + timedelta(days=4)


def utc(day: int, hour: int, minute: int = 0, *, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def digests(daily: DailySchedule, after: datetime, count: int) -> list[datetime]:
    """Returns the times of the next digests."""

    def generate() -> Iterator[datetime]:
        moment = after
        for _ in range(count):
            moment = next_daily_time(daily, moment)
            yield moment

    return list(generate())


# --- when papers are posted ------------------------------------------------------------------------


def test_immediate_schedule_posts_on_arrival() -> None:
    assert due_at(Immediate(), utc(19, 5)) == utc(19, 5)


def test_batch_that_arrives_before_the_digest_waits_for_it() -> None:
    assert due_at(BERLIN, utc(19, 5)) == THURSDAYS_DIGEST
    assert due_at(BERLIN, ANNOUNCED) == THURSDAYS_DIGEST
    assert due_at(BERLIN, THURSDAYS_DIGEST) == THURSDAYS_DIGEST


def test_late_batch_is_posted_on_arrival() -> None:
    late = THURSDAYS_DIGEST + timedelta(seconds=1)
    assert due_at(BERLIN, late) == late
    assert due_at(BERLIN, utc(20, 0, 59)) == utc(20, 0, 59)


def test_papers_of_the_next_announcement_wait_for_the_next_digest() -> None:
    assert due_at(BERLIN, utc(20, 1)) == FRIDAYS_DIGEST


def test_papers_found_on_a_day_without_announcement_wait_for_its_digest() -> None:
    friday_night = utc(21, 1, 30)
    assert due_at(BERLIN, friday_night) == utc(21, 7, 30)
    assert due_at(BERLIN, utc(21, 12)) == utc(21, 12)


def test_weekdays_only_posts_nothing_on_saturday_and_sunday() -> None:
    weekdays = DailySchedule(8, 30, "Europe/Berlin", days=MONDAY_TO_FRIDAY)
    assert due_at(weekdays, utc(20, 5)) == FRIDAYS_DIGEST
    assert due_at(weekdays, utc(20, 15)) == utc(20, 15)
    assert due_at(weekdays, utc(21, 0)) == MONDAYS_DIGEST, "Friday's late batch, on Saturday at 01:00 in Berlin"
    assert due_at(weekdays, utc(21, 5)) == due_at(weekdays, utc(22, 23)) == MONDAYS_DIGEST
    assert due_at(weekdays, utc(23, 5)) == MONDAYS_DIGEST


def test_weekly_schedule_posts_on_its_days_only() -> None:
    mondays_and_thursdays = DailySchedule(8, 30, "Europe/Berlin", frozenset({0, 3}))
    assert due_at(mondays_and_thursdays, utc(19, 5)) == THURSDAYS_DIGEST
    assert due_at(mondays_and_thursdays, utc(19, 15)) == utc(19, 15), "a late batch on a day with a digest"
    assert due_at(mondays_and_thursdays, utc(20, 0, 30)) == MONDAYS_DIGEST, "Thursday's late batch, on Friday in Berlin"
    assert due_at(mondays_and_thursdays, utc(20, 5)) == due_at(mondays_and_thursdays, utc(23, 5)) == MONDAYS_DIGEST
    assert digests(mondays_and_thursdays, MONDAYS_DIGEST, 2) == [utc(26, 7, 30), utc(30, 7, 30)]


def test_weekly_digest_keeps_its_local_time_when_clocks_change() -> None:
    sundays = DailySchedule(2, 30, "Europe/Berlin", frozenset({6}))
    assert digests(sundays, utc(22, 12, month=3), 2) == [utc(29, 1, month=3), utc(5, 0, 30, month=4)]
    assert digests(sundays, utc(18, 12, month=10), 2) == [utc(25, 0, 30, month=10), utc(1, 1, 30)]


def test_batch_that_arrives_on_saturday_local_time_waits_for_monday() -> None:
    apia = DailySchedule(8, 30, "Pacific/Apia", days=MONDAY_TO_FRIDAY)
    friday_afternoon = utc(20, 5)
    assert due_at(apia, friday_afternoon) == utc(22, 19, 30)
    assert due_at(DailySchedule(8, 30, "Pacific/Apia"), friday_afternoon) == utc(20, 19, 30)


def test_digest_between_announcement_and_batch_is_followed_by_an_immediate_post() -> None:
    soon_after = DailySchedule(20, 15, "America/New_York")
    assert due_at(soon_after, utc(19, 5)) == utc(19, 5)
    at_that_hour = DailySchedule(20, 0, "America/New_York")
    assert due_at(at_that_hour, utc(19, 5)) == utc(20, 1)


# --- clock changes -----------------------------------------------------------------------------------


def test_digest_keeps_its_local_time_when_clocks_change() -> None:
    assert digests(BERLIN, utc(27, 12, month=3), 3) == [
        utc(28, 7, 30, month=3),
        utc(29, 6, 30, month=3),
        utc(30, 6, 30, month=3),
    ]
    assert digests(BERLIN, utc(24, 0, month=10), 2) == [utc(24, 6, 30, month=10), utc(25, 7, 30, month=10)]


def test_skipped_time_in_berlin_is_right_after_the_gap() -> None:
    skipped = DailySchedule(2, 30, "Europe/Berlin")
    assert digests(skipped, utc(28, 12, month=3), 2) == [utc(29, 1, month=3), utc(30, 0, 30, month=3)]
    assert utc(29, 1, month=3).astimezone(ZoneInfo("Europe/Berlin")).hour == 3


def test_repeated_time_in_berlin_counts_only_the_first_time() -> None:
    twice = DailySchedule(2, 30, "Europe/Berlin")
    assert digests(twice, utc(24, 12, month=10), 2) == [utc(25, 0, 30, month=10), utc(26, 1, 30, month=10)]
    assert next_daily_time(twice, utc(25, 0, 30, month=10)) == utc(26, 1, 30, month=10)


def test_skipped_and_repeated_time_in_new_york() -> None:
    new_york = DailySchedule(2, 0, "America/New_York")
    assert next_daily_time(new_york, utc(8, 0, month=3)) == utc(8, 7, month=3)
    twice = DailySchedule(1, 30, "America/New_York")
    assert digests(twice, utc(1, 0), 2) == [utc(1, 5, 30), utc(2, 6, 30)]


def test_zone_without_clock_changes_has_a_digest_every_24_hours() -> None:
    kolkata = DailySchedule(8, 30, "Asia/Kolkata")
    days = digests(kolkata, utc(1, 0, month=1), 365)
    assert {after - before for before, after in pairwise(days)} == {timedelta(days=1)}
    assert days[0] == utc(1, 3, month=1)


def test_lord_howe_changes_clocks_by_half_an_hour() -> None:
    skipped = DailySchedule(2, 15, "Australia/Lord_Howe")
    assert next_daily_time(skipped, utc(3, 0, month=10)) == utc(3, 15, 30, month=10)
    twice = DailySchedule(1, 45, "Australia/Lord_Howe")
    assert digests(twice, utc(4, 0, month=4), 2) == [utc(4, 14, 45, month=4), utc(5, 15, 15, month=4)]


def test_apia_skipped_a_whole_day() -> None:
    apia = DailySchedule(8, 30, "Pacific/Apia")
    assert digests(apia, utc(29, 0, month=12, year=2011), 4) == [
        utc(29, 18, 30, month=12, year=2011),
        utc(30, 10, month=12, year=2011),
        utc(30, 18, 30, month=12, year=2011),
        utc(31, 18, 30, month=12, year=2011),
    ]


# --- any schedule --------------------------------------------------------------------------

_DAILY = st.builds(
    DailySchedule,
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(sorted(available())),
    st.frozensets(st.integers(0, 6), min_size=1) | st.just(EVERY_DAY),
)
_MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2037, 12, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001  # the next call adds UTC


@given(_DAILY, _MOMENTS)
def test_papers_are_posted_at_a_digest_or_on_arrival(daily: DailySchedule, arrived: datetime) -> None:
    due = due_at(daily, arrived)
    evening = last_evening(arrived)
    assert due >= arrived
    assert due == arrived or next_daily_time(daily, due - timedelta(seconds=1)) == due
    if due != arrived and daily.days == EVERY_DAY:
        assert due == next_daily_time(daily, evening)


@given(_DAILY, _MOMENTS)
def test_papers_that_arrive_after_the_digest_are_posted_on_arrival(daily: DailySchedule, arrived: datetime) -> None:
    announced = last_announcement(arrived)
    digest = next_daily_time(daily, announced)
    if digest < arrived < announced + timedelta(days=1) and daily.days == EVERY_DAY:
        assert due_at(daily, arrived) == arrived
    if arrived <= digest:
        assert due_at(daily, arrived) <= next_daily_time(daily, max(announced, last_evening(arrived)))


@given(_DAILY, _MOMENTS, st.timedeltas(timedelta(0), timedelta(days=4)))
def test_papers_that_arrive_earlier_are_not_posted_later(
    daily: DailySchedule, arrived: datetime, later: timedelta
) -> None:
    assert due_at(daily, arrived) <= due_at(daily, arrived + later)


@given(_DAILY, _MOMENTS)
def test_each_local_day_has_one_digest_except_skipped_days(daily: DailySchedule, after: datetime) -> None:
    zone = ZoneInfo(daily.zone)
    days = [moment.astimezone(zone).date() for moment in digests(daily, after, 8)]
    assert len(set(days)) == 8
    assert all(day.weekday() in daily.days for day in days)
    assert (days[-1] - days[0]).days <= 7 * math.ceil(7 / len(daily.days))


@given(_DAILY, _MOMENTS)
def test_digest_is_when_clocks_show_its_time_or_right_after_a_gap(daily: DailySchedule, after: datetime) -> None:
    zone = ZoneInfo(daily.zone)
    digest = next_daily_time(daily, after)
    local, just_before = digest.astimezone(zone), (digest - timedelta(seconds=1)).astimezone(zone)
    shows = (local.hour, local.minute, local.second) == (daily.hour, daily.minute, 0)
    scheduled = local.replace(hour=daily.hour, minute=daily.minute, second=0, tzinfo=None)
    skipped = just_before.replace(tzinfo=None) < scheduled < local.replace(tzinfo=None)
    assert shows or skipped
    assert local.fold == 0


def test_last_evening_is_the_last_announcement_on_announcement_nights() -> None:
    assert last_evening(utc(19, 5)) == last_announcement(utc(19, 5)) == ANNOUNCED
    assert last_evening(utc(21, 5)) == utc(21, 1)
    assert next_announcement(utc(21, 5)) == utc(23, 1)


# --- parsing and describing ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "hour", "minute"),
    [("08:30", 8, 30), ("8:30", 8, 30), (" 8.30 ", 8, 30), ("8h30", 8, 30), ("20:05", 20, 5), ("0:00", 0, 0),
     ("23:59", 23, 59), ("8:30 pm", 20, 30), ("8.30 P.M.", 20, 30), ("8 am", 8, 0), ("12am", 0, 0),
     ("12:15 pm", 12, 15), ("０８：３０", 8, 30), ("8 : 30", 8, 30)],
)  # fmt: skip
def test_time_of_day_is_parsed_in_common_formats(typed: str, hour: int, minute: int) -> None:
    assert parse_time(typed) == (hour, minute)


@pytest.mark.parametrize(
    ("typed", "similar"),
    [("8", "08:00"), ("830", "08:30"), ("2015", "20:15"), ("24:00", "00:00"), ("25:70", "23:59"), ("8:3", "08:03"),
     ("13:00 pm", "13:00"), ("0 am", "00:00"), ("noon", "08:30"), ("", "08:30"), ("-1", "01:00"), ("9" * 99, "23:59"),
     ("8:30:15", "08:30"), ("@everyone", "08:30"), ("8:60", "08:59")],
)  # fmt: skip
def test_invalid_time_is_rejected_with_a_similar_one(typed: str, similar: str) -> None:
    with pytest.raises(InvalidSchedule, match=f"Use the format `{similar}`, or `as they come`\\."):
        parse_time(typed)


@pytest.mark.parametrize(
    ("typed", "time_of_day", "zone"),
    [("08:30 Europe/Berlin", "08:30", "Europe/Berlin"), ("8am EST", "8am", "EST"),
     ("8:30 pm, Tokyo", "8:30 pm", "Tokyo"),
     ("8:30 Amsterdam", "8:30", "Amsterdam"), ("8:30 PM", "8:30 PM", None),
     ("08:30 UTC+2", "08:30", "UTC+2"),
     ("8 30", "8 30", None), ("8:30:15", "8:30:15", None), ("08:30", "08:30", None), ("noon", "noon", None)],
)  # fmt: skip
def test_time_of_day_can_be_followed_by_a_zone(typed: str, time_of_day: str, zone: str | None) -> None:
    assert split_zone(typed) == (time_of_day, zone)


@given(st.text(max_size=20))
def test_any_text_is_a_time_of_day_or_rejected_with_a_valid_example(typed: str) -> None:
    try:
        hour, minute = parse_time(typed)
    except InvalidSchedule as error:
        hour, minute = parse_time(str(error).split("`")[1])
    assert 0 <= hour < 24
    assert 0 <= minute < 60


@pytest.mark.parametrize(("hour", "minute", "zone"), [(24, 0, "UTC"), (-1, 0, "UTC"), (8, 60, "UTC"), (8, 0, "Narnia"),
                                                      (8, 0, ""), (8, 0, "../etc/passwd")])  # fmt: skip
def test_invalid_schedule_cannot_be_constructed(hour: int, minute: int, zone: str) -> None:
    with pytest.raises(ValueError, match=r"must be in|not an IANA time zone"):
        DailySchedule(hour, minute, zone)


@pytest.mark.parametrize("days", [frozenset(), frozenset({7}), frozenset({-1, 2})])
def test_schedule_needs_days_of_the_week(days: frozenset[int]) -> None:
    with pytest.raises(ValueError, match="not days of the week"):
        DailySchedule(8, 0, "UTC", days)


def test_schedule_is_described_in_words() -> None:
    assert describe_schedule(Immediate()) == "as they come"
    assert describe_schedule(DailySchedule(8, 5, "Asia/Kolkata")) == "daily at 08:05 (Asia/Kolkata)"
    assert describe_schedule(DailySchedule(20, 30, "UTC", days=MONDAY_TO_FRIDAY)) == "on weekdays at 20:30 (UTC)"
    assert describe_schedule(DailySchedule(9, 0, "UTC", frozenset({3, 0}))) == "on Mondays and Thursdays at 09:00 (UTC)"
