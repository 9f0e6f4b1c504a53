"""The definition of a match of an expression without sets: each clause is compared with the text of each paper.

It is what `bot.domain.expressions.matching` must return for any papers and expressions, and the naive way in
`benchmarks.expressions`.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

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
)
from bot.domain.expressions.text_index import displayed_text, text_of
from bot.domain.paper import Paper
from bot.domain.searchable import searchable, words
from bot.domain.words import plain
from tests.support.reference_matching import ReferenceText


class ReferenceExpressions:
    """Compares expressions with papers one after the other; remembers what a clause was compared with."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._papers = papers
        self._texts: dict[tuple[int, TextField], ReferenceText] = {}
        self._found: dict[tuple[int, str], NameMatch] = {}

    def satisfying(self, node: ExpressionNode) -> dict[int, NameMatch]:
        """Returns the places of the papers that satisfy an expression, and how well."""
        found = {row: self._compare(row, node) for row in range(len(self._papers))}
        return {row: each for row, each in found.items() if each is not NameMatch.NONE}

    def _compare(self, row: int, node: ExpressionNode) -> NameMatch:
        match node:
            case Negation(excluded):
                return _full(self._compare(row, excluded) is NameMatch.NONE)
            case Conjunction(operands):
                return min(self._compare(row, each) for each in operands)
            case Disjunction(alternatives):
                return max(self._compare(row, each) for each in alternatives)
            case _:
                if (row, node.key) not in self._found:
                    self._found[row, node.key] = self._compare_clause(row, node)
                return self._found[row, node.key]

    def _compare_clause(self, row: int, clause: Clause) -> NameMatch:
        paper = self._papers[row]
        match clause:
            case CategoryClause(code, is_primary):
                listed = (paper.primary_category,) if is_primary else paper.categories
                return _full(any(f"{each}.".startswith(f"{code}.") for each in listed))
            case AuthorClause():
                names = map(listed_readings, paper.authors)
                return max((compare_names(clause.readings, name) for name in names), default=NameMatch.NONE)
            case WordClause():
                return _full(self._has_words(row, clause))
            case _:
                assert_never(clause)

    def _has_words(self, row: int, clause: WordClause) -> bool:
        paper = self._papers[row]
        if clause.field.has_stems:
            found = self._text(row, clause.field).contains(clause.tokens)
        else:
            listed, phrase = words(searchable(text_of(paper, clause.field))), words(searchable(clause.text))
            starts = range(len(listed) - len(phrase) + 1)
            found = bool(phrase) and any(listed[start : start + len(phrase)] == phrase for start in starts)
        if not clause.is_exact:
            return found
        spelled = plain(clause.text)
        before = r"(?<!\w)" if spelled[0].isalnum() else ""
        after = r"(?!\w)" if spelled[-1].isalnum() else ""
        pattern = f"{before}{re.escape(spelled)}{after}(?![+#′])"
        return found and re.search(pattern, displayed_text(paper, clause.field)) is not None

    def _text(self, row: int, field: TextField) -> ReferenceText:
        if (row, field) not in self._texts:
            paper = self._papers[row]
            parts = {TextField.TITLE: replace(paper, abstract=""), TextField.ABSTRACT: replace(paper, title="")}
            self._texts[row, field] = ReferenceText(parts.get(field, paper))
        return self._texts[row, field]


def _full(is_satisfied: bool) -> NameMatch:
    return NameMatch.FULL if is_satisfied else NameMatch.NONE
