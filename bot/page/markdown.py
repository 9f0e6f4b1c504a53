"""The page as Markdown, as it is known on GitHub: a heading and a table for each keyword.

Text of strangers is written with character references: they can never be Markdown or HTML, inside a cell or a
heading, for whoever reads Markdown. What GitHub would make of plain words (a mention, an issue, an emoji, a formula,
a link) is taken apart by a `<span>`, as its own documentation does with dollars: nothing is added that somebody copies.
"""

import re
from collections.abc import Iterator
from typing import Final

from bot.domain.paper import Paper
from bot.page.model import Page, Section
from bot.page.words import (
    ACKNOWLEDGEMENT,
    NO_KEYWORDS,
    NOTHING_YET,
    WHAT_THIS_IS,
    abstract_page,
    as_typed,
    comment_words,
    ordered,
    readable,
    title_words,
)

# The known page shows a comment up to this long as it is, and of a longer one the first few characters.
PAGE_COMMENT_MAX: Final = 20
PAGE_COMMENT_SHOWN: Final = 5

_HEAD: Final = "| **Title** | **Date** | **Abstract** | **Comment** |\n| --- | --- | --- | --- |"
_SIGNIFICANT: Final = re.compile(
    r"""(?P<markup>[\\`*_{}\[\]<>&|~"])
      | (?P<alone>\$|@|\#|:(?=//|[\w+-]+:)|(?<=\b[Gg][Hh])-(?=\d)|(?<=www)\.)""",
    re.VERBOSE,
)


def to_markdown(page: Page) -> bytes:
    """The page in UTF-8, a line's end at its end."""
    updated = page.updated.date().isoformat() if page.updated else "not yet"
    parts = ["# Daily Papers", f"{WHAT_THIS_IS} {ACKNOWLEDGEMENT}", f"Last update: {updated}"]
    sections = [_section(section) for section in page.sections] or [NO_KEYWORDS]
    return "\n\n".join([*parts, *sections]).encode() + b"\n"


def _section(section: Section) -> str:
    heading = f"## {escaped(as_typed(section.keyword))}"
    if not section.papers:
        return f"{heading}\n\n{NOTHING_YET}"
    return "\n".join([heading, "", _HEAD, *map(_row, ordered(section.papers))])


def _row(paper: Paper) -> str:
    return "| " + " | ".join(_cells(paper)) + " |"


def _cells(paper: Paper) -> Iterator[str]:
    yield f"**[{escaped(title_words(paper))}]({abstract_page(paper)})**"
    yield paper.updated.date().isoformat()
    yield _folded("Show", readable(paper.abstract))
    comment = comment_words(paper)
    if len(comment) > PAGE_COMMENT_MAX:
        yield _folded(f"{comment[:PAGE_COMMENT_SHOWN]}...", comment)
    else:
        yield escaped(comment)


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{escaped(summary)}</summary><p>{escaped(text)}</p></details>" if text else ""


def escaped(text: str) -> str:
    """One line of plain text such that Markdown shows exactly it."""
    return _SIGNIFICANT.sub(_reference, text)


def _reference(found: re.Match[str]) -> str:
    return f"<span>{found[0]}</span>" if found["alone"] else f"&#{ord(found[0])};"
