"""Prints expressions: in their own syntax, so that parsing returns the same tree, and as a short label.

It never decides what an expression means, and never escapes text for Discord.
"""

import re
from typing import Final, assert_never

from bot.domain.categories import CATEGORIES
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
from bot.domain.text import cut

LABEL_MAX: Final = 60

_BARE: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_OPERATORS: Final = frozenset(("and", "or", "not", "andnot", "but"))


def print_expression(node: ExpressionNode) -> str:
    """Returns the expression in the syntax in which it can be typed."""
    match node:
        case WordClause(text, field, is_exact):
            return f"{_prefix(field)}{'=' if is_exact else ''}{_value(text)}"
        case AuthorClause(name):
            return f"au:{_value(name)}"
        case CategoryClause():
            return f"{'primary' if node.is_primary else 'cat'}:{category_pattern(node)}"
        case Negation(operand):
            return f"NOT {_operand(operand)}"
        case Conjunction(operands):
            return _operand(operands[0]) + "".join(map(_joined_operand, operands[1:]))
        case Disjunction(operands):
            return " OR ".join(map(_operand, operands))
        case _:
            assert_never(node)


def category_pattern(clause: CategoryClause) -> str:
    """Returns the code of a category, or an archive with a wildcard: `cs.CL`, `cs.*`."""
    return f"{clause.code}.*" if any(code.startswith(f"{clause.code}.") for code in CATEGORIES) else clause.code


def label(node: ExpressionNode) -> str:
    """Returns a short text without operators, which is not parsed: `reward model | RLHF [cs.CL] -survey`."""
    if isinstance(node, AuthorClause):
        return cut(f"{node.name} (author)", LABEL_MAX)
    operands = node.operands if isinstance(node, Conjunction) else (node,)
    several = len(operands) > 1
    return cut(" ".join(_label_part(each, is_part=several) for each in sorted(operands, key=_label_order)), LABEL_MAX)


def _joined_operand(node: ExpressionNode) -> str:
    return f" ANDNOT {_operand(node.operand)}" if isinstance(node, Negation) else f" AND {_operand(node)}"


def _operand(node: ExpressionNode) -> str:
    printed = print_expression(node)
    return f"({printed})" if isinstance(node, Conjunction | Disjunction) else printed


def _prefix(field: TextField) -> str:
    return f"{field.value}:" if field.value else ""


def _value(text: str) -> str:
    """Returns one word as it is, and everything else in quotation marks."""
    is_bare = _BARE.fullmatch(text) is not None and text.lower() not in _OPERATORS
    return text if is_bare else f'"{text}"'


def _label_order(node: ExpressionNode) -> int:
    """What a paper contains comes first, then where it is listed, then what it does not contain."""
    return 2 if isinstance(node, Negation) else int(isinstance(node, CategoryClause))


def _label_part(node: ExpressionNode, *, is_part: bool) -> str:
    match node:
        case WordClause(text, field, is_exact):
            return f"{_prefix(field)}{'=' if is_exact else ''}{text}"
        case AuthorClause(name):
            return f"by {name}"
        case CategoryClause():
            return f"[{'primary ' if node.is_primary else ''}{category_pattern(node)}]"
        case Negation(operand):
            return f"-{_label_part(operand, is_part=True)}"
        case Conjunction(operands) | Disjunction(operands):
            joint = " | " if isinstance(node, Disjunction) else " "
            parts = joint.join(_label_part(each, is_part=True) for each in operands)
            return f"({parts})" if is_part else parts
        case _:
            assert_never(node)
