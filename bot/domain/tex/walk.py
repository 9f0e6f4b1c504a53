"""Reads a text with TeX once from left to right, and tells prose from formulas.

Handles braces, dollar signs, dashes, ties, scripts and arguments. It does not know the commands: a subclass
(in `convert`) decides what they print.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Final

from bot.domain.tex.glyphs import subscript, superscript
from bot.domain.tex.typesetting import CITE_MARK, factor, is_formula, is_italic_text, typeset, typeset_script

_DEPTH_MAX: Final = 30  # more than any real formula needs, less than Python's stack allows

_COMMAND: Final = r"\\(?:[A-Za-z]+\*?|.)"
# Each alternative begins with a fixed character and uses a lookbehind for what precedes it: only then can Python's `re`
# skip all other text quickly.
_PROSE: Final = re.compile(
    _COMMAND
    + r"|\$\$?|\{|\}|_(?=\{|(?<=[\w)\]}]_)\\[A-Za-z])"
    + r"|\^(?:(?=\{)|(?<=[\w)\]}|]\^)(?=[-+]?\d|[-+](?![\w+-])|[A-Za-z](?![A-Za-z\d])|\*(?!\*)|[∗†‡]|\\[A-Za-z]))"
    + r"|~(?<=[^\s/(]~)(?=\S)|-(?<!--)-{1,2}(?!-)|https?://[^\s{}\\$]+"
)
_FORMULA: Final = re.compile(_COMMAND + r"|\{|\}|_|\^|-|~|&|'|\$")
_IN_FORMULA: Final[Mapping[str, str]] = {"-": "−", "~": " ", "&": " ", "'": "′"}
_IN_ROMAN: Final[Mapping[str, str]] = {**_IN_FORMULA, "-": "-"}
_ARGUMENT: Final = re.compile(rf"\s*(?:(?P<command>{_COMMAND})|(?P<sign>\S))")
_NUMERAL: Final = re.compile(r"[-+]?\d+")
_DOLLAR: Final = re.compile(r"(?<!\\)\$")
_BRACES: Final = re.compile(r"\\.|[{}]")
# What a space or script is attached to.
_OPERAND: Final = re.compile(r"[\w)\]}⟩|'′*\u0300-\u036f∑∏∐∫-∳⋀-⋃⨀-⨆]")
_SCRIPT_MARK: Final = re.compile(r"(?:\s|\\(?:no)?limits(?![A-Za-z]))*([_^])")
_AFTER_DELIMITERS: Final = re.compile(r"[}$]{0,3}(.?)")
# A space that the author asked for at the edge of a formula: $40\,$K.
_SPACE_COMMAND: Final = r"(?:\\[,;:> ]|~|\\(?:q?quad|thinspace|enspace|enskip)(?![A-Za-z]))"
_SPACE_FIRST: Final = re.compile(rf"[\s{{]*{_SPACE_COMMAND}")
_SPACE_LAST: Final = re.compile(rf"{_SPACE_COMMAND}[\s}}]*\Z")
_SPACE_LAST_MAX: Final = 16
_ITALIC_MAX: Final = 80

# --- braces in prose ---------------------------------------------------------------------------
# Braces of a set, an object in code, or a placeholder with spaces; TeX would print none of them.
_FORMULA_IN_BRACES: Final = re.compile(r"\$[^$]*\$")
_SET_MAX: Final = 200
_ELEMENT_WORDS_MAX: Final = 3


class Walk(ABC):
    """Reads one text; `at` is the current position, which goes back only after an accent without a letter."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._depth = 0
        self._partners = _partners(text)
        self._brackets: dict[str, tuple[int, int]] = {}

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
        read: list[str] = []
        while found := _FORMULA.search(self.text, self.at, end):
            piece = self.text[self.at : found.start()]
            self.at = found.end()
            read.append(piece.rstrip() if found[0] in "_^" and _ends_with_operand(piece, read) else piece)
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
        length = closing - opening
        is_whole_text = length == len(self.text) - 1
        keeps_braces = length <= _SET_MAX and not is_whole_text and _is_set(self.text[opening + 1 : closing])
        inside = self._group(closing, self.prose)
        return "{" + inside + "}" if keeps_braces else inside

    def _dash(self, found: re.Match[str]) -> str:
        if len(found[0]) == len("---"):
            return "—"
        starts_word = found.start() == 0 or self.text[found.start() - 1] in " `\"'({["
        option = starts_word and self.text[found.end() : found.end() + 1].isalpha()  # --verbose
        return found[0] if option else "–"

    def _dollars(self, found: re.Match[str], end: int) -> str:
        start = self.at
        closing = self.text.find("$$", start, end) if len(found[0]) == len("$$") else self._next_dollar(end)
        preceding = self.text[found.start() - 1 : found.start()]
        if closing < 0 or not is_formula(self.text[start:closing], self.text[closing + 1 : closing + 2], preceding):
            return found[0]  # money
        return self._fenced(closing, len(found[0]))

    def _next_dollar(self, end: int) -> int:
        found = _DOLLAR.search(self.text, self.at, end)
        return found.start() if found else -1

    def _fenced(self, closing: int, fence: int) -> str:
        """Reads the formula up to `closing`; a space inside the delimiters still separates it from a word.

        So does the command for a space, as in $40\\,$K.
        """
        opening = self.at
        if is_italic_text(self.text[opening : min(closing, opening + _ITALIC_MAX)]):
            return self._group(closing, self.prose)
        read = typeset(self.deeper(closing, self.formula))
        self.at = closing + fence
        before, after = self.text[: opening - fence][-1:], self.text[self.at :][:1]
        lead = self.text[opening].isspace() and before.isalnum()
        lead = lead or (before not in "([{" and bool(_SPACE_FIRST.match(self.text, opening, closing)))
        trail = self.text[closing - 1].isspace() and after.isalnum()
        last = max(opening, closing - _SPACE_LAST_MAX)
        trail = trail or (after not in ".,;:!?)]}-–—" and bool(_SPACE_LAST.search(self.text, last, closing)))
        return " " * lead + read + " " * trail

    def bracketed(self, name: str, end: int) -> str:
        r"""Reads the formula between \( and \), or \[ and \]; returns the bracket if nothing closes it."""
        closing = self._next_bracket({"(": r"\)", "[": r"\]"}[name])
        if closing == self.at or closing + len(r"\)") > end:
            return name
        return self._fenced(closing, len(r"\("))

    def _next_bracket(self, bracket: str) -> int:
        """Returns the position of the next closing bracket, or the end of the text; searches each part only once."""
        searched_from, found = self._brackets.get(bracket, (0, -1))
        if not searched_from <= self.at <= found:
            searched_from, found = self.at, self.text.find(bracket, self.at)
            self._brackets[bracket] = (searched_from, found if found >= 0 else len(self.text))
        return self._brackets[bracket][1]

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

    def raw_argument(self, end: int) -> str:
        """Returns the text of a group as it is written, such as a URL; empty if no group follows."""
        found = _ARGUMENT.match(self.text, self.at, end)
        closing = self._partners.get(found.end() - 1, end) if found and found["sign"] == "{" else end
        if found is None or closing >= end:
            return ""
        self.at = closing + 1
        return self.text[found.end() : closing]

    def scripts(self, end: int) -> str:
        """Reads the superscripts and subscripts that follow, as of \\log_2 n and \\sim_k."""
        read = []
        while found := _SCRIPT_MARK.match(self.text, self.at, end):
            self.at = found.end()
            read.append(self._script(found[1], end))
        return "".join(read)

    def _script(self, mark: str, end: int) -> str:
        numeral = _NUMERAL.match(self.text, self.at, end)
        if numeral:
            self.at = numeral.end()
            return self.script(mark, numeral[0].replace("-", "−"))
        return self.script(mark, typeset_script(self.argument(end, self.formula)))

    def script(self, mark: str, content: str) -> str:
        """Returns a superscript or subscript; if Unicode lacks a character for it, keeps `^` or `_`."""
        small = superscript(content) if mark == "^" else subscript(content)
        if small is not None or not content.strip(CITE_MARK):
            return small or content
        touches = self.following().isalnum()
        return mark + (factor(content) if not touches or len(content) == 1 else f"({content})")

    def following(self) -> str:
        """Returns the character that is printed next to the current position."""
        found = _AFTER_DELIMITERS.match(self.text, self.at)
        return found[1] if found else ""

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


def _ends_with_operand(piece: str, read: list[str]) -> bool:
    r"""Whether a script after the spaces that end this piece belongs to what is before them: `x _2`, not `+ ^3He`."""
    before = piece.rstrip() or (read[-1].rstrip() if read else "")
    return piece[-1:].isspace() and bool(_OPERAND.match(before[-1:]))


def _is_set(content: str) -> bool:
    """Whether braces around this text in prose are meant to be seen: a set, or code."""
    if content.lstrip().startswith("\\") or " and " in content or not re.search(r"[^\W_]", content):
        return False
    if content[0].isspace() or content[-1].isspace():
        return True
    elements = re.split(r"[,;:|=]", _FORMULA_IN_BRACES.sub("", content))
    return len(elements) > 1 and all(len(element.split()) <= _ELEMENT_WORDS_MAX for element in elements)
