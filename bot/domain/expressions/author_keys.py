"""The keys under which the names of authors are stored, and the beginnings of keys that people type.

A key has only letters, without accents, spaces and signs: `Hinton, G`, `hinton g` and `Geoff Hin` are the beginnings of
keys of `Geoffrey Hinton`. It never decides whether two names match (that is `names`).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bot.domain.expressions.names import NameReading, is_initial, listed_readings, name_readings
from bot.domain.paper import without_separators
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import defuse_mentions

# Of a collaboration with thousands of authors, only the first are suggested.
AUTHORS_PER_PAPER: Final = 100
NAME_MAX: Final = 100
_KEY_MAX: Final = 40
_KEYS_MAX: Final = 5
_PREFIXES_MAX: Final = 4


def counted_names(authors: Sequence[str]) -> tuple[str, ...]:
    """Returns the names under which a paper with these authors is counted, as they are displayed."""
    listed = without_separators(tuple(authors))[:AUTHORS_PER_PAPER]
    names = (defuse_mentions(tex_to_text(name)) for name in listed)
    return tuple(dict.fromkeys(name for name in names if len(name) <= NAME_MAX))


def stored_keys(name: str) -> tuple[str, ...]:
    """Returns the keys of a name as arXiv lists it; none without a letter."""
    readings = _usual(listed_readings(name))
    without_particles = (each.core + _squeezed(each.given) for each in readings[:1])
    return _unique((*_in_order(readings[:1]), *_family_first(readings), *without_particles), _KEYS_MAX)


def typed_prefixes(typed: str) -> tuple[str, ...]:
    """Returns the beginnings of keys that a part of a name can mean, the most likely ones first."""
    readings = _usual(name_readings(typed))
    return _unique((*_family_first(readings[:1]), *_in_order(readings[:1]), *_family_first(readings)), _PREFIXES_MAX)


def same_name_prefixes(readings: Iterable[NameReading]) -> tuple[str, ...]:
    """Returns the beginnings of the keys of every name that can match one of these readings."""
    usual = _usual(readings)
    return _unique(
        (key for each in usual for key in (f"{each.whole}{_initial(each)}", f"{each.core}{_initial(each)}")),
        _PREFIXES_MAX,
    )


def _usual(readings: Iterable[NameReading]) -> Sequence[NameReading]:
    return [each for each in readings if not each.is_unusual]


def _in_order(readings: Iterable[NameReading]) -> Iterator[str]:
    """Yields the names in the order `Geoffrey E. Hinton`, then without initials in the middle."""
    for each in readings:
        first, rest = each.given[:1], each.given[1:]
        yield _squeezed((*first, *rest, each.whole))
        yield _squeezed((*first, *(name for name in rest if not is_initial(name)), each.whole))


def _family_first(readings: Iterable[NameReading]) -> Iterator[str]:
    for each in readings:
        yield each.whole + _squeezed(each.given)


def _initial(reading: NameReading) -> str:
    return reading.given[0][:1] if reading.given else ""


def _squeezed(names: Iterable[str]) -> str:
    return "".join(names).replace("-", "")


def _unique(keys: Iterable[str], at_most: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key[:_KEY_MAX] for key in keys if key))[:at_most]
