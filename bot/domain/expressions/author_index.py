"""Finds the papers of authors: each name of a paper is read at most once, whatever the number of authors searched for.

It never decides whether two names match (that is `names`).
"""

from collections.abc import Iterable, Sequence

from bot.domain.expressions.names import NameMatch, NameReading, compare_names, listed_readings
from bot.domain.expressions.nodes import AuthorClause
from bot.domain.paper import Paper


class AuthorIndex:
    """The names of the papers' authors by family name, for the family names of these clauses."""

    def __init__(self, papers: Iterable[Paper], searched: Iterable[AuthorClause]) -> None:
        wanted = {key for clause in searched for key in _family_keys(clause.readings)}
        rows_of_names: dict[str, list[int]] = {}
        for row, paper in enumerate(papers):
            for name in paper.authors:
                rows_of_names.setdefault(name, []).append(row)
        self._rows_of_names = rows_of_names
        self._names: dict[str, list[tuple[str, Sequence[NameReading]]]] = {key: [] for key in wanted}
        for name in rows_of_names:
            readings = listed_readings(name)
            for key in wanted.intersection(_family_keys(readings)):
                self._names[key].append((name, readings))

    def find(self, clause: AuthorClause) -> tuple[set[int], set[int]]:
        """Returns the rows of the papers with a matching author, and those with one that matches fully."""
        matched: set[int] = set()
        certain: set[int] = set()
        for key in _family_keys(clause.readings):
            for name, readings in self._names[key]:
                found = compare_names(clause.readings, readings)
                if found is not NameMatch.NONE:
                    matched.update(self._rows_of_names[name])
                if found is NameMatch.FULL:
                    certain.update(self._rows_of_names[name])
        return matched, certain


def _family_keys(readings: Iterable[NameReading]) -> set[str]:
    """Returns the family names as one word each: names with none in common do not match."""
    return {key for reading in readings for key in (reading.core, reading.whole)}
