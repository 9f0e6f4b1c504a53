"""Checks a formula and returns it in TeX that pdfLaTeX with amsmath and amssymb accepts.

Commands with an equivalent are replaced (`\\bm` by `\\boldsymbol`), and Unicode characters become commands. A formula
that pdfLaTeX would stop at is rejected; this module never repairs it.
"""

import re
from collections.abc import Callable
from typing import Final

from bot.page import bibtex_symbols as symbols

_LEXEME: Final = re.compile(r"\\operatorname\*|\\(?:[A-Za-z]+|.)|\s+|[^\x00-\x7f]+|.", re.DOTALL)
_DEPTH_MAX: Final = 30  # more than any real formula needs, less than Python's stack allows
_OPTION: Final = re.compile(r"\[([0-9A-Za-z]{1,3})\]")
_ESCAPES: Final = {"#": r"\#", "%": r"\%", "~": "~"}
# What TeX gives a meaning that the formula cannot have.
_FORBIDDEN: Final = frozenset("&$}\\")


class UnsupportedFormula(ValueError):
    """The formula is incomplete, or contains a command that LaTeX, amsmath and amssymb lack."""


def formula_tex(formula: str, *, characters: Callable[[str], str], prose: Callable[[str], str]) -> str:
    """Returns the TeX between the dollar signs of a formula.

    `characters` returns the TeX of characters that are not ASCII, `prose` that of words inside the formula. Raises
    UnsupportedFormula.
    """
    tex = _Formula(formula.strip(), characters, prose).read()
    if not tex.strip():
        raise UnsupportedFormula(formula)
    return tex.strip()


