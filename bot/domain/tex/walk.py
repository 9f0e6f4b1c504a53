"""Reads a text with TeX once from left to right, and tells prose from formulas.

Handles braces, dollar signs, dashes, ties, scripts and arguments. It does not know the commands: a subclass
(in `convert`) decides what they print.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Final

from bot.domain.tex.glyphs import subscript, superscript
from bot.domain.tex.typesetting import factor, is_formula, typeset, typeset_script

_DEPTH_MAX: Final = 30  # more than any real formula needs, less than Python's stack allows

_COMMAND: Final = r"\\(?:[A-Za-z]+\*?|.)"
# Each alternative begins with a fixed character and uses a lookbehind for what precedes it: only then can Python's `re`
# skip all other text quickly.
_PROSE: Final = re.compile(
    _COMMAND
    + r"|\$\$?|\{|\}|_(?=\{)|\^(?:(?=\{)|(?<=[\w)\]}|]\^)(?=[-+]?\d|[A-Za-z](?![A-Za-z\d])))"
    + r"|~(?<=[^\s/(]~)(?=\S)|-(?<!--)-{1,2}(?!-)|https?://[^\s{}\\$]+"
)
_FORMULA: Final = re.compile(_COMMAND + r"|\{|\}|_|\^|-|~|&|'|\$")
_IN_FORMULA: Final[Mapping[str, str]] = {"-": "−", "~": " ", "&": " ", "'": "′"}
_IN_ROMAN: Final[Mapping[str, str]] = {**_IN_FORMULA, "-": "-"}
_ARGUMENT: Final = re.compile(rf"\s*(?:(?P<command>{_COMMAND})|(?P<sign>\S))")
_NUMERAL: Final = re.compile(r"[-+]?\d+")
_DOLLAR: Final = re.compile(r"(?<!\\)\$")
_BRACES: Final = re.compile(r"\\.|[{}]")


class Walk(ABC):
    """Reads one text; `at` is the current position, which goes back only after an accent without a letter."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._depth = 0
        self._partners = _partners(text)

    def prose(self, end: int) -> str:
        """Reads prose up to `end`."""
        read = []
        while found := _PROSE.search(self.text, self.at, end):
            read.append(self.text[self.at : found.start()])
            self.at = found.end()
            read.append(self._prose_token(found, end))
        read.append(self.text[self.at : end])
        self.at = end
        return "".join(read)

    def formula(self, end: int, signs: Mapping[str, str] = _IN_FORMULA) -> str:
        """Reads a formula up to `end`, without typesetting it."""
        read = []
        while found := _FORMULA.search(self.text, self.at, end):
            read.append(self.text[self.at : found.start()])
            self.at = found.end()
            if found[0] == r"\rm":
                signs = _IN_ROMAN  # to the end of this group, as in TeX
            read.append(signs.get(found[0]) or self._formula_token(found, end, signs))
        read.append(self.text[self.at : end])
        self.at = end
        return "".join(read)

    def roman(self, end: int) -> str:
        return self.formula(end, _IN_ROMAN)

    # --- tokens --------------------------------------------------------------------------------

    def _prose_token(self, found: re.Match[str], end: int) -> str:
        match found[0][0]:
            case "\\":
                return self.command(found[0], end, in_formula=False)
            case "$":
                return self._dollars(found, end)
            case "{" | "}":
                return self._prose_group(found.start(), end)
            case "_" | "^":
                return self._script(found[0], end)
            case "-":
                return self._dash(found)
            case "~":
                return " "
        return found[0]  # a link, unchanged

    def _formula_token(self, found: re.Match[str], end: int, signs: Mapping[str, str]) -> str:
        if found[0].startswith("\\"):
            return self.command(found[0], end, in_formula=True)
        if found[0] in "_^":
            return self._script(found[0], end)
        closing = self._partners.get(found.start(), end)
        if closing >= end:
            return ""  # an unmatched brace
        return self._group(closing, lambda inner: self.formula(inner, signs))

    def _group(self, closing: int, read: Callable[[int], str]) -> str:
        inside = self.deeper(closing, read)
        self.at = closing + 1
        return inside

    def deeper(self, end: int, read: Callable[[int], str]) -> str:
        """Reads up to `end` one level deeper; beyond the maximum depth, returns the text unchanged."""
        if self._depth == _DEPTH_MAX:
            start, self.at = self.at, end
            return self.text[start:end]
        self._depth += 1
        inside = read(end)
        self._depth -= 1
        return inside

    # --- prose -----------------------------------------------------------------------------------

    def _prose_group(self, opening: int, end: int) -> str:
        """Drops braces that TeX would not print; a set such as {BERT, GPT} keeps them."""
        closing = self._partners.get(opening, end)
        if closing >= end:
            return self.text[opening]
        content = self.text[opening + 1 : closing]
        inside = self._group(closing, self.prose)
        if content.lstrip().startswith("\\") or not re.search(r"[\s,;]", content):
            return inside
        return "{" + inside + "}"

    def _dash(self, found: re.Match[str]) -> str:
        if len(found[0]) == len("---"):
            return "—"
        starts_word = found.start() == 0 or self.text[found.start() - 1].isspace()
        option = starts_word and self.text[found.end() : found.end() + 1].isalpha()  # --verbose
        return found[0] if option else "–"

    def _dollars(self, found: re.Match[str], end: int) -> str:
        start = self.at
        closing = self.text.find("$$", start, end) if len(found[0]) == len("$$") else self._next_dollar(end)
        if closing < 0 or not is_formula(self.text[start:closing], self.text[closing + 1 : closing + 2]):
            return found[0]  # money
        return self._fenced(closing, len(found[0]))

    def _next_dollar(self, end: int) -> int:
        found = _DOLLAR.search(self.text, self.at, end)
        return found.start() if found else -1

    def _fenced(self, closing: int, fence: int) -> str:
        """Reads the formula up to `closing`; a space inside the delimiters still separates it from a word."""
        opening = self.at
        read = typeset(self.deeper(closing, self.formula))
        self.at = closing + fence
        before, after = self.text[: opening - fence][-1:], self.text[self.at :][:1]
        lead = " " if self.text[opening].isspace() and before.isalnum() else ""
        trail = " " if self.text[closing - 1].isspace() and after.isalnum() else ""
        return lead + read + trail

    def bracketed(self, name: str, end: int) -> str:
        r"""Reads the formula between \( and \), or \[ and \]; returns the bracket if nothing closes it."""
        closing = self.text.find({"(": r"\)", "[": r"\]"}[name], self.at, end)
        if closing <= self.at:
            return name
        return self._fenced(closing, len(r"\("))

    # --- arguments and scripts -----------------------------------------------------------------

    def argument(self, end: int, read: Callable[[int], str]) -> str:
        """Reads an argument of a command or script: a group, a command with its arguments, or one character."""
        found = _ARGUMENT.match(self.text, self.at, end)
        if not found or found["sign"] in ("}", "$"):
            return ""
        start, self.at = found.end() - 1, found.end()
        if found["command"]:
            in_formula = read != self.prose
            return self.deeper(found.end(), lambda _: self.command(found["command"], end, in_formula=in_formula))
        if found["sign"] != "{":
            return found["sign"]
        closing = self._partners.get(start, end)
        return self._group(closing, read) if closing < end else ""

    def _script(self, mark: str, end: int) -> str:
        """Reads a superscript or subscript; if Unicode lacks a character for it, keeps `^` or `_`."""
        numeral = _NUMERAL.match(self.text, self.at, end)
        if numeral:
            self.at = numeral.end()
        content = typeset_script(numeral[0].replace("-", "−") if numeral else self.argument(end, self.formula))
        small = superscript(content) if mark == "^" else subscript(content)
        if small is not None or not content:
            return small or ""
        touches = self.text[self.at : min(self.at + 1, end)].isalnum()
        return mark + (factor(content) if not touches or len(content) == 1 else f"({content})")

    @abstractmethod
    def command(self, token: str, end: int, *, in_formula: bool) -> str:
        """Returns what the command before the current position prints, and reads its arguments."""


def _partners(text: str) -> dict[int, int]:
    """Returns the position of the closing brace for each opening one."""
    partners, opened = {}, []
    for found in _BRACES.finditer(text):
        if found[0] == "{":
            opened.append(found.start())
        elif found[0] == "}" and opened:
            partners[opened.pop()] = found.start()
    return partners
