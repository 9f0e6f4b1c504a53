"""The normal form of an expression: two spellings of one expression are one keyword.

Negations move to the clauses, operands are sorted, and those that change nothing are left out. A paper satisfies an
expression exactly if it satisfies its normal form. It never enumerates combinations, which could be too many: unlike
expressions can match the same papers without having the same normal form.
"""

from collections.abc import Callable, Container, Sequence

from bot.domain.expressions.nodes import (
    CategoryClause,
    Conjunction,
    Disjunction,
    ExpressionNode,
    Negation,
    TextField,
    WordClause,
    conjunction,
    disjunction,
    negation,
)
from bot.domain.tokens import match_key


def canonical_form(normalized: ExpressionNode) -> str:
    """Returns a text that is equal for expressions with the same normal form, which must be given.

    That of a phrase, also in a category, is the canonical form of the keyword; any other one begins with a parenthesis,
    with which no keyword's begins.
    """
    phrase, category = _as_keyword(normalized)
    if phrase is not None:
        return match_key(phrase.tokens, category)
    key = _key(normalized)
    return key if key.startswith("(") else f"({key})"


def normal_form(node: ExpressionNode) -> ExpressionNode:
    """Returns the normal form."""
    match node:
        case Negation(Conjunction(operands)):
            return _joined([normal_form(negation(each)) for each in operands], disjunction)
        case Negation(Disjunction(operands)):
            return _joined([normal_form(negation(each)) for each in operands], conjunction)
        case Conjunction(operands):
            return _joined([normal_form(each) for each in operands], conjunction)
        case Disjunction(operands):
            return _joined([normal_form(each) for each in operands], disjunction)
        case _:
            return node


def requires_nothing(normalized: ExpressionNode) -> bool:
    """Whether nearly every paper satisfies the normal form, because it only excludes."""
    match normalized:
        case Negation():
            return True
        case Conjunction(operands):
            return all(map(requires_nothing, operands))
        case Disjunction(operands):
            return any(map(requires_nothing, operands))
        case _:
            return False


def contradicts_itself(normalized: ExpressionNode) -> bool:
    """Whether no paper can satisfy the normal form, because it requires and excludes the same."""
    match normalized:
        case Conjunction(operands):
            keys = set(map(_key, operands))
            return any(map(contradicts_itself, operands)) or any(_key(negation(each)) in keys for each in operands)
        case Disjunction(operands):
            return all(map(contradicts_itself, operands))
        case _:
            return False


def _as_keyword(node: ExpressionNode) -> tuple[WordClause | None, str | None]:
    """Returns the phrase and the category of an expression that a keyword can be too."""
    match node:
        case WordClause(_, TextField.TITLE_OR_ABSTRACT, False):
            return node, None
        case Conjunction((WordClause(_, TextField.TITLE_OR_ABSTRACT, False) as phrase, CategoryClause(code, False))):
            return phrase, code
        case _:
            return None, None


def _joined(operands: Sequence[ExpressionNode], join: Callable[..., ExpressionNode]) -> ExpressionNode:
    """Joins operands in normal form, without those that change nothing."""
    node = join(*operands)
    joined = node.operands if isinstance(node, Conjunction | Disjunction) else (node,)
    unique = {_key(each): each for each in reversed(joined)}
    unique = _without_halves(unique, is_negated=isinstance(node, Conjunction))
    kept = {key: each for key, each in unique.items() if not _is_absorbed(each, unique)}
    return join(*(kept[key] for key in sorted(kept)))


def _without_halves(operands: dict[str, ExpressionNode], *, is_negated: bool) -> dict[str, ExpressionNode]:
    """Replaces `ti:x OR abs:x` by `x`, and in a conjunction their negations."""
    found = dict(operands)
    for node in operands.values():
        half = node.operand if is_negated and isinstance(node, Negation) else node
        if not isinstance(half, WordClause) or half.field is not TextField.TITLE or (half is node) is is_negated:
            continue
        other, whole = half.in_field(TextField.ABSTRACT), half.in_field(TextField.TITLE_OR_ABSTRACT)
        wrap = negation if is_negated else _itself
        if _key(wrap(other)) in found:
            del found[_key(node)], found[_key(wrap(other))]
            found[_key(wrap(whole))] = wrap(whole)
    return found


def _itself(node: ExpressionNode) -> ExpressionNode:
    return node


def _is_absorbed(node: ExpressionNode, others: Container[str]) -> bool:
    """Whether one of its operands is an operand next to it: `a` in `a AND (a OR b)`, and in `a OR (a AND b)`."""
    return isinstance(node, Conjunction | Disjunction) and any(_key(each) in others for each in node.operands)


def _key(node: ExpressionNode) -> str:
    match node:
        case Negation(operand):
            return f"-{_key(operand)}"
        case Conjunction(operands):
            return f"({' '.join(map(_key, operands))})"
        case Disjunction(operands):
            return f"({' | '.join(map(_key, operands))})"
        case _:
            return node.key
