"""A keyword: what a person subscribes to, in the form in which two of them are the same.

What people type enters; a `Keyword` leaves, or `InvalidKeyword` with one sentence for them. It never
looks at a paper (that is `matching`) and never writes a whole arXiv query (that is `planning`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from bot.domain.categories import is_category, similar_categories
from bot.domain.words import WORD, caseless, plain, unaccented, visible
from bot.runtime.errors import InvalidKeyword

KEYWORD_MAX: Final = 200

# What Lucene's English analyser drops (EnglishAnalyzer.ENGLISH_STOP_WORDS_SET): arXiv finds nothing for these.
# fmt: off
STOP_WORDS: Final = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not",
    "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was",
    "will", "with",
))
# fmt: on

_NARROWED: Final = re.compile(r"\s*\[([^\[\]]*)\]\Z")
_LIKE_A_CATEGORY: Final = re.compile(r"[a-z-]+\.[a-z-]+", re.IGNORECASE | re.ASCII)
# What keeps two words together in Unicode's word boundaries, by which arXiv's index is cut (UAX 29: MidNumLet and
# ExtendNumLet, their ASCII characters).
_JOINT: Final = re.compile(r"[._'](?=[^\W_])")
_COMMA: Final = re.compile("[,\uff0c]")


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a keyword.

    `text` has no case, its accents as typed. `exact` was typed with two or more capitals, and is compared
    unstemmed but for a final s; `plural` was typed with that s (`MLLMs`), so that its singular is meant too.
    `suffix` is the run of + or # directly after its last letter; `joint` is the point, underscore or apostrophe that
    ties it to the next word (`Llama 3.1`).
    """

    text: str
    exact: bool = False
    suffix: str = ""
    plural: bool = False
    joint: str = ""


@dataclass(frozen=True, slots=True)
class Keyword:
    """A phrase, perhaps within one category; two keywords are the same when their canonical forms are."""

    shown: str = field(compare=False)
    canonical: str
    tokens: tuple[Token, ...] = field(compare=False)
    category: str | None = field(compare=False)

    @classmethod
    def parse(cls, text: str, category: str | None = None) -> Self:
        """What the person means by `text` (`graph networks [cs.LG]`), or InvalidKeyword."""
        phrase, category = _narrowed(visible(text), category)
        spelled = plain(phrase)
        tokens = _tokens(spelled)
        _check(max(len(phrase), len(spelled)), tokens)
        within = f" [{category}]" if category else ""
        return cls(phrase + within, _canonical(spelled) + within, tokens, category)


def split_keywords(text: str) -> tuple[str, ...]:
    """The keywords that somebody typed in one go, separated by commas; each once, as first typed."""
    once: dict[str, str] = {}
    for piece in filter(None, map(visible, _COMMA.split(text))):
        once.setdefault(_identity(piece), piece)
    return tuple(once.values())


def search_phrases(keyword: Keyword) -> tuple[str, ...]:
    """What may stand between quotes in an arXiv query: words, single spaces, and the joints inside of words.

    arXiv folds no accents in titles and abstracts, and its tokenizer takes `3.1` for one word where the matcher sees
    two: such a keyword is asked both ways.
    """
    typed = " ".join(token.text for token in keyword.tokens)
    joined = "".join(token.text + (token.joint or " ") for token in keyword.tokens).strip()
    plainly = "".join(unaccented(token.text) + (token.joint or " ") for token in keyword.tokens).strip()
    return tuple(dict.fromkeys((typed, unaccented(typed), joined, plainly)))


def _narrowed(text: str, category: str | None) -> tuple[str, str | None]:
    """The phrase without the categories in brackets at its end, and the one category meant."""
    wanted = {visible(category)} if category else set()
    while (found := _NARROWED.search(text)) and (is_category(found[1]) or _LIKE_A_CATEGORY.fullmatch(found[1])):
        wanted.add(found[1])
        text = text[: found.start()]
    for code in sorted(wanted):
        if not is_category(code):
            raise InvalidKeyword(f"arXiv has no such category; {_try_instead(code)}.")
    if len(wanted) > 1:
        raise InvalidKeyword("A keyword can be narrowed to one category, not to several.")
    return text, next(iter(wanted), None)


def _try_instead(code: str) -> str:
    alike = similar_categories(code)
    return f"the nearest are {', '.join(alike)}" if alike else "they look like cs.CL, astro-ph.CO or quant-ph"


def _tokens(spelled: str) -> tuple[Token, ...]:
    return tuple(_each_token(spelled))


def _each_token(spelled: str) -> Iterator[Token]:
    for found in WORD.finditer(spelled):
        word, signs = found.groups()
        exact = _in_capitals(word)
        joint = _JOINT.match(spelled, found.end())
        yield Token(
            text=caseless(word),
            exact=exact,
            suffix=signs if word[-1].isalpha() else "",
            plural=exact and word.endswith("s"),
            joint=joint[0] if joint else "",
        )


def _in_capitals(word: str) -> bool:
    return sum(map(str.isupper, word)) >= 2


def _check(length: int, tokens: tuple[Token, ...]) -> None:
    if length > KEYWORD_MAX:
        raise InvalidKeyword(f"A keyword can be up to {KEYWORD_MAX} characters long.")
    if not tokens:
        raise InvalidKeyword("A keyword needs at least one letter or digit.")
    if all(token.text in STOP_WORDS for token in tokens):
        raise InvalidKeyword("A keyword needs a word that says more than the, of or with.")


def _canonical(spelled: str) -> str:
    """The phrase from its first word to its last, without case where case says nothing."""
    words = list(WORD.finditer(spelled))
    end = words[-1].end() if words[-1][1][-1].isalpha() else words[-1].end(1)
    return WORD.sub(_canonical_word, spelled[words[0].start() : end])


def _canonical_word(found: re.Match[str]) -> str:
    return (found[1] if _in_capitals(found[1]) else caseless(found[1])) + found[2]


def _identity(piece: str) -> str:
    try:
        return Keyword.parse(piece).canonical
    except InvalidKeyword:
        return piece
