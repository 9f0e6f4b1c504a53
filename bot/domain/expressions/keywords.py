"""Keywords that may be expressions: reading them, and matching papers with all of them.

A phrase is the same keyword as before, whichever way it was typed. It never asks which reading of a text was meant: the
caller does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from bot.domain.expressions.explanation import explain, explain_phrase
from bot.domain.expressions.matching import PaperSets, match_expressions
from bot.domain.expressions.nodes import (
    CategoryClause,
    Conjunction,
    Disjunction,
    ExpressionNode,
    WordClause,
    conjunction,
)
from bot.domain.expressions.parsing import (
    AmbiguousExpression,
    KeywordExpression,
    is_expression,
    parse_expression,
    phrase_node,
    split_name,
)
from bot.domain.expressions.printing import print_expression
from bot.domain.keyword import Keyword, keyword_key
from bot.domain.matching import Match, match
from bot.domain.paper import Paper
from bot.runtime.errors import InvalidKeyword


@dataclass(frozen=True, slots=True)
class AmbiguousKeyword:
    """A text, as typed, that can be read as several keywords."""

    typed: str
    readings: tuple[Keyword, ...]

    def __str__(self) -> str:
        """Returns what to write instead, as a sentence for the user."""
        listed = " or ".join(f"`{unambiguous(each).replace('`', chr(39))}`" for each in self.readings)
        return f"This can be read in several ways. Write {listed}."


def read_keyword(text: str, category: str | None = None) -> Keyword | AmbiguousKeyword:
    """Reads what someone typed; raises InvalidKeyword. Only the person knows which reading was meant."""
    expression = parse_expression(text, category)
    if isinstance(expression, AmbiguousExpression):
        return AmbiguousKeyword(text, tuple(map(as_keyword, expression.readings)))
    return as_keyword(expression)


def parse_keyword(text: str, category: str | None = None) -> Keyword:
    """Reads a keyword without asking which reading was meant, such as one in a file; raises InvalidKeyword.

    A text without operators, fields and quotation marks is a phrase, also if a reading of it has operators.
    """
    name, typed = split_name(text)
    if not is_expression(typed):
        return Keyword.parse(typed, category).named(name)
    keyword = read_keyword(text, category)
    if isinstance(keyword, AmbiguousKeyword):
        raise InvalidKeyword(str(keyword))
    return keyword


def unambiguous(keyword: Keyword) -> str:
    """Returns how to type a keyword so that it has one reading: a phrase in quotation marks."""
    if keyword.expression is not None:
        return keyword.shown
    suffix = f" [{keyword.category}]" if keyword.category else ""
    return f'"{phrase_of(keyword)}"{suffix}'


def narrowed(keyword: Keyword, category: str) -> Keyword:
    """Returns the keyword within a category; raises InvalidKeyword."""
    if keyword.expression is None:
        return Keyword.parse(keyword.shown, category)
    return as_keyword(KeywordExpression.create(conjunction(keyword.expression.node, CategoryClause(category))))


def has_category(keyword: Keyword) -> bool:
    """Whether a keyword is limited to a category, or has one in a part of it."""
    if keyword.expression is None:
        return keyword.category is not None
    return any(isinstance(clause, CategoryClause) for clause in keyword.expression.clauses)


def explain_keyword(keyword: Keyword) -> str:
    """Returns in English, as Markdown, what a paper must satisfy."""
    if keyword.expression is not None:
        return explain(keyword.expression.node)
    return explain_phrase(phrase_of(keyword), keyword.category)


def phrase_of(keyword: Keyword) -> str:
    """Returns the words of a phrase without its category."""
    return keyword.shown.removesuffix(f" [{keyword.category}]") if keyword.category else keyword.shown


def required_phrases(keyword: Keyword) -> tuple[str, ...]:
    """Returns the phrases, not the exact ones, of which a paper may need some, in the order typed."""
    if keyword.expression is None:
        return (phrase_of(keyword),)
    return tuple(dict.fromkeys(_required_phrases(keyword.expression.node)))


def _required_phrases(node: ExpressionNode) -> Iterator[str]:
    match node:
        case WordClause(text, field, False) if field.has_stems:
            yield text
        case Conjunction(operands) | Disjunction(operands):
            for operand in operands:
                yield from _required_phrases(operand)
        case _:
            return


def is_canonical_expression(canonical: str) -> bool:
    """Whether a canonical form is that of an expression, not of a phrase."""
    return canonical.startswith("(")


def stored_keyword(shown: str, canonical: str) -> Keyword:
    """Returns a keyword as its text was stored: its canonical form says whether it is an expression.

    A phrase that an earlier release stored can begin like one with a name.
    """
    if is_canonical_expression(canonical):
        return parse_keyword(shown)
    name, phrase = split_name(shown)
    if name is not None and keyword_key(phrase) == canonical:
        return Keyword.parse(phrase).named(name)
    return Keyword.parse(shown)


def node_of(keyword: Keyword) -> ExpressionNode:
    """Returns the expression of any keyword, also of a phrase."""
    return phrase_node(keyword) if keyword.expression is None else keyword.expression.node


def as_keyword(expression: KeywordExpression) -> Keyword:
    """Returns the keyword for an expression, which may be a phrase."""
    if not expression.is_phrase:
        return Keyword(print_expression(expression.node), expression.canonical, (), None, expression, expression.name)
    words = next(clause for clause in expression.clauses if isinstance(clause, WordClause))
    category = next((clause.code for clause in expression.clauses if isinstance(clause, CategoryClause)), None)
    return Keyword.parse(words.text, category).named(expression.name)


def match_keywords(
    papers: Sequence[Paper], keywords: Sequence[Keyword], sets: PaperSets | None = None
) -> tuple[Match, ...]:
    """Returns each pair of a paper and a keyword that it satisfies once, ordered by keyword, then by paper.

    `sets` are those of the papers, with at least the clauses of all expressions among the keywords.
    """
    unique = tuple(dict.fromkeys(keywords))
    found = [*match(papers, [each for each in unique if each.expression is None])]
    by_canonical = {each.canonical: each for each in unique}
    expressions = [each.expression for each in unique if each.expression is not None]
    found += (
        Match(each.arxiv_id, by_canonical[each.expression.canonical])
        for each in match_expressions(papers, expressions, sets)
    )
    if not expressions:
        return tuple(found)
    runs = {keyword.canonical: list(run) for keyword, run in groupby(found, key=lambda pair: pair.keyword)}
    return tuple(pair for keyword in unique for pair in runs.get(keyword.canonical, ()))
