"""The page as data: sections of papers, and the formats in which it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.domain.paper import ArxivId, Paper
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry

# As many papers per keyword as other daily-papers pages show.
PAGE_PAPERS: Final = 100


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
    """A keyword as it was typed, and its papers, newest first."""

    keyword: str
    papers: tuple[Paper, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The sections in order; `updated` is when arXiv was last read completely, None before the first time.

    `trending_entries` has the papers that are on Hugging Face's lists.
    """

    updated: datetime | None
    sections: tuple[Section, ...]
    trending_entries: Mapping[ArxivId, TrendingEntry] = field(default_factory=lambda: NO_TRENDING_ENTRIES)


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """The page in one format; `content_security_policy` is the header with which a web server sends it."""

    body: bytes
    content_type: str
    filename: str
    content_security_policy: str | None = None
