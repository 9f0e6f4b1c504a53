"""How far a paper is from satisfying an expression, and which parts of it the paper does not satisfy.

`bot.domain.expressions.matching` decides what matches; this is for one paper and many keywords of people who want to
know the reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import assert_never

from bot.domain.expressions.evidence import Evidence, Satisfied, Unsatisfied, find_evidence
from bot.domain.expressions.keywords import node_of
from bot.domain.expressions.matching import PaperSets
from bot.domain.expressions.nodes import (
    AuthorClause,
    CategoryClause,
    Conjunction,
    Disjunction,
    ExpressionNode,
    Negation,
    WordClause,
    clauses,
)
from bot.domain.keyword import Keyword
from bot.domain.paper import Paper


@dataclass(frozen=True, slots=True)
class MatchedKeyword:
    """A keyword that the paper satisfies, and what in the paper does."""

    keyword: Keyword
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class NearKeyword:
    """A keyword that the paper does not satisfy, and the parts that it does not."""

    keyword: Keyword
    failed: tuple[Unsatisfied, ...]


class KeywordDistances:
    """For one paper and some keywords: how many clauses would have to be different for the paper to match.

    Each different clause is searched once, so that thousands of keywords take as long as a poll takes for one paper.
    """

    def __init__(self, paper: Paper, keywords: Sequence[Keyword]) -> None:
        nodes = {keyword: node_of(keyword) for keyword in keywords}
        self._sets = PaperSets([paper], chain.from_iterable(map(clauses, nodes.values())))
        self._nodes = nodes

    def __getitem__(self, keyword: Keyword) -> int:
        """Returns the number of clauses; 0 if the paper satisfies the keyword."""
        return self._to_satisfy(self._nodes[keyword])

    def order(self, keyword: Keyword) -> tuple[int, int]:
        """Returns the sort key: the nearest first, and of equal ones those of which more clauses are satisfied."""
        satisfied = sum(1 for clause in clauses(self._nodes[keyword]) if not self._to_satisfy(clause))
        return self[keyword], -satisfied

    def _to_satisfy(self, node: ExpressionNode) -> int:
        match node:
            case Negation(excluded):
                return self._to_exclude(excluded)
            case Conjunction(operands):
                return sum(map(self._to_satisfy, operands))
            case Disjunction(alternatives):
                return min(map(self._to_satisfy, alternatives))
            case WordClause() | AuthorClause() | CategoryClause():
                matched, _certain = self._sets.find(node)
                return 0 if matched else 1
            case _:
                assert_never(node)

    def _to_exclude(self, node: ExpressionNode) -> int:
        match node:
            case Conjunction(operands):
                return min(map(self._to_exclude, operands))
            case Disjunction(alternatives):
                return sum(map(self._to_exclude, alternatives))
            case Negation(excluded):
                return self._to_satisfy(excluded)
            case _:
                return 1 - self._to_satisfy(node)


def explain_match(keyword: Keyword, paper: Paper) -> MatchedKeyword | NearKeyword:
    """Returns what in the paper satisfies the keyword, or every part of the keyword that it does not satisfy."""
    node = node_of(keyword)
    found = find_evidence(node, paper)
    if isinstance(found, Satisfied):
        return MatchedKeyword(keyword, found.evidence)
    return NearKeyword(keyword, tuple(_failed_parts(node, paper)))


def _failed_parts(node: ExpressionNode, paper: Paper) -> Iterator[Unsatisfied]:
    for part in node.operands if isinstance(node, Conjunction) else (node,):
        found = find_evidence(part, paper)
        if isinstance(found, Unsatisfied):
            yield found
