"""Decides when papers are posted in a channel: immediately, or in a digest at a fixed time, daily or on some days.

Also parses a time of day, and describes a schedule. It reads no clock and posts nothing.

arXiv's day begins at 20:00 US Eastern, when it announces. Papers that arrive before the day's digest wait for it;
papers that arrive after it, from a late batch, are posted at once on a day with a digest. If a clock change skips the
time, the digest is posted right after the gap; if the time repeats, only the first time.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from bot.domain.poll_schedule import last_evening
from bot.domain.weekdays import EVERY_DAY, Weekdays, describe_weekdays
from bot.domain.zones import available
from bot.runtime.errors import InvalidSchedule

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Immediate:
    """Papers are posted when they arrive."""


@dataclass(frozen=True, slots=True)
class DailySchedule:
    """Papers are posted once per day, at this time in this IANA zone, on these days of the week."""

    hour: int
    minute: int
    zone: str
    days: Weekdays = EVERY_DAY

    def __post_init__(self) -> None:
        time(self.hour, self.minute)  # raises ValueError for an invalid time
        if self.zone not in available():
            raise ValueError(f"not an IANA time zone: {self.zone!r}")
        if not self.days or not self.days <= EVERY_DAY:
            raise ValueError(f"not days of the week: {set(self.days)}")


ChannelSchedule = Immediate | DailySchedule


def due_at(schedule: ChannelSchedule, arrived: datetime) -> datetime:
    """Returns when papers that arrived at that time are posted, in UTC; never before they arrived."""
    match schedule:
        case Immediate():
            return arrived
        case DailySchedule():
            return _daily_time_for(schedule, arrived)
    assert_never(schedule)


def next_daily_time(daily_schedule: DailySchedule, after: datetime) -> datetime:
    """Returns the first time of a digest after `after`, in UTC."""
    zone = ZoneInfo(daily_schedule.zone)
    # A change of zone can skip a whole local day (Pacific/Apia in 2011), so the search starts two days earlier.
    day = after.astimezone(zone).date() - 2 * _DAY
    while True:
        instant = _instant(day, time(daily_schedule.hour, daily_schedule.minute), zone)
        if instant > after and not _is_day_off(daily_schedule, instant):
            return instant
        day += _DAY


def describe_schedule(schedule: ChannelSchedule) -> str:
    """Returns `as they come`, or `on Mondays and Thursdays at 08:30 (Europe/Berlin)`."""
    match schedule:
        case Immediate():
            return "as they come"
        case DailySchedule(hour, minute, zone, days):
            return f"{describe_weekdays(days)} at {hour:02}:{minute:02} ({zone})"
    assert_never(schedule)


def _daily_time_for(daily_schedule: DailySchedule, arrived: datetime) -> datetime:
    digest = next_daily_time(daily_schedule, last_evening(arrived))
    if arrived <= digest:
        return digest
    # The day's digest is over: a late batch is posted at once, except on a day that the channel skips.
    return next_daily_time(daily_schedule, arrived) if _is_day_off(daily_schedule, arrived) else arrived


def _is_day_off(daily_schedule: DailySchedule, moment: datetime) -> bool:
    return moment.astimezone(ZoneInfo(daily_schedule.zone)).weekday() not in daily_schedule.days


def _instant(day: date, hour: time, zone: ZoneInfo) -> datetime:
    """Returns the first instant of the day at which clocks show the time, or right after the gap that skips it."""
    first = datetime.combine(day, hour, tzinfo=zone)  # fold=0: the first of two equal local times
    instant = first.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == first.replace(tzinfo=None):
        return instant
    # The time is skipped. With the offset after the change (fold=1), it is before the change (PEP 495).
    return _change_between(first.replace(fold=1).astimezone(UTC), instant, zone)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Returns when the clocks changed, by bisection, because zoneinfo does not provide it."""
    offset = before.astimezone(zone).utcoffset()
    seconds = int((after - before).total_seconds())
    low, high = 0, seconds
    while high - low > 1:
        middle = (low + high) // 2
        changed = (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() != offset
        low, high = (low, middle) if changed else (middle, high)
    return before + timedelta(seconds=high)


# --- parsing a time of day ----------------------------------------------------------------------------

_TIME: Final = re.compile(
    r"(?P<hour>\d{1,2})(?:\s?[:.h]\s?(?P<minute>\d{2}))?\s*(?P<am_pm>[ap]\.?\s?m\.?)?", re.IGNORECASE | re.ASCII
)
_TIME_AND_ZONE: Final = re.compile(rf"(?P<time>{_TIME.pattern})(?:[\s,]\s*(?P<zone>\S.*))?", re.IGNORECASE | re.ASCII)
_DIGITS: Final = re.compile(r"\d+", re.ASCII)
_DEFAULT_TIME: Final = (8, 30)


def parse_time(typed: str) -> tuple[int, int]:
    """Parses `08:30`, `8.30`, `8h30`, `8:30 pm` or `8 am` to hour and minute.

    Raises InvalidSchedule with a similar time in the right format.
    """
    text = unicodedata.normalize("NFKC", typed).strip()
    found = _TIME.fullmatch(text)
    if found and (found["minute"] or found["am_pm"]):
        hour, minute = int(found["hour"]), int(found["minute"] or 0)
        if minute < 60 and (1 <= hour <= 12 if found["am_pm"] else hour < 24):
            return (hour % 12 + 12 * (found["am_pm"][0] in "pP") if found["am_pm"] else hour), minute
    hour, minute = _similar_time(text)
    raise InvalidSchedule(f"Not a time of day. Use the format `{hour:02}:{minute:02}`, or `as they come`.")


def split_zone(typed: str) -> tuple[str, str | None]:
    """Splits `08:30 Europe/Berlin` into the time and the zone; without both, returns the text unchanged and None."""
    found = _TIME_AND_ZONE.fullmatch(unicodedata.normalize("NFKC", typed).strip())
    if found is None or not (found["minute"] or found["am_pm"]):
        return typed, None
    return found["time"].strip(), found["zone"]


def _similar_time(text: str) -> tuple[int, int]:
    """Guesses the intended time: 08:00 for `8`, 08:30 for `830`, 00:00 for `24:00`, 23:59 for `25:70`."""
    numbers = [int(digits[:6]) for digits in _DIGITS.findall(text[:60])]
    if not numbers:
        return _DEFAULT_TIME
    hour, minute = (*numbers, 0)[:2]
    if len(numbers) == 1 and hour > 99:
        hour, minute = divmod(hour, 100)
    if hour == 24 and minute == 0:
        return 0, 0
    return min(hour, 23), min(minute, 59)
