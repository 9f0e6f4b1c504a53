"""Days as people type and read them: `today`, `yesterday`, `2026-11-20`; "Friday, 20 November 2026".

A day of Hugging Face's is one of UTC. What is typed enters with today; a day of which there can be a list leaves, or
InvalidDay with words.
"""

import re
from datetime import date, timedelta
from typing import Final

from bot.runtime.errors import InvalidDay
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, TRENDING_FIRST_DAY

_NAMED: Final = {"today": 0, "yesterday": 1}
_ISO: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)


def parse_day(text: str, today: date) -> date:
    """The day that is meant; raises InvalidDay."""
    typed = text.strip().casefold()
    if typed in _NAMED:
        return today - timedelta(days=_NAMED[typed])
    found = _ISO.fullmatch(typed)
    if found is None:
        raise InvalidDay(f"A day is written as {today.isoformat()}, or today, or yesterday.")
    try:
        day = date(*map(int, found.groups()))
    except ValueError as error:
        raise InvalidDay(f"There is no day {typed} in the calendar.") from error
    if day > today:
        raise InvalidDay(f"{shown_day(day)} is yet to come: today is {today.isoformat()} (UTC).")
    if day < TRENDING_FIRST_DAY:
        raise InvalidDay(f"Hugging Face's lists begin in {TRENDING_FIRST_DAY:%B %Y}: {shown_day(day)} has none.")
    return day


def shown_day(day: date) -> str:
    """`Friday, 20 November 2026`."""
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def suggested_days(typed: str, today: date) -> tuple[tuple[str, str], ...]:
    """What may be meant: how it is shown, and what stands for it; the last weeks without weekends, the newest first."""
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
