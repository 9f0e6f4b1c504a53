"""Converts TeX in titles, abstracts, comments and names to readable Unicode text.

`$B^0_s \\to \\mu^+\\mu^-$` becomes `B⁰ₛ → μ⁺μ⁻`, `Erd\\H{o}s--R\\'enyi` becomes `Erdős–Rényi`, and "$10 and $20" stays
as it is. Broken TeX never raises: unknown input is kept, and no letter outside a command is lost. The result is not
escaped for Discord.

`walk` reads the text and calls this module for each command; `tables` lists the commands, `glyphs` the characters,
`typesetting` places spaces and parentheses, and `typography` pairs quotes.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from bot.domain.tex import tables
from bot.domain.tex.glyphs import ALPHABETS, accented, in_alphabet, superscript
from bot.domain.tex.typesetting import NAME_MARK, factor, relation, term, typeset
from bot.domain.tex.typography import RANGE_MARK, with_ranges_and_numerals, with_typographic_quotes
from bot.domain.tex.walk import Walk
from bot.domain.text import collapse

_SIGNIFICANT: Final = re.compile(r"[\\$^_{}~]|--")
# What an accent applies to; a space may follow an accent whose name is a letter: \c c.
_LETTER: Final = re.compile(r"[^\W\d_]|\{|\\[A-Za-z]")
_LETTER_APART: Final = re.compile(r"\s*(?:[^\W\d_]|\{|\\[A-Za-z])")
_OPTION: Final = re.compile(r"\s*\[([^\[\]{}]*)\]")


def tex_to_text(text: str) -> str:
    """Returns the text on one line with its TeX converted, in Unicode's composed form (NFC)."""
    line = with_typographic_quotes(collapse(text))
    if _SIGNIFICANT.search(line):
        line = with_ranges_and_numerals(line)
        line = collapse(_Reader(line).prose(len(line)).replace(RANGE_MARK, "~"))
    return unicodedata.normalize("NFC", line)


class _Reader(Walk):
    """Reads a text and converts its commands."""

    def command(self, token: str, end: int, *, in_formula: bool) -> str:
        name = token[1:]
        if len(name) > 1:
            name = name.rstrip("*")
        read = self.formula if in_formula else self.prose
        if name in ("(", "["):
            return self.bracketed(name, end)
        if name in tables.TEXT_ACCENTS and not in_formula:
            return self._text_accent(name, end)
        if name in tables.SPACES:
            return " "
        if name in tables.NOTHING:
            return self._nothing(name, self.at - len(token))
        if not name.isalpha() or not name.isascii():
            return "‖" if name == "|" and in_formula else name
        if name in tables.SYMBOLS and name not in tables.MATH_ACCENTS:
            return self._symbol(name, end, in_formula=in_formula)
        return self._with_arguments(name, end, read)

    def _nothing(self, name: str, start: int) -> str:
        r"""Drops a command that prints nothing, with the space after `{\it …` or the dot of `\right.`."""
        after = self.text[self.at : self.at + 1]
        opens = start == 0 or self.text[start - 1] in "{ "
        if (name in ("left", "right", "middle") and after == ".") or (after.isspace() and opens and name.isalpha()):
            self.at += 1
        return ""

    def _text_accent(self, name: str, end: int) -> str:
        r"""Returns the accented letter of \'e, \v{c} or \c c; without a letter, the accent's own character."""
        start = self.at
        takes = _LETTER_APART if name.isalpha() else _LETTER
        letter = self.argument(end, self.prose) if takes.match(self.text, start, end) else ""
        if letter[:1].isalpha():
            return accented(letter[0], tables.TEXT_ACCENTS[name]) + letter[1:]
        self.at = start
        return name

    def _symbol(self, name: str, end: int, *, in_formula: bool) -> str:
        sign = tables.SYMBOLS[name]
        if sign in tables.PREFIXES and self.text[self.at : self.at + 1].isspace():
            self.at += 1
        if in_formula:
            return relation(sign) if tables.RELATIONS.match(sign) else sign
        after = self.text[self.at : min(self.at + 2, end)]
        if sign.isalpha() and len(name) <= 2 and after[:1].isspace() and after[1:].isalpha():
            self.at += 1  # S\o ren
        return sign

    def _with_arguments(self, name: str, end: int, read: Callable[[int], str]) -> str:
        if name in tables.FIRST_DROPPED or name in tables.SECOND_SHOWN:
            self.argument(end, self.prose)
            return self.argument(end, read) if name in tables.SECOND_SHOWN else ""
        if name in tables.MATH_ACCENTS:
            return accented(typeset(self.argument(end, read)), tables.MATH_ACCENTS[name])
        if name in ALPHABETS:
            return in_alphabet(name, typeset(self.argument(end, self.formula)))
        if name in tables.PROSE_INSIDE:
            return self.argument(end, self.prose)
        if name in tables.ROMAN_INSIDE:
            return self.argument(end, self.roman)
        if name in tables.AROUND:
            before, after = tables.AROUND[name]
            return before + self.argument(end, read) + after
        return self._construction(name, end, read)

    def _construction(self, name: str, end: int, read: Callable[[int], str]) -> str:
        match name:
            case _ if name in tables.FRACTIONS:
                return self._fraction(end)
            case "sqrt":
                return self._root(end)
            case "binom":
                upper, lower = self.argument(end, self.formula), self.argument(end, self.formula)
                return f"({typeset(upper)} choose {typeset(lower)})"
            case "not":
                sign = typeset(self.argument(end, self.formula))
                return relation(unicodedata.normalize("NFC", sign + "\u0338")) if sign else ""
            case "colon":
                return ": "
            case "operatorname":
                return NAME_MARK + self.argument(end, self.roman) + NAME_MARK
        return self._unknown(name, end, read)

    def _fraction(self, end: int) -> str:
        above, below = (typeset(self.argument(end, self.formula)) for _ in range(2))
        after = self.text[self.at : min(self.at + 1, end)]
        return NAME_MARK + f"{term(above)}/{factor(below)}" + (NAME_MARK if after not in ("", "^", "_") else "")

    def _root(self, end: int) -> str:
        option = _OPTION.match(self.text, self.at, end)
        if option:
            self.at = option.end()
        degree = option[1].strip() if option else ""
        sign = tables.ROOTS.get(degree) or (superscript(degree) or f"{degree} ") + "√"
        return sign + factor(typeset(self.argument(end, self.formula)))

    def _unknown(self, name: str, end: int, read: Callable[[int], str]) -> str:
        r"""Returns the name of a function or an unknown command; for an unknown \ourcolour{text} its argument."""
        in_formula = read != self.prose
        if name not in tables.FUNCTIONS and self.text[self.at : min(self.at + 1, end)] == "{":
            inside = self.argument(end, read)
            if inside.strip():
                return inside
        return NAME_MARK + name + NAME_MARK if in_formula else name
