"""Decides which papers satisfy which expressions. This is the only definition of a match of an expression.

Each different clause is searched once, in the way in which `bot.domain.matching` searches all phrases together; its
papers are the bits of a number. Expressions are then evaluated on these sets. It never asks arXiv, and never decides
what is posted.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, compress
from typing import Final, NamedTuple, assert_never

from bot.domain.expressions.author_index import AuthorIndex
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
from bot.domain.expressions.parsing import KeywordExpression
from bot.domain.expressions.text_index import TextIndex
from bot.domain.matching import unique_ids
from bot.domain.matching_text import joint_text
from bot.domain.paper import ArxivId, Paper
from bot.domain.words import plain
from bot.runtime.garbage import without_collections

# Up to so many rows, setting or reading one bit after the other takes less time than converting all of them.
_FEW_ROWS: Final = 100
_DIGIT_VALUES: Final = bytes.maketrans(b"01", b"\0\1")
# Conjunctions begin with the clauses that take the least time, and end when no paper is left.
_COSTS: Final[dict[type, int]] = {
    CategoryClause: 0, WordClause: 1, AuthorClause: 2, Disjunction: 3, Conjunction: 3, Negation: 4,
}  # fmt: skip


class ExpressionMatch(NamedTuple):
    """A paper and an expression that it satisfies; only possibly so if an author's name matches by an initial."""

    arxiv_id: ArxivId
    expression: KeywordExpression
    is_possible: bool


def match_expressions(
    papers: Sequence[Paper], expressions: Sequence[KeywordExpression], sets: "PaperSets | None" = None
) -> tuple[ExpressionMatch, ...]:
    """Returns each pair of a paper and an expression that it satisfies once, ordered by expression, then by paper.

    `sets` are those of these papers, with at least the clauses of the expressions.
    """
    with without_collections():
        return tuple(_matches(papers, tuple(dict.fromkeys(expressions)), sets))


def _matches(
    papers: Sequence[Paper], expressions: Sequence[KeywordExpression], sets: "PaperSets | None"
) -> list[ExpressionMatch]:
    ids, without_versions = unique_ids(papers)
    found: list[ExpressionMatch] = []
    sets = sets or PaperSets(papers, chain.from_iterable(each.clauses for each in expressions))
    for expression in expressions:
        matched, certain = sets.find(expression.node)
        if matched:
            certainly = frozenset(without_versions(rows_of(certain)))
            rows = without_versions(rows_of(matched))
            found += (ExpressionMatch(ids[row], expression, row not in certainly) for row in rows)
    return found


def rows_of(bits: int) -> Sequence[int]:
    """Returns the numbers of the bits that are set, in order."""
    digits = f"{bits:b}"[::-1]
    if bits.bit_count() > _FEW_ROWS:
        return tuple(compress(range(len(digits)), digits.encode().translate(_DIGIT_VALUES)))
    rows: list[int] = []
    place = digits.find("1")
    while place >= 0:
        rows.append(place)
        place = digits.find("1", place + 1)
    return rows


class PaperSets:
    """The papers of each clause, as numbers in which the bit of each paper is set that satisfies it."""

    def __init__(self, papers: Sequence[Paper], searched: Iterable[Clause]) -> None:
        self._papers = papers
        self._all = (1 << len(papers)) - 1
        self._single_bits = [1 << row for row in range(len(papers))]
        unique = {clause.key: clause for clause in searched}
        of_fields: dict[TextField, list[WordClause]] = {}
        authors: list[AuthorClause] = []
        for clause in unique.values():
            if isinstance(clause, WordClause):
                of_fields.setdefault(clause.field, []).append(clause)
            elif isinstance(clause, AuthorClause):
                authors.append(clause)
        joint = list(map(joint_text, papers)) if any(field.has_stems for field in of_fields) else []
        self._texts = {field: TextIndex(field, papers, joint, found) for field, found in of_fields.items()}
        self._authors = AuthorIndex(papers if authors else (), authors)
        self._categories = _category_bits(papers)
        self._found: dict[str, tuple[int, int]] = {}
        self._exactly: dict[str, tuple[int, int]] = {}

    def find(self, node: ExpressionNode) -> tuple[int, int]:
        """Returns the papers that satisfy an expression of these clauses, and those of them that certainly do."""
        return self._find(node, self._all)

    def _find(self, node: ExpressionNode, within: int) -> tuple[int, int]:
        """Returns sets that are right about the papers within a set: the others do not matter to the caller."""
        match node:
            case Negation(excluded):
                # What possibly satisfies the operand is excluded, too.
                others = within & ~self._find(excluded, within)[0]
                return others, others
            case Conjunction(operands):
                matched = certain = within
                for operand in sorted(operands, key=_cost):
                    found, surely = self._find(operand, matched)
                    matched, certain = matched & found, certain & surely
                    if not matched:
                        break
                return matched, certain
            case Disjunction(alternatives):
                matched = certain = 0
                for alternative in alternatives:
                    found, surely = self._find(alternative, within)
                    matched, certain = matched | found, certain | surely
                return matched, certain
            case _:
                return self._find_clause(node, within)

    def _find_clause(self, clause: Clause, within: int) -> tuple[int, int]:
        found = self._found.get(clause.key)
        if found is None:
            self._found[clause.key] = found = self._search(clause)
        if isinstance(clause, WordClause) and clause.is_exact:
            exact = self._find_exactly(clause, found[0] & within)
            return exact, exact
        return found

    def _find_exactly(self, clause: WordClause, candidates: int) -> int:
        """Returns the candidates with the words in this spelling; each paper's text is read once."""
        checked, matched = self._exactly.get(clause.key, (0, 0))
        if remaining := candidates & ~checked:
            text_index, spelled = self._texts[clause.field], plain(clause.text)
            rows = (row for row in rows_of(remaining) if text_index.has_exactly(row, spelled))
            matched |= sum(map(self._single_bits.__getitem__, rows))
            self._exactly[clause.key] = checked | remaining, matched
        return matched & candidates

    def _search(self, clause: Clause) -> tuple[int, int]:
        match clause:
            case CategoryClause(code, is_primary):
                return (listed := self._categories.get((code, is_primary), 0)), listed
            case WordClause(_, field):
                return (containing := self._bits(self._texts[field].find(clause))), containing
            case AuthorClause():
                matched, certain = self._authors.find(clause)
                return self._bits(sorted(matched)), self._bits(sorted(certain))
            case _:
                assert_never(clause)

    def _bits(self, rows: Sequence[int]) -> int:
        if len(rows) <= _FEW_ROWS:
            return sum(map(self._single_bits.__getitem__, rows))
        digits = bytearray(b"0") * len(self._papers)
        for row in rows:
            digits[~row] = 0x31
        return int(digits, 2)


def _cost(node: ExpressionNode) -> int:
    return _COSTS[type(node)]


def _category_bits(papers: Iterable[Paper]) -> dict[tuple[str, bool], int]:
    """Returns the papers of each category and archive, and those whose primary category it is."""
    found: dict[tuple[str, bool], int] = {}
    for row, paper in enumerate(papers):
        listed = {(part, False) for code in paper.categories for part in _with_archive(code)}
        listed |= {(part, True) for part in _with_archive(paper.primary_category)}
        for key in listed:
            found[key] = found.get(key, 0) | 1 << row
    return found


def _with_archive(code: str) -> tuple[str, ...]:
    """Returns a category and its archive: `astro-ph.CO`, `astro-ph`."""
    archive, point, _ = code.partition(".")
    return (code, archive) if point else (code,)
