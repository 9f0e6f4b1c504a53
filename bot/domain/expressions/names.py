"""Reads the names of authors as people have them, and compares them.

Initials, order (`Oord, A. van den`), accents, hyphens, particles and suffixes do not matter. arXiv's names do not say
which of their words is the family name, so that a name has several readings. It never looks at papers.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain, product
from typing import Final

from bot.domain.searchable import CJK_WORD
from bot.domain.tex.convert import tex_to_text
from bot.domain.words import plain

_PARTICLES_TEXT: Final = """
    van von vom vander der den de del della delle degli dei di da dal das do dos du la le las los ten ter te thor zu
    zum zur bin ibn ben bint abu al el ul af av
"""
PARTICLES: Final = frozenset(_PARTICLES_TEXT.split())
_SUFFIXES: Final = frozenset(("jr", "sr", "ii", "iii", "iv", "phd", "md"))
# Letters that arXiv's index folds (ICU's folding), but that have no decomposition in Unicode.
_FOLDED: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ħ": "h"}
)
_APOSTROPHES: Final = re.compile("['\u2018\u2019\u02bc\u02b9`\u00b4]")
_HYPHENS: Final = re.compile("[-\u2010-\u2015]+")
_NO_WORD: Final = re.compile(r"[^\w\s,\-]+")
_INITIALS_MAX: Final = 3  # without periods, as in `Hinton GE`
_GROUPS_MAX: Final = 8  # a name with more is a list of people


class NameMatch(IntEnum):
    """How well two names match: not at all, possibly (by an initial, or in an unusual reading), or fully."""

    NONE = 0
    POSSIBLE = 1
    FULL = 2


@dataclass(frozen=True, slots=True)
class NameReading:
    """One reading of a name, without case and accents.

    `given` has the initials and names, those with several words joined by hyphens; `family` has the words of the family
    name, `particles` those in front of it. An unusual reading only makes a match possible.
    """

    given: tuple[str, ...]
    family: tuple[str, ...]
    particles: tuple[str, ...] = ()
    is_unusual: bool = False

    @property
    def core(self) -> str:
        """The family name as one word."""
        return "".join(self.family)

    @property
    def whole(self) -> str:
        """The family name with its particles as one word: `lecun` for `Le Cun`."""
        return "".join((*self.particles, *self.family))


def folded(name: str) -> str:
    """Returns a name in lower case, without accents."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_FOLDED))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def is_suffix(word: str) -> bool:
    """Whether a word in lower case follows names, such as `jr`, and belongs to none of them."""
    return word in _SUFFIXES


def name_readings(name: str) -> tuple[NameReading, ...]:
    """Returns the readings of a name that someone typed; none without a letter."""
    return _readings(name, is_typed=True)


def listed_readings(name: str) -> tuple[NameReading, ...]:
    """Returns the readings of a name as arXiv lists it: given names first, rarely last."""
    return _readings(name, is_typed=False)


def name_key(readings: Sequence[NameReading]) -> str:
    """Returns a text that is equal for names that match the same authors."""
    keys = (
        f"{'*' * each.is_unusual}{' '.join(each.given)}, {' '.join(each.particles)}, {' '.join(each.family)}"
        for each in readings
    )
    return "; ".join(sorted(keys))


def compare_names(typed: Sequence[NameReading], listed: Sequence[NameReading]) -> NameMatch:
    """Returns how well the readings of two names match, in the best case."""
    return max((_compare(left, right) for left, right in product(typed, listed)), default=NameMatch.NONE)


# --- reading -------------------------------------------------------------------------------------


def _readings(name: str, *, is_typed: bool) -> tuple[NameReading, ...]:
    spelled = plain(tex_to_text(name) if "\\" in name or "$" in name else name)
    spelled = _NO_WORD.sub(" ", _APOSTROPHES.sub("", spelled).replace("_", " "))
    before, *after = (_groups(part) for part in spelled.split(","))
    given = next(filter(None, after), [])
    found = [_with_comma(before, given)] if before and given else _without_comma(before or given, is_typed=is_typed)
    return tuple(dict.fromkeys(found))


def _groups(part: str) -> list[str]:
    """Returns the names of one part, the words of each joined by hyphens, without suffixes."""
    has_small_letters = any(map(str.islower, part))
    groups = (_HYPHENS.sub("-", group).strip("-") for group in part.split()[:_GROUPS_MAX])
    kept = [each for each in groups if folded(each) and folded(each) not in _SUFFIXES]
    spelled = [folded("-".join(each) if has_small_letters and _are_initials(each) else each) for each in kept]
    return spelled[1:] if spelled[:1] == ["the"] else spelled


