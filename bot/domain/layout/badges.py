"""Finds a paper's badges: withdrawn, venue, survey, pages, votes, code, version, in this order.

The facts come from arXiv's metadata and from the paper's trending entry, if it has one. A badge is plain text; the
layout escapes it. Nothing is guessed: what the metadata does not clearly state gets no badge.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.domain.layout.code_link import code_link, is_hugging_face, normalized_code_url
from bot.domain.layout.venue import venue
from bot.domain.paper import Paper
from bot.domain.tex.convert import tex_to_text
from bot.domain.trending.entry import TrendingEntry, abbreviate_count
from bot.domain.withdrawal import is_withdrawn


class BadgeKind(Enum):
    """The kinds of badges, most important first."""

    WITHDRAWN = "withdrawn"
    VENUE = "venue"
    SURVEY = "survey"
    PAGES = "pages"
    VOTES = "votes"
    CODE = "code"  # linked by the authors
    REPOSITORY = "repository"  # listed by Hugging Face
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Badge:
    """One fact about a paper: a few words of plain text, with a link if there is one."""

    kind: BadgeKind
    text: str
    url: str | None = None


def badges(paper: Paper, trending_entry: TrendingEntry | None = None) -> tuple[Badge, ...]:
    """Returns the paper's badges, the most important first; each kind occurs at most once."""
    return tuple(_find_badges(paper, trending_entry))


def _find_badges(paper: Paper, trending_entry: TrendingEntry | None) -> Iterator[Badge]:
    if is_withdrawn(paper):
        yield Badge(BadgeKind.WITHDRAWN, "withdrawn")
    if name := venue(paper.comment, paper.journal_ref):
        yield Badge(BadgeKind.VENUE, name)
    if survey := _survey(paper):
        yield Badge(BadgeKind.SURVEY, survey)
    if pages := _pages(tex_to_text(paper.comment or "")):
        yield Badge(BadgeKind.PAGES, pages)
    if trending_entry is not None and trending_entry.votes:
        yield Badge(BadgeKind.VOTES, f"▲ {abbreviate_count(trending_entry.votes)}", trending_entry.url)
    yield from _code(code_link(paper), trending_entry)
    if paper.version > 1:
        yield Badge(BadgeKind.VERSION, f"v{paper.version}")


# --- survey ------------------------------------------------------------------------------------

_ADJECTIVES: Final = (
    r"(?:(?:comprehensive|systematic|brief|short|critical|recent|literature|technical|structured|unified|contemporary"
    r"|practical|historical|selective|concise|extensive|thorough|in-depth|deep|broad|gentle|state-of-the-art|scoping"
    r"|narrative|interdisciplinary|multidisciplinary|first|new|updated|current|mini)[\s,-]+(?:and\s+)?)*"
)
# A survey among people is a study, not a survey of the literature; so is a sky survey (see `_survey`).
_NOT_OF_PEOPLE: Final = (
    r"(?!\s+(?:of|among|with|on)\s+(?:\w+\s+){0,2}(?:\d|users|people|students|teachers|developers|practitioners|engineers"
    r"|researchers|scientists|physicists|mathematicians|workers|patients|participants|respondents|households|attitudes"
    r"|perceptions|opinions|experts|programmers|maintainers|public))"
)
_SURVEY_TITLE: Final = re.compile(
    rf"(?:\A|[:?!.—–]\s*|\s-\s|\()(?:an?\s+|the\s+)?{_ADJECTIVES}(?P<kind>survey|review)"
    rf"(?:(?=\s*[).]?\Z)|(?=\s+and\s+(?:\w+\s+){{0,3}}(?:taxonomy|outlook|perspectives?|roadmap|directions|challenges))"
    rf"|{_NOT_OF_PEOPLE}(?=\s+(?:of|on|about)\s))",
    re.IGNORECASE,
)
_LITERATURE_REVIEW: Final = re.compile(
    r"\b(?:systematic|literature|scoping|narrative)\s+(?P<kind>review|survey)\b(?!er|ing)", re.IGNORECASE
)
_SURVEY_COMMENT: Final = re.compile(
    r"(?:\A|[.,;(]\s*)(?:(?:this\s+is\s+)?an?\s+)?(?:invited\s+|short\s+)?(?P<kind>survey|review)\s+(?:paper|article)\b(?=\W|\Z)"
    r"(?!\s+(?:at|from|by|in)\b)",
    re.IGNORECASE,
)


