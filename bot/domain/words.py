"""What counts as a word, for keywords and papers alike.

Text of people and of papers enters; the same text in the one spelling that is compared leaves. Both sides
of a comparison come through here: where the two would be read differently, nothing matches. It never
decides what matches: that is `matching`.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

# A word and the signs directly after it; `[^\W_]` is every letter and digit, and nothing else.
WORD: Final = re.compile(r"([^\W_]+)([+#]*)")

_UNUSUAL: Final = re.compile(r"[^ -~]")
_APOSTROPHES: Final = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\uff07\u00b4`", "'"))
_POSSESSIVE: Final = re.compile(r"(?<=[^\W_])'[sS](?![^\W_])")
# K{\"a}hler, Erd\H{o}s, Fran\c cois: abstracts write accents in TeX as well as in Unicode.
_TEX_ACCENT: Final = re.compile(r"""\{?\\(?:["'^~=.]|[Hbcdkrtuv](?=[ {])) ?\{?\\?([A-Za-z])\}?\}?""")
_MINUS: Final = "\u2212"
# Accents that no composed letter has (x with a hat).
_LOOSE_ACCENTS: Final = range(0x0300, 0x0370)
# Letters without a shape, and the selectors of a letter's variants: nobody sees that they were typed.
_SHAPELESS: Final = frozenset(
    [0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
)


def visible(text: str) -> str:
    """The text as typed, white space collapsed, without characters that cannot be seen or stored."""
    return " ".join(_UNUSUAL.sub(lambda found: _visible(found[0]), text).split())


def plain(text: str) -> str:
    """The text in one spelling (NFKC, one dash, one apostrophe, no possessive 's); case and accents stay."""
    spelled = visible(text).translate(_APOSTROPHES)
    if "\\" in spelled:
        spelled = _TEX_ACCENT.sub(r"\1", spelled)
    return _POSSESSIVE.sub("", " ".join(_composed(spelled).split()))


def caseless(text: str) -> str:
    """Plain text without regard to case; accents stay."""
    return _composed(text.casefold())


def unaccented(text: str) -> str:
    """The text without the accents of Latin letters; signs outside ASCII become spaces."""
    return _UNUSUAL.sub(lambda found: _unaccented(found[0]), text)


def searchable(text: str) -> str:
    """A paper's text in the spelling in which the words of keywords are looked for."""
    return unaccented(caseless(plain(text)))


def _composed(text: str) -> str:
    composed = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    return _UNUSUAL.sub(lambda found: _plain(found[0]), composed)


@lru_cache(maxsize=4096)
def _visible(char: str) -> str:
    code = ord(char)
    if char.isspace():
        return " "
    if unicodedata.category(char) in ("Cc", "Cf", "Cs") or code in _SHAPELESS:
        return ""
    noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return "" if noncharacter else char


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    if char == _MINUS or unicodedata.category(char) == "Pd":
        return "-"
    return "" if ord(char) in _LOOSE_ACCENTS else _visible(char)


@lru_cache(maxsize=4096)
def _unaccented(char: str) -> str:
    if not char.isalnum():
        return " "
    base = unicodedata.normalize("NFD", char)[0]
    return base if base.isascii() else char
