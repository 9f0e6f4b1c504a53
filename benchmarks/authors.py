"""Measures the suggestions of authors on the large database, and how long counting the authors of papers takes.

People type the names of authors of stored papers, letter by letter. The times are those of the store, without Discord.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.database import copied, generated
from benchmarks.generated_tables import GeneratedTables
from benchmarks.measured_bot import percentile
from benchmarks.results import Figure, Run
from bot.domain.expressions.author_keys import typed_prefixes
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX
from bot.store.author_names import COUNTED_UNTIL, PAPERS_AT_ONCE, AuthorNames
from bot.store.database import Database
from bot.store.papers import Papers
from bot.store.polls import KeyValues
from tests.support.databases import location

_SUGGESTION_MAX_MS: Final = 50.0
_TYPED: Final = (1, 2, 3, 4, 6, 100)  # letters
_NAMES: Final = 100
_PARTS: Final = 20


def measure(run: Run) -> Sequence[Figure]:
    """Returns the times of suggestions by how much was typed, and of counting part of the papers again."""
    path, tables = generated(run)
    with copied(path) as copy:
        return asyncio.run(_measure(copy, tables))


async def _measure(path: Path, tables: GeneratedTables) -> list[Figure]:
    database = await Database.open_exclusive(location(path))
    try:
        names = await _names(database, tables)
        return [*[await _suggesting(database, names, letters) for letters in _TYPED], await _counting(database, tables)]
    finally:
        await database.close()


async def _names(database: Database, tables: GeneratedTables) -> list[str]:
    """Returns the first authors of papers that are far from each other."""
    size = tables.size.papers
    ids = [tables.arxiv_id(number) for number in range(0, size, size // _NAMES)]
    return [paper.authors[0] for paper in (await Papers(database).get_many(ids)).values()]


async def _suggesting(database: Database, names: Sequence[str], letters: int) -> Figure:
    """Measures the beginnings of names, and of names in the order of `Hinton, G`."""
    took_ms: list[float] = []
    author_names = AuthorNames(database)
    for name in names:
        given, _, family = name.rpartition(" ")
        for typed in (name[:letters], f"{family}, {given}"[:letters]):
            started_s = time.perf_counter()
            await author_names.find(typed_prefixes(typed), AUTOCOMPLETE_CHOICES_MAX)
            took_ms.append(1000 * (time.perf_counter() - started_s))
    typed_text = f"{letters} letters" if letters < max(_TYPED) else "a whole name"
    return Figure(f"suggestions after {typed_text}, p99", (percentile(took_ms, 0.99),), "ms", _SUGGESTION_MAX_MS)


async def _counting(database: Database, tables: GeneratedTables) -> Figure:
    """Measures transactions that count papers; they are counted twice then, in this copy."""
    middle = tables.arxiv_id(tables.size.papers // 2).value
    await KeyValues(database).set(COUNTED_UNTIL, middle)
    took_ms: list[float] = []
    author_names = AuthorNames(database)
    for _ in range(_PARTS):
        started_s = time.perf_counter()
        await author_names.count_next()
        took_ms.append(1000 * (time.perf_counter() - started_s))
    return Figure(f"counting the authors of {PAPERS_AT_ONCE} papers of an earlier release", tuple(took_ms), "ms")
