"""Parses, suggests and shows the days of trending lists: `today`, `2026-11-20`, "Friday, 20 November 2026".

Days are UTC, as on Hugging Face. The current day is an argument.
"""

import re
from datetime import date, timedelta
from typing import Final

from bot.runtime.errors import InvalidDay
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, TRENDING_FIRST_DAY

_RELATIVE_DAYS: Final = {"today": 0, "yesterday": 1}
_ISO: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)


def parse_day(text: str, today: date) -> date:
    """Returns the day; raises InvalidDay with a sentence for the user if there can be no list for it."""
    typed = text.strip().casefold()
    if typed in _RELATIVE_DAYS:
        return today - timedelta(days=_RELATIVE_DAYS[typed])
    usage = f"Use `{today.isoformat()}`, `today` or `yesterday`."
    found = _ISO.fullmatch(typed)
    if found is None:
        raise InvalidDay(usage)
    try:
        day = date(*map(int, found.groups()))
    except ValueError as error:
        raise InvalidDay(f"{typed} is not a valid date. {usage}") from error
    if day > today:
        raise InvalidDay(f"{day.isoformat()} is in the future. Today is {today.isoformat()} (UTC).")
    if day < TRENDING_FIRST_DAY:
        raise InvalidDay(f"Hugging Face has no lists before {TRENDING_FIRST_DAY:%B %Y}.")
    return day


def shown_day(day: date) -> str:
    """Returns `Friday, 20 November 2026`."""
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def suggested_days(typed: str, today: date) -> tuple[tuple[str, str], ...]:
    """Returns labels and values of matching days, newest first: today, yesterday, and weekdays of recent weeks."""
    wanted = typed.strip().casefold()
    names = {0: "Today", 1: "Yesterday"}
    days = [today - timedelta(days=ago) for ago in range(2 * AUTOCOMPLETE_CHOICES_MAX)]
    choices = [
        (f"{names.get(ago)}: {shown_day(day)}" if ago in names else shown_day(day), day.isoformat())
        for ago, day in enumerate(days)
        if ago in names or day.weekday() < 5
    ]
    fitting = [choice for choice in choices if wanted in f"{choice[0]} {choice[1]}".casefold()]
    return tuple(fitting[:AUTOCOMPLETE_CHOICES_MAX])
