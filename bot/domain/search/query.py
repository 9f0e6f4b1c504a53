"""What a keyword or an expression requires of the index: a query that finds every paper that the matcher accepts.

It may find others, which the matcher then rejects. Words are excluded by the matcher alone, because the index does not
know signs and spellings; categories are also excluded here. It never decides what matches (that is `matching`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import product
from typing import Final, assert_never

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
from bot.domain.keyword import Keyword
from bot.domain.matching_text import Phrase
from bot.domain.search.terms import (
    CATEGORY,
    COMMENT,
    JOURNAL,
    PRIMARY,
    family_terms,
    indexed_words,
    marked_words,
)

# A word with capitals can have several stems. Of a long phrase with many of these, the beginning is searched.
_SPELLINGS_MAX: Final = 8


class TextPart(Enum):
    """Where a sequence of words is searched."""

    ANYWHERE = auto()
    TITLE = auto()
    ABSTRACT = auto()


@dataclass(frozen=True, slots=True)
class Everything:
    """Any paper: the index cannot narrow this part down."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words of a text in sequence, or one fact."""

    sequence: tuple[str, ...]
    place: TextPart = TextPart.ANYWHERE
    is_fact: bool = False

    def __post_init__(self) -> None:
        if not self.sequence:
            raise ValueError("a sequence needs a word")


@dataclass(frozen=True, slots=True)
class AllOf:
    """Papers that each of the queries finds, and none of the excluded ones."""

    operands: "tuple[Words | AnyOf, ...]"
    excluded: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Papers that at least one of the queries finds."""

    operands: "tuple[Words | AllOf, ...]"


IndexQuery = Everything | Words | AllOf | AnyOf


def index_query(keyword: Keyword) -> IndexQuery:
    """Returns the query that finds every stored paper that matches."""
    if keyword.expression is not None:
        return _query(normal_form(keyword.expression.node))
    words = _stems(Phrase(keyword.tokens), TextPart.ANYWHERE)
    return words if keyword.category is None else _all_of([words, _fact(f"{CATEGORY}{keyword.category}")])


def ranked_words(query: IndexQuery) -> tuple[Words, ...]:
    """Returns the sequences of words by which papers are ranked: facts are true or false."""
    return tuple(dict.fromkeys(_ranked(query)))


def _ranked(query: IndexQuery) -> Iterator[Words]:
    match query:
        case Words():
            if not query.is_fact:
                yield query
        case AllOf(operands) | AnyOf(operands):
            for operand in operands:
                yield from _ranked(operand)
        case Everything():
            pass
        case _:
            assert_never(query)


def _query(node: ExpressionNode) -> IndexQuery:
    match node:
        case WordClause():
            return _words(node)
        case AuthorClause():
            return _any_of(map(_fact, family_terms(node.readings)))
        case CategoryClause():
            return _category(node)
        case Negation():
            return Everything()
        case Conjunction(operands):
            excluded = tuple(
                _category(each.operand)
                for each in operands
                if isinstance(each, Negation) and isinstance(each.operand, CategoryClause)
            )
            return _all_of([_query(each) for each in operands], excluded)
        case Disjunction(alternatives):
            return _any_of(map(_query, alternatives))
        case _:
            assert_never(node)


def _words(clause: WordClause) -> IndexQuery:
    match clause.field:
        case TextField.COMMENT | TextField.JOURNAL:
            mark = COMMENT if clause.field is TextField.COMMENT else JOURNAL
            sequence = marked_words(mark, clause.text)
            return Words(sequence, is_fact=True) if sequence else Everything()
        case TextField.TITLE:
            return _stems(clause.phrase, TextPart.TITLE)
        case TextField.ABSTRACT:
            return _stems(clause.phrase, TextPart.ABSTRACT)
        case TextField.TITLE_OR_ABSTRACT:
            return _stems(clause.phrase, TextPart.ANYWHERE)
        case _:
            assert_never(clause.field)


def _stems(phrase: Phrase, place: TextPart) -> IndexQuery:
    """Returns the query for the stems of a phrase, as the matcher looks for them, in any spelling of its names."""
    kept: list[Sequence[str]] = []
    spellings = 1
    for stems in phrase.all_stems if phrase.forms else [(each,) for each in phrase.stems]:
        spellings *= len(stems)
        if spellings > _SPELLINGS_MAX:
            break
        kept.append(sorted(stems))
    sequences = dict.fromkeys(map(indexed_words, product(*kept)))
    return _any_of(Words(each, place) if each else Everything() for each in sequences)


def _category(clause: CategoryClause) -> Words:
    return _fact(f"{PRIMARY if clause.is_primary else CATEGORY}{clause.code}")


def _fact(term: str) -> Words:
    return Words((term,), is_fact=True)


def _all_of(queries: Sequence[IndexQuery], excluded: tuple[Words, ...] = ()) -> IndexQuery:
    # A conjunction in normal form contains no other; without one, the query would only propose more.
    operands = [query for query in queries if not isinstance(query, Everything | AllOf)]
    if not operands:
        return Everything()
    return AllOf(tuple(operands), excluded) if len(operands) > 1 or excluded else operands[0]


def _any_of(queries: Iterable[IndexQuery]) -> IndexQuery:
    operands: list[Words | AllOf] = []
    for query in queries:
        if isinstance(query, Everything):
            return query
        operands += query.operands if isinstance(query, AnyOf) else (query,)
    return AnyOf(tuple(operands)) if len(operands) > 1 else operands[0]
