"""A paper as arXiv describes it, and its id; both are values that cannot be constructed invalid."""

import re
from dataclasses import dataclass
from datetime import datetime

# New style since April 2007, old style before (info.arxiv.org/help/arxiv_identifier.html).
_ID = re.compile(r"(?P<id>\d{4}\.\d{4,5}|[a-z][a-z-]{1,15}(?:\.[A-Z]{2})?/\d{7})(?:v(?P<version>[1-9]\d*))?")

# arXiv lists "Acme Research: Ada Lovelace" as three authors: "Acme Research", ":" and "Ada Lovelace".
_NOT_IN_NAMES = " \t,;:"
_BEFORE_NAME = re.compile(
    r"\A(?:(?:and|&)\s+|(?:on\s+)?behalf\s+of\s+(?:the\s+)?|for\s++the\s++(?=.{0,200}collaboration))+", re.IGNORECASE
)
_IN_PARENTHESES = re.compile(r"\A\((?=(?:on\s+)?behalf\s)(.*)\)\Z", re.IGNORECASE)
_NO_NAME = re.compile(
    r"(?:(?:and|et)?\W*+(?:(?:many\s+)?others|al|and|et|on\s+behalf\s+of|\d+\s+(?:others|more|(?:other\s+)?authors)))?\W*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, order=True)
class ArxivId:
    """An arXiv id without its version: `2403.01234`, `hep-th/9901001`."""

    value: str

    def __post_init__(self) -> None:
        match = _ID.fullmatch(self.value)
        if match is None or match["version"] is not None:
            raise ValueError(f"not an arXiv id without version: {self.value!r}")

    def __str__(self) -> str:
        return self.value

    @property
    def abs_url(self) -> str:
        """The URL of the abstract page, latest version."""
        return f"https://arxiv.org/abs/{self.value}"

    @property
    def pdf_url(self) -> str:
        """The URL of arXiv's PDF, latest version."""
        return f"https://arxiv.org/pdf/{self.value}"

    @property
    def html_url(self) -> str | None:
        """The URL of arXiv's HTML, latest version; None for papers older than that service."""
        # Since December 2023 (info.arxiv.org/about/accessible_HTML.html); old-style ids start with letters.
        return f"https://arxiv.org/html/{self.value}" if "2312" <= self.value[:4] <= "9999" else None


def split_version(text: str) -> tuple[ArxivId, int]:
    """Parses `2403.01234v2` to (`2403.01234`, 2); the version defaults to 1. Raises ValueError for other texts."""
    match = _ID.fullmatch(text)
    if match is None:
        raise ValueError(f"not an arXiv id: {text!r}")
    return ArxivId(match["id"]), int(match["version"] or 1)


@dataclass(frozen=True, slots=True)
class Paper:
    """One version of a paper, with arXiv's texts: TeX is kept, white space collapsed.

    `published` and `updated` are the submission times of v1 and of this version, in UTC. `abstract` is empty once it is
    pruned. Authors are people and groups: separators that arXiv lists as authors are removed, also from papers that
    were stored with them.
    """

    arxiv_id: ArxivId
    version: int
    title: str
    abstract: str
    authors: tuple[str, ...]
    primary_category: str
    categories: tuple[str, ...]
    published: datetime
    updated: datetime
    comment: str | None = None
    journal_ref: str | None = None
    doi: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "authors", without_separators(self.authors))


def without_separators(listed: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the names without separators (":", "and others", "on behalf of the …"), which are no authors."""
    names = (_BEFORE_NAME.sub("", _IN_PARENTHESES.sub(r"\1", name.strip(_NOT_IN_NAMES))) for name in listed)
    return tuple(name for name in names if not _NO_NAME.fullmatch(name))
