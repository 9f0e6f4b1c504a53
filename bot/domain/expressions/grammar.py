"""The grammar of expressions: splits typed text into tokens, and reads them into Lark's tree.

NOT binds closer than AND, AND closer than OR; terms without an operator between them are joined by AND. The parser is
LALR(1), so that it never tries anything twice, and is built when it is first needed. It raises InvalidExpression, and
never looks at the values of the terms (that is `parsing`).
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from lark import Lark, Token, Tree
from lark.common import LexerConf
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer, LexerState

from bot.domain.categories import ARCHIVES, CATEGORIES
from bot.runtime.errors import InvalidExpression

DEPTH_MAX: Final = 10

# What people type for each field.
TEXT_FIELDS: Final = {
    "ti": "ti", "title": "ti", "abs": "abs", "abstract": "abs", "co": "co", "comment": "co", "comments": "co",
    "jr": "jr", "journal": "jr",
}  # fmt: skip
AUTHOR_FIELDS: Final = ("au", "author", "authors")
PRIMARY_FIELD: Final = "primary"
CATEGORY_FIELDS: Final = ("cat", "category", "categories", PRIMARY_FIELD)
KNOWN_FIELDS: Final = (*TEXT_FIELDS, *AUTHOR_FIELDS, *CATEGORY_FIELDS)
# Fields of arXiv's syntax that a keyword cannot have, and those of other search engines.
OTHER_FIELDS: Final = (
    "all", "id", "id_list", "arxiv", "doi", "rn", "year", "date", "since", "after", "before", "submitteddate",
    "lastupdateddate",
)  # fmt: skip

QUOTE: Final = '"'
_ONE_QUOTE: Final = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", QUOTE))


def _any(names: Sequence[str]) -> str:
    return f"(?i:{'|'.join(sorted(names, key=len, reverse=True))})"


# Logic gates are named AND, OR and NOT.
_END: Final = r"(?![^\s()|\x22])(?![\s-]+(?:gates?|logic|operations?|operators?|circuits?)\b)"
_ARCHIVE: Final = _any(sorted({code.split(".")[0] for code in (*ARCHIVES, *CATEGORIES)}))
_BRACKETED: Final = rf"\[{_ARCHIVE}(?:\.[\w*-]+)?\]"
_FIELD: Final = rf"{_any(KNOWN_FIELDS)}:"
_OTHER_FIELD: Final = rf"(?:{_any(OTHER_FIELDS)}|[a-z_]{{2,}}):(?=[^\s:\x2f])"
_QUOTED: Final = r"\x22[^\x22]*\x22"
_EXCLUSION: Final = r"(?<![^\s(|])[-!](?=[^\W\d_]|[\x22(=])"
_EXACT: Final = r"(?<![^\s(|:!-])=(?=[^\s=()|])"
_RESERVED: Final = rf"(?:AND|OR|ANDNOT|NOT){_END}|{_FIELD}|{_OTHER_FIELD}|{_EXCLUSION}|{_EXACT}|{_BRACKETED}|&&"
# A word may have parentheses without spaces in it: `SU(2)`, `O(n)`. Quotation marks after digits are inches.
_WORD: Final = rf"(?!{_RESERVED})[^\s()|\x22](?:[^\s()|\x22]|(?<=\d)\x22|(?<=\w)\([^\s()]*\))*"
# Of the kinds that match at a place, the first one counts. A name that begins with an underscore is not in the tree.
_KINDS: Final = {
    "_OR": rf"OR{_END}|\|+",
    "_AND": rf"AND{_END}|&&",
    "NEGATION": rf"(?:ANDNOT|NOT){_END}|{_EXCLUSION}",
    "CATEGORY": rf"{_any(CATEGORY_FIELDS)}:\s*(?:{_QUOTED}|[^\s()|\x22]+)",
    "FIELD": rf"{_FIELD}\s*",
    "OTHER_FIELD": _OTHER_FIELD,
    "EXACT": _EXACT,
    "BRACKETED": _BRACKETED,
    "QUOTED": _QUOTED,
    "WORDS": rf"{_WORD}(?:\s+{_WORD})*",
    "STRAY_QUOTE": r"\x22",
    "_OPEN": r"\(",
    "_CLOSE": r"\)",
}
_TOKEN: Final = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS.items()))
_GRAMMAR: Final = f"""
?start: disjunction
?disjunction: conjunction (_OR conjunction)*
?conjunction: _operand (_AND? _operand)*
_operand: negation | _atom
negation: NEGATION+ _atom
_atom: _OPEN disjunction _CLOSE | fielded | term
fielded: FIELD _OPEN disjunction _CLOSE
term: (FIELD | OTHER_FIELD)? EXACT? (WORDS | QUOTED) | CATEGORY | BRACKETED | STRAY_QUOTE
%declare {" ".join(_KINDS)}
"""
_TERM_ENDS: Final = frozenset(("WORDS", "QUOTED", "CATEGORY", "BRACKETED", "_CLOSE"))
_EXPECTED: Final = 'a word, a "phrase" or a field such as `au:`'


class _Tokenizer(Lexer):
    """Lark's own lexer takes ten times as long, and tries one kind of token after the other in Python."""

    __future_interface__ = 2

    def __init__(self, _: LexerConf) -> None:
        pass

    def lex(self, lexer_state: LexerState, _parser_state: object) -> Iterator[Token]:
        return iter(split_tokens(str(lexer_state.text.text)))


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer=_Tokenizer, maybe_placeholders=False)


