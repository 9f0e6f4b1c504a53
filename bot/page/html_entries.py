"""Prepares the sections and entries that the HTML template prints: plain text that the template escapes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.layout.badges import Badge, BadgeKind, badges
from bot.domain.layout.parts import votes_text
from bot.domain.paper import Paper
from bot.domain.trending.entry import TrendingEntry
from bot.page.bibtex import bibtex
from bot.page.html_filters import Filters, category_codes
from bot.page.model import Page
from bot.page.text import (
    author_text,
    comment_text,
    keyword_text,
    more_authors_text,
    newest_first,
    plain_text,
    title_text,
    version_url,
)

# The markup around BibTeX, less the markup around the link to it.
_BIBTEX_MARKUP_BYTES: Final = len("<details><summary>BibTeX</summary><pre></pre></details>") - len(
    '<a href="">BibTeX at arXiv</a>'
)


@dataclass(frozen=True, slots=True)
class HtmlLink:
    """A link to code or to the votes on Hugging Face."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class HtmlEntry:
    """One paper; where `bibtex` is None, the page links to arXiv's own.

    `more_authors` are found by the search but not shown. `summary` is Hugging Face's, empty if there is none.
    """

    classes: str
    title: str
    authors: str
    more_authors: str
    date: str
    categories: str
    comment: str
    abstract: str
    withdrawn: bool
    abs_url: str
    pdf_url: str
    html_url: str | None
    summary: str
    links: tuple[HtmlLink, ...]
    bibtex_url: str
    bibtex: str | None


@dataclass(frozen=True, slots=True)
class HtmlSection:
    """One keyword with its papers; `anchor` is the target of the link in the navigation."""

    anchor: str
    keyword: str
    entries: tuple[HtmlEntry, ...]


def html_sections(page: Page, filters: Filters) -> tuple[HtmlSection, ...]:
    """Returns the page's sections as the template prints them."""
    keywords = [keyword_text(section.keyword) for section in page.sections]
    trending = page.trending_entries
    entries = [
        tuple(_entry(paper, trending.get(paper.arxiv_id), filters) for paper in newest_first(section.papers))
        for section in page.sections
    ]
    return tuple(map(HtmlSection, _anchors(keywords), keywords, entries))


def without_old_bibtex(sections: Sequence[HtmlSection], excess_bytes: int) -> tuple[HtmlSection, ...]:
    """Returns the sections without the BibTeX of the oldest papers, so that `excess_bytes` are saved."""
    oldest_first = sorted(
        (entry.date, -index, number)
        for number, section in enumerate(sections)
        for index, entry in enumerate(section.entries)
    )
    shortened = [list(section.entries) for section in sections]
    for _, negative_index, number in oldest_first:
        if excess_bytes <= 0:
            break
        entry = shortened[number][-negative_index]
        excess_bytes -= len((entry.bibtex or "").encode()) - len(entry.bibtex_url) + _BIBTEX_MARKUP_BYTES
        shortened[number][-negative_index] = replace(entry, bibtex=None)
    return tuple(replace(section, entries=tuple(entries)) for section, entries in zip(sections, shortened, strict=True))


def _entry(paper: Paper, trending_entry: TrendingEntry | None, filters: Filters) -> HtmlEntry:
    known: dict[BadgeKind, Badge] = {badge.kind: badge for badge in badges(paper, trending_entry)}
    linked = (known[kind] for kind in (BadgeKind.CODE, BadgeKind.REPOSITORY, BadgeKind.VOTES) if kind in known)
    summary = (trending_entry.ai_summary if trending_entry else None) or ""
    return HtmlEntry(
        classes=filters.classes(paper),
        title=title_text(paper),
        authors=author_text(paper),
        more_authors=more_authors_text(paper),
        date=paper.updated.date().isoformat(),
        categories=", ".join(category_codes(paper)),
        comment=comment_text(paper),
        abstract=plain_text(paper.abstract),
        withdrawn=BadgeKind.WITHDRAWN in known,
        abs_url=version_url(paper),
        pdf_url=paper.arxiv_id.pdf_url,
        html_url=paper.arxiv_id.html_url,
        summary=plain_text(summary),
        links=tuple(HtmlLink(_label(badge), badge.url) for badge in linked if badge.url),
        bibtex_url=f"https://arxiv.org/bibtex/{paper.arxiv_id}",
        bibtex=bibtex(paper),
    )


def _label(badge: Badge) -> str:
    """Returns `Code ★ 1.2k` or `▲ 41 votes on Hugging Face`."""
    return votes_text(badge) if badge.kind is BadgeKind.VOTES else badge.text[:1].upper() + badge.text[1:]


def _anchors(keywords: Sequence[str]) -> tuple[str, ...]:
    """Returns a stable anchor per keyword; one that is taken already gets a number."""
    anchors: dict[str, None] = {}
    for keyword in keywords:
        plain = "k-" + re.sub(r"\W+", "-", keyword.casefold()).strip("-")
        numbered = (f"{plain}-{number}" for number in range(2, len(keywords) + 2))
        anchors[plain if plain not in anchors else next(name for name in numbered if name not in anchors)] = None
    return tuple(anchors)
