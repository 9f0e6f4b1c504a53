"""Writes a paper as a BibTeX entry for a bibliography.

Every style prints the title as posts show it: the entry is in ASCII and protects capitals. A document needs amsmath and
amssymb, and the font encoding T1 for a few letters such as ą. Untrusted text never breaks the entry, nor can it make
a document read a file.
"""

import re
from collections.abc import Iterator
from typing import Final

from bot.domain.paper import Paper
from bot.domain.text import collapse
from bot.page.bibtex_text import bibtex_text
from bot.page.text import without_invalid

# Authors beyond this number become "and others", which bibliographies print as et al.
PAGE_BIBTEX_AUTHORS: Final = 30

_UNSAFE_IN_URL: Final = re.compile(r"[^!-~]|[{}\\%#^~\"]")
_NOT_IN_CATEGORY: Final = re.compile(r"[^A-Za-z.-]")
# A name with one of these is a group, or BibTeX would split it into names. Biber cannot take initials from symbols.
_NOT_ONE_PERSON: Final = re.compile(
    r",|\$|\{\}|\\(?!ensuremath|textcommabelow)[a-z]{4,}|\band\b|\bcollaboration\b", re.IGNORECASE
)
# Biber takes half of such a symbol as an initial, which unbalances the braces of its output.
_SYMBOLS_FIRST: Final = re.compile(r"\A(?:[ `]|\{\}|\{\\(?:[a-z]{3,}|[SP])\})+")


def bibtex(paper: Paper) -> str:
    """Returns the entry, with a newline at the end."""
    kind = "article" if paper.journal_ref else "misc"
    lines = "".join(f" {name}={{{text}}},\n" for name, text in _fields(paper) if text)
    return f"@{kind}{{{key(paper)},\n{lines}}}\n"


def key(paper: Paper) -> str:
    """Returns the citation key `arxiv-2403.01234`: only the id never changes, unlike titles and lists of authors."""
    return f"arxiv-{str(paper.arxiv_id).replace('/', '-')}"


def _fields(paper: Paper) -> Iterator[tuple[str, str]]:
    yield "title", _protected(bibtex_text(paper.title))
    yield "author", _authors(paper)
    yield "year", str(paper.published.year)
    yield "journal", bibtex_text(paper.journal_ref or "")
    yield "doi", _UNSAFE_IN_URL.sub("", without_invalid(collapse(paper.doi or "")))
    yield "eprint", str(paper.arxiv_id)
    yield "archivePrefix", "arXiv"
    yield "primaryClass", _NOT_IN_CATEGORY.sub("", paper.primary_category)
    yield "url", paper.arxiv_id.abs_url


def _protected(tex: str) -> str:
    """Returns the TeX in braces, inside which no style changes capitals."""
    # BibTeX would change capitals after `{\\`, the beginning of an accented letter.
    return f"{{{{}}{tex}}}" if tex.startswith("\\") else f"{{{tex}}}" * bool(tex)


def _authors(paper: Paper) -> str:
    names = [name for name in map(_name, paper.authors[:PAGE_BIBTEX_AUTHORS]) if name]
    return " and ".join(names + ["others"] * (len(paper.authors) > PAGE_BIBTEX_AUTHORS))


def _name(author: str) -> str:
    name = _SYMBOLS_FIRST.sub("", bibtex_text(author))
    return f"{{{name}}}" if _NOT_ONE_PERSON.search(name) else name
