"""Followed authors: reads the name of one author, and finds the authors of a paper for whom a keyword matches it.

It never decides whether two names match (that is `names`), and never looks names up.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.categories import find_category
from bot.domain.expressions.keywords import as_keyword
from bot.domain.expressions.names import (
    PARTICLES,
    NameMatch,
    compare_names,
    folded,
    is_initial,
    is_suffix,
    listed_readings,
)
from bot.domain.expressions.nodes import (
    AuthorClause,
    Conjunction,
    Disjunction,
    ExpressionNode,
    unquoted,
)
from bot.domain.expressions.parsing import KeywordExpression
from bot.domain.keyword import Keyword
from bot.domain.paper import Paper
from bot.domain.words import visible
from bot.runtime.errors import InvalidKeyword

AUTHOR_MAX: Final = 100
# How many authors of a paper are kept for one keyword: that many names are never shown.
MATCHED_AUTHORS_MAX: Final = 5
_WORDS_MAX: Final = 8

_FIELD: Final = re.compile(r"(?:au|author) ?: ?", re.IGNORECASE)
_ID: Final = re.compile(r"[0-9@/<>#]|\bwww\.")
_CATEGORY: Final = re.compile(r"\[[^\[\]]*\]\s*\Z")
_SEVERAL: Final = re.compile(r"[;&|+\uff1b]|\s(?:and|AND|And|OR|ANDNOT)\s|\bet\.?\s+al\b", re.ASCII)
_COMMA: Final = re.compile("[,\uff0c]")

_EXAMPLE: Final = "as in `Geoffrey Hinton` or `Hinton, G`"


@dataclass(frozen=True, slots=True)
class MatchedAuthor:
    """An author for whom a keyword matches a paper, as the paper lists the name.

    The match is possible if only an initial or another order of the name agrees.
    """

    name: str
    is_possible: bool = False


def read_author(text: str) -> Keyword:
    """Returns the keyword `au:"…"` for the name of one author; raises InvalidKeyword."""
    shown = visible(text)
    field = _FIELD.match(shown)
    typed = unquoted(shown if field is None else shown[field.end() :])
    if not typed:
        raise InvalidKeyword(f"Enter the name of an author, {_EXAMPLE}.")
    if _CATEGORY.search(typed):
        raise InvalidKeyword(
            'Enter only a name. For one category, use `/subscribe` with `au:"Hinton, G" AND cat:cs.LG`.'
        )
    category = find_category(typed)
    if category is not None:
        raise InvalidKeyword(f"`{category}` is an arXiv category, not a name. Use `/subscribe` with `cat:{category}`.")
    if _ID.search(typed):
        raise InvalidKeyword(f"Enter a name, {_EXAMPLE}: authors are not found by ids or links.")
    if _is_list(typed):
        raise InvalidKeyword(
            "That looks like several authors. Follow one at a time; a name with several family names is typed "
            "without a comma."
        )
    if len(typed) > AUTHOR_MAX or len(typed.split()) > _WORDS_MAX:
        raise InvalidKeyword(f"That is too long for a name. Enter one author, {_EXAMPLE}.")
    if not any(map(_is_full, _words(typed))):
        raise InvalidKeyword(f"A family name is needed, {_EXAMPLE}: initials alone match too many people.")
    return as_keyword(KeywordExpression.create(AuthorClause.parse(typed)))


def followed_author(keyword: Keyword) -> AuthorClause | None:
    """Returns the author of a keyword that is nothing but an author; None for other keywords."""
    node = None if keyword.expression is None else keyword.expression.node
    return node if isinstance(node, AuthorClause) else None


def has_authors(keyword: Keyword) -> bool:
    """Whether a paper can match the keyword because of its authors."""
    return keyword.expression is not None and any(True for _ in _author_clauses(keyword.expression.node))


def matched_authors(keyword: Keyword, paper: Paper) -> tuple[MatchedAuthor, ...]:
    """Returns the authors that satisfy a clause of the keyword, at most `MATCHED_AUTHORS_MAX`.

    Those whose names match certainly come first, in the order of the paper; another name is left out if its clause has
    a certain one.
    """
    if keyword.expression is None:
        return ()
    found: dict[str, NameMatch] = {}
    for clause in _author_clauses(keyword.expression.node):
        matches = [(name, compare_names(clause.readings, listed_readings(name))) for name in paper.authors]
        best = max((match for _, match in matches), default=NameMatch.NONE)
        for name, match in matches:
            if match is best is not NameMatch.NONE:
                found[name] = max(match, found.get(name, NameMatch.NONE))
    places = {name: place for place, name in enumerate(paper.authors)}
    ordered = sorted(found, key=lambda name: (-found[name], places[name]))
    return tuple(MatchedAuthor(name, found[name] is NameMatch.POSSIBLE) for name in ordered[:MATCHED_AUTHORS_MAX])


def _author_clauses(node: ExpressionNode) -> Iterator[AuthorClause]:
    """Yields the authors that the expression does not exclude."""
    match node:
        case AuthorClause():
            yield node
        case Conjunction(operands) | Disjunction(operands):
            for operand in operands:
                yield from _author_clauses(operand)
        case _:
            return


# --- reading a name ------------------------------------------------------------------------------


def _is_list(typed: str) -> bool:
    if _SEVERAL.search(typed):
        return True
    parts = [words for part in _COMMA.split(typed) if (words := _words(part))]
    if len(parts) != 2:
        return len(parts) > 2
    before, after = parts
    # `G. Hinton, Y. LeCun` and `Geoffrey Hinton, Yann LeCun`.
    has_given_name = len(before) > 1 and any(map(is_initial, before))
    return has_given_name or (sum(map(_is_full, before)) > 1 and sum(map(_is_full, after)) > 1)


def _words(part: str) -> Sequence[str]:
    """Returns the words of a name in lower case, without suffixes such as `Jr.`."""
    words = (word.strip(".-") for word in folded(part).replace(",", " ").replace(".", ". ").split())
    return [word for word in words if any(map(str.isalpha, word)) and not is_suffix(word)]


def _is_full(word: str) -> bool:
    """Whether a word is more than an initial and no particle."""
    return not is_initial(word) and word not in PARTICLES
