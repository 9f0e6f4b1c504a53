"""Converts TeX in titles, abstracts, comments and names to readable Unicode text.

`$B^0_s \\to \\mu^+\\mu^-$` becomes `B⁰ₛ → μ⁺μ⁻`, `Erd\\H{o}s--R\\'enyi` becomes `Erdős–Rényi`, and "$10 and $20" stays
as it is. Broken TeX never raises: unknown input is kept, and no letter outside a command is lost. The result is not
escaped for Discord.

`walk` reads the text and calls this module for each command; `tables` lists the commands, `glyphs` the characters,
`typesetting` places spaces and parentheses, `references` handles links and citations, `typography` pairs quotes.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from bot.domain.tex import tables
from bot.domain.tex.glyphs import ALPHABETS, accented, character, in_alphabet, roman_numeral, superscript
from bot.domain.tex.references import link, url_in_tex, without_citations
from bot.domain.tex.typesetting import (
    CITE_MARK,
    NAME_MARK,
    closing,
    factor,
    operator,
    relation,
    term,
    typeset,
    typeset_script,
)
from bot.domain.tex.typography import RANGE_MARK, with_ranges_and_numerals, with_typographic_quotes
from bot.domain.tex.walk import Walk
from bot.domain.text import collapse

_SIGNIFICANT: Final = ("\\", "$", "^", "_", "{", "}", "~", "--")
# What an accent applies to; a space may follow an accent whose name is a letter: \c c.
_LETTER: Final = re.compile(r"[^\W\d_]|\{|\\[A-Za-z]")
_LETTER_APART: Final = re.compile(r"\s*(?:[^\W\d_]|\{|\\[A-Za-z])")
_OPTION: Final = re.compile(r"\s*\[([^\[\]{}]*)\]")
_BRACE_NEXT: Final = re.compile(r"\s*\{")
# TeX ignores the space after a command. It is dropped where an operand follows; elsewhere it may separate words.
_OPERAND_NEXT: Final = re.compile(r"\s+(?:[\w(\[{]|\\(?P<command>[A-Za-z]+))")
_FACTOR_BEFORE: Final = re.compile(r"(?:\\(?P<command>[A-Za-z]+)|[\w})'])\s\Z")
_BRACKET_NEXT: Final = re.compile(r"\s+(?=[(\[]|\\(?:left|[bB]igg?l?)\s*[(\[])")
_BAR_NEXT: Final = re.compile(r"\s?(\||\\\|)\s?")
_QUANTITY_NEXT: Final = re.compile(r"\s*(?:\[[^\[\]{}]*\]\s*)?\{[^{}]*\}\s*\{")
_DEGREES_NEXT: Final = re.compile(r"\s*(?:[A-Za-z(]|\\[A-Za-z]|\\left)")
_WINDOWS_PATH: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]:(?:\\[\w.-]+)+")


def tex_to_text(text: str) -> str:
    """Returns the text on one line with its TeX converted, in Unicode's composed form (NFC)."""
    line = with_typographic_quotes(collapse(text))
    if any(sign in line for sign in _SIGNIFICANT):
        line = with_ranges_and_numerals(line)
        read = _Reader(line).prose(len(line)).replace(RANGE_MARK, "~")
        line = collapse(without_citations(read))
    return unicodedata.normalize("NFC", line)


