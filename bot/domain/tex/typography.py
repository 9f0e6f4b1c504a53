"""Changes what TeX writes differently in a whole line: quotes, ranges, numerals in small capitals.

``` ``a" ``` becomes `“a”`. Only pairs are replaced. Straight quotes around a word, apostrophes ('90s, rock 'n' roll),
primes, feet and inches, and code in backticks stay as they are.
"""

import re
from dataclasses import dataclass
from typing import Final

# An escaped character, an opening or closing run of quotes. A prime inside a formula is not followed by a word boundary
# that could close a quote, or has no open quote before it.
_QUOTES: Final = re.compile(r"\\.|`+|['´]+|,,(?=\w)|[\"“”’]")
_OPENS_AFTER: Final = frozenset(" ([{-–—/~\"“‘`'|=:$>")
_CLOSES_BEFORE: Final = re.compile(r"[^\w('\"{^=<]|\Z|['\"](?!\w)|\$|\{\}")
_SPAN_MAX: Final = 400  # a quote that is open for longer was never meant to be one
_SINGLE_SPAN_MAX: Final = 120
_DOUBLE: Final = frozenset(("''", "´´", '"', "”", "``"))
_UNEQUAL_SPAN_MAX: Final = 60
# A range such as 90~95%: TeX would print a space, but the authors mean "to". Its mark is a control character, which
# `text.collapse` removes from any text.
_RANGE: Final = re.compile(r"(?<![\w.,~{\\-])([0-9](?:[.,]?[0-9])*(?:\\?%|[kKMBx])?)~(?=[0-9])(?!000(?![0-9]))")
RANGE_MARK: Final = "\x05"
# Numerals in small capitals are capitals: H\,{\sc ii} is H II.
_SMALL_NUMERAL: Final = re.compile(r"(\\(?:textsc\s?\{\s?|sc(?:shape)?\s))([ivx]{1,5})(?=\s?\})")


@dataclass(frozen=True, slots=True)
class _Opening:
    """An opening quote: its sign (`` ` ``, ` `` `, `''`, `"` or `“`), and where it begins."""

    sign: str
    at: int

    def covers(self, position: int) -> bool:
        return position - self.at <= (_SINGLE_SPAN_MAX if self.sign == "`" else _SPAN_MAX)


def with_ranges_and_numerals(line: str) -> str:
    """Returns the line with ranges marked, and with capital numerals instead of those in small capitals."""
    if "~" in line:
        line = _RANGE.sub(rf"\1{RANGE_MARK}", line)
    if r"\sc" in line or r"\textsc" in line:
        line = _SMALL_NUMERAL.sub(lambda found: found[1] + found[2].upper(), line)
    return line


def with_typographic_quotes(text: str) -> str:
    """Returns the line with each pair of TeX quotes, also of mixed ones, as “ ” or ‘ ’."""
    if not ("`" in text or "''" in text or "“" in text):
        return text
    replaced = _Pairing(text).replacements()
    parts, position = [], 0
    for start, (length, sign) in sorted(replaced.items()):
        parts += [text[position:start], sign]
        position = start + length
    return "".join([*parts, text[position:]])


class _Pairing:
    """Pairs the quotes of one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[_Opening] = []
        self._replaced: dict[int, tuple[int, str]] = {}
        self._apostrophes: dict[int, int] = {}  # the first after each opening quote that it cannot end

    def replacements(self) -> dict[int, tuple[int, str]]:
        """Returns the length and the new sign of each quote to be replaced, by its position."""
        for found in _QUOTES.finditer(self._text):
            run, start = found[0], found.start()
            if run[0] == "\\":
                continue
            while self._open and not self._open[-1].covers(start):
                self._abandon(self._open.pop())
            before, after = self._text[start - 1 : start] or " ", self._text[found.end() : found.end() + 1] or " "
            if run[0] != "`" and not before.isspace() and _CLOSES_BEFORE.match(self._text, found.end()):
                self._close(run, start)
            elif run == "``" and not after.isalnum() and not before.isspace() and self._is_open("``", ",,"):
                self._close(run, start)  # ``quoted``
            elif run == "''" and self._is_open("``") and (after.isspace() or not before.isspace()):
                self._close(run, start)  # `` quoted ''
            elif run[0] == "`" or before in _OPENS_AFTER:
                self._push(run, start, before, after)
        for opening in self._open:
            self._abandon(opening)
        return self._replaced

    def _abandon(self, opening: _Opening) -> None:
        """Ends ``text' with its apostrophe, for lack of two."""
        at = self._apostrophes.get(opening.at, opening.at + _UNEQUAL_SPAN_MAX)
        if opening.sign == "``" and at - opening.at < _UNEQUAL_SPAN_MAX:
            self._replace(opening, at, "'")

    def _is_open(self, *signs: str) -> bool:
        return bool(self._open) and self._open[-1].sign in signs

    def _push(self, run: str, start: int, before: str, after: str) -> None:
        if run in ("```", "``"):
            self._open.append(_Opening("``", start))
        if run in ("```", "`"):
            self._push_single(start + len(run) - 1, before if run == "`" else "`", after)
        elif run in ("''", '"', "“", ",,") and not after.isspace():
            self._open.append(_Opening(run, start))

    def _push_single(self, start: int, before: str, after: str) -> None:
        """Opens a single quote; a backtick after a word closes code, and so the one before it opened code."""
        if before in _OPENS_AFTER and not after.isspace():
            self._open.append(_Opening("`", start))
        elif self._is_open("`"):
            self._open.pop()

    def _close(self, run: str, start: int) -> None:
        """Closes what the run of quotes can close, innermost first: ''' ends a single and a double quote."""
        if self._is_open("`") and len(self._open) > 1 and run in _DOUBLE:
            self._open.pop()  # only the outer quote ends here
        while run and self._open:
            opening = self._open[-1]
            taken = self._taken(run, opening)
            if not taken:
                self._apostrophes.setdefault(opening.at, start)
                return
            self._open.pop()
            self._replace(opening, start, taken)
            run, start = run[len(taken) :], start + len(taken)

    def _taken(self, run: str, opening: _Opening) -> str:
        """Returns the part of the closing run that ends the opening; empty if it cannot."""
        if opening.sign != "`":
            return run if run in _DOUBLE else run[:2] if len(run) > 1 else ""
        return run if run in _DOUBLE else run[:1]

    def _replace(self, opening: _Opening, start: int, taken: str) -> None:
        if opening.sign == '"' and taken == '"':
            return  # straight quotes stay
        single = opening.sign == "`" and taken in ("'", "´", "’")
        before, after = ("‘", "’") if single else ("“", "”")
        self._replaced[opening.at] = (len(opening.sign), before)
        self._replaced[start] = (len(taken), after)
