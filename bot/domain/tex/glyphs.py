"""How text looks with an accent, as a script, in another alphabet: what `tex` draws with.

Plain text enters, text in Unicode's characters for it leaves, or None where Unicode has none. All of it comes from
Python's own Unicode database. It knows no command and no brace.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

_ACCENTED_MAX: Final = 3  # a hat over a whole name makes it unreadable


def accented(text: str, mark: str) -> str:
    """The text with the accent on its letters; without it where it stands over more than a few."""
    bare = {"ı": "i", "ȷ": "j"}.get(text, text)
    if sum(sign.isalnum() for sign in bare) > _ACCENTED_MAX:
        return text
    return unicodedata.normalize("NFC", "".join(sign + mark if sign.isalnum() else sign for sign in bare))


# --- scripts -----------------------------------------------------------------------------------


def _script(form: str, blocks: Iterable[range]) -> dict[str, str]:
    """Which characters have a form `<super>` or `<sub>` in these blocks of Unicode."""
    table: dict[str, str] = {}
    for sign in (chr(code) for block in blocks for code in block):
        kind, _, plain = unicodedata.decomposition(sign).partition(" ")
        if kind == form and " " not in plain:
            table.setdefault(chr(int(plain, 16)), sign)
    return table


_SUPERSCRIPT_BLOCKS: Final = (
    range(0x2070, 0x2080), range(0xB2, 0xBA), range(0x2B0, 0x2E4), range(0x1D2C, 0x1D6B),
    range(0x1D9B, 0x1DC0), range(0x2C7D, 0x2C7E),
)  # fmt: skip
_SUPERSCRIPTS: Final = _script("<super>", _SUPERSCRIPT_BLOCKS) | {"-": "⁻"}
_SUBSCRIPTS: Final = _script("<sub>", (range(0x2080, 0x209D), range(0x1D62, 0x1D6B), range(0x2C7C, 0x2C7D))) | {
    "-": "₋"
}
# Signs that are raised or lowered by convention, and read well as they are.
_RAISED: Final = {"*": "*", "∗": "*", "⋆": "⋆", "†": "†", "‡": "‡", "′": "′", "″": "″", "∘": "°", "°": "°"}
_LOWERED: Final = {"⊙": "⊙", "☉": "☉", "⊕": "⊕", "⋆": "⋆", "★": "★", "*": "*", "∗": "*"}
_NUMBER: Final = re.compile(r"[-+−]?[0-9]+(?:\.[0-9]+)?")
_SCRIPT_MAX: Final = 6  # small letters in a longer row are hard to read


def superscript(text: str) -> str | None:
    """The text as a superscript, where Unicode has each of its characters."""
    return _in_script(text, _SUPERSCRIPTS, _RAISED, point="·")


def subscript(text: str) -> str | None:
    """The text as a subscript, where Unicode has each of its characters."""
    return _in_script(text, _SUBSCRIPTS, _LOWERED, point=".")


def _in_script(text: str, table: Mapping[str, str], as_they_are: Mapping[str, str], point: str) -> str | None:
    if text and all(sign in as_they_are for sign in text):
        return "".join(as_they_are[sign] for sign in text)
    if _NUMBER.fullmatch(text):
        return "".join(table.get(sign, point) for sign in text)
    if len(text) <= _SCRIPT_MAX and all(sign in table for sign in text):
        return "".join(table[sign] for sign in text)
    return None


# --- alphabets ---------------------------------------------------------------------------------

# Each alphabet by its names in Unicode: the block's, and that of the letters that were there before it.
ALPHABETS: Final[Mapping[str, tuple[str, str]]] = {
    "mathcal": ("MATHEMATICAL SCRIPT", "SCRIPT"),
    "mathscr": ("MATHEMATICAL SCRIPT", "SCRIPT"),
    "cal": ("MATHEMATICAL SCRIPT", "SCRIPT"),
    "mathbb": ("MATHEMATICAL DOUBLE-STRUCK", "DOUBLE-STRUCK"),
    "mathds": ("MATHEMATICAL DOUBLE-STRUCK", "DOUBLE-STRUCK"),
    "mathfrak": ("MATHEMATICAL FRAKTUR", "BLACK-LETTER"),
}
_ALPHABET_MAX: Final = 2  # a whole name in script letters is for nobody's eyes, nor for a screen reader


def in_alphabet(name: str, text: str) -> str:
    """The text in one of the `ALPHABETS`; as it is where it is a word, or has no such letters."""
    if len(text) > _ALPHABET_MAX:
        return text
    block, older = ALPHABETS[name]
    return "".join(_letter(block, sign) or _letter(older, sign) or sign for sign in text)


def _letter(alphabet: str, sign: str) -> str:
    """The letter or digit of that alphabet, or nothing."""
    kind = "DIGIT" if sign.isdecimal() else "CAPITAL" if sign.isupper() else "SMALL"
    word = unicodedata.name(sign, "").rpartition(" ")[2] if sign.isascii() and sign.isalnum() else ""
    try:
        return unicodedata.lookup(f"{alphabet} {kind} {word}")
    except KeyError:
        return ""