class _Reader(Walk):
    """Reads a text and converts its commands."""

    # The end of the last symbol whose space was dropped: the symbol after it is joined too.
    _joined_at = -1

    def command(self, token: str, end: int, *, in_formula: bool) -> str:
        name, start = token[1:], self.at - len(token)
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
            return self._nothing(name, start, in_formula=in_formula)
        if not name.isalpha() or not name.isascii():
            return "‖" if name == "|" and in_formula else name
        if name in tables.AFTER_DIGIT and self._is_unit(name, start):
            return tables.AFTER_DIGIT[name]
        if name in tables.PRINTED and name not in tables.MATH_ACCENTS:
            return self._symbol(name, start, end) if in_formula else self._symbol_in_prose(name, start, end)
        return self._with_arguments(name, start, end, read)

    def _is_unit(self, name: str, start: int) -> bool:
        is_degree_of = name == "deg" and _DEGREES_NEXT.match(self.text, self.at)
        return self.text[start - 1 : start].isdigit() and not is_degree_of

    def _nothing(self, name: str, start: int, *, in_formula: bool) -> str:
        r"""Drops a command that prints nothing, with the space after `{\it …` or the dot of `\right.`."""
        after = self.text[self.at : self.at + 1]
        opens = in_formula or start == 0 or self.text[start - 1] in "{[( "
        if (name in ("left", "right", "middle") and after == ".") or (after.isspace() and opens and name.isalpha()):
            self.at += 1
        if in_formula and name in tables.CLOSING_SIZES:
            return closing("")
        bar = _BAR_NEXT.match(self.text, self.at) if in_formula and name in tables.OPENING_SIZES else None
        if bar:
            self.at = bar.end()
            return "|" if bar[1] == "|" else "‖"
        return ""

    def _text_accent(self, name: str, end: int) -> str:
        r"""Returns the accented letter of \'e, \v{c} or \c c; without a letter, the accent's own character."""
        start = self.at
        apart = name.isalpha()
        takes = _LETTER_APART.match(self.text, start, end) if apart else _LETTER.match(self.text, start, end)
        letter = self.argument(end, self.prose) if takes else ""
        if letter[:1].isalpha():
            return accented(letter[0], tables.TEXT_ACCENTS[name]) + letter[1:]
        self.at = start
        return name

    def _symbol(self, name: str, start: int, end: int) -> str:
        """Returns a symbol in a formula, with its scripts if it is a relation or an operator."""
        sign = tables.PRINTED[name]
        if name in tables.UNITS or (len(sign) > 1 and sign[0].isalnum()):
            return NAME_MARK + sign + NAME_MARK
        if sign.isalpha():
            self._join(start, end)
        elif name in tables.CLOSING:
            return closing(sign)
        elif name in tables.SPACED or (name not in tables.SPINS and tables.RELATIONS.match(sign)):
            return relation(sign + self.scripts(end))
        elif name not in tables.OPENING and (sign == "|" or tables.OPERATORS.match(sign)):
            return operator(sign + self.scripts(end))
        elif _is_point(sign) and self.text[self.at + 1 : self.at + 2].isdigit():
            self.at += self.text[self.at].isspace()
        elif sign in tables.PREFIXES or name in tables.OPENING:
            self.at += self.text[self.at : self.at + 1].isspace()
        return sign

    def _join(self, start: int, end: int) -> None:
        r"""Drops the space after a letter, as in \Delta t, unless the author separates all factors: K \pi \pi."""
        in_script = self.text[start - 1 : start] in ("_", "^")
        apart = start != self._joined_at and self._follows_factor(start)
        found = _OPERAND_NEXT.match(self.text, self.at, end)
        if found and not apart and not in_script and _is_letter(found["command"]):
            self.at = self._joined_at = found.start("command") - 1 if found["command"] else found.end() - 1

    def _follows_factor(self, start: int) -> bool:
        """Whether a space and a factor precede: a letter, number or group, but no other command."""
        before = _FACTOR_BEFORE.search(self.text, max(0, start - 20), start)  # no command is longer
        return before is not None and _is_letter(before["command"])

    def _symbol_in_prose(self, name: str, start: int, end: int) -> str:
        sign = tables.PRINTED[name]
        after = self.text[self.at : min(self.at + 2, end)]
        if (sign in tables.PREFIXES or (_is_point(sign) and after[1:].isdigit())) and after[:1].isspace():
            self.at += after[:1].isspace()
        if sign.isalpha() and len(name) <= 2 and after[:1].isspace() and after[1:].isalpha() and name in tables.SYMBOLS:
            self.at += 1  # S\o ren
        return self._word(sign, start) if len(sign) > 1 or name in tables.UNITS else sign

    def _word(self, text: str, start: int) -> str:
        r"""Returns text that a command prints in prose, not glued to a number: 8\micron."""
        return " " * (text[:1].isalpha() and self.text[start - 1 : start].isdigit()) + text

    def _with_arguments(self, name: str, start: int, end: int, read: Callable[[int], str]) -> str:
        for read_command in (self._reference, self._special):
            if (shown := read_command(name, end, read)) is not None:
                return shown
        if name in tables.FIRST_DROPPED or name in tables.SECOND_SHOWN:
            self.argument(end, self.prose)
            return self.argument(end, read) if name in tables.SECOND_SHOWN else ""
        if name == "underline":
            return self._underlined(end, read)
        if name in tables.MATH_ACCENTS:
            return accented(typeset(self.argument(end, read)), tables.MATH_ACCENTS[name])
        if name in ALPHABETS:
            return in_alphabet(name, typeset(self.argument(end, self.formula)))
        if name in tables.PROSE_INSIDE:
            return self.argument(end, self.prose)
        if name in tables.ROMAN_INSIDE:
            return self.argument(end, self.roman) if read == self.formula else typeset(self.argument(end, self.roman))
        if name in tables.AROUND:
            before, after = tables.AROUND[name]
            return before + self.argument(end, read) + after
        return self._construction(name, start, end, read)

    def _reference(self, name: str, end: int, read: Callable[[int], str]) -> str | None:
        """Returns what a link or citation prints; None for another command."""
        if name in ("url", "path", "nolinkurl") and _BRACE_NEXT.match(self.text, self.at, end):
            return url_in_tex(self.raw_argument(end))
        if name in ("href", "hyperref"):
            self._skip_options(end)
            return link(self.raw_argument(end) if name == "href" else "", self.argument(end, read))
        return self._cite(name, end) if tables.CITES.fullmatch(name) else None

    def _special(self, name: str, end: int, read: Callable[[int], str]) -> str | None:
        """Returns what a command prints whose argument is not simply shown; None for another command."""
        match name:
            case "textsuperscript" | "textsubscript":
                return self.script("^" if "super" in name else "_", typeset_script(self.argument(end, self.roman)))
            case "SI" | "qty" if _QUANTITY_NEXT.match(self.text, self.at, end):
                self._skip_options(end)
                texts = [typeset(self.argument(end, self.roman)) for _ in range(2)]
                return NAME_MARK + " ".join(texts).strip() + NAME_MARK
            case "hspace" | "mspace" | "hskip":
                return "" if self.argument(end, self.roman).startswith("-") else " "
            case "unicode":
                return self._code_point(end)
            case "ensuremath":
                formula = self.argument(end, self.formula)
                return formula if read != self.prose else typeset(formula)
            case "texorpdfstring":
                shown, _ = self.argument(end, read), self.argument(end, read)
                return shown
            case "ion" | "Ion":
                element, stage = (typeset(self.argument(end, self.roman)) for _ in range(2))
                return NAME_MARK + f"{element} {roman_numeral(stage)}".strip() + NAME_MARK
        return None

    def _construction(self, name: str, start: int, end: int, read: Callable[[int], str]) -> str:
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
            case "operatorname" | "mathop" | "operatornamewithlimits":
                return self._function(self.argument(end, self.roman), end)
        return self._unknown(name, start, end, read)

    def _skip_options(self, end: int) -> None:
        while option := _OPTION.match(self.text, self.at, end):
            self.at = option.end()

    def _cite(self, name: str, end: int) -> str:
        self._skip_options(end)
        if not _BRACE_NEXT.match(self.text, self.at, end):
            return name
        self.argument(end, self.prose)
        return CITE_MARK

    def _underlined(self, end: int, read: Callable[[int], str]) -> str:
        """Underlines a symbol; the marked letters of words, which explain an acronym, stay plain."""
        inside = typeset(self.argument(end, read))
        is_symbol = read != self.prose and len(inside) == 1 and not self.following().isalpha()
        return accented(inside, tables.MATH_ACCENTS["underline"]) if is_symbol else inside

    def _code_point(self, end: int) -> str:
        r"""Returns the character of MathJax's \unicode{x2014}; empty for one that cannot be shown."""
        self._skip_options(end)
        char = character(self.raw_argument(end))
        return relation(char) if tables.RELATIONS.match(char) else char

    def _function(self, name: str, end: int) -> str:
        r"""Returns a function's name with its scripts; a space before its argument in brackets is dropped."""
        scripts = self.scripts(end)
        bracket = _BRACKET_NEXT.match(self.text, self.at, end)
        if bracket and name != "mod":
            self.at = bracket.end()
        return NAME_MARK + name + scripts + NAME_MARK

    def _fraction(self, end: int) -> str:
        above, below = (typeset(self.argument(end, self.formula)) for _ in range(2))
        is_last = self.text[self.at : min(self.at + 1, end)] in ("", "^", "_")
        return NAME_MARK + f"{term(above)}/{factor(below)}" + NAME_MARK * (not is_last)

    def _root(self, end: int) -> str:
        degree = ""
        if option := _OPTION.match(self.text, self.at, end):
            self.at, degree = option.end(), option[1].strip()
        sign = tables.ROOTS.get(degree) or (superscript(degree) or f"{degree} ") + "√"
        return sign + factor(typeset(self.argument(end, self.formula)))

    def _unknown(self, name: str, start: int, end: int, read: Callable[[int], str]) -> str:
        r"""Returns the name of a function or an unknown command; for an unknown \ourcolour{text} its argument."""
        has_argument = name not in tables.FUNCTIONS and self.text[self.at : min(self.at + 1, end)] == "{"
        if has_argument and (inside := self.argument(end, read)).strip():
            return inside
        if read != self.prose:
            return self._function("mod" if name == "bmod" else name, end)
        if path := _WINDOWS_PATH.match(self.text, max(0, start - 2), end):
            self.at = path.end()
            return path[0][2:]
        return self._word("mod" if name == "bmod" else name, start)


def _is_point(sign: str) -> bool:
    r"""Whether the sign of a unit includes the decimal point: 0\farcs5."""
    return sign[1:] == "." and not sign[0].isalpha()


def _is_letter(command: str | None) -> bool:
    """Whether the command, if there is one, prints a letter."""
    return command is None or tables.PRINTED.get(command, "-").isalpha() or command in _LETTER_COMMANDS


_LETTER_COMMANDS: Final = tables.ROMAN_INSIDE | set(tables.MATH_ACCENTS) | set(ALPHABETS) | {"rm"}
