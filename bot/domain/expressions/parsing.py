"""Reads what people type as a keyword: a phrase or an expression, or text that can mean both.

A phrase without operators, fields and quotation marks is a keyword as `bot.domain.keyword` reads it. It raises
InvalidExpression with one sentence and a position (`pointer`), and never decides what matches.
"""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from lark import Token, Tree

from bot.domain.categories import CATEGORIES, find_category, similar_categories
from bot.domain.expressions.grammar import (
    AUTHOR_FIELDS,
    CATEGORY_FIELDS,
    KNOWN_FIELDS,
    OTHER_FIELDS,
    PRIMARY_FIELD,
    TEXT_FIELDS,
    parse_tree,
    split_tokens,
)
from bot.domain.expressions.nodes import (
    AuthorClause,
    CategoryClause,
    Clause,
    ExpressionNode,
    TextField,
    WordClause,
    clauses,
    conjunction,
    disjunction,
    negation,
    unquoted,
)
from bot.domain.expressions.normal_form import canonical_form, contradicts_itself, normal_form, requires_nothing
from bot.domain.expressions.printing import LABEL_MAX, label, print_expression
from bot.domain.expressions.readings import two_readings
from bot.domain.keyword import Keyword
from bot.domain.text import cut, or_list
from bot.domain.tokens import match_key
from bot.domain.unsupported import unsupported_syntax
from bot.domain.words import visible
from bot.runtime.errors import InvalidExpression, InvalidKeyword

# In characters, without a name: as typed, and as printed with all operators and quotation marks, which is stored.
EXPRESSION_MAX: Final = 1000
CLAUSES_MAX: Final = 50
NAME_MAX: Final = 60

_POINTER_MAX: Final = 60  # characters: what fits in one line of a phone

_NAMED: Final = re.compile(
    r'\s*name:\s*(?:["\u201c\u201d]([^"\u201c\u201d]*)["\u201c\u201d]|(\S+))\s+(?=\S)', re.IGNORECASE
)
# The tokens of a phrase without operators; `[cs.CL]` at its end limits it to a category.
_PHRASE_TYPES: Final = frozenset(("WORDS", "_OPEN", "_CLOSE", "BRACKETED"))
_TEXTS: Final = {field.value: field for field in TextField}
_DATES: Final = frozenset(("year", "date", "since", "after", "before", "submitteddate", "lastupdateddate"))
_FIELDS: Final = "The fields are `ti:`, `abs:`, `au:`, `co:`, `jr:`, `cat:` and `primary:`."
_TOO_LONG: Final = f"An expression can be up to {EXPRESSION_MAX:,} characters long."
_EXCLUDES: Final = "That is nearly everything: an expression that only excludes. What should it contain?"


@dataclass(frozen=True, slots=True)
class KeywordExpression:
    """What a keyword matches; `canonical` is equal for expressions that are the same keyword."""

    node: ExpressionNode = field(compare=False)
    clauses: tuple[Clause, ...] = field(compare=False, repr=False)
    canonical: str
    name: str | None = field(default=None, compare=False)

    @classmethod
    def create(cls, node: ExpressionNode, name: str | None = None) -> Self:
        """Returns the keyword; raises InvalidKeyword if it is too long, or would match nearly everything or nothing."""
        normalized = normal_form(node)
        if contradicts_itself(normalized):
            raise InvalidKeyword("No paper can match this: it requires and excludes the same.")
        if requires_nothing(normalized):
            raise InvalidKeyword(_EXCLUDES)
        if (length := len(print_expression(node))) > EXPRESSION_MAX:
            raise InvalidKeyword(f"{_TOO_LONG} With all operators, it has {length:,}.")
        return cls(node, tuple(clauses(node)), canonical_form(normalized), name)

    @property
    def is_phrase(self) -> bool:
        """Whether it is a keyword without operators, that is, a phrase, optionally limited to a category."""
        return not self.canonical.startswith("(")

    @property
    def label(self) -> str:
        """A short text for people: the expression as it can be typed, or a shorter form, which is not parsed."""
        printed = print_expression(self.node)
        is_short = len(printed) <= LABEL_MAX and not isinstance(self.node, AuthorClause)
        return self.name or (printed if is_short else label(self.node))

    def __str__(self) -> str:
        """Returns the text to type."""
        name = f'name:"{self.name}" ' if self.name else ""
        return name + print_expression(self.node)


