"""What the HTML page's template writes: a part for each keyword, an entry for each paper, all of it plain text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.layout.badges import Badge, BadgeKind, badges
from bot.domain.paper import Paper
from bot.page.bibtex import bibtex
from bot.page.filters import Filters, codes
from bot.page.model import Page
from bot.page.words import (
    abstract_page,
    as_typed,
    author_words,
    comment_words,
    ordered,
    readable,
    title_words,
)

# What the template writes around BibTeX, less what it writes around the link.
_FOLD: Final = len("<details><summary>BibTeX</summary><pre></pre></details>") - len('<a href="">BibTeX at arXiv</a>')


@dataclass(frozen=True, slots=True)
class Entry:
    """One paper; without `bibtex` there is only the link to arXiv's own."""

    classes: str
    title: str
    authors: str
    date: str
    categories: str
    comment: str
    abstract: str
    withdrawn: bool
    abs_url: str
    pdf_url: str
    html_url: str | None
    code_url: str | None
    bibtex_url: str
    bibtex: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """One keyword, and the name that a link jumps to."""

    anchor: str
    keyword: str
    entries: tuple[Entry, ...]


def parts_of(page: Page, filters: Filters) -> tuple[Part, ...]:
    """The page's sections as they are written."""
    keywords = [as_typed(section.keyword) for section in page.sections]
    entries = [tuple(_entry(paper, filters) for paper in ordered(section.papers)) for section in page.sections]
    return tuple(map(Part, _anchors(keywords), keywords, entries))


def lighter(parts: Sequence[Part], excess: int) -> tuple[Part, ...]:
    """The same without the BibTeX of so many of the oldest papers that `excess` bytes are saved."""
    places = sorted(
        (entry.date, -at, part) for part in range(len(parts)) for at, entry in enumerate(parts[part].entries)
    )
    lightened = [list(part.entries) for part in parts]
    for _, at, part in places:
        if excess <= 0:
            break
        entry = lightened[part][-at]
        excess -= len((entry.bibtex or "").encode()) - len(entry.bibtex_url) + _FOLD
        lightened[part][-at] = replace(entry, bibtex=None)
    return tuple(replace(part, entries=tuple(entries)) for part, entries in zip(parts, lightened, strict=True))


def _entry(paper: Paper, filters: Filters) -> Entry:
    known: dict[BadgeKind, Badge] = {badge.kind: badge for badge in badges(paper)}
    code = known.get(BadgeKind.CODE)
    return Entry(
        classes=filters.classes(paper),
        title=title_words(paper),
        authors=author_words(paper),
        date=paper.updated.date().isoformat(),
        categories=", ".join(codes(paper)),
        comment=comment_words(paper),
        abstract=readable(paper.abstract),
        withdrawn=BadgeKind.WITHDRAWN in known,
        abs_url=abstract_page(paper),
        pdf_url=paper.arxiv_id.pdf_url,
        html_url=paper.arxiv_id.html_url,
        code_url=code.url if code else None,
        bibtex_url=f"https://arxiv.org/bibtex/{paper.arxiv_id}",
        bibtex=bibtex(paper),
    )


def _anchors(keywords: Sequence[str]) -> tuple[str, ...]:
    """A name for each keyword that stays the same while the keywords do; a number behind it where it is taken."""
    anchors: dict[str, None] = {}
    for keyword in keywords:
        plain = "k-" + re.sub(r"\W+", "-", keyword.casefold()).strip("-")
        numbered = (f"{plain}-{number}" for number in range(2, len(keywords) + 2))
        anchors[plain if plain not in anchors else next(name for name in numbered if name not in anchors)] = None
    return tuple(anchors)
