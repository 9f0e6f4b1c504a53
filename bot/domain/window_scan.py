"""The reading of one slice to its end: pages in, the next step out.

arXiv's pages come short, shuffled, or empty for minutes. Papers are collected by id and compared with the total
that arXiv counts; only a slice that reached it is complete. It decides, and never fetches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bot.domain.feed import FeedPage, Rejection
from bot.domain.paper import ArxivId, Paper
from bot.runtime import limits

# Documented: 2,000 a slice, "keep under 1,000" (user manual). Smaller pages keep people's look-ups short.
ARXIV_PAGE_SIZE: Final = 500
# A page may come short for minutes; after so many re-reads the slice is narrowed.
WINDOW_RETRIES: Final = 3

# "No results" was seen for minutes, for good queries: without a probe that showed papers it takes two to be true.
_ZERO_ASKED: Final = 2


@dataclass(frozen=True, slots=True)
class FetchPage:
    """Ask for `size` entries from `start`."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Complete:
    """Every paper that arXiv counts in this slice was seen, or rejected with its reason."""

    papers: tuple[Paper, ...]
    rejected: tuple[Rejection, ...]
    total: int


@dataclass(frozen=True, slots=True)
class SplitNeeded:
    """The slice cannot be read whole: too many results, or `seen` of `total` however often it was asked."""

    seen: int
    total: int


Step = FetchPage | Complete | SplitNeeded


@dataclass(frozen=True, slots=True)
class WindowScan:
    """How far the reading of one slice has come: `step` is what to do next, `after` takes in what it brought.

    `trust_zero` says that a probe has just shown papers, so that "no results" may be true.
    """

    trust_zero: bool
    page_size: int = ARXIV_PAGE_SIZE
    # The largest total that was shown: it drops to zero by mistake, and papers do not leave a window of the past.
    total: int = 0
    papers: Mapping[ArxivId, Paper] = field(default_factory=dict)
    # By the entry's id. Two without any may look alike on two pages: narrower slices, of one page, tell them apart.
    rejected: Mapping[str, Rejection] = field(default_factory=dict)
    # A sweep goes from the first page to the last; a slice that stays short is swept again.
    sweeps: int = 0
    sweep_start: int = 0

    @property
    def step(self) -> Step:
        """What to do next."""
        seen = len(self.papers) + len(self.rejected)
        if self.total > limits.ARXIV_RESULT_CAP:
            return SplitNeeded(seen, self.total)
        if seen >= self.total and self._sweeps_enough():
            return Complete(tuple(self.papers.values()), tuple(self.rejected.values()), self.total)
        if self.sweeps > WINDOW_RETRIES:
            return SplitNeeded(seen, self.total)
        return FetchPage(self.sweep_start, min(self.page_size, limits.ARXIV_RESULT_CAP - self.sweep_start))

    def after(self, page: FeedPage) -> "WindowScan":
        """The reading with one more page, the one that `step` asked for."""
        total = max(self.total, page.total)
        start = self.sweep_start + self._advance(page, total)
        ended = start >= total
        return replace(
            self,
            total=total,
            papers={**self.papers, **{paper.arxiv_id: paper for paper in page.papers}},
            rejected={**self.rejected, **{rejection.entry: rejection for rejection in page.rejected}},
            sweeps=self.sweeps + ended,
            sweep_start=0 if ended else start,
        )

    def _sweeps_enough(self) -> bool:
        if self.total > 0:
            return True
        return self.sweeps >= (1 if self.trust_zero else _ZERO_ASKED)

    def _advance(self, page: FeedPage, total: int) -> int:
        """Onwards from what is there, so that a cut page is followed up; past a page that is mostly missing."""
        received = len(page.papers) + len(page.rejected)
        expected = min(self.page_size, total - self.sweep_start)
        return received if 2 * received >= expected else expected
