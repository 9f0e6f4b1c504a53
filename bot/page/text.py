"""The text of papers and keywords as the page shows it: readable, on one line, valid in every format.

It never escapes for a format: HTML, Markdown and BibTeX do that themselves.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.domain.layout.parts import title_of
from bot.domain.paper import Paper
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import collapse, defuse_mentions, plural
from bot.page.model import PAGE_PAPERS, PageOutline

# The page names this many authors and counts the others; a collaboration has thousands.
PAGE_SEARCHED_AUTHORS: Final = 30
PAGE_AUTHORS: Final = 3

DESCRIPTION: Final = "The newest papers on arXiv for each keyword, updated after every announcement."
# How arXiv asks services on top of its API to acknowledge it (terms of use: info.arxiv.org/help/api/tou.html).
ACKNOWLEDGEMENT: Final = "Thank you to arXiv for use of its open access interoperability."
NO_PAPERS: Final = "No papers yet."
NO_KEYWORDS: Final = "No keywords yet."

# Characters that XML 1.0 forbids (section 2.2, Char), and noncharacters, which HTML text may not contain.
_INVALID: Final = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]"
    f"|[{''.join(chr(plane | last) for plane in range(0x10000, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF))}]"
)


def plain_text(text: str) -> str:
    """Returns the text with its TeX converted to plain characters."""
    return defuse_mentions(tex_to_text(without_invalid(text)))


def one_line(text: str) -> str:
    """Returns the text with its TeX converted, on one line, unchanged otherwise: for programs, not for Discord."""
    return collapse(tex_to_text(without_invalid(text)))


def without_invalid(text: str) -> str:
    """Returns the text without the characters that XML or HTML forbid."""
    return _INVALID.sub("", text)


def keyword_text(keyword: str) -> str:
    """Returns the keyword as it was typed, on one line."""
    return defuse_mentions(without_invalid(keyword))


def category_text(code: str) -> str:
    """Returns a category's code on one line."""
    return collapse(without_invalid(code))


def title_text(paper: Paper) -> str:
    """Returns the title as plain text; the arXiv id where nothing of it is visible."""
    return title_of(replace(paper, title=without_invalid(paper.title)))


def comment_text(paper: Paper) -> str:
    """Returns the authors' comment as plain text; an empty string where there is none."""
    return plain_text(paper.comment or "")


def author_text(paper: Paper) -> str:
    """Returns the authors as `First, Second, Third and 5 more`."""
    names = [name for name in map(plain_text, paper.authors[:PAGE_AUTHORS]) if name]
    more = len(paper.authors) - PAGE_AUTHORS
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def more_authors_text(paper: Paper) -> str:
    """Returns the authors that `author_text` counts, which the page's search also finds; a few dozen at most."""
    more = paper.authors[PAGE_AUTHORS:PAGE_SEARCHED_AUTHORS]
    return ", ".join(name for name in map(plain_text, more) if name)


def newest_first(papers: Sequence[Paper]) -> tuple[Paper, ...]:
    """Returns the papers by date of their latest version, newest first, at most PAGE_PAPERS."""
    newest = sorted(papers, key=lambda paper: (paper.updated, paper.arxiv_id), reverse=True)
    return tuple(newest[:PAGE_PAPERS])


def limit_text(outline: PageOutline, per_keyword: int) -> str:
    """States what the page leaves out because of its size; an empty string if nothing is."""
    sentences = []
    if per_keyword < PAGE_PAPERS:
        sentences.append(f"This page shows at most the newest {plural(per_keyword, 'paper')} of each keyword.")
    if outline.more_keywords:
        sentences.append(f"It leaves out {plural(outline.more_keywords, 'more keyword')}.")
    return " ".join(sentences)


def version_url(paper: Paper) -> str:
    """Returns the URL of this version's abstract page."""
    return f"{paper.arxiv_id.abs_url}v{paper.version}"
