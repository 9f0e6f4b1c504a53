"""A paper's text as people read it on the page: TeX made readable, on one line, without what no form may hold."""

import re
from collections.abc import Sequence
from typing import Final

from bot import limits
from bot.domain.paper import Paper
from bot.domain.parts import title_of
from bot.domain.tex import tex_to_text
from bot.domain.text import harmless

WHAT_THIS_IS: Final = "The newest papers on arXiv for each keyword, renewed with every announcement."
# How arXiv asks to be named by what is built on its interface (terms of use: info.arxiv.org/help/api/tou.html).
ACKNOWLEDGEMENT: Final = "Thank you to arXiv for use of its open access interoperability."
NOTHING_YET: Final = "No papers yet."

# What XML 1.0 does not allow (section 2.2, Char) is no text in HTML either, or is not shown.
_NOT_TEXT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")


def readable(text: str) -> str:
    """The text in plain words."""
    return allowed(harmless(tex_to_text(text)))


def as_typed(keyword: str) -> str:
    """The keyword as somebody typed it, on one line."""
    return allowed(harmless(keyword))


def allowed(text: str) -> str:
    """The text without the characters that XML 1.0 forbids."""
    return _NOT_TEXT.sub("", text)


def title_words(paper: Paper) -> str:
    """The title in plain words; the id where it shows nothing."""
    return allowed(title_of(paper))


def comment_words(paper: Paper) -> str:
    """The authors' comment in plain words, or nothing."""
    return readable(paper.comment or "")


def author_words(paper: Paper) -> str:
    """`First, Second, Third and 5 more`."""
    names = [name for name in map(readable, paper.authors[: limits.PAGE_AUTHORS]) if name]
    more = len(paper.authors) - limits.PAGE_AUTHORS
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def ordered(papers: Sequence[Paper]) -> tuple[Paper, ...]:
    """The newest versions first, no more than a keyword shows."""
    newest = sorted(papers, key=lambda paper: (paper.updated, paper.arxiv_id), reverse=True)
    return tuple(newest[: limits.PAGE_PAPERS])


def abstract_page(paper: Paper) -> str:
    """The abstract page of exactly this version."""
    return f"{paper.arxiv_id.abs_url}v{paper.version}"
