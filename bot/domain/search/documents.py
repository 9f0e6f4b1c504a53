"""The numbers of papers in the full-text index: the later a paper was published, the greater its number.

So the newest papers that a query finds are read first, and a period of time is a range of numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

# More papers per day than arXiv has in total.
_PAPERS_PER_DAY_BITS: Final = 22
# A period of 32 days, which PostgreSQL searches at once.
_BLOCK_BITS: Final = _PAPERS_PER_DAY_BITS + 5
_FIRST_DAY: Final = datetime(1990, 1, 1, tzinfo=UTC)  # before arXiv's first paper


@dataclass(frozen=True, slots=True)
class DocumentRange:
    """The documents that are searched: from `low` up to, but without, `high`."""

    low: int = 0
    high: int = 2**62


ALL_DOCUMENTS: Final = DocumentRange()


@dataclass(frozen=True, slots=True)
class Hits:
    """The documents of the newest papers that the index proposes, the most relevant first; `has_more` if not all."""

    documents: Sequence[int]
    has_more: bool


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How many of the papers that were stored when building the index began are in it."""

    done: int
    papers: int
    is_complete: bool


def first_document(moment: datetime) -> int:
    """Returns the first number of the papers that were published on the day of `moment` (UTC)."""
    return max(0, (moment - _FIRST_DAY).days) << _PAPERS_PER_DAY_BITS


def day_after(document: int) -> int:
    """Returns the first number of the day after that of a number."""
    return ((document >> _PAPERS_PER_DAY_BITS) + 1) << _PAPERS_PER_DAY_BITS


def block_of(document: int) -> int:
    """Returns the block that a number is in; blocks have 32 days each."""
    return document >> _BLOCK_BITS


def first_of_block(block: int) -> int:
    """Returns the first number of a block."""
    return block << _BLOCK_BITS
