"""Keywords that may be expressions: reading them, and matching papers with all of them.

A phrase is the same keyword as before, whichever way it was typed. It never asks which reading of a text was meant: the
caller does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from bot.domain.expressions.matching import match_expressions
from bot.domain.expressions.nodes import CategoryClause, ExpressionNode, WordClause
from bot.domain.expressions.parsing import (
    AmbiguousExpression,
    KeywordExpression,
    is_expression,
    parse_expression,
    phrase_node,
)
from bot.domain.keyword import Keyword
from bot.domain.matching import Match, match
from bot.domain.paper import Paper
from bot.runtime.errors import InvalidKeyword


@dataclass(frozen=True, slots=True)
class AmbiguousKeyword:
    """A text that can be read as several keywords."""

    readings: tuple[Keyword, ...]


def read_keyword(text: str, category: str | None = None) -> Keyword | AmbiguousKeyword:
    """Reads what someone typed; raises InvalidKeyword. Only the person knows which reading was meant."""
    expression = parse_expression(text, category)
    if isinstance(expression, AmbiguousExpression):
        return AmbiguousKeyword(tuple(map(as_keyword, expression.readings)))
    return as_keyword(expression)


def parse_keyword(text: str, category: str | None = None) -> Keyword:
    """Reads a keyword that nobody can be asked about, such as one in a file; raises InvalidKeyword.

    A text without operators, fields and quotation marks is a phrase, also if a reading of it has operators.
    """
    if not is_expression(text):
        return Keyword.parse(text, category)
    keyword = read_keyword(text, category)
    if isinstance(keyword, AmbiguousKeyword):
        listed = " or ".join(f"`{each.shown}`" for each in keyword.readings)
        raise InvalidKeyword(f"This can be read in several ways. Write {listed}.")
    return keyword


def is_canonical_expression(canonical: str) -> bool:
    """Whether a canonical form is that of an expression, not of a phrase."""
    return canonical.startswith("(")


def stored_keyword(shown: str, canonical: str) -> Keyword:
    """Returns a keyword as it was stored: its canonical form says whether it is an expression."""
    return parse_keyword(shown) if is_canonical_expression(canonical) else Keyword.parse(shown)


def node_of(keyword: Keyword) -> ExpressionNode:
    """Returns the expression of any keyword, also of a phrase."""
    return phrase_node(keyword) if keyword.expression is None else keyword.expression.node


def as_keyword(expression: KeywordExpression) -> Keyword:
    """Returns the keyword for an expression, which may be a phrase."""
    if not expression.is_phrase:
        return Keyword(str(expression), expression.canonical, (), None, expression)
    words = next(clause for clause in expression.clauses if isinstance(clause, WordClause))
    category = next((clause.code for clause in expression.clauses if isinstance(clause, CategoryClause)), None)
    return Keyword.parse(words.text, category)


def match_keywords(papers: Sequence[Paper], keywords: Sequence[Keyword]) -> tuple[Match, ...]:
    """Returns each pair of a paper and a keyword that it satisfies once, ordered by keyword, then by paper."""
    unique = tuple(dict.fromkeys(keywords))
    found = [*match(papers, [each for each in unique if each.expression is None])]
    by_canonical = {each.canonical: each for each in unique}
    expressions = [each.expression for each in unique if each.expression is not None]
    found += (
        Match(each.arxiv_id, by_canonical[each.expression.canonical]) for each in match_expressions(papers, expressions)
    )
    if not expressions:
        return tuple(found)
    runs = {keyword.canonical: list(run) for keyword, run in groupby(found, key=lambda pair: pair.keyword)}
    return tuple(pair for keyword in unique for pair in runs.get(keyword.canonical, ()))
