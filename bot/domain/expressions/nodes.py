"""The tree of an expression: clauses about words, authors and categories, joined by AND, OR and NOT.

The values are immutable, and illegal trees cannot be constructed. It never reads text that people type (that is
`parsing`), and never looks at papers (that is `matching`).
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

from bot.domain.categories import ARCHIVES, CATEGORIES
from bot.domain.expressions.names import NameReading, name_key, name_readings
from bot.domain.keyword import Keyword
from bot.domain.matching_text import Phrase
from bot.domain.searchable import searchable, words
from bot.domain.tokens import Token
from bot.domain.words import plain, visible
from bot.runtime.errors import InvalidKeyword

_DOUBLE_QUOTES: Final = str.maketrans(dict.fromkeys('"\u201c\u201d\u201e\u00ab\u00bb', " "))


class TextField(Enum):
    """Which text of a paper the words are searched in; the values are arXiv's prefixes."""

    TITLE_OR_ABSTRACT = ""
    TITLE = "ti"
    ABSTRACT = "abs"
    COMMENT = "co"
    JOURNAL = "jr"

    @property
    def has_stems(self) -> bool:
        """Whether a word matches with any plural or verb ending."""
        return self not in (TextField.COMMENT, TextField.JOURNAL)


@dataclass(frozen=True, slots=True)
class WordClause:
    """A phrase in a text of the paper; `is_exact` if only this spelling in this case matches.

    `key` is equal for clauses that the same papers satisfy. arXiv's index of comments and journals has no stems, and so
    the words of these fields match only as they are, in any case. `phrase` is kept, because creating it for each poll
    would take as long as searching for it.
    """

    text: str
    field: TextField = TextField.TITLE_OR_ABSTRACT
    is_exact: bool = False
    phrase: Phrase = dataclasses.field(compare=False, repr=False, kw_only=True)
    key: str = dataclasses.field(compare=False, repr=False, kw_only=True)

    @classmethod
    def parse(cls, text: str, field: TextField = TextField.TITLE_OR_ABSTRACT, *, is_exact: bool = False) -> Self:
        """Reads a phrase; raises InvalidKeyword."""
        spelled = unquoted(text)
        keyword = Keyword.parse(spelled)
        if keyword.category is not None:
            raise InvalidKeyword(f"A category belongs outside of the quotation marks, as in `cat:{keyword.category}`.")
        return cls.create(spelled, keyword.tokens, keyword.canonical, field, is_exact=is_exact)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The words, and how exactly each of them is compared."""
        return self.phrase.tokens

    @classmethod
    def create(
        cls,
        text: str,
        tokens: tuple[Token, ...],
        canonical: str,
        field: TextField = TextField.TITLE_OR_ABSTRACT,
        *,
        is_exact: bool = False,
    ) -> Self:
        """Returns the clause for a phrase with these tokens and this canonical form."""
        if is_exact:
            compared = f"=={plain(text)}"  # no canonical form begins like this
        else:
            compared = canonical if field.has_stems else " ".join(words(searchable(text)))
        # A text may contain quotation marks in TeX.
        quoted = compared.replace('"', '""')
        return cls(text, field, is_exact, phrase=Phrase(tokens), key=f'{field.value}:"{quoted}"')

    def in_field(self, field: TextField) -> Self:
        """Returns the same words in another field; both must have stems."""
        return dataclasses.replace(self, field=field, key=field.value + self.key[len(self.field.value) :])


@dataclass(frozen=True, slots=True)
class AuthorClause:
    """An author; `key` is equal for names that match the same authors."""

    name: str
    readings: tuple[NameReading, ...] = dataclasses.field(compare=False, repr=False, kw_only=True)
    key: str = dataclasses.field(compare=False, repr=False, kw_only=True)

    @classmethod
    def parse(cls, name: str) -> Self:
        """Reads a name; raises InvalidKeyword."""
        spelled = unquoted(name)
        readings = name_readings(spelled)
        if not readings:
            raise InvalidKeyword('An author needs at least a family name, as in `au:"Hinton, G"`.')
        return cls(spelled, readings=readings, key=f'au:"{name_key(readings)}"')


@dataclass(frozen=True, slots=True)
class CategoryClause:
    """A category or an archive; with `is_primary`, papers that are only cross-listed there do not match."""

    code: str
    is_primary: bool = False
    key: str = dataclasses.field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.code not in CATEGORIES and self.code not in ARCHIVES:
            raise ValueError(f"no such category: {self.code!r}")
        object.__setattr__(self, "key", f"{'primary' if self.is_primary else 'cat'}:{self.code}")

    @property
    def is_archive(self) -> bool:
        """Whether it includes every category of an archive."""
        return self.code in ARCHIVES


@dataclass(frozen=True, slots=True)
class Negation:
    """What a paper must not satisfy."""

    operand: "Clause | Conjunction | Disjunction"

    def __post_init__(self) -> None:
        if isinstance(self.operand, Negation):
            raise TypeError("a negation of a negation is its operand")


@dataclass(frozen=True, slots=True)
class Conjunction:
    """All of which a paper must satisfy."""

    operands: "tuple[Clause | Negation | Disjunction, ...]"

    def __post_init__(self) -> None:
        if len(self.operands) < 2 or any(isinstance(each, Conjunction) for each in self.operands):
            raise ValueError("a conjunction has at least two operands, none of which is a conjunction")


@dataclass(frozen=True, slots=True)
class Disjunction:
    """Any of which a paper must satisfy."""

    operands: "tuple[Clause | Negation | Conjunction, ...]"

    def __post_init__(self) -> None:
        if len(self.operands) < 2 or any(isinstance(each, Disjunction) for each in self.operands):
            raise ValueError("a disjunction has at least two operands, none of which is a disjunction")


Clause = WordClause | AuthorClause | CategoryClause
ExpressionNode = Clause | Negation | Conjunction | Disjunction


def unquoted(text: str) -> str:
    """Returns the text on one line, without double quotation marks."""
    return visible(text.translate(_DOUBLE_QUOTES))


def negation(node: ExpressionNode) -> ExpressionNode:
    """Returns what is satisfied by the other papers."""
    return node.operand if isinstance(node, Negation) else Negation(node)


def conjunction(*nodes: ExpressionNode) -> ExpressionNode:
    """Returns what satisfies all of the nodes, at least one."""
    operands: list[Clause | Negation | Disjunction] = []
    for node in nodes:
        operands += node.operands if isinstance(node, Conjunction) else (node,)
    return Conjunction(tuple(operands)) if len(operands) > 1 else operands[0]


def disjunction(*nodes: ExpressionNode) -> ExpressionNode:
    """Returns what satisfies any of the nodes, at least one."""
    operands: list[Clause | Negation | Conjunction] = []
    for node in nodes:
        operands += node.operands if isinstance(node, Disjunction) else (node,)
    return Disjunction(tuple(operands)) if len(operands) > 1 else operands[0]


def clauses(node: ExpressionNode) -> Iterator[Clause]:
    """Yields the clauses in the order in which they were typed."""
    match node:
        case Negation(excluded):
            yield from clauses(excluded)
        case Conjunction(operands) | Disjunction(operands):
            for operand in operands:
                yield from clauses(operand)
        case _:
            yield node
