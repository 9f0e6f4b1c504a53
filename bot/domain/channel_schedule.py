"""When a channel is posted to: as papers come, or once a day at its own hour.

A timetable and the moment at which papers arrived enter; the instant at which they are posted leaves, in UTC. Also
here: what people type for an hour, and a timetable in words. It reads no clock, and it does not post.

A day of arXiv's begins at 20:00 US Eastern, when it announces. What arrives in it before the day's digest waits for
the digest; what arrives after it, a batch that is late, goes out when it arrives. An hour that a clock change skips is
the first instant after; one that comes twice is the first, once.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from bot.domain.poll_schedule import last_evening
from bot.domain.zones import available
from bot.runtime.errors import InvalidSchedule

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5  # as date.weekday() counts


@dataclass(frozen=True, slots=True)
class Immediate:
    """Papers are posted when they arrive."""


@dataclass(frozen=True, slots=True)
class DailySchedule:
    """Papers are posted once a day, at this time of day in this IANA zone."""

    hour: int
    minute: int
    zone: str
    weekdays_only: bool = False

    def __post_init__(self) -> None:
        time(self.hour, self.minute)  # raises ValueError for a time that there is not
        if self.zone not in available():
            raise ValueError(f"not an IANA time zone: {self.zone!r}")


ChannelSchedule = Immediate | DailySchedule


def due_at(schedule: ChannelSchedule, arrived: datetime) -> datetime:
    """When papers that arrived then are posted: never before they arrived."""
    match schedule:
        case Immediate():
            return arrived
        case DailySchedule():
            return _daily_time_for(schedule, arrived)
    assert_never(schedule)


def next_daily_time(daily_schedule: DailySchedule, after: datetime) -> datetime:
    """The first moment after `after` at which the timetable's hour comes, in UTC."""
    zone = ZoneInfo(daily_schedule.zone)
    # A clock change can move the local date by a day (Pacific/Apia in 2011): begin two days before.
    day = after.astimezone(zone).date() - 2 * _DAY
    while True:
        instant = _instant(day, time(daily_schedule.hour, daily_schedule.minute), zone)
        if instant > after and not _rests(daily_schedule, instant):
            return instant
        day += _DAY


def describe_schedule(schedule: ChannelSchedule) -> str:
    """`daily at 08:30 Europe/Berlin, on weekdays`."""
    match schedule:
        case Immediate():
            return "as they come"
        case DailySchedule(hour, minute, zone, weekdays_only):
            return f"daily at {hour:02}:{minute:02} {zone}" + (", on weekdays" if weekdays_only else "")
    assert_never(schedule)


def _daily_time_for(daily_schedule: DailySchedule, arrived: datetime) -> datetime:
    digest = next_daily_time(daily_schedule, last_evening(arrived))
    if arrived <= digest:
        return digest
    # The day's digest is over. A late batch goes out at once, but not on a day that the channel has off.
    return next_daily_time(daily_schedule, arrived) if _rests(daily_schedule, arrived) else arrived


def _rests(daily_schedule: DailySchedule, moment: datetime) -> bool:
    return daily_schedule.weekdays_only and moment.astimezone(ZoneInfo(daily_schedule.zone)).weekday() >= _SATURDAY


def _instant(day: date, hour: time, zone: ZoneInfo) -> datetime:
    """The first moment of the day at which its clocks show the hour, or at which they have just skipped it."""
    first = datetime.combine(day, hour, tzinfo=zone)  # fold=0: the first of two
    instant = first.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == first.replace(tzinfo=None):
        return instant
    # Skipped. Read with the offset from after the change (fold=1), the hour lies before the change (PEP 495).
    return _change_between(first.replace(fold=1).astimezone(UTC), instant, zone)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment at which the clocks changed, found by halving: zoneinfo does not tell it."""
    offset = before.astimezone(zone).utcoffset()
    seconds = int((after - before).total_seconds())
    low, high = 0, seconds
    while high - low > 1:
        middle = (low + high) // 2
        changed = (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() != offset
        low, high = (low, middle) if changed else (middle, high)
    return before + timedelta(seconds=high)


# --- what people type ----------------------------------------------------------------------------

_TIME: Final = re.compile(
    r"(?P<hour>\d{1,2})(?:\s?[:.h]\s?(?P<minute>\d{2}))?\s*(?P<half>[ap]\.?\s?m\.?)?", re.IGNORECASE | re.ASCII
)
_DIGITS: Final = re.compile(r"\d+", re.ASCII)
_USUAL: Final = (8, 30)


def parse_time(typed: str) -> tuple[int, int]:
    """Hour and minute of `08:30`, `8.30`, `8h30`, `8:30 pm` or `8 am`.

    Raises InvalidSchedule, which names the nearest time.
    """
    text = unicodedata.normalize("NFKC", typed).strip()
    found = _TIME.fullmatch(text)
    if found and (found["minute"] or found["half"]):
        hour, minute = int(found["hour"]), int(found["minute"] or 0)
        if minute < 60 and (1 <= hour <= 12 if found["half"] else hour < 24):
            return (hour % 12 + 12 * (found["half"][0] in "pP") if found["half"] else hour), minute
    hour, minute = _nearest(text)
    raise InvalidSchedule(f"That is not a time of day. Write it like {hour:02}:{minute:02}.")


def _nearest(text: str) -> tuple[int, int]:
    """A time that may have been meant: `8` is 08:00, `830` is 08:30, `24:00` is 00:00, `25:70` is 23:59."""
    numbers = [int(digits[:6]) for digits in _DIGITS.findall(text[:60])]
    if not numbers:
        return _USUAL
    hour, minute = (*numbers, 0)[:2]
    if len(numbers) == 1 and hour > 99:
        hour, minute = divmod(hour, 100)
    if hour == 24 and minute == 0:
        return 0, 0
    return min(hour, 23), min(minute, 59)
