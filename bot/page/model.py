"""What the page is made of: sections of papers, and the forms that they come in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.domain.paper import Paper

# As many papers per keyword as other daily-papers pages show.
PAGE_PAPERS: Final = 100


class Form(StrEnum):
    """How the page is written down."""

    MD = "md"
    HTML = "html"
    ATOM = "atom"
    JSON = "json"

    @property
    def content_type(self) -> str:
        """What a web server says of it."""
        return _CONTENT_TYPES[self]

    @property
    def filename(self) -> str:
        """What it is called as a file, and where it is served, seen from the page's address."""
        return f"daily-papers.{self.value}"


_CONTENT_TYPES = {
    Form.MD: "text/markdown; charset=utf-8",
    Form.HTML: "text/html; charset=utf-8",
    Form.ATOM: "application/atom+xml; charset=utf-8",
    Form.JSON: "application/json; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A keyword as somebody typed it, and its papers, the newest first."""

    keyword: str
    papers: tuple[Paper, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The sections in their order; `updated` is when arXiv was last read completely, None before that."""

    updated: datetime | None
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The page in one form, as it is sent or written; the policy is for a web server's Content-Security-Policy."""

    body: bytes
    content_type: str
    filename: str
    content_security_policy: str | None = None
