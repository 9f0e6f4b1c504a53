"""Time zones by name: which exist, and which ones someone may mean by what they typed.

IANA names from the tz database's table of countries (zone.tab) come before older names. The tables come with Python
and the tzdata package; other names are in `zone_names`. An abbreviation or a country becomes a place, because the tz
database's zones without a place (EST, Etc/GMT+5) have no daylight saving time.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from bot.domain.text import or_list
from bot.domain.zone_names import ALIASES, AMBIGUOUS, COUNTRY_WORDS
from bot.runtime import limits
from bot.runtime.errors import InvalidSchedule

# Suggested before anything is typed, and first among zones that match equally well.
COMMON: Final = (
    "UTC", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Toronto",
    "America/Sao_Paulo", "Europe/London", "Europe/Paris", "Europe/Berlin", "Europe/Zurich", "Europe/Rome",
    "Europe/Madrid", "Europe/Amsterdam", "Europe/Stockholm", "Europe/Warsaw", "Asia/Jerusalem", "Asia/Dubai",
    "Asia/Kolkata", "Asia/Singapore", "Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul", "Australia/Sydney",
    "Pacific/Auckland",
)  # fmt: skip

_TYPED_MAX: Final = 60
_SIMILAR_MAX: Final = 3
_ABBREVIATION_MAX: Final = 4
_SIMILARITY_MIN: Final = 0.8  # difflib's ratio: "Belrin" is similar to Berlin, "Narnia" to no zone
# Names of the tz database without a place that are no abbreviations of a place's time.
_UTC_NAMES: Final = frozenset({"UTC", "GMT"})
# Accepted by earlier versions: people in these places change their clocks.
_FIXED_OFFSETS: Final = frozenset({"EST", "MST"})
# A place without clock changes has the same offset in both.
_SOLSTICES: Final = (datetime(2026, 6, 21, tzinfo=UTC), datetime(2026, 12, 21, tzinfo=UTC))
_OFFSET: Final = re.compile(
    r"\(?(?P<name>utc|gmt|ut)?\s*+(?:(?P<sign>[+\-\u2212\u2013])\s*+)?(?P<hours>\d{1,2})"
    r"(?::?(?P<minutes>\d{2})|(?P<half>[.,]50?))?\)?(?![\w:.,])",
    re.IGNORECASE | re.ASCII,
)
_MINUS: Final = frozenset("-\u2212\u2013")
# "Eastern Standard Time" and "Japan time" are found as "eastern" and "japan".
_TIME_WORDS: Final = re.compile(r"\Athe |(?: (?:standard|daylight|summer|local))? time\Z")


@dataclass(frozen=True, slots=True)
class _Zone:
    """A zone with the words that it is found by; of equally good matches, the lower `order` comes first."""

    name: str
    plain: str
    city: str
    country: str
    aliases: tuple[str, ...]
    words: tuple[str, ...]
    canonical: bool
    order: int

    @property
    def is_offered(self) -> bool:
        """Whether it may be suggested: Etc/GMT+2 is two hours behind UTC, and EST has no daylight saving time."""
        return self.name == "UTC" or ("/" in self.name and not self.name.startswith("Etc/"))

    def rank(self, typed: str) -> int | None:
        """Returns how well the zone matches what was typed: 0 is best, None is no match."""
        if typed == self.plain:
            return 0
        if typed in self.aliases or typed in self.words:
            return 1
        if self.city.startswith(typed):
            return 2
        if any(name.startswith(typed) for name in self.aliases):
            return 3
        if all(any(word.startswith(part) for word in self.words) for part in typed.split()):
            return 4
        return 5 if len(typed) > _ABBREVIATION_MAX and typed in self.plain else None


def parse_zone(typed: str, now: datetime | None = None) -> str:
    """Returns the IANA zone for a name in any case: a zone, a city, a country or a common abbreviation.

    Raises InvalidSchedule with zones to choose from, if there are any: for a name with several meanings, and for an
    offset such as `GMT+8`, the zones that are at this offset `now`, or without `now` all year.
    """
    offset, name = _split_offset(typed)
    named = _find(_plain(name))
    if not named and offset == timedelta(0):
        return "UTC"
    if len(named) == 1:
        return named[0]
    if named:
        reason, choices = "This time zone has several meanings.", named
    elif offset and (choices := _at_offset(offset, now, _SIMILAR_MAX)):
        reason = "An offset doesn't follow daylight saving time."
    else:
        reason, choices = "Unknown time zone.", similar_zones(typed)
    hint = f" Did you mean {or_list(choices)}?" if choices else ""
    raise InvalidSchedule(f"{reason}{hint} Start typing a city to see suggestions.")


def suggest_zones(
    typed: str, limit: int = limits.AUTOCOMPLETE_CHOICES_MAX, now: datetime | None = None
) -> tuple[str, ...]:
    """Returns the zones that match what was typed so far, best first; the common zones before anything is typed."""
    offset, name = _split_offset(typed)
    plain = _plain(name)
    if not plain:
        return ("UTC",) if offset == timedelta(0) else _at_offset(offset, now, limit) if offset else COMMON[:limit]
    ranked = ((zone.rank(plain), zone) for zone in _zones() if zone.is_offered)
    found = [(rank > 0, not zone.canonical, rank, zone.order, zone.name) for rank, zone in ranked if rank is not None]
    named = _find(plain)
    first = named if _is_offered(named) else ()
    return tuple(dict.fromkeys([*first, *(name for *_, name in sorted(found))]))[:limit]


def place_of_fixed_offset(zone: str) -> str | None:
    """Returns the place that a zone of an older schedule most likely means, if the zone has no daylight saving time."""
    return parse_zone(zone) if zone in _FIXED_OFFSETS else None


def similar_zones(typed: str, limit: int = _SIMILAR_MAX) -> tuple[str, ...]:
    """Returns the zones that are most similar to what was typed, best first; none if nothing is similar."""
    plain = _plain(typed)
    if not plain:
        return ()
    if suggested := suggest_zones(typed, limit):
        return suggested
    # Abbreviations are all similar to each other.
    names = [name for name, zones in _names().items() if len(name) > _ABBREVIATION_MAX and _is_offered(zones)]
    similar = difflib.get_close_matches(plain, names, n=2 * limit, cutoff=_SIMILARITY_MIN)
    return tuple(dict.fromkeys(zone for name in similar for zone in _names()[name]))[:limit]


def _is_offered(zones: tuple[str, ...]) -> bool:
    return all(_by_name()[zone].is_offered for zone in zones)


def _split_offset(typed: str) -> tuple[timedelta | None, str]:
    """Returns the offset with which the text begins, and the rest: `GMT+8`, `utc8`, `+0530` or `(UTC+8) Beijing`."""
    text = unicodedata.normalize("NFKC", typed[:_TYPED_MAX]).strip()
    found = _OFFSET.match(text)
    if found is None or not (found["name"] or found["sign"]):
        return None, typed
    minutes = 30 if found["half"] else int(found["minutes"] or 0)
    offset = timedelta(hours=int(found["hours"]), minutes=minutes)
    return (-offset if found["sign"] in _MINUS else offset), text[found.end() :]


def _at_offset(offset: timedelta, now: datetime | None, limit: int) -> tuple[str, ...]:
    moments = _SOLSTICES if now is None else (now,)
    zones = (zone.name for zone in _zones() if zone.canonical and not zone.name.startswith("Antarctica/"))
    return tuple(islice((name for name in zones if all(_offset(name, at) == offset for at in moments)), limit))


def _offset(name: str, moment: datetime) -> timedelta | None:
    return moment.astimezone(ZoneInfo(name)).utcoffset()


def _find(plain: str) -> tuple[str, ...]:
    """Returns the zones that a complete name means: none, one, or several for an ambiguous name."""
    names = _names()
    if plain in names:
        return names[plain]
    simplified = _TIME_WORDS.sub("", plain.replace("-", " "))
    if simplified in names:
        return names[simplified]
    # "Berlin, Germany": the other words must belong to the zone, or the city is another one.
    words = plain.split()
    for end in range(len(words) - 1, 0, -1):
        zones = names.get(" ".join(words[:end]), ())
        if found := tuple(name for name in zones if set(words[end:]) <= set(_by_name()[name].words)):
            return found
    return ()


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    """Returns the zones by every complete name; of several sources, the first one in this order counts."""
    offered = [zone for zone in _zones() if zone.canonical]
    names: dict[str, tuple[str, ...]] = {
        zone.plain: (zone.name,) for zone in _zones() if "/" in zone.name or zone.name in _UTC_NAMES
    }
    for source in (
        AMBIGUOUS.items(),
        ((zone.city, (zone.name,)) for zone in offered),
        ((alias, (zone.name,)) for zone in offered for alias in zone.aliases),
        _countries(),
    ):
        for name, zones in source:
            names.setdefault(name, zones)
    return names


def _countries() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields the countries in which all clocks agree, with their first zone."""
    by_country: dict[str, list[str]] = {}
    for zone in _zones():
        if zone.country:
            by_country.setdefault(zone.country, []).append(zone.name)
    for country, names in by_country.items():
        if len({tuple(_offset(name, moment) for moment in _SOLSTICES) for name in names}) == 1:
            yield country, (names[0],)


