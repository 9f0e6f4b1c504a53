"""The examples in docs/keywords.md."""

import re
from pathlib import Path

import pytest

from bot.domain.expressions.explanation import explain
from bot.domain.expressions.matching import match_expressions
from bot.domain.expressions.names import NameMatch, compare_names, listed_readings, name_readings
from bot.domain.paper import Paper
from tests.support.builders import paper
from tests.support.expressions import parsed

PAGE = Path(__file__).parents[2] / "docs" / "keywords.md"
_CELLS = re.compile(r"(?<!\\)\|")
_PAPER = re.compile(
    r"“(?P<title>[^”]+)”(?:, (?P<codes>[\w., -]+))?(?: by (?P<author>[^(]+))?(?: \((?P<comment>[^)]+)\))?"
)


def examples() -> list[list[str]]:
    """Returns the rows of the first table."""
    table = PAGE.read_text(encoding="utf-8").split("\n\n")[3].splitlines()[2:]
    return [[cell.strip().replace(r"\|", "|") for cell in _CELLS.split(row)[1:-1]] for row in table]


def example_paper(text: str) -> Paper:
    """Returns the paper that a cell describes."""
    found = _PAPER.fullmatch(text)
    assert found is not None, text
    codes = tuple((found["codes"] or "cs.LG").split(", "))
    return paper(
        title=found["title"],
        authors=(found["author"] or "Ada Lovelace",),
        comment=found["comment"],
        categories=codes,
        primary_category=codes[0],
    )


@pytest.mark.parametrize("row", examples(), ids=lambda row: row[0])
def test_example_matches_what_the_documentation_says(row: list[str]) -> None:
    typed, explanation, matching, other = row
    expression = parsed(typed.strip("`"))
    assert explain(expression.node) == explanation
    assert len(match_expressions([example_paper(matching)], [expression])) == 1
    assert match_expressions([example_paper(other)], [expression]) == ()


def test_table_has_an_example_for_each_field_and_operator() -> None:
    typed = " ".join(row[0] for row in examples())
    assert len(examples()) >= 20
    for each in ("AND", "OR", "ANDNOT", "|", " -", "au:", "ti:", "co:", "cat:", "primary:", "=", "[cs.CL]"):
        assert each in typed


def authors() -> list[tuple[str, str, str]]:
    """Returns what people type, a name of an author, and the heading of its column in the table of names."""
    *_, table = (part for part in PAGE.read_text(encoding="utf-8").split("\n\n") if part.startswith("| Typed"))
    heading, _, *rows = ([cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines())
    return [
        (row[0].strip("`"), name, column)
        for row in rows
        for column, cell in zip(heading[1:], row[1:], strict=True)
        for name in filter(None, cell.replace("everyone whose family name is ", "Ada ").split(", "))
    ]


@pytest.mark.parametrize(("typed", "name", "column"), authors())
def test_name_matches_as_the_documentation_says(typed: str, name: str, column: str) -> None:
    expected = {"Also matches": NameMatch.FULL, "Only possibly": NameMatch.POSSIBLE, "Does not match": NameMatch.NONE}
    assert compare_names(name_readings(typed), listed_readings(name)) is expected[column]
