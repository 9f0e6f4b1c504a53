"""Divides the papers into parts that are searched one after the other, the newest first.

An index of terms has no order by date, so that PostgreSQL reads every paper that a query finds, and sorts them. How
many that are is learned from a part of the newest papers. A part consists of whole blocks (see `documents`).
"""

import math
from dataclasses import dataclass
from typing import Final

from bot.domain.search.documents import DocumentRange, block_of, first_of_block

# All older papers are searched at once if as many as this multiple of those that are needed are expected.
_REST_FACTOR: Final = 3
# A part has more blocks than are expected to suffice: another part is unlikely.
_MARGIN: Final = 1.3


@dataclass(frozen=True, slots=True)
class SearchPart:
    """The documents of one part, and its blocks; None if it has all of the older papers."""

    within: DocumentRange
    blocks: range | None


class SearchParts:
    """Returns the next part, given what the parts before it have found."""

    def __init__(self, within: DocumentRange, needed: int, oldest: int, newest: int, sample_start: int) -> None:
        """`oldest` and `newest` are the documents of papers, and the first part ends at `sample_start` at least."""
        self._within = within
        self._needed = needed
        self._oldest_block = block_of(oldest)
        self._block = self._newest_block = block_of(newest)
        self._first_width = self._block - block_of(sample_start) + 1

    def next_part(self, found: int) -> SearchPart | None:
        """Returns the next part; None if enough was found, or all papers were searched."""
        left = self._block - self._oldest_block + 1
        if found >= self._needed or left <= 0:
            return None
        high = min(self._within.high, first_of_block(self._block + 1))
        width = min(self._width(found, left), left)
        self._block -= width
        if width == left:
            return SearchPart(DocumentRange(self._within.low, high), None)
        first = self._block + 1
        low = max(self._within.low, first_of_block(first))
        return SearchPart(DocumentRange(low, high), range(first, first + width))

    def _width(self, found: int, left: int) -> int:
        searched = self._newest_block - self._block
        if not searched:
            return self._first_width
        per_block = found / searched
        if per_block * left <= _REST_FACTOR * self._needed:
            return left
        return math.ceil(_MARGIN * (self._needed - found) / per_block)