@dataclass(frozen=True, slots=True)
class AmbiguousExpression:
    """A text that can be read in several ways."""

    readings: tuple[KeywordExpression, ...]


def is_expression(text: str) -> bool:
    """Whether a text is more than a phrase: it has operators, fields, or phrases in quotation marks.

    Words with a colon that are no field (`vision:language`) and a single quotation mark are part of a phrase.
    """
    tokens = split_tokens(text)
    types = {token.type for token in tokens}
    return not types <= _PHRASE_TYPES | {"OTHER_FIELD", "STRAY_QUOTE"} and not _is_quoted_phrase(tokens)


def split_name(text: str) -> tuple[str | None, str]:
    """Returns the name in front of an expression, if it has one, and the expression."""
    found = _NAMED.match(text)
    if found is None:
        return None, text
    return clean_name(found[1] or found[2] or ""), text[found.end() :]


def clean_name(typed: str) -> str | None:
    """Returns a name on one line, without quotation marks, and cut; None if nothing is left."""
    return unquoted(typed)[:NAME_MAX].strip() or None


def parse_expression(text: str, category: str | None = None) -> KeywordExpression | AmbiguousExpression:
    """Reads a phrase or an expression, optionally limited to a category; raises InvalidKeyword.

    An InvalidExpression has the position at which the text is wrong.
    """
    name, typed = split_name(visible(text))
    if len(typed) > EXPRESSION_MAX:
        raise InvalidKeyword(_TOO_LONG)
    tokens = split_tokens(typed)
    both = two_readings(typed, tokens)
    found: list[KeywordExpression] = []
    for reading in dict.fromkeys((typed if _is_phrase(tokens) else both.phrases, both.terms)):
        try:
            found.append(KeywordExpression.create(_parse_reading(reading, category), name))
        except InvalidKeyword:
            if reading == both.terms and not found:
                raise
    unique = tuple(dict.fromkeys(found))
    return unique[0] if len(unique) == 1 else AmbiguousExpression(unique)


def pointer(error: InvalidExpression) -> str:
    """Returns the expression with a caret beneath the position at which it is wrong, for a font of fixed width."""
    start = max(0, error.position - _POINTER_MAX // 2)
    shown = error.text[start : start + _POINTER_MAX]
    before = ("…" if start else "") + shown[: error.position - start]
    width = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in before)
    return f"{'…' if start else ''}{shown}\n{' ' * width}^"


# --- one reading ---------------------------------------------------------------------------------


def _parse_reading(text: str, category: str | None) -> ExpressionNode:
    tokens = split_tokens(text)
    if _is_phrase(tokens) or _is_quoted_phrase(tokens):
        return phrase_node(Keyword.parse(text, category))
    codes = [category] if category and visible(category) else []
    if tokens[-1].type == "BRACKETED":
        codes.append(tokens.pop()[1:-1])
        text = text[: text.rindex("[")]
    builder = _Builder(text)
    node = builder.build(parse_tree(text, tokens))
    if sum(1 for _ in clauses(node)) > CLAUSES_MAX:
        raise InvalidKeyword(f"An expression can have up to {CLAUSES_MAX} terms.")
    return conjunction(node, *(builder.category(code, len(text), is_primary=False) for code in codes))


def _is_phrase(tokens: Sequence[Token]) -> bool:
    """Whether the tokens are only words, in any parentheses; words with a colon are, if they resemble no field."""
    fields = [_field_name(token) for token in tokens if token.type == "OTHER_FIELD"]
    if any(field in OTHER_FIELDS or _similar_field(field) for field in fields):
        return False
    return {token.type for token in tokens} <= _PHRASE_TYPES | {"OTHER_FIELD"}


def _is_quoted_phrase(tokens: Sequence[Token]) -> bool:
    """Whether the tokens are one phrase in quotation marks, optionally limited to a category."""
    return [token.type for token in tokens] in (["QUOTED"], ["QUOTED", "BRACKETED"])


def phrase_node(keyword: Keyword) -> ExpressionNode:
    """Returns the node of a keyword that is a phrase, optionally limited to a category."""
    spelled = unquoted(keyword.shown.removesuffix(f" [{keyword.category}]"))
    words = WordClause.create(spelled, keyword.tokens, match_key(keyword.tokens, None))
    return conjunction(words, *([CategoryClause(keyword.category)] if keyword.category else []))


