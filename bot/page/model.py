"""The page as data: an outline, sections that are read one after the other, the formats in which it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.domain.paper import ArxivId, Paper
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry

# As many papers per keyword as other daily-papers pages show.
PAGE_PAPERS: Final = 100
# Altogether, which limits the size of a page and the memory and time that it takes: with more keywords than 20, each
# shows fewer papers.
PAGE_PAPERS_TOTAL: Final = 2000
PAGE_KEYWORDS: Final = 1000


class PageFormat(StrEnum):
    """A format in which the page is written."""

    MD = "md"
    HTML = "html"
    ATOM = "atom"
    JSON = "json"

    @property
    def content_type(self) -> str:
        """The value of the Content-Type header."""
        return _CONTENT_TYPES[self]

    @property
    def filename(self) -> str:
        """The name of the file; also its URL relative to the page's URL."""
        return f"daily-papers.{self.value}"


_CONTENT_TYPES = {
    PageFormat.MD: "text/markdown; charset=utf-8",
    PageFormat.HTML: "text/html; charset=utf-8",
    PageFormat.ATOM: "application/atom+xml; charset=utf-8",
    PageFormat.JSON: "application/json; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A keyword as it was typed, and its papers, newest first.

    `trending_entries` has the papers that are on Hugging Face's lists.
    """

    keyword: str
    papers: tuple[Paper, ...]
    trending_entries: Mapping[ArxivId, TrendingEntry] = field(default_factory=lambda: NO_TRENDING_ENTRIES)


@dataclass(frozen=True, slots=True)
class PageOutline:
    """What a page has besides its sections.

    `updated` is when arXiv was last read completely, None before the first time. Each section has at most
    `per_keyword` papers. `more_keywords` are left out.
    """

    updated: datetime | None
    keywords: tuple[str, ...]
    per_keyword: int = PAGE_PAPERS
    more_keywords: int = 0


def outline_of(updated: datetime | None, keywords: tuple[str, ...], per_keyword: int = PAGE_PAPERS) -> PageOutline:
    """Returns the outline of a page of these keywords within the limits; at most `per_keyword` papers for each."""
    shown = keywords[:PAGE_KEYWORDS]
    fitting = PAGE_PAPERS_TOTAL // max(1, len(shown))
    return PageOutline(updated, shown, min(per_keyword, fitting, PAGE_PAPERS), len(keywords) - len(shown))
