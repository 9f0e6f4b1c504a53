"""Normalizes the spelling of keywords and papers, so that their words can be compared.

Both sides of a comparison use these functions: text that is normalized differently would never match. It never
decides what matches (that is `matching`) and never prepares text for display (that is `text`).
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_UNUSUAL: Final = re.compile(r"[^ -~]")
_APOSTROPHES: Final = "`\u2018\u2019\u02bc\uff07\u00b4"
_POSSESSIVE: Final = re.compile(r"'(?<=[^\W_]')[sS](?![^\W_])")
# K{\"a}hler, Erd\H{o}s, Fran\c cois: abstracts write accents in TeX as well as in Unicode.
_TEX_ACCENT: Final = re.compile(r"""\{?\\(?:["'^~=.]|[Hbcdkrtuv](?=[ {])) ?\{?\\?([A-Za-z])\}?\}?""")
_MINUS: Final = "\u2212"
# Combining accents that remain after composition (x with a hat).
_COMBINING_ACCENTS: Final = range(0x0300, 0x0370)
# Letters without a glyph, and variation selectors: they are invisible.
_NO_GLYPH: Final = frozenset(
    [0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
)


def visible(text: str) -> str:
    """Returns the text as typed, but with white space collapsed and without invisible or unstorable characters."""
    return " ".join(_UNUSUAL.sub(lambda found: _visible_char(found[0]), text).split())


def plain(text: str) -> str:
    """Returns the text in one spelling (NFKC, one dash, one apostrophe, no possessive 's); case and accents stay."""
    is_simple = text.isascii() and text.isprintable()  # then only apostrophes and white space change
    spelled = _with_one_apostrophe(text if is_simple else visible(text))
    if "\\" in spelled:
        spelled = _TEX_ACCENT.sub(r"\1", spelled)
    return _POSSESSIVE.sub("", " ".join((spelled if is_simple else _composed(spelled)).split()))


def caseless(text: str) -> str:
    """Returns plain text case-folded; accents stay."""
    return _composed(text.casefold())


def unaccented(text: str) -> str:
    """Returns the text without accents on Latin letters; non-ASCII symbols become spaces."""
    return _UNUSUAL.sub(lambda found: _unaccented_char(found[0]), text)


def _composed(text: str) -> str:
    composed = _with_one_apostrophe(unicodedata.normalize("NFKC", text))
    return _UNUSUAL.sub(lambda found: _plain_char(found[0]), composed)


def _with_one_apostrophe(text: str) -> str:
    for sign in _APOSTROPHES[:1] if text.isascii() else _APOSTROPHES:
        text = text.replace(sign, "'")
    return text


@lru_cache(maxsize=4096)
def _visible_char(char: str) -> str:
    code = ord(char)
    if char.isspace():
        return " "
    if unicodedata.category(char) in ("Cc", "Cf", "Cs") or code in _NO_GLYPH:
        return ""
    noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return "" if noncharacter else char


@lru_cache(maxsize=4096)
def _plain_char(char: str) -> str:
    if char == _MINUS or unicodedata.category(char) == "Pd":
        return "-"
    return "" if ord(char) in _COMBINING_ACCENTS else _visible_char(char)


@lru_cache(maxsize=4096)
def _unaccented_char(char: str) -> str:
    if not char.isalnum():
        return " "
    base = unicodedata.normalize("NFD", char)[0]
    return base if base.isascii() else char
