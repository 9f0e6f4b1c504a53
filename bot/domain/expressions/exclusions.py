"""Finds the papers that an expression matches except for what it excludes, and says which exclusion that is.

Excluded categories do not count: arXiv is asked to leave them out, so that their papers are unknown. It is about
exclusions from the whole expression; those within an alternative only limit that alternative.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from bot.domain.expressions.keywords import match_keywords
from bot.domain.expressions.matching import PaperSets, rows_of
from bot.domain.expressions.nodes import (
    CategoryClause,
    Conjunction,
    ExpressionNode,
    Negation,
    clauses,
    conjunction,
)
from bot.domain.expressions.printing import label
from bot.domain.keyword import Keyword
from bot.domain.matching import Match, unique_ids
from bot.domain.paper import ArxivId, Paper
from bot.runtime.garbage import without_collections


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A paper that a keyword excludes; `excluded_by` is the short form of the first exclusion that does."""

    arxiv_id: ArxivId
    keyword: Keyword
    excluded_by: str


@dataclass(frozen=True, slots=True)
class _Excluding:
    """An expression without its exclusions, and these."""

    keyword: Keyword
    others: ExpressionNode
    exclusions: tuple[Negation, ...]


def has_exclusions(keyword: Keyword) -> bool:
    """Whether a keyword excludes papers that would be counted."""
    return _excluding(keyword) is not None


def match_and_exclude(
    papers: Sequence[Paper], keywords: Sequence[Keyword]
) -> tuple[tuple[Match, ...], tuple[Exclusion, ...]]:
    """Returns what keywords match, and what they exclude: each clause is searched once for both."""
    expressions = [each.expression for each in keywords if each.expression is not None]
    sets = PaperSets(papers, chain.from_iterable(each.clauses for each in expressions)) if expressions else None
    return match_keywords(papers, keywords, sets), find_exclusions(papers, keywords, sets)


def find_exclusions(
    papers: Sequence[Paper], keywords: Sequence[Keyword], sets: PaperSets | None = None
) -> tuple[Exclusion, ...]:
    """Returns each pair of a paper and a keyword that excludes it once.

    `sets` are those of the papers, with at least the clauses of the keywords.
    """
    excluding = tuple(filter(None, map(_excluding, dict.fromkeys(keywords))))
    if not excluding:
        return ()
    with without_collections():
        return tuple(_exclusions(papers, excluding, sets))


def _excluding(keyword: Keyword) -> _Excluding | None:
    node = None if keyword.expression is None else keyword.expression.node
    if not isinstance(node, Conjunction):
        return None
    counted = tuple(each for each in node.operands if isinstance(each, Negation) and not _has_category(each))
    others = [each for each in node.operands if each not in counted]
    return _Excluding(keyword, conjunction(*others), counted) if counted and others else None


def _has_category(node: ExpressionNode) -> bool:
    return any(isinstance(clause, CategoryClause) and not clause.is_primary for clause in clauses(node))


def _exclusions(
    papers: Sequence[Paper], excluding: Sequence[_Excluding], sets: PaperSets | None
) -> Iterator[Exclusion]:
    ids, without_versions = unique_ids(papers)
    searched = chain.from_iterable(each.keyword.expression.clauses for each in excluding if each.keyword.expression)
    sets = sets or PaperSets(papers, searched)
    for each in excluding:
        remaining, _ = sets.find(each.others)
        for exclusion in each.exclusions:
            excluded = remaining & sets.find(exclusion.operand)[0]
            remaining &= ~excluded
            excluded_by = label(exclusion)
            yield from (Exclusion(ids[row], each.keyword, excluded_by) for row in without_versions(rows_of(excluded)))