@cache
def available() -> frozenset[str]:
    """Returns every IANA zone known on this machine, except two that are not real zones."""
    return frozenset(available_timezones()) - {"Factory", "localtime"}


@cache
def _by_name() -> Mapping[str, _Zone]:
    return {zone.name: zone for zone in _zones()}


@cache
def _zones() -> tuple[_Zone, ...]:
    return tuple(sorted(_read_zones(), key=lambda zone: (zone.order, zone.name)))


def _read_zones() -> Iterator[_Zone]:
    table = _table()
    orders = {name: order for order, name in enumerate(dict.fromkeys([*COMMON, *ALIASES, *table]))}
    for name in available():
        plain = _plain(name)
        country, comment = table.get(name, ("", ""))
        aliases = tuple(map(_plain, ALIASES[name].split(", "))) if name in ALIASES else ()
        words = f"{plain} {country} {comment} {' '.join(aliases)}".split()
        city = _plain(name.rpartition("/")[2])
        canonical = name in orders
        yield _Zone(name, plain, city, country, aliases, tuple(words), canonical, orders.get(name, len(orders)))


@cache
def _table() -> Mapping[str, tuple[str, str]]:
    """Returns the country of each zone in zone.tab, and its other words, in the table's order."""
    tables = files("tzdata") / "zoneinfo"
    countries = dict(_rows((tables / "iso3166.tab").read_text(encoding="utf-8")))
    zones = (row for row in _rows((tables / "zone.tab").read_text(encoding="utf-8")))
    return {
        name: (_plain(countries.get(code, code)), _plain(f"{' '.join(comment)} {COUNTRY_WORDS.get(code, '')}"))
        for code, _, name, *comment in zones
    }


def _rows(text: str) -> Iterator[list[str]]:
    return (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))


def _plain(text: str) -> str:
    """Returns the text in lower case, without accents, with single spaces: "São_Paulo" becomes "sao paulo"."""
    letters = unicodedata.normalize("NFKD", text[:_TYPED_MAX]).casefold().replace(".", "")
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w+-]|_", " ", kept).split())
