"""Writes the page as GitHub-flavoured Markdown: a heading and a table for each keyword.

Untrusted text is written with character references, so that it can never become Markdown or HTML in a cell or a
heading. Where GitHub would turn plain text into a mention, an issue, an emoji, a formula or a link, a `<span>` prevents
it, as GitHub's documentation does for dollar signs: copied text stays unchanged.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from bot.domain.paper import Paper
from bot.page.model import PageOutline, Section
from bot.page.text import (
    ACKNOWLEDGEMENT,
    DESCRIPTION,
    NO_KEYWORDS,
    NO_PAPERS,
    comment_text,
    keyword_text,
    limit_text,
    newest_first,
    plain_text,
    title_text,
    version_url,
)

# A comment up to this length is shown whole; a longer one is collapsed behind its first characters.
PAGE_COMMENT_MAX: Final = 20
PAGE_COMMENT_PREFIX: Final = 5

_HEAD: Final = "| **Title** | **Date** | **Abstract** | **Comment** |\n| --- | --- | --- | --- |"
_SPECIAL: Final = re.compile(
    r"""(?P<markup>[\\`*_{}\[\]<>&|~"])
      | (?P<spanned>\$|@|\#|:(?=//|[\w+-]+:)|(?<=\b[Gg][Hh])-(?=\d)|(?<=www)\.)""",
    re.VERBOSE,
)


class MarkdownRenderer:
    """Writes the page in UTF-8, with a newline at the end."""

    policy = None

    def __init__(self, outline: PageOutline) -> None:
        self._outline = outline
        self.per_keyword = outline.per_keyword

    def head(self) -> bytes:
        """Returns what precedes the sections."""
        updated = self._outline.updated.date().isoformat() if self._outline.updated else "not yet"
        paragraphs = ["# Daily Papers", f"{DESCRIPTION} {ACKNOWLEDGEMENT}", f"Last update: {updated}"]
        paragraphs += filter(None, [limit_text(self._outline, self.per_keyword)])
        return "\n\n".join(paragraphs).encode() + b"\n"

    def section(self, section: Section) -> bytes:
        """Returns the heading and the table of a section."""
        return f"\n{_section(section)}\n".encode()

    def tail(self) -> Iterable[bytes]:
        """Yields what follows the sections."""
        return () if self._outline.keywords else (f"\n{NO_KEYWORDS}\n".encode(),)


def _section(section: Section) -> str:
    heading = f"## {escaped(keyword_text(section.keyword))}"
    if not section.papers:
        return f"{heading}\n\n{NO_PAPERS}"
    return "\n".join([heading, "", _HEAD, *map(_row, newest_first(section.papers))])


def _row(paper: Paper) -> str:
    return "| " + " | ".join(_cells(paper)) + " |"


def _cells(paper: Paper) -> Iterator[str]:
    yield f"**[{escaped(title_text(paper))}]({version_url(paper)})**"
    yield paper.updated.date().isoformat()
    yield _collapsed("Show", plain_text(paper.abstract))
    comment = comment_text(paper)
    if len(comment) > PAGE_COMMENT_MAX:
        yield _collapsed(f"{comment[:PAGE_COMMENT_PREFIX]}...", comment)
    else:
        yield escaped(comment)


def _collapsed(summary: str, text: str) -> str:
    return f"<details><summary>{escaped(summary)}</summary><p>{escaped(text)}</p></details>" if text else ""


def escaped(text: str) -> str:
    """Returns one line of plain text, escaped so that Markdown shows exactly this text."""
    return _SPECIAL.sub(_reference, text)


def _reference(found: re.Match[str]) -> str:
    return f"<span>{found[0]}</span>" if found["spanned"] else f"&#{ord(found[0])};"
