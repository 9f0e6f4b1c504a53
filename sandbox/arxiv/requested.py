"""Which unannounced papers the recent queries ask for: so an announcement contains papers for the watched keywords.

It searches by words and categories; the dates in the queries are ignored, because these papers have none yet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sandbox.arxiv.index import TermIndex
from sandbox.arxiv.papers import SandboxPaper
from sandbox.arxiv.query import DateRange, Group, InvalidQuery, Node, Term, parse

_TEXT_FIELDS = frozenset({"ti", "abs", "all"})


def requested_papers(papers: Sequence[SandboxPaper], queries: Iterable[str]) -> list[set[int]]:
    """Returns for each different query with words the positions of the papers that it finds by them."""
    groups = [group for query in dict.fromkeys(queries) if (group := _words_of(query)) is not None]
    if not groups:
        return []
    index = TermIndex()
    ids = [f"0001.{number:05d}" for number in range(len(papers))]
    index.add(replace(paper, arxiv_id=arxiv_id) for paper, arxiv_id in zip(papers, ids, strict=True))
    position = {arxiv_id: number for number, arxiv_id in enumerate(ids)}
    found = [{position[arxiv_id] for arxiv_id in index.search(group)} for group in groups]
    index.close()
    return found


def _words_of(query: str) -> Node | None:
    """Returns the query without its dates; None if it searches for no words, as the bot's probes."""
    try:
        node = _without_dates(parse(query))
    except InvalidQuery:
        return None
    return node if node is not None and _has_words(node) else None


def _without_dates(node: Node) -> Node | None:
    match node:
        case DateRange():
            return None
        case Term():
            return node
        case Group(operands, operators, negated):
            pairs = [(_without_dates(operand), number) for number, operand in enumerate(operands)]
            kept = [(operand, number) for operand, number in pairs if operand is not None]
            # An operator precedes its operand; that of the first one left has nothing to combine.
            left = tuple(operators[number - 1] for _, number in kept[1:])
            return Group(tuple(operand for operand, _ in kept), left, negated) if kept else None


def _has_words(node: Node) -> bool:
    match node:
        case Term(field):
            return field in _TEXT_FIELDS
        case Group(operands):
            return any(map(_has_words, operands))
        case DateRange():
            return False