def _survey(paper: Paper) -> str:
    title = tex_to_text(paper.title)
    found = _LITERATURE_REVIEW.search(title) or _SURVEY_TITLE.search(title)
    found = found or _SURVEY_COMMENT.search(tex_to_text(paper.comment or ""))
    kind = found["kind"].lower() if found else ""
    is_sky_survey = kind == "survey" and paper.primary_category.startswith("astro-ph")
    return "" if is_sky_survey else kind


# --- pages -------------------------------------------------------------------------------------

_PAGES: Final = re.compile(
    r"(?<![\w.\-–#$~≈])(?<!\d[,:])(?<!pages\s)(?<!pp\.\s)"
    r"(?P<count>(?:[ivx]{1,6}\s?\+\s?)?[1-9]\d{0,3}(?:\s?\+\s?[1-9]\d{0,2})?)[\s-]?\s*"
    r"(?:(?:a4|latex|revtex|journal|two-column|double-column|single-column|double-spaced)\s+)?"
    r"(?:pages?\b|pgs?\b|pp\b|p\.?(?=\s*(?:\Z|[,;]\s*\d+\s*(?:fig|tab))))"
    r"(?P<scope>,?\s*\(?(?:in\s+)?total(?!\s*:|\s+of)"
    r"|\s+(?:of\s+|for\s+)?(?:the\s+|an?\s+)?(?:(?!incl|excl|and|plus|with)[a-z]+\s+)?"
    r"(?:supp\w*|append\w*|references?|bibliography|SM\b|SI\b))?",
    re.IGNORECASE,
)
# "Pages: 12"; not "see pages 3-5", nor "pages: 3-5" of a volume.
_PAGES_BEFORE: Final = re.compile(
    r"(?:(?<!see\s)\b(?:pages?|pp\.?)\s*[:=]\s*|\A\W*pages\s+)(?P<count>[1-9]\d{0,3}(?:\s?\+\s?[1-9]\d{0,2})?)"
    r"(?=\s*(?:\Z|[.;)]|,(?!\s*\d+\s*(?:,|and\b|\Z))))(?![.,]\d)",
    re.IGNORECASE,
)
_GLUED_TO_YEAR: Final = re.compile(
    r"(?:(?<=(?<!\d)(?:19|20)\d\d)|(?<=['’]\d\d))[.,:](?=\d{1,3}\s*-?(?:pages?|pp|pgs?)\b)", re.IGNORECASE
)
_GLUED_TO_WORD: Final = re.compile(r"(?<=[^\W\d_)\]])\.(?=\d{1,3}\s*-?(?:pages?|pp|pgs?)\b)", re.IGNORECASE)
_TOTAL_BEFORE: Final = re.compile(r"\b(?:total(?:\s+of|:)?|in\s+total,?|altogether)\s*\Z", re.IGNORECASE)


def _pages(comment: str) -> str:
    """Returns `12 pages` if the comment has only one number of pages, or marks one as the total."""
    comment = _GLUED_TO_WORD.sub(". ", _GLUED_TO_YEAR.sub(". ", comment))
    counts = [found["count"] for found in _PAGES_BEFORE.finditer(comment)]
    for found in _PAGES.finditer(comment):
        scope = (found["scope"] or "").lower()
        if scope.endswith("total") or _TOTAL_BEFORE.search(comment, 0, found.start()):
            return _page_count(found["count"])
        if not scope:
            counts.append(found["count"])
    return _page_count(counts[0]) if len(set(counts)) == 1 else ""


def _page_count(count: str) -> str:
    return "1 page" if count == "1" else f"{''.join(count.split())} pages"


# --- code --------------------------------------------------------------------------------------


def _code(link: str, trending_entry: TrendingEntry | None) -> Iterator[Badge]:
    """Yields the link in the paper, and the repository that Hugging Face lists if the authors link no code.

    A link to the listed repository shows its stars.
    """
    listed = "" if trending_entry is None else normalized_code_url(trending_entry.code_url or "")
    stars = "" if trending_entry is None or not trending_entry.stars else f" ★ {abbreviate_count(trending_entry.stars)}"
    is_repository = bool(link) and not is_hugging_face(link)
    if link:
        is_listed = _repository(link) == _repository(listed)
        yield Badge(BadgeKind.CODE, f"code{stars if is_listed else ''}" if is_repository else "Hugging Face", link)
    if listed and not is_repository:
        yield Badge(BadgeKind.REPOSITORY, f"code{stars}", listed)


def _repository(link: str) -> tuple[str, ...]:
    """Returns host, owner and name, which identify the repository that a link leads into."""
    return tuple(link.removeprefix("https://").casefold().split("/")[:3])
