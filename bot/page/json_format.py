"""Writes the page as JSON for programs: every field as arXiv supplies it, and the same text in readable form.

docs/page.md documents the fields. `VERSION` is incremented by changes that break programs reading an older version.
"""

import json
from collections.abc import Iterable
from typing import Final

from bot.domain.paper import Paper
from bot.domain.trending.entry import TrendingEntry
from bot.page.bibtex import bibtex
from bot.page.model import PageOutline, Section
from bot.page.text import ACKNOWLEDGEMENT, comment_text, newest_first, plain_text, title_text, version_url

VERSION: Final = 1


class JsonRenderer:
    """Writes the page in UTF-8, one line per paper; a lone surrogate is written as a JSON escape."""

    policy = None

    def __init__(self, outline: PageOutline, address: str | None) -> None:
        self._outline = outline
        self._address = address
        self._separator = ""
        self.per_keyword = outline.per_keyword

    def head(self) -> bytes:
        """Returns what precedes the sections."""
        document = {
            "format": "daily-papers",
            "version": VERSION,
            "address": self._address,
            "updated": self._outline.updated.isoformat() if self._outline.updated else None,
            "acknowledgement": ACKNOWLEDGEMENT,
            "papers_per_keyword": self.per_keyword,
            "more_keywords": self._outline.more_keywords,
        }
        return _encoded(f'{_dumped(document)[:-1]}, "sections": [')

    def section(self, section: Section) -> bytes:
        """Returns the object of a section."""
        trending = section.trending_entries
        lines = ",\n".join(_dumped(_paper(each, trending.get(each.arxiv_id))) for each in newest_first(section.papers))
        separator, self._separator = self._separator, ","
        return _encoded(f'{separator}\n{{"keyword": {_dumped(section.keyword)}, "papers": [\n{lines}]}}')

    def tail(self) -> Iterable[bytes]:
        """Yields what follows the sections."""
        return (b"]}\n",)


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _paper(paper: Paper, trending_entry: TrendingEntry | None) -> dict[str, object]:
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
        "urls": {"abs": version_url(paper), "pdf": paper.arxiv_id.pdf_url, "html": paper.arxiv_id.html_url},
        "text": {
            "title": title_text(paper),
            "abstract": plain_text(paper.abstract),
            "authors": [plain_text(name) for name in paper.authors],
            "comment": comment_text(paper) or None,
        },
        "bibtex": bibtex(paper),
        "huggingface": None if trending_entry is None else _trending(trending_entry),
    }


def _trending(trending_entry: TrendingEntry) -> dict[str, object]:
    return {
        "url": trending_entry.url,
        "day": trending_entry.day.isoformat(),
        "votes": trending_entry.votes,
        "comments": trending_entry.comments,
        "organization": trending_entry.organization,
        "code_url": trending_entry.code_url,
        "stars": trending_entry.stars,
        "ai_summary": trending_entry.ai_summary,
        "thumbnail_url": trending_entry.thumbnail_url,
    }
