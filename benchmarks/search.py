"""Measures `/search` in a database of nothing but papers: building its index, first pages, and further pages.

A tenth of a million papers, or a million, of 1.5 kB. Queries are phrases of one to three words in sequence that a paper
contains, words of two thirds of the papers, authors, categories, and expressions of these. Each is searched once, so
that no result is known before, and then turned to its second page.
"""

import asyncio
import random
import re
import resource
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from benchmarks.database import check_free_space, insert_papers
from benchmarks.generated_papers import PaperGenerator, phrases
from benchmarks.measured_bot import percentile
from benchmarks.results import Figure, Run
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.search.terms import TERMS_VERSION
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.runtime.clock import SystemClock
from bot.runtime.errors import InvalidKeyword
from bot.services.search import SearchRequest, SearchService
from bot.store.database import Database
from bot.store.search import SearchIndex
from bot.store.search_building import SearchIndexBuilding
from tests.support import databases

_END: Final = datetime(2026, 11, 23, tzinfo=UTC)
_KEYWORDS: Final = 2350
_BYTES_PER_PAPER: Final = 5_000
_PARTS: Final = 1_000  # papers
_COUNT: Final = 5
_FIRST_MAX_MS: Final = 300.0
# The tables and indexes whose names begin with `search_`.
_SIZES: Final = {
    "sqlite": "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%search%'",
    "postgresql": "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname ~ '^search'",
}
_WORD: Final = re.compile(r"[A-Za-z]+")


@dataclass(slots=True)
class _Times:
    first_ms: list[float] = field(default_factory=list)
    next_ms: list[float] = field(default_factory=list)


def measure(run: Run) -> Sequence[Figure]:
    """Builds the index, unless it is in the cache, and searches it."""
    papers = run.size(100_000, 1_000_000)
    path = run.cache / f"search-{papers}-{TERMS_VERSION}.sqlite3"
    figures = list(_build(path, papers))
    size = _index_size(path) / papers
    figures.append(Figure(f"index of {papers:,} papers, per paper", (size,), "B"))
    return [*figures, *asyncio.run(_search(path, papers, run.size(40, 200)))]


def _build(path: Path, papers: int) -> Iterator[Figure]:
    if databases.exists(path):
        return
    incomplete = path.with_suffix(".partial")
    databases.drop(incomplete)
    if not databases.IS_POSTGRESQL:
        check_free_space(path.parent, papers * _BYTES_PER_PAPER)
    databases.create_where_missing(incomplete)
    insert_papers(incomplete, (each.paper for each in _generator(papers).papers()), papers)
    cpu_s, elapsed_s = asyncio.run(_build_index(incomplete))
    databases.rename(incomplete, path)
    databases.drop(incomplete)
    yield Figure(
        f"building the index of {papers:,} papers, per paper: CPU time of the bot", (1e3 * cpu_s / papers,), "CPU ms"
    )
    yield Figure(f"building the index of {papers:,} papers, per paper", (1e3 * elapsed_s / papers,), "ms")


def _index_size(path: Path) -> int:
    with databases.reading(path) as connection:
        return int(connection.execute(sa.text(_SIZES[connection.dialect.name])).scalar_one())


def _generator(papers: int) -> PaperGenerator:
    return PaperGenerator(papers, phrases(_KEYWORDS), _END)


async def _build_index(path: Path) -> tuple[float, float]:
    database = await Database.open_exclusive(databases.location(path))
    cpu_s, started_s = _cpu_s(), time.monotonic()
    try:
        building = SearchIndexBuilding(database)
        progress = await building.begin()
        while not progress.is_complete:
            progress = await building.build_part(limit=_PARTS)
    finally:
        await database.close()
    return _cpu_s() - cpu_s, time.monotonic() - started_s


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _search(path: Path, papers: int, samples: int) -> list[Figure]:
    database = await Database.open_exclusive(databases.location(path))
    try:
        index = SearchIndex(database)
        times: dict[str, _Times] = {}
        for kind, keywords in _queries(samples).items():
            times[kind] = await _timed(index, keywords)
    finally:
        await database.close()
    return list(_figures(times, papers))


