"""Writes text as TeX in ASCII that pdfLaTeX prints as posts show it, and that BibTeX cannot break.

The text is converted as everywhere, and `bibtex_characters` writes each character of the result as TeX. Two things of
the author's TeX are kept: formulas that `bibtex_formula` accepts, and the fonts of words. No other command ever reaches
the entry.
"""

import re
import unicodedata
from typing import Final

from bot.domain.tex.convert import tex_to_text
from bot.domain.tex.typesetting import is_formula
from bot.domain.text import collapse
from bot.page.bibtex_characters import Kept, encoded, math_characters
from bot.page.bibtex_formula import UnsupportedFormula, formula_tex
from bot.page.bibtex_symbols import OLD_PROSE_FONTS, PROSE_FONTS
from bot.page.text import without_invalid

_PRIVATE_CHARS: Final = re.compile("[\ue000-\uf8ff]")
_TOKEN: Final = re.compile(
    rf"(?P<font>\\(?:{'|'.join(sorted(PROSE_FONTS))})\{{|\{{\\(?:{'|'.join(sorted(OLD_PROSE_FONTS))}) )"
    r"|\\.|\$\$?|\}|https?://[^\s{}\\$]+"
)
_CLOSING: Final = {
    r"\(": re.compile(r"\\\)"),
    r"\[": re.compile(r"\\\]"),
    "$$": re.compile(r"\$\$"),
    "$": re.compile(r"(?<!\\)\$"),
}
# Most names and titles mean the same in TeX.
_PLAIN: Final = re.compile(r"(?:[A-Za-z0-9 .:;()+=/*]|['?!,-](?!['?!,-]))*")
_BRACES: Final = re.compile(r"\\.|[{}]")
# Characters that print alike in TeX, or are read back as the other one.
_ALIKE: Final = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "`": "'", "„": ",,", "‚": ",", "−": "-"})


def bibtex_text(text: str) -> str:
    """Returns the TeX of the text on one line, with balanced braces and dollar signs."""
    line = _PRIVATE_CHARS.sub("", collapse(without_invalid(text)))
    if _PLAIN.fullmatch(line):
        return line
    shown = tex_to_text(line)
    reader = _Marker(line)
    marked = tex_to_text(reader.marked())
    if reader.kept:
        tex = encoded(marked, reader.kept)
        if _is_balanced(tex) and _comparable(tex_to_text(tex)) == _comparable(shown):
            return tex
    return encoded(shown)


def _comparable(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text.translate(_ALIKE)).replace("''", '"').split())


def _is_balanced(tex: str) -> bool:
    depth = 0
    for brace in re.findall(r"[{}]", tex):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


class _Marker:
    """Reads a line and replaces what is kept by private characters, so that the rest can be converted."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0
        self._closing_fonts: set[int] = set()
        self.kept: dict[str, Kept] = {}

    def marked(self) -> str:
        """Returns the line with the private characters, the keys of `kept`."""
        read = []
        while found := _TOKEN.search(self._line, self._at):
            read.append(self._line[self._at : found.start()])
            self._at = found.end()
            read.append(self._replaced(found))
        return "".join([*read, self._line[self._at :]])

    def _replaced(self, found: re.Match[str]) -> str:
        if found["font"]:
            return self._font(found)
        if found.start() in self._closing_fonts:
            return self._mark(Kept("}", is_formula=False))
        return (self._formula(found) if found[0] in _CLOSING else "") or found[0]

    def _mark(self, kept: Kept) -> str:
        mark = chr(0xE000 + len(self.kept))
        self.kept[mark] = kept
        return mark

    def _font(self, found: re.Match[str]) -> str:
        closing = self._partner(found.start() if found[0][0] == "{" else found.end() - 1)
        if closing is None:
            return found[0]
        self._closing_fonts.add(closing)
        name = found[0].strip("\\{ ")
        return self._mark(Kept(f"\\{OLD_PROSE_FONTS.get(name, name)}{{", is_formula=False))

    def _partner(self, opening: int) -> int | None:
        """Returns the position of the brace that closes this one."""
        depth = 0
        for found in _BRACES.finditer(self._line, opening):
            depth += {"{": 1, "}": -1}.get(found[0], 0)
            if depth == 0:
                return found.start()
        return None

    def _formula(self, found: re.Match[str]) -> str:
        """Returns the mark of the formula that begins here, or the formula if it cannot be kept; empty for money."""
        closing = _CLOSING[found[0]].search(self._line, self._at)
        if not closing:
            return ""
        content, after = self._line[self._at : closing.start()], self._line[closing.end() :][:1]
        before = self._line[: found.start()][-1:]
        if "$" in found[0] and not is_formula(content, after, before):
            return ""
        self._at = closing.end()
        try:
            tex = formula_tex(content, characters=math_characters, prose=_words)
        except UnsupportedFormula:
            return self._line[found.start() : self._at]
        if tex != content and _comparable(tex_to_text(f"${tex}$")) != _comparable(tex_to_text(f"${content}$")):
            return self._line[found.start() : self._at]
        lead = " " if content[:1].isspace() and before.isalnum() else ""
        trail = " " if content[-1:].isspace() and after.isalnum() else ""
        return lead + self._mark(Kept(tex, is_formula=True)) + trail


def _words(text: str) -> str:
    """Returns the TeX of words inside a formula, with the spaces at their ends."""
    tex = encoded(tex_to_text(text))
    return " " * text[:1].isspace() + tex + " " * (text[-1:].isspace() and bool(tex))
