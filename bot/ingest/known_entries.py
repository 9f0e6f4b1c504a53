"""Remembers which of arXiv's entries need not be parsed again: their papers were matched and stored by an earlier poll.

A poll reads the papers of a week again, because moderation and arXiv's errors delay some; most of them are unchanged.
It only holds digests, in memory: the first poll after a start parses everything.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import islice
from typing import Final

from bot.domain.subscription import WatchedKeyword

# More than polls read in a week: 7 days each time, and the older windows of all days. They take 5 MB.
KNOWN_ENTRIES_MAX: Final = 40_000

_Keywords = frozenset[tuple[int, datetime | None]]


class KnownEntries:
    """The digests of the entries whose papers were matched with all keywords of the last poll."""

    def __init__(self) -> None:
        self._keywords: _Keywords = frozenset()
        self._digests: dict[int, None] = {}

    def of(self, watched: Iterable[WatchedKeyword]) -> Collection[int]:
        """Returns the digests of the entries that were matched with all of these keywords.

        They are none if one of the keywords is new, or had another initial sync: it has to be matched with every paper.
        """
        keywords = frozenset((each.id, each.new_since) for each in watched)
        if not keywords <= self._keywords:
            self._digests.clear()
        self._keywords = keywords
        return self._digests.keys()

    def add(self, digests: Iterable[int]) -> None:
        """Adds entries whose papers were matched with the keywords of the last call of `of`, and stored."""
        self._digests.update(dict.fromkeys(digests))
        excess = len(self._digests) - KNOWN_ENTRIES_MAX
        for digest in tuple(islice(self._digests, max(0, excess))):
            del self._digests[digest]
