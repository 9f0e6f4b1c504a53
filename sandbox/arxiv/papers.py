"""A paper of the local arXiv in one version, and the format of arXiv ids.

A paper without an id or a date has not been announced yet. This module never assigns them: `corpus.py` does.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

# The day arXiv opened: no paper is older, so it represents "no date yet".
UNDATED = datetime(1991, 8, 14, tzinfo=UTC)

# New style since April 2007, old style before (info.arxiv.org/help/arxiv_identifier.html).
_ID = re.compile(r"(?P<id>\d{4}\.\d{4,5}|[a-z][a-z-]*(?:\.[A-Z]{2})?/\d{7})(?:v(?P<version>[1-9]\d*))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxPaper:
    """A paper's metadata; `published` is the submission of v1, `updated` that of this version."""

    title: str
    abstract: str = "An abstract."
    authors: tuple[str, ...] = ("Ada Lovelace",)
    categories: tuple[str, ...] = ("cs.LG",)  # the first is the primary one
    comment: str | None = None
    journal_ref: str | None = None
    doi: str | None = None
    report_number: str | None = None  # searchable (rn:), but not in feeds
    affiliation: str | None = None  # of the first author
    arxiv_id: str = ""  # without version
    version: int = 1
    published: datetime = UNDATED
    updated: datetime = UNDATED

    def __post_init__(self) -> None:
        if self.arxiv_id and split_id(self.arxiv_id) != (self.arxiv_id, None):
            raise ValueError(f"not an arXiv id without version: {self.arxiv_id!r}")
        if not self.categories:
            raise ValueError("a paper needs at least one category")
        if self.published.tzinfo is None or self.updated.tzinfo is None:
            raise ValueError("a paper's dates need a time zone")
        if self.updated < self.published:
            object.__setattr__(self, "updated", self.published)

    @property
    def versioned_id(self) -> str:
        """The id with version, such as `2403.01234v2`, as in arXiv's feeds."""
        return f"{self.arxiv_id}v{self.version}"


def split_id(text: str) -> tuple[str, int | None]:
    """Splits `2403.01234v2` into (`2403.01234`, 2), or None without a version; ValueError if it is not an arXiv id."""
    match = _ID.fullmatch(text)
    if match is None:
        raise ValueError(f"not an arXiv id: {text!r}")
    return match["id"], int(match["version"]) if match["version"] else None
