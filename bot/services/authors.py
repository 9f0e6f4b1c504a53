"""Suggests authors of stored papers, finds people with the same name, and counts the authors of earlier papers.

It never decides whether two names match (that is `bot.domain.expressions.names`).
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bot.domain.expressions.author_keys import same_name_prefixes, typed_prefixes
from bot.domain.expressions.names import NameMatch, compare_names, listed_readings
from bot.domain.expressions.nodes import AuthorClause
from bot.runtime.clock import Clock
from bot.store.author_names import AuthorName, AuthorNames

log = logging.getLogger(__name__)

# Between two transactions, so that others need not wait: the authors of a million papers take about 40 minutes.
COUNTING_PAUSE_S: Final = 0.5
# How much people type at most, and how many names are compared with a followed author.
_TYPED_MAX: Final = 100
_COMPARED: Final = 200


@dataclass(frozen=True, slots=True)
class SameName:
    """A name in stored papers that is that of a followed author, possibly if only by an initial."""

    name: str
    papers: int
    is_possible: bool


class AuthorService:
    """The authors of stored papers."""

    def __init__(self, names: AuthorNames) -> None:
        self._names = names

    async def suggest(self, typed: str, limit: int) -> tuple[AuthorName, ...]:
        """Returns the names that begin with what was typed, those with the most papers first."""
        return await self._names.find(typed_prefixes(typed[:_TYPED_MAX]), limit)

    async def same_names(self, author: AuthorClause) -> tuple[SameName, ...]:
        """Returns the spellings in stored papers that match an author, those with the most papers first."""
        found = await self._names.find(same_name_prefixes(author.readings), _COMPARED)
        # In a thread, because 200 names take several milliseconds.
        return await asyncio.to_thread(lambda: tuple(_matching(author, found)))


def _matching(author: AuthorClause, names: Iterable[AuthorName]) -> Iterable[SameName]:
    for each in names:
        match = compare_names(author.readings, listed_readings(each.name))
        if match is not NameMatch.NONE:
            yield SameName(each.name, each.papers, match is NameMatch.POSSIBLE)


class AuthorCounter:
    """Counts the authors of papers that an earlier release stored; it continues after a restart."""

    def __init__(self, names: AuthorNames, clock: Clock) -> None:
        self._names = names
        self._clock = clock

    async def run(self) -> None:
        """Counts until every stored paper is counted."""
        steps = 0
        while await self._names.count_next():
            steps += 1
            await self._clock.sleep(COUNTING_PAUSE_S)
        if steps:
            log.info("authors counted")
