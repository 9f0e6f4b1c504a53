"""Says in English what an expression matches: *title or abstract contains* reward model *or* RLHF; *not* survey.

The text is Markdown for Discord, with what people typed escaped and in italics. It never looks at papers.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import groupby
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
from bot.domain.expressions.printing import print_expression
from bot.domain.text import escape_markdown

_SUBJECTS: Final = {
    TextField.TITLE_OR_ABSTRACT: "title or abstract",
    TextField.TITLE: "title",
    TextField.ABSTRACT: "abstract",
    TextField.COMMENT: "comment",
    TextField.JOURNAL: "journal reference",
}


def explain(node: ExpressionNode) -> str:
    """Returns what a paper must satisfy, with a semicolon between the parts."""
    if isinstance(node, Disjunction):
        return " or ".join(_runs(node.operands, "or"))
    return "; ".join(_runs(node.operands if isinstance(node, Conjunction) else (node,), "and"))


def explain_phrase(words: str, category: str | None) -> str:
    """Returns the same for a keyword that is a phrase."""
    listed = "" if category is None else f"; listed in {_shown(CategoryClause(category))}"
    return f"{_SUBJECTS[TextField.TITLE_OR_ABSTRACT]} contains *{escape_markdown(words)}*{listed}"


def _runs(operands: Sequence[ExpressionNode], joint: str) -> Iterator[str]:
    """Yields a text for each operand, and one for operands in sequence that differ only in what was typed.

    "Not a or not b" has no short form: "not a or b" means that both are excluded.
    """

    def kind(node: ExpressionNode) -> Hashable:
        return id(node) if joint == "or" and isinstance(node, Negation) else _kind(node)

    for _, run in groupby(operands, key=kind):
        yield _run_text(tuple(run), joint)


def _kind(node: ExpressionNode) -> Hashable:
    match node:
        case WordClause(_, field):
            return field
        case AuthorClause():
            return AuthorClause
        case CategoryClause():
            return node.is_primary
        case Negation(WordClause() | AuthorClause() | CategoryClause() as excluded):
            return Negation, _kind(excluded)
        case _:
            return id(node)


def _run_text(run: Sequence[ExpressionNode], joint: str) -> str:
    first = run[0]
    match first:
        case WordClause(_, field):
            return f"{_SUBJECTS[field]} contains {_series(run, joint)}"
        case AuthorClause():
            return f"by {_series(run, joint)}"
        case CategoryClause():
            return f"{_listed(first)} {_series(run, joint)}"
        case Negation(excluded):
            return _exclusion(excluded, [each.operand for each in run if isinstance(each, Negation)])
        case Conjunction(operands):
            return f"({' and '.join(_runs(operands, 'and'))})"
        case Disjunction(alternatives):
            texts = tuple(_runs(alternatives, "or"))
            return texts[0] if len(texts) == 1 else f"({' or '.join(texts)})"
        case _:
            assert_never(first)


def _exclusion(first: ExpressionNode, excluded: Sequence[ExpressionNode]) -> str:
    match first:
        case WordClause(_, field):
            place = "" if field is TextField.TITLE_OR_ABSTRACT else f" in the {_SUBJECTS[field]}"
            return f"not {_series(excluded, 'or')}{place}"
        case AuthorClause():
            return f"not by {_series(excluded, 'or')}"
        case CategoryClause():
            return f"not {_listed(first)} {_series(excluded, 'or')}"
        case Disjunction(alternatives) if len(set(map(_kind, alternatives))) == 1 and not isinstance(
            alternatives[0], Negation
        ):
            return _exclusion(alternatives[0], alternatives)
        case _:
            return f"not {_run_text((first,), 'or')}"


def _listed(clause: CategoryClause) -> str:
    return "primarily in" if clause.is_primary else "listed in"


def _series(run: Iterable[ExpressionNode], joint: str) -> str:
    """Returns `a, b or c`."""
    *others, last = [_shown(each) for each in run]
    return f"{', '.join(others)} {joint} {last}" if others else last


def _shown(clause: ExpressionNode) -> str:
    match clause:
        case WordClause(text, _, is_exact):
            return f"{'exactly ' if is_exact else ''}*{escape_markdown(text)}*"
        case AuthorClause(name):
            return f"*{escape_markdown(name)}*"
        case _:
            return escape_markdown(print_expression(clause).partition(":")[2])