def _field_name(token: Token) -> str:
    return token.rstrip(": ").lower()


def _similar_field(name: str) -> str | None:
    found = difflib.get_close_matches(name, KNOWN_FIELDS, n=1, cutoff=0.75)
    return found[0] if found else None


class _Builder:
    """Turns the tree of one text into nodes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def build(self, tree: Tree[Token], scope: Token | None = None) -> ExpressionNode:
        """Returns the node of a tree; `scope` is the field in front of the parentheses around it."""
        subtrees = [child for child in tree.children if isinstance(child, Tree)]
        tokens = [child for child in tree.children if isinstance(child, Token)]
        if tree.data == "term":
            return self._term(tokens, scope)
        nodes = [self.build(child, tokens[0] if tree.data == "fielded" else scope) for child in subtrees]
        if tree.data == "disjunction":
            return disjunction(*nodes)
        return negation(nodes[0]) if tree.data == "negation" and len(tokens) % 2 else conjunction(*nodes)

    def category(self, typed: str, position: int, *, is_primary: bool) -> CategoryClause:
        """Returns the clause for a category as typed; raises InvalidExpression."""
        code = unquoted(typed)
        archive = code.removesuffix("*").removesuffix(".")
        found = find_category(archive)
        if found is not None and not (code.endswith("*") and found in CATEGORIES and "." in found):
            return CategoryClause(found, is_primary)
        if code.endswith("*") and "." in archive:
            raise self._invalid("`*` means every category of an archive, as in `cat:cs.*`.", position)
        similar = similar_categories(archive)
        hint = f"Did you mean {or_list(similar)}?" if similar else "Examples: `cs.CL`, `astro-ph.CO` and `quant-ph`."
        raise self._invalid(f"There is no arXiv category {_code(code)}. {hint}", position)

    def _term(self, tokens: Sequence[Token], scope: Token | None) -> ExpressionNode:
        *prefixes, value = tokens
        position = value.start_pos or 0
        field = next((token for token in prefixes if token.type != "EXACT"), scope)
        is_exact = any(token.type == "EXACT" for token in prefixes)
        if value.type in ("CATEGORY", "BRACKETED"):
            name, _, code = value.partition(":") if value.type == "CATEGORY" else ("", "", value[1:-1])
            return self.category(code, position, is_primary=name.lower() == PRIMARY_FIELD)
        if field is not None and field.type == "OTHER_FIELD":
            raise self._unknown_field(field)
        name = "" if field is None else _field_name(field)
        if name in CATEGORY_FIELDS:
            return self.category(value, position, is_primary=name == PRIMARY_FIELD)
        if field is None and value.type == "WORDS" and (problem := _problem(value)):
            raise self._invalid(problem, position)
        try:
            if name in AUTHOR_FIELDS:
                return AuthorClause.parse(value)
            return WordClause.parse(value, _TEXTS[TEXT_FIELDS.get(name, "")], is_exact=is_exact)
        except InvalidKeyword as error:
            raise self._invalid(str(error), position) from error

    def _unknown_field(self, field: Token) -> InvalidExpression:
        name, position = _field_name(field), field.start_pos or 0
        if name == "all":
            return self._invalid("Leave out `all:`: words are searched in titles and abstracts anyway.", position)
        if name in _DATES:
            return self._invalid(f"Only new papers are posted: leave out `{name}:`.", position)
        similar = _similar_field(name)
        hint = f"Did you mean `{similar}:`?" if similar else _FIELDS
        return self._invalid(f"There is no field {_code(f'{name}:')}. {hint}", position)

    def _invalid(self, message: str, position: int) -> InvalidExpression:
        return InvalidExpression(message, self._text, position)


def _problem(words: str) -> str | None:
    """Returns what to type instead of words that are no phrase."""
    code = find_category(words)
    if code and not words.isalpha():
        return f"A category needs a prefix: `cat:{code}`."
    return unsupported_syntax(words.replace("|", " "))  # as in `p(y|x)`


def _code(text: str) -> str:
    return f"`{cut(text.replace('`', chr(39)), _POINTER_MAX)}`"
