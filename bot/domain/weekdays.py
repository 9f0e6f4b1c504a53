"""Days of the week: parses what people type (`Mon, Thu`, `Mon-Fri`, `weekends`), suggests and describes it.

Days are numbers as `date.weekday()` counts: Monday is 0. It knows no dates and no time zones.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, TypeAlias

from bot.domain.text import cut
from bot.domain.words import visible
from bot.runtime.errors import InvalidSchedule
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX

Weekdays: TypeAlias = frozenset[int]

NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVERY_DAY: Final[Weekdays] = frozenset(range(7))
MONDAY_TO_FRIDAY: Final[Weekdays] = frozenset(range(5))
WEEKEND: Final[Weekdays] = EVERY_DAY - MONDAY_TO_FRIDAY

ALLOWED: Final = "names such as `Monday` or `Mon`, a range such as `Mon-Fri`, `weekdays`, `weekends` or `daily`"

_GROUPS: Final = {
    "daily": EVERY_DAY,
    "everyday": EVERY_DAY,
    "weekdays": MONDAY_TO_FRIDAY,
    "workdays": MONDAY_TO_FRIDAY,
    "weekends": WEEKEND,
}
_SUGGESTED_GROUPS: Final = ("daily", "weekdays", "weekends")
_SHORT: Final = 3
_SHOWN_MAX: Final = 40
# Nobody types more about seven days; a longer text is not read.
_TYPED_MAX: Final = 200
_EVERY: Final = re.compile(r"\b(?:every|each|all)\s+days?\b|\ball\b")
_RANGE: Final = re.compile(r" ?(?:[-\u2010-\u2015\u2212~]|\b(?:to|through|thru|until|till)\b) ?")
_SEPARATOR: Final = re.compile(r"[\s,;/+&.\u3001]+")
_FILLERS: Final = frozenset({"and", "on", "every", "each", "the"})
_LAST_WORD: Final = re.compile(r"(?P<before>.*[\s,;/+&.\-\u2010-\u2015\u2212])?(?P<word>[^\s]*)", re.DOTALL)


def parse_weekdays(typed: str) -> Weekdays:
    """Parses names of days, short or full, ranges (`Fri-Mon` too), and `weekdays`, `weekends` or `daily`.

    Raises InvalidSchedule with one sentence that says what is allowed.
    """
    text = " ".join(unicodedata.normalize("NFKC", typed[:_TYPED_MAX]).casefold().split())
    text = _RANGE.sub("-", _EVERY.sub("daily", text))
    parts = [part for part in _SEPARATOR.split(text) if part and part not in _FILLERS]
    if not parts or len(typed) > _TYPED_MAX:
        raise InvalidSchedule(f"No day of the week: use {ALLOWED}.")
    return frozenset().union(*map(_parse_part, parts))


def _parse_part(part: str) -> Weekdays:
    """Returns the days of a name or a range."""
    first, *others = part.split("-")
    if not others:
        return _GROUPS.get(part) or _GROUPS.get(f"{part}s") or frozenset({_day(part, part)})
    if len(others) > 1:
        raise InvalidSchedule(f"`{_shown(part)}` is no range of days: use {ALLOWED}.")
    start, end = _day(first, part), _day(others[0], part)
    return frozenset((start + ahead) % 7 for ahead in range((end - start) % 7 + 1))


def _day(name: str, part: str) -> int:
    """Returns the only day whose name begins so (`M`, `Th`, `Tues`), or has this plural."""
    singular = name.removesuffix("s") if len(name) > _SHORT else name
    found = [day for day, full in enumerate(NAMES) if name and full.casefold().startswith((name, singular))]
    if len(found) == 1:
        return found[0]
    raise InvalidSchedule(f"`{_shown(part)}` is no day of the week: use {ALLOWED}.")


def _shown(part: str) -> str:
    """Returns the beginning of a typed text for a code span."""
    return cut(visible(part).replace("`", "'"), _SHOWN_MAX)


def short_weekdays(days: Iterable[int]) -> str:
    """Returns the days as `parse_weekdays` accepts them: `Mon, Thu`."""
    return ", ".join(NAMES[day][:_SHORT] for day in sorted(days))


def describe_weekdays(days: Weekdays) -> str:
    """Returns `daily`, `on weekdays`, `on weekends`, `on Mondays and Thursdays`, or `daily except Sundays`."""
    if days == EVERY_DAY:
        return "daily"
    if days == MONDAY_TO_FRIDAY:
        return "on weekdays"
    if days == WEEKEND:
        return "on weekends"
    if len(days) == len(NAMES) - 1:
        return f"daily except {_plurals(EVERY_DAY - days)}"
    return f"on {_plurals(days)}"


def _plurals(days: Weekdays) -> str:
    *others, last = (f"{NAMES[day]}s" for day in sorted(days))
    return f"{', '.join(others)} and {last}" if others else last


def suggest_weekdays(typed: str) -> tuple[tuple[str, str], ...]:
    """Returns descriptions and values of what the text is or may become: `Mon, t` may become `Mon, Tue`."""
    found = _LAST_WORD.fullmatch(typed[:_TYPED_MAX])
    before, word = (found["before"] or "", found["word"].casefold()) if found else ("", "")
    names = NAMES if before.strip() else (*_SUGGESTED_GROUPS, *NAMES)
    completed = [before + name for name in names if name.casefold().startswith(word)]
    choices: dict[Weekdays, None] = {}
    for text in (typed, *completed):
        try:
            choices.setdefault(parse_weekdays(text))
        except InvalidSchedule:
            continue
    return tuple((_label(days), short_weekdays(days)) for days in choices)[:AUTOCOMPLETE_CHOICES_MAX]


def _label(days: Weekdays) -> str:
    return describe_weekdays(days).removeprefix("on ")
