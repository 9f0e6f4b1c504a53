"""The page as JSON, for programs: every field as arXiv gave it, and beside them what people read.

The form is described in docs/page.md. `VERSION` grows when a program that reads an older one would go wrong.
"""

import json
from typing import Final

from bot.domain.paper import Paper
from bot.page.bibtex import bibtex
from bot.page.model import Page, Section
from bot.page.words import ACKNOWLEDGEMENT, abstract_page, comment_words, ordered, readable, title_words

VERSION: Final = 1


def to_json(page: Page, address: str | None) -> bytes:
    """The page in UTF-8; half a character of UTF-16 is written as JSON's escape."""
    document = {
        "format": "daily-papers",
        "version": VERSION,
        "address": address,
        "updated": page.updated.isoformat() if page.updated else None,
        "acknowledgement": ACKNOWLEDGEMENT,
        "sections": [_section(section) for section in page.sections],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n"


def _section(section: Section) -> dict[str, object]:
    return {"keyword": section.keyword, "papers": [_paper(paper) for paper in ordered(section.papers)]}


def _paper(paper: Paper) -> dict[str, object]:
    return {
        "id": str(paper.arxiv_id),
        "version": paper.version,
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": paper.authors,
        "primary_category": paper.primary_category,
        "categories": paper.categories,
        "published": paper.published.isoformat(),
        "updated": paper.updated.isoformat(),
        "comment": paper.comment,
        "journal_ref": paper.journal_ref,
        "doi": paper.doi,
        "urls": {"abs": abstract_page(paper), "pdf": paper.arxiv_id.pdf_url, "html": paper.arxiv_id.html_url},
        "text": {
            "title": title_words(paper),
            "abstract": readable(paper.abstract),
            "authors": [readable(name) for name in paper.authors],
            "comment": comment_words(paper) or None,
        },
        "bibtex": bibtex(paper),
    }
