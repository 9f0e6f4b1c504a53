"""Reads the tokens of a keyword: its words, and how exactly each of them is compared.

Two keywords with equal `match_key`s match the same papers. It never looks at papers (that is `matching`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from bot.domain.searchable import (
    BREAK,
    CJK_WORD,
    GLUE,
    GREEK_NAMES,
    GREEK_SIGN,
    GREEK_SIGNS,
    WORD_PATTERN,
    searchable,
    word_form,
)
from bot.domain.stemming import stem
from bot.domain.words import caseless

SIGNS: Final = frozenset("+#*′")
PREFIX: Final = re.compile(r"(?<![^\s(\[\"'])\.(?=[^\W\d_])")
# A word with the signs around it: `.NET`, `C++`, `A*`, `Z′`.
_TOKEN: Final = re.compile(rf"(?P<prefix>{PREFIX.pattern})?(?P<word>{WORD_PATTERN})(?P<signs>[+#*′]*)|\{BREAK}")

# What may stand between a single letter or digit and the word next to it: `k-means`, `k means`, but not `k, means`.
_TIGHT: Final = re.compile(rf"[\s\-_.'\"{GLUE}{GREEK_SIGN}]*")
# Algorithms named after A*; after other words a star is a wild card or a footnote mark.
_STARRED_TEXT: Final = "ao ara bit fmt hpa ida jps lao lpa lrta moa namoa prm rrt rta sma"
_STARRED: Final = frozenset(_STARRED_TEXT.split())
_VOWEL: Final = re.compile("[aeiouy]")


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a keyword.

    `text` is case-folded, with accents as typed; `|` is the end of a sentence or a mathematical sign. A token typed
    with two or more capitals is `exact`: it is compared without stemming, except for a final s. `plural` means that it
    was typed with that s (`MLLMs`), so that it matches the singular too. `prefix` is the period before the first
    letter, `suffix` the run of +, #, * or ′ after the last one. `gap` is the text between this token and the
    previous one, if that matters for a match.
    """

    text: str
    exact: bool = False
    suffix: str = ""
    plural: bool = False
    prefix: str = ""
    gap: str = ""

    @property
    def form(self) -> str:
        """The word as it is compared: without accents; an exact token without its plural s."""
        form = self.text if self.text.isascii() else word_form(self.text)  # the text is case-folded
        return form[:-1] if self.plural else form

    @property
    def is_greek(self) -> bool:
        """Whether the token is a Greek letter, by name or by sign."""
        return self.text in GREEK_SIGNS and not self.exact

    @property
    def is_literal(self) -> bool:
        """Whether only the word itself and its plural match: an exact token that has other endings."""
        return self.exact and _has_endings(self.form)

    @property
    def is_cjk(self) -> bool:
        """Whether the token is a character of a script without spaces."""
        return not self.text.isascii() and CJK_WORD.fullmatch(self.text) is not None

    @property
    def match_key(self) -> str:
        """What decides the matches of this token."""
        word = f"={self.form}" if self.is_literal else stem(self.form)
        return f"{self.gap}{self.prefix}{word}{self.suffix}"


def _has_endings(form: str) -> bool:
    """Whether other words than the plural have the same stem: not for `llm`, so that `LLM` matches as `llm` does."""
    return len(form) < 3 or form.endswith("s") or (form.isalpha() and _VOWEL.search(form) is not None)


@lru_cache(maxsize=1 << 10)  # a command parses its text several times
def read_tokens(phrase: str) -> tuple[Token, ...]:
    """Returns the tokens of a phrase as typed; empty if it has no letter or digit."""
    tokens = list(_read(searchable(phrase)))
    while tokens and tokens[0].text == BREAK:
        del tokens[0]
    while tokens and tokens[-1].text == BREAK:
        del tokens[-1]
    return tuple(map(_shared, tokens))


@lru_cache(maxsize=1 << 15)
def _shared(token: Token) -> Token:
    """Returns one object for equal tokens: the garbage collector visits all of them, while the event loop waits."""
    return token


def match_key(tokens: Sequence[Token], category: str | None) -> str:
    """Returns a text that is equal for keywords that match the same papers: `reward model` for `Reward-Models`."""
    words = " ".join(token.match_key for token in tokens)
    return words if category is None else f"{words} [{category}]"


def is_tight(left: Token, right: Token) -> bool:
    """Whether only a space or hyphen may stand between the two words: one of them is a single character or Greek."""
    return any((len(token.text) == 1 and token.text != BREAK) or token.is_greek for token in (left, right))


def fits_gap(left: Token, right: Token, gap: str, *, by_sign: bool) -> bool:
    """Whether two tokens match words with this text between them; `by_sign` if the left one is a Greek letter."""
    bare = bare_gap(gap)
    if right.gap and right.gap == (bare or " "):
        return True
    if left.is_cjk and right.is_cjk:
        return not gap.strip()
    if left.is_greek and right.text[0].isdigit():
        return bare == "_" or (not bare and GLUE in gap) or (bare in ("", "-") and not by_sign)
    return not is_tight(left, right) or _TIGHT.fullmatch(gap) is not None


def bare_gap(gap: str) -> str:
    """Returns what is visible in a gap."""
    return gap.replace(GLUE, "").replace(GREEK_SIGN, "").strip()


def _read(spelled: str) -> Iterator[Token]:
    previous: Token | None = None
    end = 0
    by_sign = False
    for found in _TOKEN.finditer(spelled):
        token = _token(found)
        gap = spelled[end : found.start()]
        if previous is not None and BREAK not in (previous.text, token.text):
            fits = fits_gap(previous, token, gap, by_sign=by_sign)
            token = token if fits else replace(token, gap=bare_gap(gap) or " ")
        yield token
        previous, end, by_sign = token, found.end(), spelled[found.start() - 1 : found.start()] == GREEK_SIGN


def _token(found: re.Match[str]) -> Token:
    word, signs = found["word"], found["signs"]
    if word is None:
        return Token(BREAK)
    exact = _has_capitals(word)
    return Token(
        text=caseless(word),
        exact=exact,
        suffix=_suffix(word, signs),
        plural=is_capital_plural(word),
        prefix=found["prefix"] or "",
    )


def _has_capitals(word: str) -> bool:
    return sum(map(str.isupper, word)) >= 2


def is_capital_plural(word: str) -> bool:
    """Whether a word with capitals ends in a lower-case s, as in `RMs`."""
    return word.endswith("s") and _has_capitals(word)


def _suffix(word: str, signs: str) -> str:
    """Returns the signs that belong to the word: not those after a digit, nor the star of a wild card."""
    if not word[-1].isalpha():
        return ""
    starred = word.lower() in _STARRED or len(word) == 1 or word in GREEK_NAMES.values()
    return signs if starred else signs.replace("*", "")
