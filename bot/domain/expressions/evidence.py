"""Finds what in a paper satisfies an expression, with the positions of the words, or what does not.

It is for one paper and people who want to know the reason; it agrees with `matching`, which decides for many papers.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from bot.domain.expressions.matching import PaperSets
from bot.domain.expressions.names import NameMatch, compare_names, listed_readings
from bot.domain.expressions.nodes import (
    AuthorClause,
    CategoryClause,
    Clause,
    Conjunction,
    Disjunction,
    ExpressionNode,
    Negation,
    TextField,
    WordClause,
    clauses,
)
from bot.domain.expressions.text_index import text_of, text_satisfies
from bot.domain.paper import Paper
from bot.domain.searchable import CJK_WORD
from bot.domain.tex.convert import tex_to_text

# What a span consists of: text between spaces, or one character of a script without spaces.
_CHUNK: Final = re.compile(rf"{CJK_WORD.pattern}|(?:(?!{CJK_WORD.pattern})\S)+")
_MORE_CHUNKS: Final = 2  # than the phrase has words: formulas contain spaces


@dataclass(frozen=True, slots=True)
class WordSpan:
    """Where words are in the displayed text of a field, which is never `TITLE_OR_ABSTRACT`."""

    field: TextField
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ListedAuthor:
    """An author whose name matches, by the place in the paper's list; possibly, if only by an initial."""

    place: int
    name: str
    is_possible: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """A clause that a paper satisfies, with the words, the authors or the categories that do."""

    clause: Clause
    words: tuple[WordSpan, ...] = ()
    authors: tuple[ListedAuthor, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Satisfied:
    """The paper satisfies the expression: what it must contain, and where that is."""

    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Unsatisfied:
    """The paper does not satisfy this part of the expression; if it is an exclusion, `excluded` is why."""

    part: ExpressionNode
    excluded: tuple[Evidence, ...] = ()


def find_evidence(node: ExpressionNode, paper: Paper) -> Satisfied | Unsatisfied:
    """Returns what satisfies the expression in the order typed, or the first part that is not satisfied."""
    return _Reasons(node, paper).explain(node)


class _Reasons:
    def __init__(self, node: ExpressionNode, paper: Paper) -> None:
        self._paper = paper
        self._sets = PaperSets([paper], clauses(node))

    def explain(self, node: ExpressionNode) -> Satisfied | Unsatisfied:
        match node:
            case Negation(excluded):
                found = self.explain(excluded)
                return Unsatisfied(node, found.evidence) if isinstance(found, Satisfied) else Satisfied(())
            case Conjunction(operands):
                parts = [self.explain(each) for each in operands]
                failed = next((each for each in parts if isinstance(each, Unsatisfied)), None)
                return failed or Satisfied(
                    tuple(one for each in parts if isinstance(each, Satisfied) for one in each.evidence)
                )
            case Disjunction(alternatives):
                found_parts = (self.explain(each) for each in alternatives)
                return next((each for each in found_parts if isinstance(each, Satisfied)), Unsatisfied(node))
            case _:
                matched, _certain = self._sets.find(node)
                return Satisfied((evidence_of(node, self._paper),)) if matched else Unsatisfied(node)


def evidence_of(clause: Clause, paper: Paper) -> Evidence:
    """Returns what in the paper satisfies a clause; empty if nothing does."""
    match clause:
        case WordClause():
            return Evidence(clause, words=tuple(_word_spans(clause, paper)))
        case AuthorClause():
            return Evidence(clause, authors=tuple(_listed_authors(clause, paper)))
        case CategoryClause(code, is_primary):
            listed = (paper.primary_category,) if is_primary else paper.categories
            return Evidence(clause, categories=tuple(each for each in listed if f"{each}.".startswith(f"{code}.")))
        case _:
            assert_never(clause)


def _listed_authors(clause: AuthorClause, paper: Paper) -> Iterator[ListedAuthor]:
    for place, name in enumerate(paper.authors):
        found = compare_names(clause.readings, listed_readings(name))
        if found is not NameMatch.NONE:
            yield ListedAuthor(place, name, found is NameMatch.POSSIBLE)


def _word_spans(clause: WordClause, paper: Paper) -> Iterator[WordSpan]:
    """Yields the shortest runs of chunks that satisfy the clause, in order."""
    fields = (TextField.TITLE, TextField.ABSTRACT) if clause.field is TextField.TITLE_OR_ABSTRACT else (clause.field,)
    length_max = len(clause.tokens) + _MORE_CHUNKS
    for field in fields:
        text = tex_to_text(text_of(paper, field))
        chunks = [found.span() for found in _CHUNK.finditer(text)]
        first = 0
        while first < len(chunks):
            last = _last_chunk(clause, text, chunks, first, length_max)
            if last is None:
                first += 1
                continue
            yield WordSpan(field, chunks[first][0], chunks[last][1])
            first = last + 1


def _last_chunk(
    clause: WordClause, text: str, chunks: Sequence[tuple[int, int]], first: int, length_max: int
) -> int | None:
    """Returns the last chunk of the shortest run that satisfies the clause and begins with the first chunk."""

    def has_words(start: int, last: int) -> bool:
        return start <= last and text_satisfies(clause, text[chunks[start][0] : chunks[last][1]])

    end = min(first + length_max, len(chunks)) - 1
    if not has_words(first, end):
        return None
    last = next(last for last in range(first, end + 1) if has_words(first, last))
    return None if has_words(first + 1, last) else last
