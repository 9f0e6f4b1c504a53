"""Parses keywords: their tokens, and the canonical form that makes two of them the same.

Raises InvalidKeyword with a sentence for the user. It never looks at papers (that is `matching`) and never builds a
whole arXiv query (that is `queries`).
"""

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self

from bot.domain.categories import find_category, is_category, similar_categories
from bot.domain.searchable import BREAK
from bot.domain.text import or_list
from bot.domain.tokens import Token, match_key, read_tokens
from bot.domain.unsupported import without_ending_wildcards
from bot.domain.words import plain, unaccented, visible
from bot.runtime.errors import InvalidKeyword

if TYPE_CHECKING:  # expressions consist of keywords
    from bot.domain.expressions.parsing import KeywordExpression

KEYWORD_MAX: Final = 200
# Commands parse on the event loop, where longer text would take too long. Quotation marks and a category fit in.
_TYPED_MAX: Final = 2 * KEYWORD_MAX

# The words that Lucene's English analyzer drops (EnglishAnalyzer.ENGLISH_STOP_WORDS_SET): arXiv finds nothing for them.
# fmt: off
STOP_WORDS: Final = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not",
    "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was",
    "will", "with",
))
# fmt: on

_CATEGORY_SUFFIX: Final = re.compile(r"(?<!\s)\s*+\[([^\[\]]*+)\]\Z")
_CATEGORY_LIKE: Final = re.compile(r"[a-z-]+\.[a-z-]+", re.IGNORECASE | re.ASCII)
# A name such as `A*`, whose word alone is a stop word.
_SIGNED: Final = re.compile(r"(?<![^\W_])([^\W_]+)[*+#]+(?![^\W_])")
_TOO_LONG: Final = f"A keyword can be up to {KEYWORD_MAX} characters long."
_EXAMPLES: Final = "`cs.CL`, `astro-ph.CO` and `quant-ph`"
_QUOTES: Final = ('""', "\u201c\u201d", "\u201e\u201c", "\u201e\u201d", "\u00ab\u00bb", "\u2018\u2019", "''", "``")
_EMPHASIZED: Final = re.compile(r"(\*{1,3}|__)([^*_]+)\1")
_DOUBLE_QUOTES: Final = '"\u201c\u201d\u201e\u00ab\u00bb'


@dataclass(frozen=True, slots=True)
class Keyword:
    """A phrase, optionally limited to one category, or an expression.

    Keywords with equal canonical forms are equal, because they match the same papers: `reward model`, `Reward Models`.
    """

    shown: str = field(compare=False)
    canonical: str
    tokens: tuple[Token, ...] = field(compare=False)
    category: str | None = field(compare=False)
    # What it matches if it is more than a phrase in a category; then it has no tokens and no category.
    expression: "KeywordExpression | None" = field(default=None, compare=False, repr=False)
    name: str | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, text: str, category: str | None = None) -> Self:
        """Parses `graph networks` or `graph networks [cs.LG]`; raises InvalidKeyword."""
        typed = visible(text)
        if len(typed) > _TYPED_MAX:
            raise InvalidKeyword(_TOO_LONG)
        phrase, category = _split_category(_unquoted(typed), category)
        phrase = without_ending_wildcards(phrase)
        spelled = plain(phrase)
        tokens = read_tokens(phrase)
        _check(phrase, spelled, tokens, category)
        suffix = f" [{category}]" if category else ""
        return cls(phrase + suffix, match_key(tokens, category), tokens, category)

    @property
    def label(self) -> str:
        """What people see: its name, or else what was typed, or a short form of a long expression."""
        if self.name is not None:
            return self.name
        return self.shown if self.expression is None else self.expression.label

    @property
    def text(self) -> str:
        """The text to type, with its name."""
        return self.shown if self.name is None else f'name:"{self.name}" {self.shown}'

    def named(self, name: str | None) -> Self:
        """Returns the keyword with another name."""
        return replace(self, name=name)


def keyword_key(text: str) -> str | None:
    """Returns the canonical form of a keyword; None if it is invalid."""
    try:
        return Keyword.parse(text).canonical
    except InvalidKeyword:
        return None


def search_phrases(keyword: Keyword) -> tuple[str, ...]:
    """Returns phrases to quote in an arXiv query: words, single spaces, and joints within words.

    arXiv does not fold accents in titles and abstracts: a keyword with accents is queried with and without them.
    """
    tokens = [token for token in keyword.tokens if token.text != BREAK]
    typed = " ".join(token.text for token in tokens)
    # Without accents, a letter that is newer than this Python's Unicode becomes a space.
    without_accents = " ".join(unaccented(typed).split())
    return tuple(filter(None, dict.fromkeys((typed, without_accents))))


def _split_category(text: str, category: str | None) -> tuple[str, str | None]:
    """Returns the phrase without quotation marks and without categories in brackets at its end, and the category."""
    categories = {_category(category)} if category and visible(category) else set()
    while (found := _CATEGORY_SUFFIX.search(text)) and _is_category_suffix(found):
        categories.add(_category(found[1]))
        text = _unquoted(text[: found.start()])
    if len(categories) > 1:
        where = ": in `keyword` or in `category`" if category else ""
        raise InvalidKeyword(f"Use only one category{where}.")
    return text, next(iter(categories), None)


def _is_category_suffix(found: re.Match[str]) -> bool:
    """Whether brackets contain a category; without a word in front of them, `[Math]` is a phrase."""
    if _CATEGORY_LIKE.fullmatch(found[1]):
        return True
    return find_category(found[1]) is not None and (
        any(map(str.isalnum, found.string[: found.start()])) or is_category(found[1])
    )


def _category(typed: str) -> str:
    code = find_category(visible(typed))
    if code is None:
        raise InvalidKeyword(f"No such arXiv category. {_category_hint(visible(typed))}")
    return code


def _unquoted(phrase: str) -> str:
    """Returns the phrase without the quotation marks or Markdown around it: every keyword is a phrase."""
    for opening, closing in _QUOTES:
        inner = phrase[1:-1]
        if phrase.startswith(opening) and phrase.endswith(closing) and not set(inner) & {opening, closing}:
            return _unquoted(inner.strip())
    if emphasized := _EMPHASIZED.fullmatch(phrase):
        return _unquoted(emphasized[2].strip())
    # A comma between the quotation marks has separated them.
    if sum(map(phrase.count, _DOUBLE_QUOTES)) == 1:
        phrase, quoted = phrase.strip(_DOUBLE_QUOTES).strip(), phrase
        return phrase if phrase == quoted else _unquoted(phrase)
    return phrase


def _category_hint(code: str) -> str:
    similar = similar_categories(code)
    return f"Did you mean {or_list(similar)}?" if similar else f"Examples of categories: {_EXAMPLES}."


def _check(phrase: str, spelled: str, tokens: tuple[Token, ...], category: str | None) -> None:
    if max(len(phrase), len(spelled)) > KEYWORD_MAX:
        raise InvalidKeyword(_TOO_LONG)
    if not tokens and category is not None and not phrase:
        raise InvalidKeyword(f"A category only narrows a keyword. Add one in front of it, as in `agents [{category}]`.")
    if not tokens:
        raise InvalidKeyword("A keyword needs at least one letter or digit.")
    if all(token.text in STOP_WORDS for token in tokens):
        if name := _SIGNED.search(spelled):
            raise InvalidKeyword(
                f'arXiv ignores "{name[1].lower()}" and signs, so it can\'t find `{name[0]}` alone. '
                f"Add a word, as in `{name[0]} search`."
            )
        raise InvalidKeyword('Use at least one word besides stop words such as "the" or "of".')
