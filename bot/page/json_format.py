"""Writes the page as JSON for programs: every field as arXiv supplies it, and the same text in readable form.

docs/page.md documents the fields. `VERSION` is incremented by changes that break programs reading an older version.
"""

import json
from collections.abc import Mapping
from typing import Final

from bot.domain.paper import ArxivId, Paper
from bot.domain.trending.entry import TrendingEntry
from bot.page.bibtex import bibtex
from bot.page.model import Page, Section
from bot.page.text import ACKNOWLEDGEMENT, comment_text, newest_first, plain_text, title_text, version_url

VERSION: Final = 1


def to_json(page: Page, address: str | None) -> bytes:
    """Returns the page in UTF-8; a lone surrogate is written as a JSON escape."""
    document = {
        "format": "daily-papers",
        "version": VERSION,
        "address": address,
        "updated": page.updated.isoformat() if page.updated else None,
        "acknowledgement": ACKNOWLEDGEMENT,
        "sections": [_section(section, page.trending_entries) for section in page.sections],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n"


def _section(section: Section, trending_entries: Mapping[ArxivId, TrendingEntry]) -> dict[str, object]:
    papers = [_paper(paper, trending_entries.get(paper.arxiv_id)) for paper in newest_first(section.papers)]
    return {"keyword": section.keyword, "papers": papers}


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
