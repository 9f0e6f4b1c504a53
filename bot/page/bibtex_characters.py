"""Writes Unicode characters as TeX in ASCII.

Symbols that LaTeX, amsmath and amssymb have are printed unchanged, accents and mathematical alphabets included.
Characters of other scripts, which pdfLaTeX cannot print, become Latin letters, and emoji their names.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final, Literal

from anyascii import anyascii

from bot.page.bibtex_symbols import ALPHABETS, CAPITALS_ONLY, MATH, MATH_MARKS, TEXT, TEXT_MARKS

# Where TeX would print two characters as one: `--`, ?`, ,, and quotes.
_LIGATURES: Final = re.compile("(?<=[-‐-―])(?=[-‐-―])|(?<=[?!])(?=[`‘“])|(?<=[,‚„])(?=[,‚„])|(?<=[`'‘’“”])(?=[`'‘’“”])")
_APART: Final = "\x00"  # control characters are removed from every text before
_NOT: Final = "\u0338"
_KNOWN_MARKS: Final = frozenset({_NOT, *TEXT_MARKS, *MATH_MARKS})
# The accented letters that pdfLaTeX understands in UTF-8: Latin-1, Latin Extended-A, and Romanian ones.
_LATEX_LETTERS: Final = frozenset(map(chr, (*range(0xC0, 0x180), *range(0x218, 0x21C))))
_LETTERLIKE: Final = range(0x2100, 0x2150)

_Kind = Literal["text", "math", "^", "_", "formula"]
_SCRIPT_KINDS: Final[Mapping[str, _Kind]] = {"<super>": "^", "<sub>": "_"}


@dataclass(frozen=True, slots=True)
class Kept:
    """TeX of the author: a whole formula without its dollar signs, or a command around words."""

    tex: str
    is_formula: bool


@dataclass(frozen=True, slots=True)
class _EncodedPart:
    kind: _Kind
    tex: str


def encoded(text: str, kept: Mapping[str, Kept] | None = None) -> str:
    """Returns the TeX of the text; each character of `kept` stands for its TeX."""
    pieces: list[_EncodedPart] = []
    for base, marks in _characters(_LIGATURES.sub(_APART, text)):
        known = (kept or {}).get(base)
        if known:
            pieces.append(_EncodedPart("formula" if known.is_formula else "text", known.tex))
        elif base == "–" and not marks and (not pieces or pieces[-1].tex == " "):
            pieces.append(_EncodedPart("text", r"{\textendash}"))  # not read as the two hyphens of an option
        else:
            pieces += _pieces(base, marks)
    return "".join(_joined(pieces))


def math_characters(text: str) -> str:
    """Returns the TeX of characters inside a formula."""
    pieces: list[_EncodedPart] = []
    for base, marks in _characters(text):
        pieces += _pieces(base, marks) if marks or base not in MATH else [_EncodedPart("math", MATH[base])]
    return _formula(pieces)


def _joined(pieces: list[_EncodedPart]) -> Iterator[str]:
    """Yields the TeX of the pieces; those of a formula between dollar signs."""
    ended_formula = False
    for group, run in groupby(pieces, key=_group):
        if group == "text":
            yield from (piece.tex for piece in run)
        elif group == "formula":
            for piece in run:
                yield "{}" * ended_formula + f"${piece.tex}$"
                ended_formula = True
        else:
            yield "{}" * ended_formula + f"${_formula(list(run))}$"
        ended_formula = group != "text"


def _group(piece: _EncodedPart) -> str:
    return piece.kind if piece.kind in ("text", "formula") else "math"


def _formula(pieces: list[_EncodedPart]) -> str:
    """Returns the pieces as one formula; neighbouring characters of a script become one script."""
    parts: list[str] = []
    for kind, run in groupby(pieces, key=lambda piece: piece.kind):
        tex = [piece.tex for piece in run]
        if kind == "math":
            parts += tex
        else:
            parts.append(rf"\mbox{{{''.join(tex)}}}" if kind == "text" else kind + _braced(_spaced(tex)))
    return _spaced(parts)


def _braced(tex: str) -> str:
    return tex if len(tex) == 1 else f"{{{tex}}}"


def _spaced(parts: list[str]) -> str:
    """Returns the parts with `{}` where a command would run into a letter, or a script would be the second one."""
    joined = parts[:1]
    for left, right in pairwise(parts):
        runs_on = re.search(r"\\[A-Za-z]+\Z", left) and right[0].isalpha()
        joined.append("{}" * bool(runs_on or (right[0] in "^_'" and left[0] in "^_'")) + right)
    return "".join(joined)


def _characters(text: str) -> Iterator[tuple[str, str]]:
    """Yields each character with the combining marks that follow it."""
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or not unicodedata.category(text[end]).startswith("M"):
            yield text[start], text[start + 1 : end]
            start = end


def _pieces(base: str, marks: str) -> Iterator[_EncodedPart]:
    if base == _APART:
        yield _EncodedPart("text", "{}")
    elif not marks and base in TEXT:
        yield _EncodedPart("text", TEXT[base])
    elif not marks and base in MATH:
        yield _EncodedPart("math", MATH[base])
    elif base.isascii() and not marks:
        yield _EncodedPart("text", base)
    else:
        known = _script(base) or _accented(base, marks) or _in_alphabet(base)
        yield from [known] if known else _similar(base, marks)


def _script(base: str) -> _EncodedPart | None:
    """Returns the superscript or subscript that the character is."""
    form, _, codes = unicodedata.decomposition(base).partition(" ")
    tex = [_in_formula(chr(int(code, 16))) for code in codes.split()] if form in _SCRIPT_KINDS else []
    return _EncodedPart(_SCRIPT_KINDS[form], _spaced(tex)) if tex and all(tex) else None


def _in_formula(char: str) -> str:
    """Returns the TeX of one character of a formula; empty if it has none."""
    return MATH.get(char) or (char if char.isascii() and (char.isalnum() or char in "+-=()") else "")


def _accented(base: str, marks: str) -> _EncodedPart | None:
    """Returns the letter with its accents, in the way that LaTeX and biber both understand."""
    decomposed = unicodedata.normalize("NFD", base + marks)
    letter, rest = decomposed[0], [mark for mark in decomposed[1:] if mark in _KNOWN_MARKS]
    letter = {"ı": "i", "ȷ": "j"}.get(letter, letter)
    if letter in MATH or letter in "=<>":
        return _EncodedPart("math", _negated(letter, rest))
    if not (letter.isascii() and letter.isalnum()):
        return None
    if not rest:
        return _EncodedPart("text", letter)
    if len(rest) == 1 and unicodedata.normalize("NFC", letter + rest[0]) in _LATEX_LETTERS:
        return _EncodedPart("text", f"{{{_accent(TEXT_MARKS[rest[0]], letter)}}}")
    if not any(mark in TEXT_MARKS for mark in rest):
        return _EncodedPart("math", _over(rest, letter))
    # Biber writes accented letters in Unicode, where pdfLaTeX knows only some; accents of formulas stay as they are.
    accented = _over(rest, rf"\mathrm{{{letter}}}")
    return _EncodedPart("text", rf"{{\ensuremath{{{accented}}}}}")


def _negated(sign: str, marks: list[str]) -> str:
    return (r"\not" if _NOT in marks else "") + _over(marks, MATH.get(sign, sign))


def _over(marks: list[str], tex: str) -> str:
    for mark in marks:
        tex = f"{MATH_MARKS[mark]}{{{tex}}}" if mark in MATH_MARKS else tex
    return tex


def _accent(command: str, letter: str) -> str:
    return f"\\{command}{{{letter}}}" if command.isalpha() else f"\\{command}{letter}"


def _in_alphabet(base: str) -> _EncodedPart | None:
    """Returns a letter of a mathematical alphabet, such as ℝ, in its font."""
    plain, name = unicodedata.normalize("NFKC", base), unicodedata.name(base, "")
    tex = _in_formula(plain) if plain != base and len(plain) == 1 else ""
    if not tex or not (name.startswith("MATHEMATICAL ") or ord(base) in _LETTERLIKE):
        return None
    font = next((font for word, font in ALPHABETS.items() if word in name), "")
    if font in CAPITALS_ONLY and not (plain.isascii() and plain.isupper()):
        font = "mathbf" if plain.isdecimal() else ""
    return _EncodedPart("math", rf"\{font}{{{tex}}}" if font else tex)


def _similar(base: str, marks: str) -> Iterator[_EncodedPart]:
    """Yields the characters of a ligature or a unit, or what the character is in Latin letters."""
    char = unicodedata.normalize("NFC", base + marks)
    plain = unicodedata.normalize("NFKC", char)
    latin = plain if plain not in (char, base) and not plain.startswith(" ") else anyascii(char)
    for part, part_marks in _characters(latin):
        yield from _pieces(part, part_marks)
