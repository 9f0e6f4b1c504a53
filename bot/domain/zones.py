"""Time zones by name: which exist, and which ones someone may mean by what they typed.

IANA names from the tz database's table of countries (zone.tab) come before older names. The tables come with Python
and the tzdata package. It knows neither offsets nor clock changes: that is `channel_schedule`.
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

from bot.domain.text import or_list
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

# Names in common use that the tz database does not have.
_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
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
_SIMILARITY_MIN: Final = 0.6  # difflib's ratio: "Belrin" is similar to Berlin, "Narnia" to no zone


@dataclass(frozen=True, slots=True)
class _Zone:
    """A zone with the words that it is found by; of equally good matches, the lower `order` comes first."""

    name: str
    plain: str
    city: str
    aliases: tuple[str, ...]
    words: tuple[str, ...]
    canonical: bool
    order: int

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
        return 5 if typed in self.plain else None


def parse_zone(typed: str) -> str:
    """Returns the IANA zone for its name in any case, or for a city that only one zone has.

    Raises InvalidSchedule with similar zones, if there are any.
    """
    plain = _plain(typed)
    for zone in _zones():
        if zone.plain == plain:
            return zone.name
    cities = [zone.name for zone in _zones() if zone.canonical and zone.city == plain]
    if len(cities) == 1:
        return cities[0]
    similar = similar_zones(typed)
    hint = f" Did you mean {or_list(similar)}?" if similar else ""
    raise InvalidSchedule(f"Unknown time zone.{hint} Start typing a city to see suggestions.")


def suggest_zones(typed: str, limit: int = limits.AUTOCOMPLETE_CHOICES_MAX) -> tuple[str, ...]:
    """Returns the zones that match what was typed so far, best first; the common zones before anything is typed."""
    plain = _plain(typed)
    if not plain:
        return tuple(name for name in COMMON if name in available())[:limit]
    ranked = ((zone.rank(plain), zone) for zone in _zones())
    found = [(rank > 0, not zone.canonical, rank, zone.order, zone.name) for rank, zone in ranked if rank is not None]
    return tuple(name for *_, name in sorted(found)[:limit])


def similar_zones(typed: str, limit: int = 3) -> tuple[str, ...]:
    """Returns the zones that are most similar to what was typed, best first; none if nothing is similar."""
    if not _plain(typed):
        return ()
    if suggested := suggest_zones(typed, limit):
        return suggested
    names: dict[str, str] = {}
    # The first of two zones with the same name wins. Older names mislead: Etc/GMT+2 is two hours behind UTC.
    for zone in (zone for zone in reversed(_zones()) if zone.canonical):
        names.update(dict.fromkeys((zone.plain, zone.city, *zone.aliases), zone.name))
    similar = difflib.get_close_matches(_plain(typed), names, n=2 * limit, cutoff=_SIMILARITY_MIN)
    return tuple(dict.fromkeys(names[name] for name in similar))[:limit]


@cache
def available() -> frozenset[str]:
    """Returns every IANA zone known on this machine, except two that are not real zones."""
    return frozenset(available_timezones()) - {"Factory", "localtime"}


@cache
def _zones() -> tuple[_Zone, ...]:
    return tuple(sorted(_read_zones(), key=lambda zone: (zone.order, zone.name)))


def _read_zones() -> Iterator[_Zone]:
    table = _table()
    orders = {name: order for order, name in enumerate(dict.fromkeys([*COMMON, *table]))}
    for name in available():
        plain = _plain(name)
        aliases = tuple(_ALIASES[name].split(", ")) if name in _ALIASES else ()
        words = f"{plain} {table.get(name, '')} {' '.join(aliases)}".split()
        city = _plain(name.rpartition("/")[2])
        yield _Zone(name, plain, city, aliases, tuple(words), name in orders, orders.get(name, len(orders)))


@cache
def _table() -> Mapping[str, str]:
    """Returns the searchable country and comment of each zone in zone.tab, in its order."""
    tables = files("tzdata") / "zoneinfo"
    countries = dict(_rows((tables / "iso3166.tab").read_text(encoding="utf-8")))
    zones = (row for row in _rows((tables / "zone.tab").read_text(encoding="utf-8")))
    return {name: _plain(f"{countries.get(code, code)} {' '.join(comment)}") for code, _, name, *comment in zones}


def _rows(text: str) -> Iterator[list[str]]:
    return (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))


def _plain(text: str) -> str:
    """Returns the text in lower case, without accents, with single spaces: "São_Paulo" becomes "sao paulo"."""
    letters = unicodedata.normalize("NFKD", text[:_TYPED_MAX]).casefold()
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w+-]|_", " ", kept).split())
