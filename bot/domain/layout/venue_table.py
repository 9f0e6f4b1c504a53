"""The table of known conferences and journals, and where a text mentions them.

The table is `venues.tsv`: a kind, the name as it is shown, and other names. Acronyms and names of one word are
case-sensitive ("DATE", "Nature"), except that a year makes `icassp 2026` a name; longer names are not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final


@dataclass(frozen=True, slots=True)
class KnownVenue:
    """A conference or journal of the table."""

    name: str
    is_conference: bool


@dataclass(frozen=True, slots=True)
class VenueMention:
    """A place in a text that names a known venue; `suffix` is W for workshops (`CVPRW`) and F for Findings."""

    venue: KnownVenue
    start: int
    end: int
    is_short: bool
    suffix: str = ""
    year: str = ""


@dataclass(frozen=True, slots=True)
class _Alias:
    words: tuple[str, ...]
    written: str
    venue: KnownVenue

    @property
    def is_short(self) -> bool:
        return len(self.words) == 1 or self.written.upper() == self.written


# Years are words of their own: "ICML2026" is two words.
_YEAR: Final = r"(?:19|20)\d\d(?!\d)"
_WORD: Final = re.compile(rf"{_YEAR}|(?:(?!{_YEAR})[^\W_])+|&")
_SHORT_YEAR: Final = re.compile(r"\A(?P<name>[A-Z][A-Za-z]{2,}+)(?P<year>[12]\d)\Z")
_YEAR_NEXT: Final = re.compile(rf"[\s,'’(-]{{0,3}}(?:{_YEAR}|\d\d\b)")
_DASH_SUFFIX: Final = re.compile(r"(?:-[Ww]|W)\b")
_ENGLISH_WORDS: Final = frozenset(
    [
        "date",
        "fast",
        "micro",
        "race",
        "case",
        "rank",
        "spin",
        "cell",
        "disc",
        "log",
        "models",
        "types",
        "host",
        "small",
        "sensors",
    ]
)


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.casefold() for word in _WORD.findall(text))


def _read_table() -> Mapping[str, tuple[_Alias, ...]]:
    """Returns the names by their first word, the longest first."""
    aliases: dict[str, list[_Alias]] = {}
    for line in (files("bot.domain.layout") / "venues.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        kind, name, *others = line.split("\t")
        venue = KnownVenue(name, kind == "conference")
        for written in (name, *(other for cell in others for other in cell.split(" | "))):
            words = _split(written)
            aliases.setdefault(words[0], []).append(_Alias(words, written, venue))
    return {
        first: tuple(sorted(known, key=lambda alias: len(alias.words), reverse=True))
        for first, known in aliases.items()
    }


_ALIASES: Final = _read_table()
KNOWN_VENUES: Final = frozenset(alias.venue for known in _ALIASES.values() for alias in known)


def find_mentions(text: str) -> tuple[VenueMention, ...]:
    """Returns the mentions of known venues from left to right; the longest name counts."""
    return tuple(_find(text))


def _find(text: str) -> Iterator[VenueMention]:
    words = list(_WORD.finditer(text))
    folded = tuple(word[0].casefold() for word in words)
    index = 0
    while index < len(words):
        found = _mention_at(text, words, folded, index)
        if found is None:
            index += 1
            continue
        yield found
        while index < len(words) and words[index].start() < found.end:
            index += 1


def _mention_at(text: str, words: list[re.Match[str]], folded: tuple[str, ...], index: int) -> VenueMention | None:
    start = words[index].start()
    for alias in _ALIASES.get(folded[index], ()):
        last = index + len(alias.words) - 1
        if folded[index : last + 1] == alias.words and _is_written_so(text, start, words[last].end(), alias):
            suffix = _DASH_SUFFIX.match(text, words[last].end()) if alias.venue.is_conference else None
            end = suffix.end() if suffix else words[last].end()
            end += alias.written.endswith(".") and text[end : end + 1] == "."
            return VenueMention(alias.venue, start, end, alias.is_short, "W" if suffix else "")
    return _decorated_acronym(words[index])


def _is_written_so(text: str, start: int, end: int, alias: _Alias) -> bool:
    written = text[start:end]
    if not alias.is_short:
        return written[:1].isupper() or not alias.written[:1].isupper()
    if re.sub(r"[^\w&]", "", written) == re.sub(r"[^\w&]", "", alias.written):
        return True
    is_plain_word = len(written) < 4 or written.casefold() in _ENGLISH_WORDS
    return not is_plain_word and (written.islower() or written.isupper()) and bool(_YEAR_NEXT.match(text, end))


def _decorated_acronym(word: re.Match[str]) -> VenueMention | None:
    """Recognises `CVPRW`, `CVPRF` and `CVPR26`."""
    dated = _SHORT_YEAR.match(word[0])
    name, year = (dated["name"], f"20{dated['year']}") if dated else (word[0], "")
    suffix = "" if dated else name[-1:]
    if suffix not in ("", "W", "F") or len(name) < 4:
        return None
    acronym = name.removesuffix(suffix) if suffix else name
    named = [alias for alias in _ALIASES.get(acronym.casefold(), ()) if alias.written == acronym]
    if not named or not named[0].venue.is_conference:
        return None
    return VenueMention(named[0].venue, word.start(), word.end(), True, suffix, year)
