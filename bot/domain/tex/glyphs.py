"""Finds Unicode characters for accents, superscripts, subscripts and mathematical alphabets.

The tables come from Python's Unicode database. It knows neither commands nor braces.
"""

import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

_ACCENTED_MAX: Final = 3  # an accent over a longer name makes it unreadable


def accented(text: str, mark: str) -> str:
    """Returns the text with the accent on each letter; unchanged if it has more than a few letters."""
    bare = {"ı": "i", "ȷ": "j"}.get(text, text)
    if sum(char.isalnum() for char in bare) > _ACCENTED_MAX:
        return text
    return unicodedata.normalize("NFC", "".join(char + mark if char.isalnum() else char for char in bare))


# --- numbers of characters, and numerals -------------------------------------------------------

_CODE_POINT: Final = re.compile(r"\s*(?:(?:0?[xX]|[uU]\+?|\")(?P<hex>[0-9A-Fa-f]{1,6})|(?P<decimal>[0-9]{1,7}))\s*")
_NUMERALS: Final = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
_SMALL_NUMBERS: Final = frozenset(map(str, range(1, len(_NUMERALS))))


def character(code: str) -> str:
    """Returns the character with a number such as x2014 or 8212; empty for one that cannot be shown."""
    found = _CODE_POINT.fullmatch(code)
    number = 0 if found is None else int(found["hex"], 16) if found["hex"] else int(found["decimal"])
    char = chr(min(number, sys.maxunicode))
    return char if char.isprintable() else ""


def roman_numeral(text: str) -> str:
    """Returns the numeral of a small number, or the text in capitals."""
    return _NUMERALS[int(text)] if text in _SMALL_NUMBERS else text.upper()


# --- scripts -----------------------------------------------------------------------------------


def _script(form: str, blocks: Iterable[range]) -> dict[str, str]:
    """Returns the characters that have a form `<super>` or `<sub>` in these Unicode blocks."""
    table: dict[str, str] = {}
    for char in (chr(code) for block in blocks for code in block):
        kind, _, plain = unicodedata.decomposition(char).partition(" ")
        if kind == form and " " not in plain:
            table.setdefault(chr(int(plain, 16)), char)
    return table


_SUPERSCRIPT_BLOCKS: Final = (
    range(0x2070, 0x2080), range(0xB2, 0xBA), range(0x2B0, 0x2E4), range(0x1D2C, 0x1D6B),
    range(0x1D9B, 0x1DC0), range(0x2C7D, 0x2C7E),
)  # fmt: skip
_SUPERSCRIPTS: Final = _script("<super>", _SUPERSCRIPT_BLOCKS) | {"-": "⁻"}
_SUBSCRIPTS: Final = _script("<sub>", (range(0x2080, 0x209D), range(0x1D62, 0x1D6B), range(0x2C7C, 0x2C7D))) | {
    "-": "₋"
}
# Signs that are readable as superscripts or subscripts without a special form.
_RAISED: Final = {"*": "*", "∗": "*", "⋆": "⋆", "†": "†", "‡": "‡", "′": "′", "″": "″", "∘": "°", "°": "°"}
_LOWERED: Final = {"⊙": "⊙", "☉": "☉", "⊕": "⊕", "⋆": "⋆", "★": "★", "*": "*", "∗": "*"}
_NUMBER: Final = re.compile(r"[-+−]?[0-9]+(?:\.[0-9]+)?")
_SCRIPT_MAX: Final = 6  # longer superscripts and subscripts are hard to read


def superscript(text: str) -> str | None:
    """Returns the text as a superscript; None if Unicode lacks one of the characters."""
    return _in_script(text, _SUPERSCRIPTS, _RAISED, point="·")


def subscript(text: str) -> str | None:
    """Returns the text as a subscript; None if Unicode lacks one of the characters."""
    return _in_script(text, _SUBSCRIPTS, _LOWERED, point=".")


def _in_script(text: str, table: Mapping[str, str], unchanged: Mapping[str, str], point: str) -> str | None:
    if text and all(char in unchanged for char in text):
        return "".join(unchanged[char] for char in text).replace("′′", "″")
    if _NUMBER.fullmatch(text):
        return "".join(table.get(char, point) for char in text)
    sign = unchanged.get(text[:1], "")  # K^{*0}; a sign at the end, as of d^{p*}, would seem to follow the script
    rest = text.removeprefix(text[:1]) if sign else text
    if len(text) <= _SCRIPT_MAX and all(char in table for char in rest):
        return sign + "".join(table[char] for char in rest)
    return None


# --- alphabets ---------------------------------------------------------------------------------

# The Unicode names of each alphabet: its block, and the older letters that the block leaves out.
ALPHABETS: Final[Mapping[str, tuple[str, str]]] = {
    "mathcal": ("MATHEMATICAL SCRIPT", "SCRIPT"),
    "mathscr": ("MATHEMATICAL SCRIPT", "SCRIPT"),
    "cal": ("MATHEMATICAL SCRIPT", "SCRIPT"),
    "mathbb": ("MATHEMATICAL DOUBLE-STRUCK", "DOUBLE-STRUCK"),
    "Bbb": ("MATHEMATICAL DOUBLE-STRUCK", "DOUBLE-STRUCK"),
    "mathds": ("MATHEMATICAL DOUBLE-STRUCK", "DOUBLE-STRUCK"),
    "mathfrak": ("MATHEMATICAL FRAKTUR", "BLACK-LETTER"),
}
_ALPHABET_MAX: Final = 2  # longer names in script letters are unreadable, also for screen readers


def in_alphabet(name: str, text: str) -> str:
    """Returns the text in one of the `ALPHABETS`; unchanged if it is a word or the alphabet lacks the letters."""
    if len(text) > _ALPHABET_MAX:
        return text
    block, older = ALPHABETS[name]
    return "".join(_letter(block, char) or _letter(older, char) or char for char in text)


def _letter(alphabet: str, char: str) -> str:
    """Returns the letter or digit in that alphabet; empty if there is none."""
    kind = "DIGIT" if char.isdecimal() else "CAPITAL" if char.isupper() else "SMALL"
    word = unicodedata.name(char, "").rpartition(" ")[2] if char.isascii() and char.isalnum() else ""
    try:
        return unicodedata.lookup(f"{alphabet} {kind} {word}")
    except KeyError:
        return ""