async def _timed(index: SearchIndex, keywords: Sequence[Keyword]) -> _Times:
    times = _Times()
    service = SearchService(index, _no_entries, SystemClock())
    for keyword in keywords:
        started_s = time.perf_counter()
        request = SearchRequest(keyword, _COUNT, await service.newest_range())
        page = await service.page_from(request, 0)
        times.first_ms.append(1e3 * (time.perf_counter() - started_s))
        if page.has_next:
            started_s = time.perf_counter()
            await service.page_from(request, page.end)
            times.next_ms.append(1e3 * (time.perf_counter() - started_s))
    return times


async def _no_entries(_: Collection[ArxivId]) -> Mapping[ArxivId, TrendingEntry]:
    return NO_TRENDING_ENTRIES


def _figures(times: dict[str, _Times], papers: int) -> Iterator[Figure]:
    first = [each for kind in times.values() for each in kind.first_ms]
    next_page = [each for kind in times.values() for each in kind.next_ms]
    for kind, each in times.items():
        yield Figure(f"first page, {kind}, p50", (percentile(each.first_ms, 0.5),), "ms")
        yield Figure(f"first page, {kind}, longest", (max(each.first_ms),), "ms")
    yield Figure(
        f"first page of {len(first)} queries in {papers:,} papers, p99", (percentile(first, 0.99),), "ms", _FIRST_MAX_MS
    )
    yield Figure("second page, p99", (percentile(next_page, 0.99),), "ms", _FIRST_MAX_MS)


# --- queries -------------------------------------------------------------------------------------


def _queries(samples: int) -> dict[str, list[Keyword]]:
    """Returns queries by their kind; papers of the whole period give the words."""
    rng = random.Random(17)
    sample = [each.paper for each in _generator(2000).papers()]
    broad = phrases(40)
    return {
        "words of many papers": [parse_keyword(each) for each in broad],
        "phrases": _read(lambda: f'"{_phrase(rng, rng.choice(sample))}"', samples),
        "words of titles": _read(lambda: f'ti:"{_phrase(rng, rng.choice(sample))}"', samples // 2),
        "authors": _read(lambda: f'au:"{rng.choice(rng.choice(sample).authors)}"', samples // 2),
        "categories": _read(
            lambda: f"cat:{rng.choice(rng.choice(sample).categories)} AND {rng.choice(broad)}", samples // 2
        ),
        "expressions": _read(lambda: _expression(rng, sample), samples),
        "exclusions": _read(lambda: _exclusion(rng, sample, broad), samples),
    }


def _read(typed: Callable[[], str], count: int) -> list[Keyword]:
    found: dict[Keyword, None] = {}
    for _ in range(20 * count):
        if len(found) == count:
            break
        try:
            found[parse_keyword(typed())] = None
        except InvalidKeyword:
            continue  # only stop words
    return list(found)


def _exclusion(rng: random.Random, papers: Sequence[Paper], broad: Sequence[str]) -> str:
    a, b = (_phrase(rng, rng.choice(papers)) for _ in range(2))
    return f'"{a}" ANDNOT ({rng.choice(broad)} OR "{b}")'


def _expression(rng: random.Random, papers: Sequence[Paper]) -> str:
    a, b, c, d = (f'"{_phrase(rng, rng.choice(papers))}"' for _ in range(4))
    paper = rng.choice(papers)
    others = f'au:"{rng.choice(paper.authors)}" OR cat:{rng.choice(paper.categories)}'
    return f"({a} OR {b} OR =model OR ti:{c}) AND ({d} OR {others})"


def _phrase(rng: random.Random, paper: Paper) -> str:
    listed = _WORD.findall(rng.choice((paper.title, paper.abstract)))
    length = rng.choice((1, 2, 2, 3))
    start = rng.randrange(max(1, len(listed) - length))
    return " ".join(listed[start : start + length])
