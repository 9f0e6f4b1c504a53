"""Reads and shows a period that is typed as one text: `yesterday`, `last 30 days`, `since 2026-11-01`.

Periods consist of whole days in UTC, as arXiv's dates. Weeks begin on Monday. The current day is an argument.
"""

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Final

from bot.domain.months import MONTH_NAMES
from bot.domain.period import FIRST_DAY, Period
from bot.runtime.errors import InvalidPeriod
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX

_USAGE: Final = "Use `since 2026-11-01`, `2026-11-01 to 2026-11-10`, `last 30 days`, `since last week` or `yesterday`."
_SHOWN_MAX: Final = 40
_ISO: Final = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?", re.ASCII)
_AGO: Final = re.compile(r"(?:(?:the )?(?:last|past) )?(\d{1,5}) (day|week|month|year)s?(?: ago)?", re.ASCII)
_BETWEEN_DAYS: Final = re.compile(r" ?\.\. ?| to | until | till | and | [-–] ")
_SINCE: Final = re.compile(r"(?:since|from|after) (?P<first>.+)")
_UNTIL: Final = re.compile(r"(?:until|till|before|to|up to) (?P<last>.+)")
_DAYS: Final = {"day": 1, "week": 7, "month": 30, "year": 365}
_SUGGESTED: Final = ("today", "yesterday", "last 7 days", "last 30 days", "this week", "last week", "this month",
                     "last month", "this year", "last year")  # fmt: skip


def shown_period(period: Period) -> str:
    """Returns `on 17 Nov 2026` or `from 1 Nov 2026 to 10 Nov 2026`."""
    if period.first == period.last:
        return f"on {_shown(period.first)}"
    return f"from {_shown(period.first)} to {_shown(period.last)}"


def read_period(text: str, today: date) -> Period:
    """Returns the period; raises InvalidPeriod with a sentence for the user."""
    typed = " ".join(text.casefold().split())
    first, last = _ends(typed, today)
    if first > today:
        raise InvalidPeriod(f"{_shown(first)} is in the future. Today is {today.isoformat()} (UTC).")
    if last < FIRST_DAY:
        raise InvalidPeriod(f"arXiv has no papers before {FIRST_DAY:%B %Y}.")
    if first > last:
        raise InvalidPeriod(f"The period ends before it begins: {_shown(first)} is after {_shown(last)}.")
    return Period(max(first, FIRST_DAY), min(last, today))


def suggested_periods(typed: str) -> tuple[str, ...]:
    """Returns periods that contain the typed text."""
    wanted = " ".join(typed.casefold().split())
    return tuple(each for each in _SUGGESTED if wanted in each)[:AUTOCOMPLETE_CHOICES_MAX]


def _ends(typed: str, today: date) -> tuple[date, date]:
    if (found := _span(typed, today)) is not None:
        return found
    if (since := _SINCE.fullmatch(typed)) is not None and (found := _span(since["first"], today)) is not None:
        return found[0], today
    if (until := _UNTIL.fullmatch(typed)) is not None and (found := _span(until["last"], today)) is not None:
        return FIRST_DAY, found[1]
    both = _BETWEEN_DAYS.split(typed.removeprefix("from ").removeprefix("between "), maxsplit=1)
    if len(both) > 1:
        first, last = (_span(each, today) for each in both)
        if first is not None and last is not None:
            return first[0], last[1]
    shown = typed.replace("`", "'")[:_SHOWN_MAX]
    raise InvalidPeriod(f"`{shown}` is not a period. {_USAGE}" if shown else _USAGE)


def _span(typed: str, today: date) -> tuple[date, date] | None:
    """Returns the first and the last day of one expression; None if it is none."""
    monday, month = today - timedelta(days=today.weekday()), today.replace(day=1)
    last_month = (month - timedelta(days=1)).replace(day=1)
    known = {
        "today": (today, today),
        "now": (today, today),
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "this week": (monday, today),
        "last week": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "this month": (month, today),
        "last month": (last_month, month - timedelta(days=1)),
        "this year": (today.replace(month=1, day=1), today),
        "last year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }
    if typed in known:
        return known[typed]
    if (ago := _AGO.fullmatch(typed)) is not None:
        return _days_ago(int(ago[1]) * _DAYS[ago[2]], today, is_day=typed.endswith("ago"))
    if (iso := _ISO.fullmatch(typed)) is not None:
        return _iso_span(typed, *iso.groups())
    return None


def _days_ago(days: int, today: date, *, is_day: bool) -> tuple[date, date]:
    """Returns one day, or the days since then; the last day is today, so that `last 1 day` is today."""
    first = date.fromordinal(max(FIRST_DAY.toordinal(), today.toordinal() - days + (0 if is_day else 1)))
    return first, first if is_day else max(today, first)


def _iso_span(typed: str, year: str, month: str, day: str | None) -> tuple[date, date]:
    try:
        first = date(int(year), int(month), int(day or 1))
    except ValueError as error:
        raise InvalidPeriod(f"{typed} is not a valid date. {_USAGE}") from error
    return first, first if day is not None else first.replace(day=monthrange(first.year, first.month)[1])


def _shown(day: date) -> str:
    return f"{day.day} {MONTH_NAMES[day.month - 1]} {day.year}"
