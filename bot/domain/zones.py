"""Time zones: which there are, and which one somebody means.

What people type enters; IANA names leave, those of the tz database's own table of countries (zone.tab) before their
older spellings. The tables come with Python and the tzdata package; offsets and clock changes are `timetable`'s.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final
from zoneinfo import available_timezones

from bot.runtime import limits
from bot.runtime.errors import InvalidSchedule

# What is suggested before anything is typed, and first among what fits equally well.
COMMON: Final = (
    "UTC", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Toronto",
    "America/Sao_Paulo", "Europe/London", "Europe/Paris", "Europe/Berlin", "Europe/Zurich", "Europe/Rome",
    "Europe/Madrid", "Europe/Amsterdam", "Europe/Stockholm", "Europe/Warsaw", "Asia/Jerusalem", "Asia/Dubai",
    "Asia/Kolkata", "Asia/Singapore", "Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul", "Australia/Sydney",
    "Pacific/Auckland",
)  # fmt: skip

# Names that people use and the tz database does not have.
_CALLED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "UTC": "gmt, greenwich, zulu, coordinated universal time",
        "America/New_York": "eastern time, us eastern, est, edt, boston, washington, philadelphia, princeton",
        "America/Chicago": "central time, us central, cst, cdt, houston, dallas, austin",
        "America/Denver": "mountain time, us mountain, mst, mdt, salt lake city, boulder",
        "America/Los_Angeles": "pacific time, us pacific, pst, pdt, california, san francisco, seattle, palo alto",
        "America/Toronto": "montreal, ottawa, waterloo",
        "America/Sao_Paulo": "brasilia, rio de janeiro, campinas",
        "Europe/London": "british time, bst, england, scotland, wales, cambridge, oxford, edinburgh",
        "Europe/Berlin": "central european time, cet, cest, munich, munchen, hamburg, frankfurt, cologne, heidelberg",
        "Europe/Zurich": "geneva, lausanne, bern, basel",
        "Europe/Paris": "lyon, toulouse, grenoble",
        "Europe/Rome": "milan, turin, trieste",
        "Europe/Madrid": "barcelona, valencia",
        "Europe/Amsterdam": "rotterdam, delft, utrecht, leiden",
        "Europe/Istanbul": "ankara",
        "Asia/Jerusalem": "tel aviv, haifa",
        "Asia/Kolkata": "india standard time, ist, mumbai, bombay, delhi, bangalore, bengaluru, chennai",
        "Asia/Shanghai": "china standard time, beijing, peking, shenzhen, guangzhou, hangzhou",
        "Asia/Tokyo": "japan standard time, jst, kyoto, osaka",
        "Asia/Seoul": "korea standard time, kst, daejeon",
        "Asia/Ho_Chi_Minh": "hanoi",
        "Australia/Sydney": "australian eastern time, aest, canberra",
        "Africa/Johannesburg": "cape town, pretoria",
        "Pacific/Auckland": "wellington, nzst, nzdt",
    }
)
_TYPED_MAX: Final = 60
_ALIKE: Final = 0.6  # as difflib measures: "Belrin" is Berlin, "Narnia" is nowhere


@dataclass(frozen=True, slots=True)
class _Zone:
    """A zone with the words that it is found by; of two that fit, the one of the lower `place` comes first."""

    name: str
    plain: str
    city: str
    called: tuple[str, ...]
    words: tuple[str, ...]
    canonical: bool
    place: int

    def rank(self, typed: str) -> int | None:
        """How well the zone answers to what was typed: 0 is best, None is not at all."""
        if typed == self.plain:
            return 0
        if typed in self.called or typed in self.words:
            return 1
        if self.city.startswith(typed):
            return 2
        if any(name.startswith(typed) for name in self.called):
            return 3
        if all(any(word.startswith(part) for word in self.words) for part in typed.split()):
            return 4
        return 5 if typed in self.plain else None


def parse_zone(typed: str) -> str:
    """The IANA zone that is meant: its name in any case, or its city where there is one of that name.

    Raises InvalidSchedule, which names the nearest zones.
    """
    plain = _plain(typed)
    for zone in _zones():
        if zone.plain == plain:
            return zone.name
    cities = [zone.name for zone in _zones() if zone.canonical and zone.city == plain]
    if len(cities) == 1:
        return cities[0]
    nearest = nearest_zones(typed)
    raise InvalidSchedule(
        f"There is no time zone of that name. The nearest {'is' if len(nearest) == 1 else 'are'} "
        f"{', '.join(nearest)}: choose one from the list while you type a city or a country."
    )


def suggest_zones(typed: str, limit: int = limits.AUTOCOMPLETE_CHOICES_MAX) -> tuple[str, ...]:
    """The zones that may be meant by what was typed so far, the likeliest first; none where nothing fits."""
    plain = _plain(typed)
    if not plain:
        return tuple(name for name in COMMON if name in available())[:limit]
    ranked = ((zone.rank(plain), zone) for zone in _zones())
    found = [(rank > 0, not zone.canonical, rank, zone.place, zone.name) for rank, zone in ranked if rank is not None]
    return tuple(name for *_, name in sorted(found)[:limit])


def nearest_zones(typed: str, limit: int = 3) -> tuple[str, ...]:
    """The zones that look most like what was typed; the commonest where nothing does."""
    fitting = suggest_zones(typed, limit) if _plain(typed) else ()
    if fitting:
        return fitting
    names: dict[str, str] = {}
    # Of two zones with a name in common, the first has it. Older spellings mislead: Etc/GMT+2 is two hours behind.
    for zone in (zone for zone in reversed(_zones()) if zone.canonical):
        names.update(dict.fromkeys((zone.plain, zone.city, *zone.called), zone.name))
    alike = difflib.get_close_matches(_plain(typed), names, n=2 * limit, cutoff=_ALIKE)
    return tuple(dict.fromkeys(names[name] for name in alike))[:limit] or suggest_zones("", limit)


@cache
def available() -> frozenset[str]:
    """Every IANA zone that this machine knows, but for the two that name no place."""
    return frozenset(available_timezones()) - {"Factory", "localtime"}


@cache
def _zones() -> tuple[_Zone, ...]:
    return tuple(sorted(_each_zone(), key=lambda zone: (zone.place, zone.name)))


def _each_zone() -> Iterator[_Zone]:
    table = _table()
    places = {name: place for place, name in enumerate(dict.fromkeys([*COMMON, *table]))}
    for name in available():
        plain = _plain(name)
        called = tuple(_CALLED[name].split(", ")) if name in _CALLED else ()
        words = f"{plain} {table.get(name, '')} {' '.join(called)}".split()
        city = _plain(name.rpartition("/")[2])
        yield _Zone(name, plain, city, called, tuple(words), name in places, places.get(name, len(places)))


@cache
def _table() -> Mapping[str, str]:
    """Of each zone of zone.tab, in its order: the country and the comment, as they are searched."""
    tables = files("tzdata") / "zoneinfo"
    countries = dict(_rows((tables / "iso3166.tab").read_text(encoding="utf-8")))
    zones = (row for row in _rows((tables / "zone.tab").read_text(encoding="utf-8")))
    return {name: _plain(f"{countries.get(code, code)} {' '.join(comment)}") for code, _, name, *comment in zones}


def _rows(text: str) -> Iterator[list[str]]:
    return (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))


def _plain(text: str) -> str:
    """Lower case, no accents, one space for whatever joins words: "São_Paulo" and "sao paulo" are one."""
    letters = unicodedata.normalize("NFKD", text[:_TYPED_MAX]).casefold()
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w+-]|_", " ", kept).split())
