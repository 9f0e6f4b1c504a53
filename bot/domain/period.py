"""Reads periods as people type them: from a day until a day, or the last days, weeks, months or years.

Days are UTC, as arXiv's submission times are. The current day is an argument.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from bot.domain.text import cut
from bot.domain.words import plain
from bot.runtime.errors import InvalidPeriod

# Without a first day, the period has this length.
DEFAULT_DAYS: Final = 30
# arXiv opened on 14 August 1991.
FIRST_DAY: Final = date(1991, 8, 14)

_SHOWN_MAX: Final = 60
_UNIT_DAYS: Final = {"day": 1, "week": 7, "month": 30, "year": 365}
_RELATIVE_DAYS: Final = {"today": 0, "yesterday": 1}
_ALL: Final = frozenset(("all", "all time", "always", "everything", "beginning"))
_LAST: Final = re.compile(
    r"(?:(?:the\s)?(?:last|past)\s)?(?P<count>[0-9]{1,5}\s?)?(?P<unit>day|week|month|year|d|w|m|y)s?(?:\sago)?"
)
_DATE: Final = re.compile(r"(?P<year>[0-9]{4})(?:[-/.](?P<month>[0-9]{1,2})(?:[-/.](?P<day>[0-9]{1,2}))?)?")


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise ValueError(f"a period must not end before it begins: {self.first} to {self.last}")

    @property
    def start(self) -> datetime:
        """The first moment of the period."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def end(self) -> datetime:
        """The first moment after the period."""
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def parse_period(since: str | None, until: str | None, today: date) -> Period:
    """Returns the period; raises InvalidPeriod with a sentence for the user.

    Without `until` it ends today, without `since` it has the default length.
    """
    last = min(today, _day(until, today, "until", is_end=True)) if until else today
    first = _day(since, today, "since") if since else max(FIRST_DAY, last - timedelta(days=DEFAULT_DAYS - 1))
    if first > today:
        raise InvalidPeriod(f"{first.isoformat()} is in the future. Today is {today.isoformat()} (UTC).")
    if first > last:
        raise InvalidPeriod(f"The period ends on {last.isoformat()}, before it begins on {first.isoformat()}.")
    return Period(max(first, FIRST_DAY), max(last, FIRST_DAY))


def _day(typed: str, today: date, name: str, *, is_end: bool = False) -> date:
    text = plain(typed).casefold()
    if text in _RELATIVE_DAYS:
        return today - timedelta(days=_RELATIVE_DAYS[text])
    if text in _ALL:
        return today if is_end else FIRST_DAY
    if found := _LAST.fullmatch(text):
        unit = next(days for unit, days in _UNIT_DAYS.items() if unit.startswith(found["unit"]))
        days = int(found["count"] or 1) * unit
        return max(FIRST_DAY, today - timedelta(days=min(days, today.toordinal() - 1)))
    if found := _DATE.fullmatch(text):
        try:
            return _dated(*(int(part) if part else None for part in found.groups()), is_end=is_end)
        except ValueError as error:
            raise InvalidPeriod(f"{text} is not a valid date. {_usage(name, today)}") from error
    raise InvalidPeriod(f"`{cut(text, _SHOWN_MAX)}` is not a date. {_usage(name, today)}")


def _dated(year: int | None, month: int | None, day: int | None, *, is_end: bool) -> date:
    """Returns the day; of a year or a month, the first or the last day."""
    start = date(year or 0, month or 1, day or 1)
    if not is_end or day is not None:
        return start
    following = date(start.year, start.month + 1, 1) if month and month < 12 else date(start.year + 1, 1, 1)
    return following - timedelta(days=1)


def _usage(name: str, today: date) -> str:
    return f"In `{name}`, use a date such as `{today.isoformat()}`, `yesterday`, `2 weeks` or `all`."
