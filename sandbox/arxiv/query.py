"""Parses arXiv's query language into a tree, and writes the tree in the two forms that arXiv's feeds contain.

The rules of arXiv's API: AND, OR and ANDNOT have no precedence and group to the right; a missing prefix means `all:`, a
missing operator OR; `lastUpdatedDate:` means `submittedDate:`. An invalid query raises `InvalidQuery`, which the server
reports with 400. It never sees papers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

# Deeper than any real query, and shallow enough for Python's recursion limit.
MAX_DEPTH = 60

FIELDS = frozenset({"ti", "au", "abs", "co", "jr", "cat", "rn", "id", "doi", "all", "submittedDate"})

_TOKEN = re.compile(
    r"""\s+
      | (?P<paren>[()])
      | (?P<field>[A-Za-z]+):(?:\[(?P<range>[^\]]*)\]|"(?P<quoted>[^"]*)"|(?P<word>[^\s()"\[][^\s()"]*))
      | "(?P<bare_quoted>[^"]*)"
      | (?P<bare>[^\s()":\[][^\s()":]*)
    """,
    re.VERBOSE,
)
_MOMENT = re.compile(r"\d{8}(?:\d{2}){0,3}")
_MOMENT_FORMATS = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_MOMENT_SPANS = {8: timedelta(days=1), 10: timedelta(hours=1), 12: timedelta(minutes=1), 14: timedelta(seconds=1)}


class InvalidQuery(Exception):
    """The query is invalid; the message is the text for arXiv's error feed."""


class Operator(StrEnum):
    """An operator between two operands."""

    AND = "AND"
    OR = "OR"
    ANDNOT = "ANDNOT"


@dataclass(frozen=True, slots=True)
class Term:
    """A field and the value to search for in it."""

    field: str
    value: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class DateRange:
    """Submission of v1 from `first` to `last`, both included; `last` is the end of the minute in the query."""

    first: datetime
    last: datetime
    written: str


@dataclass(frozen=True, slots=True)
class Group:
    """Operands and the operators between them, which group to the right; `negated` if it starts with ANDNOT."""

    operands: tuple["Node", ...]
    operators: tuple[Operator, ...]
    negated: bool = False


Node = Term | DateRange | Group
_Token = str | Operator | Term | DateRange  # a str is a parenthesis


def parse(text: str) -> Group:
    """Parses a query; raises InvalidQuery with arXiv's reason."""
    tokens = list(_tokens(text))
    if not tokens:
        raise InvalidQuery("search_query is empty")
    group, rest = _group(tokens, 0, depth=0)
    if rest < len(tokens):
        raise InvalidQuery("unbalanced parentheses: unexpected closing parenthesis")
    return group


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidQuery(f"cannot parse fragment: {text[position : position + 40]}")
        position = match.end()
        if match.group().strip():
            yield _token(match)


def _token(match: re.Match[str]) -> _Token:
    if match["paren"]:
        return str(match["paren"])
    if match["bare"] is not None:
        bare = match["bare"]
        return Operator(bare) if bare in Operator.__members__ else Term("all", bare)
    if match["bare_quoted"] is not None:
        return Term("all", match["bare_quoted"], quoted=True)
    field = match["field"].replace("lastUpdatedDate", "submittedDate")
    if field not in FIELDS:
        raise InvalidQuery(f"invalid field: {match['field']}")
    if field == "submittedDate":
        return _date_range(match["range"])
    if match["range"] is not None:
        raise InvalidQuery(f"a range is not supported for {field}")
    quoted = match["quoted"]
    return Term(field, match["word"] or "") if quoted is None else Term(field, quoted, quoted=True)


def _date_range(written: str | None) -> DateRange:
    parts = (written or "").split()
    if len(parts) != 3 or parts[1] != "TO":
        raise InvalidQuery("a date range must have the form submittedDate:[YYYYMMDDHHMM TO YYYYMMDDHHMM]")
    return DateRange(_moment(parts[0]), _moment(parts[2], end=True), " ".join(parts))


def _moment(digits: str, *, end: bool = False) -> datetime:
    """Parses a date in UTC; with `end`, returns the last instant of the minute (or hour or day) that it denotes."""
    if not _MOMENT.fullmatch(digits):
        raise InvalidQuery(f"invalid date: {digits}")
    try:
        moment = datetime.strptime(digits, _MOMENT_FORMATS[len(digits)]).replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidQuery(f"invalid date: {digits}") from error
    return moment + _MOMENT_SPANS[len(digits)] - timedelta(microseconds=1) if end else moment


def _group(tokens: list[_Token], position: int, *, depth: int) -> tuple[Group, int]:
    """Parses operands and operators up to a closing parenthesis or the end; also returns the end position."""
    if depth > MAX_DEPTH:
        raise InvalidQuery("parentheses nested too deeply")
    operands: list[Node] = []
    operators: list[Operator] = []
    negated = position < len(tokens) and tokens[position] is Operator.ANDNOT
    position += negated
    expect_operand = True
    while position < len(tokens) and tokens[position] != ")":
        token = tokens[position]
        if isinstance(token, Operator):
            if expect_operand:
                raise InvalidQuery(f"missing operand before {token}")
            operators.append(token)
            expect_operand = True
            position += 1
            continue
        if not expect_operand:
            operators.append(Operator.OR)
        operand, position = _operand(tokens, position, depth)
        operands.append(operand)
        expect_operand = False
    if expect_operand:
        raise InvalidQuery("missing operand after an operator or a parenthesis")
    return Group(tuple(operands), tuple(operators), negated), position


def _operand(tokens: list[_Token], position: int, depth: int) -> tuple[Node, int]:
    token = tokens[position]
    if isinstance(token, Term | DateRange):
        return token, position + 1
    group, position = _group(tokens, position + 1, depth=depth + 1)
    if position >= len(tokens):
        raise InvalidQuery("unbalanced parentheses: missing closing parenthesis")
    return group, position + 1


def normalized(node: Node) -> str:
    """Returns the query with missing prefixes and operators added, as in the title of arXiv's feeds."""
    match node:
        case Term(field, value, quoted):
            return f'{field}:"{value}"' if quoted else f"{field}:{value}"
        case DateRange(written=written):
            return f"submittedDate:[{written}]"
        case Group(operands, operators, negated):
            parts = [f"({normalized(o)})" if isinstance(o, Group) else normalized(o) for o in operands]
            text = parts[0] + "".join(f" {op} {part}" for op, part in zip(operators, parts[1:], strict=True))
            return f"ANDNOT {text}" if negated else text


def right_grouped(node: Node) -> str:
    """Returns the query with parentheses that group to the right, as in the link of arXiv's feeds."""
    match node:
        case Term(field, value):
            return f'{field}:"{value}"' if " " in value else f"{field}:{value}"
        case DateRange(written=written):
            return f"submittedDate:[{written}]"
        case Group(operands, operators, negated):
            parts = [f"({right_grouped(o)})" if _is_compound(o) else right_grouped(o) for o in operands]
            opening = [f"{part} {op} (" for part, op in zip(parts[:-2], operators[:-1], strict=True)]
            tail = f" {operators[-1]} ".join(parts[-2:]) if operators else parts[-1]
            text = "".join(opening) + tail + ")" * len(opening)
            return f"ANDNOT {text}" if negated else text


def _is_compound(node: Node) -> bool:
    return isinstance(node, Group) and (len(node.operands) > 1 or node.negated)
