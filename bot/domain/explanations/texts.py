"""Says in English what in a paper satisfies a clause, and what of an expression a paper does not satisfy.

The texts are Markdown for Discord: what people typed and what papers contain is escaped and cut.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final, assert_never

from bot.domain.explanations.quotation import quote
from bot.domain.expressions.evidence import Evidence, ListedAuthor, Unsatisfied
from bot.domain.expressions.explanation import explain
from bot.domain.expressions.nodes import (
    AuthorClause,
    CategoryClause,
    Conjunction,
    Disjunction,
    Negation,
    TextField,
    WordClause,
)
from bot.domain.paper import Paper
from bot.domain.text import collapse, cut, escape_markdown

_FIELDS: Final = {
    TextField.TITLE: "title",
    TextField.ABSTRACT: "abstract",
    TextField.COMMENT: "comment",
    TextField.JOURNAL: "journal reference",
}
_NAME_MAX: Final = 60
# How many authors, categories and clauses a text names.
_NAMED_MAX: Final = 3
_PART_MAX: Final = 300


def evidence_text(paper: Paper, evidence: Evidence) -> str:
    """Returns what in the paper satisfies a clause: the words in their sentence, the authors, or the categories."""
    match evidence.clause:
        case WordClause() if evidence.words:
            field = evidence.words[0].field
            return f"{_FIELDS[field]} “{quote(paper, evidence.words)}”"
        case AuthorClause() if evidence.authors:
            return f"by {_series(_author(each) for each in evidence.authors)}"
        case CategoryClause(_, is_primary) if evidence.categories:
            listed = "primarily in" if is_primary else "listed in"
            return f"{listed} {_series(f'**{escape_markdown(each)}**' for each in evidence.categories)}"
        case WordClause() | AuthorClause() | CategoryClause():
            return explain(evidence.clause)
        case _:
            assert_never(evidence.clause)


def failure_text(paper: Paper, failed: Unsatisfied) -> str:
    """Returns what the paper lacks, or what it has that is excluded."""
    match failed.part:
        case WordClause(text, field, is_exact):
            return f"{_lacking(paper, field)} {'exactly ' if is_exact else ''}*{escape_markdown(collapse(text))}*"
        case AuthorClause(name):
            return f"not by *{escape_markdown(name)}*"
        case CategoryClause(_, is_primary) as category:
            listed = f"its primary category is {paper.primary_category}" if is_primary else f"it is in {_listed(paper)}"
            return f"not {explain(category)} ({listed})"
        case Negation():
            found = "; ".join(evidence_text(paper, each) for each in failed.excluded[:_NAMED_MAX])
            return cut(f"excluded ({explain(failed.part)})", _PART_MAX) + (f": {found}" if found else "")
        case Disjunction():
            return f"none of: {cut(explain(failed.part), _PART_MAX)}"
        case Conjunction():
            return f"not: {cut(explain(failed.part), _PART_MAX)}"
        case _:
            assert_never(failed.part)


def _lacking(paper: Paper, field: TextField) -> str:
    if field is TextField.TITLE_OR_ABSTRACT:
        return "neither title nor abstract contains"
    is_missing = {TextField.COMMENT: paper.comment is None, TextField.JOURNAL: paper.journal_ref is None}
    name = _FIELDS[field]
    return f"no {name}, which should contain" if is_missing.get(field, False) else f"the {name} does not contain"


def _author(author: ListedAuthor) -> str:
    name = f"**{escape_markdown(cut(collapse(author.name), _NAME_MAX))}**"
    return f"{name} (possible match)" if author.is_possible else name


def _listed(paper: Paper) -> str:
    return _series(escape_markdown(each) for each in paper.categories)


def _series(names: Iterator[str]) -> str:
    """Returns the first names, and how many more there are."""
    shown = list(islice(names, _NAMED_MAX))
    more = sum(1 for _ in names)
    return ", ".join(shown) + (f" and {more} more" if more else "")
