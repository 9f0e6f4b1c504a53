"""Decides the next step of a window scan: fetch a page, finish, or split the window. It never fetches anything.

arXiv's pages may be short, shuffled, or empty for minutes. Papers are collected by id and counted against the total
that arXiv reports; a window is complete only when it reaches that total.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bot.domain.feed import FeedPage, Rejection
from bot.domain.paper import ArxivId, Paper
from bot.runtime import limits

# Documented: at most 2,000 per page (user manual), which also recommends fewer: after a page that fails, the reader
# requests smaller ones.
ARXIV_PAGE_SIZE: Final = 2000
# Pages may be short for minutes; after this many repeated sweeps, the window is split.
WINDOW_RETRIES: Final = 3

# arXiv sometimes returns "no results" for minutes: unless a probe just returned papers, it must be seen twice.
_ZERO_SWEEPS: Final = 2


@dataclass(frozen=True, slots=True)
class FetchPage:
    """Request `size` entries from `start`."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Complete:
    """All papers that arXiv counts in this window were read, or rejected with a reason.

    Of another number of papers, only their ids were read, because they are known and `unchanged`.
    """

    papers: tuple[Paper, ...]
    rejected: tuple[Rejection, ...]
    total: int
    unchanged: int = 0
    digests: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class SplitNeeded:
    """The window cannot be read completely: too many results, or only `seen` of `total` after several sweeps."""

    seen: int
    total: int


ScanStep = FetchPage | Complete | SplitNeeded


@dataclass(frozen=True, slots=True)
class WindowScan:
    """The state of one scan: `step` is what to do next, `after` returns the state with one more page.

    `trust_zero` means that a probe has just returned papers, so that "no results" can be believed at once.
    """

    trust_zero: bool
    page_size: int = ARXIV_PAGE_SIZE
    # The largest total so far: it drops to zero by mistake, and papers do not leave a past window.
    total: int = 0
    papers: Mapping[ArxivId, Paper] = field(default_factory=dict)
    # By entry id. Two entries without one may look alike on two pages; narrower windows, of one page, tell them apart.
    rejected: Mapping[str, Rejection] = field(default_factory=dict)
    unchanged: frozenset[ArxivId] = frozenset()
    digests: frozenset[int] = frozenset()
    # A sweep goes from the first page to the last; an incomplete window is swept again.
    sweeps: int = 0
    sweep_start: int = 0

    @property
    def step(self) -> ScanStep:
        """The next step."""
        unchanged = len(self.unchanged - self.papers.keys())
        seen = len(self.papers) + len(self.rejected) + unchanged
        if self.total > limits.ARXIV_RESULT_CAP:
            return SplitNeeded(seen, self.total)
        if seen >= self.total and self._is_total_trusted():
            papers, rejected = tuple(self.papers.values()), tuple(self.rejected.values())
            return Complete(papers, rejected, self.total, unchanged, self.digests)
        if self.sweeps > WINDOW_RETRIES:
            return SplitNeeded(seen, self.total)
        return FetchPage(self.sweep_start, min(self.page_size, limits.ARXIV_RESULT_CAP - self.sweep_start))

    def after(self, page: FeedPage) -> "WindowScan":
        """Returns the scan with one more page, the one that `step` requested."""
        total = max(self.total, page.total)
        start = self.sweep_start + self._advance(page, total)
        sweep_done = start >= total
        return replace(
            self,
            total=total,
            papers={**self.papers, **{paper.arxiv_id: paper for paper in page.papers}},
            rejected={**self.rejected, **{rejection.entry: rejection for rejection in page.rejected}},
            unchanged=self.unchanged.union(page.unchanged),
            digests=self.digests.union(page.digests),
            sweeps=self.sweeps + sweep_done,
            sweep_start=0 if sweep_done else start,
        )

    def _is_total_trusted(self) -> bool:
        if self.total > 0:
            return True
        return self.sweeps >= (1 if self.trust_zero else _ZERO_SWEEPS)

    def _advance(self, page: FeedPage, total: int) -> int:
        """Returns the distance to the next page: after the received entries, or past a page that is mostly missing."""
        expected = min(self.page_size, total - self.sweep_start)
        return page.entries if 2 * page.entries >= expected else expected
