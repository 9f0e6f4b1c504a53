"""What lookups on arXiv have returned: kept until arXiv's results change, so that pages need few requests.

It sends no request and reads no clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.domain.keyword import Keyword
from bot.domain.paper import Paper
from bot.domain.period import Period

# How many keywords' results are kept, and how many papers they have together: a paper takes 4 kB.
LOOKUPS_KEPT: Final = 100
PAPERS_KEPT: Final = 1500


class LookupOrder(StrEnum):
    """Which papers come first: those that were submitted last, or those whose last version is the newest."""

    NEWEST = "newest"
    UPDATED = "updated"

    def date_of(self, paper: Paper) -> datetime:
        """Returns the date by which a paper is ordered."""
        return paper.published if self is LookupOrder.NEWEST else paper.updated


@dataclass(frozen=True, slots=True)
class LookupQuery:
    """What is looked up: a keyword's papers in an order, optionally of a period."""

    keyword: Keyword
    order: LookupOrder = LookupOrder.NEWEST
    period: Period | None = None

    @property
    def key(self) -> str:
        """Returns a text that is equal for equal queries."""
        return f"{self.order}:{self.period}:{self.keyword.canonical}"

    def select(self, papers: Iterable[Paper]) -> list[Paper]:
        """Returns each of the papers in the period once, in order."""
        unique = {paper.arxiv_id: paper for paper in papers}
        date_of = self.order.date_of
        found = [paper for paper in unique.values() if self.period is None or date_of(paper) in self.period]
        return sorted(found, key=lambda paper: (date_of(paper), paper.arxiv_id), reverse=True)


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The papers that match, of the first `read` results that arXiv has; `is_complete`: it has no others."""

    papers: tuple[Paper, ...] = ()
    read: int = 0
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class _KeptResult:
    expires_at_s: float
    result: LookupResult


class LookupResults:
    """The results that are kept; times are those of the monotonic clock."""

    def __init__(self) -> None:
        self._kept: dict[str, _KeptResult] = {}

    def get(self, query: LookupQuery, now_s: float) -> LookupResult:
        """Returns what is known; an empty result if nothing is."""
        kept = self._kept.get(query.key)
        return LookupResult() if kept is None or now_s >= kept.expires_at_s else kept.result

    def keep(self, query: LookupQuery, result: LookupResult, expires_at_s: float) -> None:
        """Keeps a result; of too many, the oldest are dropped."""
        self._kept.pop(query.key, None)
        self._kept[query.key] = _KeptResult(expires_at_s, result)
        while len(self._kept) > 1 and (len(self._kept) > LOOKUPS_KEPT or self._papers() > PAPERS_KEPT):
            self._kept.pop(next(iter(self._kept)))

    def _papers(self) -> int:
        return sum(len(kept.result.papers) for kept in self._kept.values())
