"""Builds arXiv's search terms for an expression: they find every paper that satisfies it, and some others.

arXiv's stems are wider than the matcher's, so that an excluded word is not sent: arXiv could exclude a paper that
satisfies the expression. Only excluded categories are. arXiv has no primary category and no exact case: these clauses
are sent as wider ones. It never decides what matches (that is `matching`).
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, assert_never

from bot.domain.expressions.names import PARTICLES, NameReading
from bot.domain.expressions.nodes import (
    AuthorClause,
    CategoryClause,
    Conjunction,
    Disjunction,
    ExpressionNode,
    Negation,
    TextField,
    WordClause,
)
from bot.domain.expressions.normal_form import normal_form
from bot.domain.expressions.printing import category_pattern
from bot.domain.keyword import Keyword
from bot.domain.search_terms import SearchTerms, any_of, exact_phrases, wide_terms

# Elasticsearch accepts 1,024 terms by default, and a query holds several keywords.
TERMS_MAX: Final = 400

_EVERYTHING: Final = SearchTerms("")
_STEMMED_FIELDS: Final = {
    TextField.TITLE_OR_ABSTRACT: ("ti", "abs"),
    TextField.TITLE: ("ti",),
    TextField.ABSTRACT: ("abs",),
}
# O'Neill, D'Angelo, L'Hôpital, N'Guessan: also written with a space or as one word.
_ELIDED: Final = frozenset("odln")


def expression_terms(node: ExpressionNode) -> SearchTerms:
    """Returns the terms for an expression; without `found`, any paper may satisfy it."""
    return _terms(normal_form(node))


def _terms(node: ExpressionNode) -> SearchTerms:
    match node:
        case WordClause():
            return _words(node)
        case AuthorClause(_):
            return SearchTerms(_author(node.readings))
        case CategoryClause():
            return SearchTerms(f"cat:{_wide_pattern(node)}")
        case Negation():
            return _EVERYTHING
        case Conjunction(operands):
            return _all_of(operands)
        case Disjunction(alternatives):
            return _joined_terms([_terms(each) for each in alternatives], " OR ")
        case _:
            assert_never(node)


def _words(clause: WordClause) -> SearchTerms:
    keyword = Keyword(clause.text, clause.key, clause.tokens, None)
    if not clause.field.has_stems:
        return SearchTerms(any_of(f'{clause.field.value}:"{phrase}"' for phrase in exact_phrases(keyword)))
    return wide_terms(keyword, _STEMMED_FIELDS[clause.field])


def _all_of(operands: Sequence[ExpressionNode]) -> SearchTerms:
    """Returns the terms for a conjunction; each operand only narrows the result, so that long ones are left out."""
    found = sorted(filter(_is_limit, map(_terms, operands)), key=_size)
    kept = [each for each, total in zip(found, accumulate(map(_size, found)), strict=True) if total <= TERMS_MAX]
    terms = _joined_terms(kept or found[:1], " AND ")
    excluded = [
        f"cat:{category_pattern(each.operand)}"
        for each in operands
        if isinstance(each, Negation) and isinstance(each.operand, CategoryClause) and not each.operand.is_primary
    ]
    if not excluded or not terms.found:
        return terms
    formatted = f"({terms.formatted} ANDNOT {any_of(excluded)})" if terms.formatted else ""
    return SearchTerms(f"({terms.found} ANDNOT {any_of(excluded)})", formatted)


def _joined_terms(terms: Sequence[SearchTerms], operator: str) -> SearchTerms:
    """Joins terms; the formatted ones find papers in which at least one phrase contains a formatting command."""
    if not terms or not all(map(_is_limit, terms)) or sum(map(_size, terms)) > max(TERMS_MAX, _size(terms[0])):
        return _EVERYTHING
    if len(terms) == 1:
        return terms[0]
    found = operator.join(each.found for each in terms)
    formatted = operator.join(each.formatted or each.found for each in terms)
    return SearchTerms(f"({found})", f"({formatted})" if any(each.formatted for each in terms) else "")


def _is_limit(terms: SearchTerms) -> bool:
    return bool(terms.found)


def _size(terms: SearchTerms) -> int:
    return terms.found.count(":") + terms.formatted.count(":")


def _wide_pattern(clause: CategoryClause) -> str:
    """Returns a pattern for a category; that for an archive also finds papers that are in none of its categories."""
    return clause.code if "." in clause.code else f"{clause.code}*"


# --- authors -------------------------------------------------------------------------------------


def _author(readings: Sequence[NameReading]) -> str:
    """Returns the term for the family names: given names can be initials, and be joined in many ways."""
    families = {frozenset(reading.family) for reading in readings}
    needed = [each for each in readings if not any(other < set(each.family) for other in families)]
    return any_of(dict.fromkeys(term for reading in needed for term in _family_terms(reading)))


def _family_terms(reading: NameReading) -> Iterator[str]:
    """Yields the terms for a family name of which a paper has one: `van den Oord`, `LeCun`, `Le Cun`."""
    yield "(" + " AND ".join(any_of(f'au:"{form}"' for form in _forms(word)) for word in reading.family) + ")"
    if len(reading.family) > 1:
        yield f'au:"{reading.core}"'
    if reading.particles:
        yield f'au:"{reading.whole}"'
    yield from (f'au:"{phrase}"' for phrase in _with_particles(reading.whole))


def _with_particles(name: str) -> Iterator[str]:
    """Yields the ways to write a name with particles in front of it."""
    for particle in sorted(PARTICLES):
        if name.startswith(particle) and name != particle:
            rest = name.removeprefix(particle)
            yield f"{particle} {rest}"
            yield from (f"{particle} {phrase}" for phrase in _with_particles(rest))


def _forms(word: str) -> tuple[str, ...]:
    if word[0] in _ELIDED and len(word) > 2:
        first, rest = word[0], word[1:]
        return word, f"{first}'{rest}", f"{first}’{rest}", f"{first} {rest}"
    return (word,)
