"""A paper's text as people read it on the page: TeX made readable, on one line, without what no form may hold."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.domain.layout.parts import title_of
from bot.domain.paper import Paper
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import collapse, defuse_mentions
from bot.page.model import PAGE_PAPERS

# So many authors are named on the page, the others are counted; a collaboration has thousands.
PAGE_AUTHORS: Final = 3

WHAT_THIS_IS: Final = "The newest papers on arXiv for each keyword, renewed with every announcement."
# How arXiv asks to be named by what is built on its interface (terms of use: info.arxiv.org/help/api/tou.html).
ACKNOWLEDGEMENT: Final = "Thank you to arXiv for use of its open access interoperability."
NOTHING_YET: Final = "No papers yet."
NO_KEYWORDS: Final = "No keywords yet."

# What XML 1.0 does not allow (section 2.2, Char), and what no text in HTML may hold: what is no character at all.
_NOT_TEXT: Final = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]"
    f"|[{''.join(chr(plane | last) for plane in range(0x10000, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF))}]"
)


def readable(text: str) -> str:
    """The text in plain words."""
    return defuse_mentions(tex_to_text(allowed(text)))


def as_typed(keyword: str) -> str:
    """The keyword as somebody typed it, on one line."""
    return defuse_mentions(allowed(keyword))


def allowed(text: str) -> str:
    """The text without what is no character in XML or HTML."""
    return _NOT_TEXT.sub("", text)


def code_words(code: str) -> str:
    """A category's code, on one line."""
    return collapse(allowed(code))


def title_words(paper: Paper) -> str:
    """The title in plain words; the id where it shows nothing."""
    return title_of(replace(paper, title=allowed(paper.title)))


def comment_words(paper: Paper) -> str:
    """The authors' comment in plain words, or nothing."""
    return readable(paper.comment or "")


def author_words(paper: Paper) -> str:
    """`First, Second, Third and 5 more`."""
    names = [name for name in map(readable, paper.authors[:PAGE_AUTHORS]) if name]
    more = len(paper.authors) - PAGE_AUTHORS
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def ordered(papers: Sequence[Paper]) -> tuple[Paper, ...]:
    """The newest versions first, no more than a keyword shows."""
    newest = sorted(papers, key=lambda paper: (paper.updated, paper.arxiv_id), reverse=True)
    return tuple(newest[:PAGE_PAPERS])


def abstract_page(paper: Paper) -> str:
    """The abstract page of exactly this version."""
    return f"{paper.arxiv_id.abs_url}v{paper.version}"