def split_tokens(text: str) -> list[Token]:
    """Returns the tokens of a text, with their positions: every character but white space is in one."""
    return [
        Token(found.lastgroup or "", found[0], found.start(), end_pos=found.end())
        for found in _TOKEN.finditer(text.translate(_ONE_QUOTE))
    ]


def parse_tree(text: str, tokens: Sequence[Token]) -> Tree[Token]:
    """Returns the tree of an expression with these tokens; raises InvalidExpression."""
    check_balance(text, tokens)
    try:
        return _parser().parse(text)
    except UnexpectedToken as error:
        raise _missing_term(text, tokens, error.token) from error


def check_balance(text: str, tokens: Sequence[Token]) -> None:
    """Checks quotation marks and parentheses, which are independent of everything else; raises InvalidExpression."""
    opened: list[int] = []
    for place, token in enumerate(tokens):
        if token.type == "STRAY_QUOTE":
            raise _invalid(
                "A quotation mark is missing: a phrase has one in front of it and one behind it.", text, token
            )
        if token.type == "_OPEN":
            opened.append(_start(token))
            if len(opened) > DEPTH_MAX:
                raise _invalid(f"Parentheses can be nested up to {DEPTH_MAX} deep.", text, token)
        elif token.type == "_CLOSE":
            if not opened:
                raise _invalid("There is no `(` for this `)`.", text, token)
            if tokens[place - 1].type == "_OPEN":
                raise _invalid(f"These parentheses are empty: they need {_EXPECTED}.", text, token)
            opened.pop()
    if opened:
        raise InvalidExpression("There is no `)` for this `(`.", text, opened[-1])


def _missing_term(text: str, tokens: Sequence[Token], unexpected: Token) -> InvalidExpression:
    """Returns the error for an operator or a field without what it needs: nothing else remains to be wrong."""
    position = len(text) if unexpected.type == "$END" else _start(unexpected)
    before = [token for token in tokens if _start(token) < position]
    if before and before[-1].type not in _TERM_ENDS and before[-1].type != "_OPEN":
        return InvalidExpression(f"After {_code(before[-1])}, {_EXPECTED} is missing.", text, position)
    return InvalidExpression(f"In front of {_code(unexpected)}, {_EXPECTED} is missing.", text, position)


def _invalid(message: str, text: str, token: Token) -> InvalidExpression:
    return InvalidExpression(message, text, _start(token))


def _start(token: Token) -> int:
    return token.start_pos or 0


def _code(token: Token) -> str:
    return f"`{token.strip()}`"