class _Formula:
    """Reads one formula from left to right; `at` is the position of the next lexeme."""

    def __init__(self, formula: str, characters: Callable[[str], str], prose: Callable[[str], str]) -> None:
        self._lexemes = _LEXEME.findall(formula)
        self._at = 0
        self._depth = 0
        self._fences = 0
        self._characters = characters
        self._prose = prose

    def read(self) -> str:
        return self._until("")

    def _next(self) -> str:
        """Returns the next lexeme and goes beyond it; empty at the end."""
        lexeme = self._peek()
        self._at += 1
        return lexeme

    def _peek(self) -> str:
        return self._lexemes[self._at] if self._at < len(self._lexemes) else ""

    def _next_single(self) -> str:
        """Returns the next lexeme, of a run of Unicode characters only the first."""
        lexeme = self._next()
        if len(lexeme) > 1 and not lexeme.isascii():
            self._at -= 1
            self._lexemes[self._at] = lexeme[1:]
        return lexeme if lexeme.isascii() else lexeme[0]

    def _skip_spaces(self) -> None:
        while self._peek().isspace():
            self._at += 1

    def _until(self, closing: str) -> str:
        """Reads up to the brace, the \\right or the end, and goes beyond it."""
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise UnsupportedFormula("too many braces")
        read: list[str] = []
        scripts = ""  # those that the symbol before has already: TeX stops at a second one
        while (lexeme := self._next()) != closing:
            if lexeme in ("^", "_", "'"):
                if lexeme in scripts or (lexeme == "'" and "^" in scripts):
                    raise UnsupportedFormula("two scripts of the same kind")
                scripts += self._script(lexeme, read)
            else:
                tex = self._item(lexeme)
                is_script = tex[:1] in ("^", "_", "'")  # a superscript of Unicode
                read.append("{}" * (is_script and bool(scripts)) + tex)
                scripts = "^_" if is_script else scripts if lexeme.isspace() else ""
        self._depth -= 1
        return "".join(read)

    def _script(self, mark: str, read: list[str]) -> str:
        """Reads the script, and returns the scripts that no other may follow."""
        if mark == "'":
            read.append(mark)
            return ""
        self._skip_spaces()
        lexeme = self._next_single()
        if lexeme == "{":
            read.append(mark + "{" + self._until("}") + "}")
        else:
            tex = self._single(lexeme)
            read.append(mark + (tex if tex == lexeme != "'" else "{" + tex + "}"))
        return mark

    def _item(self, lexeme: str) -> str:
        """Returns the TeX of a lexeme with its arguments."""
        if lexeme == "" or lexeme in _FORBIDDEN or lexeme in ("^", "_"):
            raise UnsupportedFormula(lexeme or "the formula ends too early")
        if lexeme == "{":
            return "{" + self._until("}") + "}"
        if lexeme.startswith("\\"):
            return self._command(lexeme[1:])
        if lexeme.isspace() or lexeme.isascii():
            return _ESCAPES.get(lexeme, lexeme)
        return self._separated(self._characters(lexeme))

    def _single(self, lexeme: str) -> str:
        """Returns the TeX of a lexeme that will be in braces."""
        return self._item(lexeme) if lexeme.isascii() else self._characters(lexeme)

    def _separated(self, tex: str) -> str:
        """Returns the TeX, separated from a letter after it if it ends with a command."""
        return tex + "{}" if re.search(r"\\[A-Za-z]+\Z", tex) and self._peek()[:1].isalpha() else tex

    def _command(self, name: str) -> str:
        if name in "{}":
            return self._separated(r"\lbrace" if name == "{" else r"\rbrace")
        if name in symbols.OLD_FONTS or name in symbols.STYLES or name in symbols.SPACES or name in "&%#_$|/":
            return "\\" + name
        if name in symbols.SYMBOLS:
            return "\\" + name
        if name in ("limits", "nolimits"):
            return "{}"  # they make no difference in a line of text, and TeX stops at them after most symbols
        if name in symbols.SIZES:
            return f"\\{name}{self._delimiter()}"
        if name == "left":
            return self._fence()
        if name == "not":
            return self._negated()
        return self._with_arguments(name)

    def _with_arguments(self, name: str) -> str:
        if name in symbols.ACCENTS or name in symbols.NAMES or name == "pmod":
            return f"\\{name}{self._argument()}"
        if name in symbols.MATH_FONTS:
            return self._font(name)
        if name in symbols.TEXT_FONTS:
            return f"\\{symbols.TEXT_FONTS[name]}{{{self._words()}}}"
        if name in symbols.FRACTIONS:
            return f"\\{symbols.FRACTIONS[name]}{self._argument()}{self._argument()}"
        if name == "sqrt":
            return rf"\sqrt{self._option()}{self._argument()}"
        raise UnsupportedFormula(f"unknown command {name!r}")

    def _argument(self) -> str:
        """Returns an argument in braces."""
        self._skip_spaces()
        lexeme = self._next_single()
        return "{" + (self._until("}") if lexeme == "{" else self._single(lexeme)) + "}"

    def _font(self, name: str) -> str:
        font, argument = symbols.MATH_FONTS[name], self._argument()
        if font not in symbols.CAPITALS_ONLY or re.fullmatch(r"\{[A-Z\s]*\}", argument):
            return f"\\{font}{argument}"
        if argument == "{1}":
            return r"\mathbf{1}"
        raise UnsupportedFormula(f"{font} has no {argument}")

    def _words(self) -> str:
        """Returns the words in the braces of \\text."""
        self._skip_spaces()
        if self._next() != "{":
            raise UnsupportedFormula("words without braces")
        start, depth = self._at, 1
        while depth:
            lexeme = self._next()
            if lexeme in ("", "$"):
                raise UnsupportedFormula("words that do not end")
            depth += {"{": 1, "}": -1}.get(lexeme, 0)
        return self._prose("".join(self._lexemes[start : self._at - 1]))

    def _option(self) -> str:
        found = _OPTION.match("".join(self._lexemes[self._at : self._at + 5]))
        if not found:
            return ""
        self._at += len(found[0])
        return found[0]

    def _delimiter(self) -> str:
        self._skip_spaces()
        lexeme = {r"\{": r"\lbrace", r"\}": r"\rbrace"}.get(self._peek(), self._peek())
        if lexeme not in symbols.DELIMITERS:
            raise UnsupportedFormula(f"no delimiter: {lexeme!r}")
        self._at += 1
        return self._separated(lexeme)

    def _fence(self) -> str:
        opening, inside = self._delimiter(), self._until(r"\right")
        return rf"\left{opening}{inside}\right{self._delimiter()}"

    def _negated(self) -> str:
        self._skip_spaces()
        lexeme = self._next()
        if lexeme not in ("=", "<", ">") and lexeme[1:] not in symbols.SYMBOLS:
            raise UnsupportedFormula(f"no relation: {lexeme!r}")
        return rf"\not{lexeme}"
