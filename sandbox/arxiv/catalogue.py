"""The papers that are visible at the local arXiv, in every version: finds them by query or id, and sorts them.

It never sees HTTP.
"""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from sandbox.arxiv.index import TermIndex
from sandbox.arxiv.papers import SandboxPaper, split_id
from sandbox.arxiv.query import Group


class SortBy(StrEnum):
    """The values of arXiv's `sortBy`."""

    RELEVANCE = "relevance"
    LAST_UPDATED = "lastUpdatedDate"
    SUBMITTED = "submittedDate"


class SortOrder(StrEnum):
    """The values of arXiv's `sortOrder`."""

    ASCENDING = "ascending"
    DESCENDING = "descending"


class Catalogue:
    """The visible papers."""

    def __init__(self) -> None:
        self._index = TermIndex()
        self._current: dict[str, SandboxPaper] = {}
        self._versions: dict[str, SandboxPaper] = {}  # by versioned id

    def close(self) -> None:
        """Closes the index."""
        self._index.close()

    def add(self, papers: Iterable[SandboxPaper]) -> None:
        """Makes these papers visible, each as the current version of its id."""
        shown = list(papers)
        self._current.update((paper.arxiv_id, paper) for paper in shown)
        self._versions.update((paper.versioned_id, paper) for paper in shown)
        self._index.add(shown)

    @property
    def papers(self) -> tuple[SandboxPaper, ...]:
        """The current version of every visible paper, newest submission first."""
        return tuple(sorted(self._current.values(), key=lambda paper: paper.published, reverse=True))

    def current(self, arxiv_id: str) -> SandboxPaper:
        """Returns the current version; raises KeyError if the paper is not visible."""
        return self._current[arxiv_id]

    def find(self, query: Group | None, ids: tuple[str, ...], by: SortBy, order: SortOrder) -> list[SandboxPaper]:
        """Returns the papers that match the query, and that are in `ids` unless it is empty."""
        scores = None if query is None else self._index.search(query)
        if ids:
            listed = [paper for paper in map(self._listed, dict.fromkeys(ids)) if paper is not None]
            found = [paper for paper in listed if scores is None or paper.arxiv_id in scores]
        else:
            found = [self._current[arxiv_id] for arxiv_id in sorted(scores or ())]
        return _ordered(found, scores or Counter(), by, order)

    def _listed(self, written: str) -> SandboxPaper | None:
        arxiv_id, version = split_id(written)
        return self._current.get(arxiv_id) if version is None else self._versions.get(written)


def _ordered(papers: list[SandboxPaper], scores: Counter[str], by: SortBy, order: SortOrder) -> list[SandboxPaper]:
    descending = order is SortOrder.DESCENDING
    match by:
        case SortBy.RELEVANCE:
            return sorted(papers, key=lambda paper: scores[paper.arxiv_id], reverse=descending)
        case SortBy.LAST_UPDATED:
            return sorted(papers, key=lambda paper: paper.updated, reverse=descending)
        case SortBy.SUBMITTED:
            return sorted(papers, key=lambda paper: paper.published, reverse=descending)
