"""Prepares the sections and entries that the HTML template prints: plain text that a template escapes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from bot.domain.layout.badges import Badge, BadgeKind, badges
from bot.domain.layout.parts import votes_text
from bot.domain.paper import Paper
from bot.domain.trending.entry import TrendingEntry
from bot.page.bibtex import bibtex
from bot.page.html_filters import category_codes
from bot.page.text import author_text, comment_text, more_authors_text, plain_text, title_text, version_url


@dataclass(frozen=True, slots=True)
class HtmlLink:
    """A link to code or to the votes on Hugging Face."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class HtmlEntry:
    """One paper as markup: everything after its classes, then either its BibTeX or a link to arXiv's."""

    updated: datetime
    codes: tuple[str, ...]
    markup: str
    bibtex: str
    bibtex_link: str


@dataclass(frozen=True, slots=True)
class HtmlSection:
    """One keyword with its papers; `anchor` is the target of the link in the navigation."""

    anchor: str
    keyword: str
    entries: Sequence[Markup]


def html_entry(paper: Paper, trending_entry: TrendingEntry | None, render_entry: Callable[..., str]) -> HtmlEntry:
    """Returns a paper as `render_entry`, the template of one entry, prints it.

    `more_authors` are found by the search but not shown. `summary` is Hugging Face's, empty if there is none.
    """
    known: dict[BadgeKind, Badge] = {badge.kind: badge for badge in badges(paper, trending_entry)}
    linked = (known[kind] for kind in (BadgeKind.CODE, BadgeKind.REPOSITORY, BadgeKind.VOTES) if kind in known)
    summary = (trending_entry.ai_summary if trending_entry else None) or ""
    codes = category_codes(paper)
    markup = render_entry(
        title=title_text(paper),
        authors=author_text(paper),
        more_authors=more_authors_text(paper),
        date=paper.updated.date().isoformat(),
        categories=", ".join(codes),
        comment=comment_text(paper),
        abstract=plain_text(paper.abstract),
        withdrawn=BadgeKind.WITHDRAWN in known,
        abs_url=version_url(paper),
        pdf_url=paper.arxiv_id.pdf_url,
        html_url=paper.arxiv_id.html_url,
        summary=plain_text(summary),
        links=[HtmlLink(_label(badge), badge.url) for badge in linked if badge.url],
    )
    return HtmlEntry(
        paper.updated,
        codes,
        markup,
        f"<details><summary>BibTeX</summary><pre>{escape(bibtex(paper))}</pre></details>",
        f'<a href="https://arxiv.org/bibtex/{escape(paper.arxiv_id)}">BibTeX at arXiv</a>',
    )


def _label(badge: Badge) -> str:
    """Returns `Code ★ 1.2k` or `▲ 41 votes on Hugging Face`."""
    return votes_text(badge) if badge.kind is BadgeKind.VOTES else badge.text[:1].upper() + badge.text[1:]


def anchors(keywords: Sequence[str]) -> tuple[str, ...]:
    """Returns a stable anchor per keyword; one that is taken already gets a number."""
    taken: dict[str, None] = {}
    for keyword in keywords:
        plain = "k-" + re.sub(r"\W+", "-", keyword.casefold()).strip("-")
        numbered = (f"{plain}-{number}" for number in range(2, len(keywords) + 2))
        taken[plain if plain not in taken else next(name for name in numbered if name not in taken)] = None
    return tuple(taken)