def _are_initials(group: str) -> bool:
    return 1 < len(group) <= _INITIALS_MAX and group.isalpha() and group.isupper()


def _with_comma(before: list[str], after: list[str]) -> NameReading:
    """Reads `Oord, A. van den`."""
    end = len(after)
    while end > 1 and after[end - 1] in PARTICLES:
        end -= 1
    return _reading(after[:end], [*after[end:], *before])


def _without_comma(groups: list[str], *, is_typed: bool) -> Iterator[NameReading]:
    if not groups:
        return
    last = len(groups)
    while last > 0 and is_initial(groups[last - 1]):
        last -= 1
    if 0 < last < len(groups) and not is_initial(groups[0]):
        yield _reading(groups[last:], groups[:last])  # `Hinton G`
        if not is_typed:
            yield _reading(groups[:last], groups[last:], is_unusual=True)  # `Weinan E`
        return
    starts = [
        start
        for start in range(len(groups) - 1, 0, -1)
        if (start == 1 or groups[start - 1] not in PARTICLES) and not any(map(is_initial, groups[start:]))
    ]
    if last == 0 and len(groups) > 1:
        starts = [len(groups) - 1]  # only initials
    yield from (_reading(groups[:start], groups[start:]) for start in starts)
    if len(groups) == 1 or groups[0] in PARTICLES:
        yield _reading([], groups)
    elif not is_initial(groups[0]):
        yield _reading(groups[1:], groups[:1], is_unusual=True)
        if is_typed and not any(map(is_initial, groups)):
            yield _reading([], groups, is_unusual=True)


def is_initial(group: str) -> bool:
    """Whether a name consists of initials, joined by hyphens."""
    return all(map(_is_one_letter, group.split("-")))


def _is_one_letter(word: str) -> bool:
    return len(word) == 1 and CJK_WORD.match(word) is None


def _reading(given: list[str], family: list[str], *, is_unusual: bool = False) -> NameReading:
    start = 0
    while start < len(family) - 1 and family[start] in PARTICLES:
        start += 1
    words = tuple(chain.from_iterable(group.split("-") for group in family[start:]))
    return NameReading(tuple(given), words, tuple(family[:start]), is_unusual)


# --- comparing -----------------------------------------------------------------------------------


def _compare(typed: NameReading, listed: NameReading) -> NameMatch:
    # Without a given name, `Wei` is the family name, not that of everyone who is called Wei.
    if listed.is_unusual and (typed.is_unusual or not typed.given):
        return NameMatch.NONE
    found = _compare_families(typed, listed)
    if found is not NameMatch.NONE:
        found = min(found, _compare_given(typed.given, listed.given))
    return min(found, NameMatch.POSSIBLE) if typed.is_unusual or listed.is_unusual else found


def _compare_families(typed: NameReading, listed: NameReading) -> NameMatch:
    # arXiv cannot find a family name of several words by one word. `Ben David` and `Ben-David` are the same words.
    same_words = (*listed.particles, *listed.family) == (*typed.particles, *typed.family)
    is_findable = len(listed.family) == 1 or listed.family == typed.family or same_words
    if is_findable and typed.whole == listed.whole:
        return NameMatch.FULL
    if not is_findable or typed.core != listed.core or (typed.particles and listed.particles):
        return NameMatch.NONE
    return NameMatch.POSSIBLE if typed.particles else NameMatch.FULL


def _compare_given(typed: Sequence[str], listed: Sequence[str]) -> NameMatch:
    if not typed or not listed:
        return NameMatch.POSSIBLE if typed else NameMatch.FULL
    left, right = _words(typed), _words(listed)
    if _is_one_letter(left[0]) or _is_one_letter(right[0]):
        return NameMatch.POSSIBLE if all(map(_fits, left, right)) else NameMatch.NONE
    if "".join(left) == "".join(right):
        return NameMatch.FULL  # `Xiaoming`, `Xiao Ming`, `Xiao-Ming`
    same_first = typed[0].replace("-", "") == listed[0].replace("-", "")
    return NameMatch.FULL if same_first and all(map(_fits, _words(typed[1:]), _words(listed[1:]))) else NameMatch.NONE


def _words(given: Sequence[str]) -> list[str]:
    return [word for group in given for word in group.split("-")]


def _fits(left: str, right: str) -> bool:
    """Whether two words of given names are equal, or one is the initial of the other."""
    return left == right or (left[0] == right[0] and (_is_one_letter(left) or _is_one_letter(right)))
