"""Parses keywords: their tokens, and the canonical form that makes two of them the same.

Raises InvalidKeyword with a sentence for the user. It never looks at papers (that is `matching`) and never builds a
whole arXiv query (that is `queries`).
"""

import re
from dataclasses import dataclass, field
from typing import Final, Self

from bot.domain.categories import is_category, similar_categories
from bot.domain.searchable import BREAK
from bot.domain.text import or_list
from bot.domain.tokens import Token, match_key, read_tokens
from bot.domain.words import WORD, caseless, plain, unaccented, visible
from bot.runtime.errors import InvalidKeyword

KEYWORD_MAX: Final = 200

# The words that Lucene's English analyzer drops (EnglishAnalyzer.ENGLISH_STOP_WORDS_SET): arXiv finds nothing for them.
# fmt: off
STOP_WORDS: Final = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not",
    "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was",
    "will", "with",
))
# fmt: on

_CATEGORY_SUFFIX: Final = re.compile(r"\s*\[([^\[\]]*)\]\Z")
_CATEGORY_LIKE: Final = re.compile(r"[a-z-]+\.[a-z-]+", re.IGNORECASE | re.ASCII)
_EXAMPLES: Final = "`cs.CL`, `astro-ph.CO` and `quant-ph`"
_COMMA: Final = re.compile("[,\uff0c]")


@dataclass(frozen=True, slots=True)
class Keyword:
    """A phrase, optionally limited to one category; keywords with equal canonical forms are equal."""

    shown: str = field(compare=False)
    canonical: str
    tokens: tuple[Token, ...] = field(compare=False)
    category: str | None = field(compare=False)

    @property
    def match_key(self) -> str:
        """Equal for keywords that match the same papers: `reward model`, `Reward Models` and `reward-model`."""
        return match_key(self.tokens, self.category)

    @classmethod
    def parse(cls, text: str, category: str | None = None) -> Self:
        """Parses `graph networks` or `graph networks [cs.LG]`; raises InvalidKeyword."""
        phrase, category = _split_category(visible(text), category)
        spelled = plain(phrase)
        tokens = read_tokens(phrase)
        _check(max(len(phrase), len(spelled)), tokens)
        suffix = f" [{category}]" if category else ""
        return cls(phrase + suffix, _canonical(spelled) + suffix, tokens, category)


def split_keywords(text: str) -> tuple[str, ...]:
    """Splits a comma-separated list; of equal keywords, only the first is returned."""
    unique: dict[str, str] = {}
    for piece in filter(None, map(visible, _COMMA.split(text))):
        unique.setdefault(_identity(piece), piece)
    return tuple(unique.values())


def search_phrases(keyword: Keyword) -> tuple[str, ...]:
    """Returns phrases to quote in an arXiv query: words, single spaces, and joints within words.

    arXiv does not fold accents in titles and abstracts: a keyword with accents is queried with and without them.
    """
    tokens = [token for token in keyword.tokens if token.text != BREAK]
    typed = " ".join(token.text for token in tokens)
    return tuple(dict.fromkeys((typed, unaccented(typed))))


def _split_category(text: str, category: str | None) -> tuple[str, str | None]:
    """Returns the phrase without the categories in brackets at its end, and the category."""
    categories = {visible(category)} if category else set()
    while (found := _CATEGORY_SUFFIX.search(text)) and (is_category(found[1]) or _CATEGORY_LIKE.fullmatch(found[1])):
        categories.add(found[1])
        text = text[: found.start()]
    for code in sorted(categories):
        if not is_category(code):
            raise InvalidKeyword(f"No such arXiv category. {_category_hint(code)}")
    if len(categories) > 1:
        where = ": in `keyword` or in `category`" if category else ""
        raise InvalidKeyword(f"Use only one category{where}.")
    return text, next(iter(categories), None)


def _category_hint(code: str) -> str:
    similar = similar_categories(code)
    return f"Did you mean {or_list(similar)}?" if similar else f"Examples of categories: {_EXAMPLES}."


def _has_capitals(word: str) -> bool:
    return sum(map(str.isupper, word)) >= 2


def _check(length: int, tokens: tuple[Token, ...]) -> None:
    if length > KEYWORD_MAX:
        raise InvalidKeyword(f"A keyword can be up to {KEYWORD_MAX} characters long.")
    if not tokens:
        raise InvalidKeyword("A keyword needs at least one letter or digit.")
    if all(token.text in STOP_WORDS for token in tokens):
        raise InvalidKeyword('Use at least one word besides stop words such as "the" or "of".')


def _canonical(spelled: str) -> str:
    """Returns the phrase from its first to its last word, case-folded except for words with capitals."""
    words = list(WORD.finditer(spelled))
    end = words[-1].end() if words[-1][1][-1].isalpha() else words[-1].end(1)
    return WORD.sub(_canonical_word, spelled[words[0].start() : end])


def _canonical_word(found: re.Match[str]) -> str:
    return (found[1] if _has_capitals(found[1]) else caseless(found[1])) + found[2]


def _identity(piece: str) -> str:
    try:
        return Keyword.parse(piece).canonical
    except InvalidKeyword:
        return piece
