"""Searches the stored papers: the full-text index proposes papers, and the matcher decides which of them are shown.

The matcher reads only the papers of the page that is shown, and those between them that it rejects. It never asks
arXiv.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.domain.expressions.keywords import match_keywords
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.period import Period
from bot.domain.search.documents import ALL_DOCUMENTS, DocumentRange, Hits, IndexProgress, first_document
from bot.domain.search.query import index_query
from bot.domain.trending.entry import TrendingEntry
from bot.runtime.clock import Clock
from bot.services.lookup import FindTrendingEntries
from bot.store.search import SearchIndex

# More would keep the database from answering other commands.
SEARCHES_AT_ONCE: Final = 2
# How many searches are kept, with the papers that were compared, and for how long: people turn pages.
SEARCHES_KEPT: Final = 20
SEARCH_KEPT_S: Final = 15 * 60.0
# If the index proposes no more papers, all are compared, so that the reply has their number.
COUNTED_MAX: Final = 100
# How many papers are compared at once, at first; then twice as many, for a search that excludes most papers.
_COMPARED_FIRST: Final = 20
_COMPARED_MAX: Final = 320


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is searched: `count` papers per page, among the documents in `within`."""

    keyword: Keyword
    count: int
    within: DocumentRange
    by_date: bool = False


@dataclass(frozen=True, slots=True)
class SearchPage:
    """The papers of one page: those hits from `start` up to, but without, `end` that match.

    `number` is that of the first paper among all that match; None if the papers before it were not compared.
    `hits` is how many papers the index proposed; `matches` is how many of them match if all were compared, else None.
    `has_more_hits`: older papers that were not ranked may match, too.
    """

    papers: tuple[Paper, ...]
    number: int | None
    start: int
    end: int
    hits: int
    matches: int | None
    has_more_hits: bool
    has_next: bool
    progress: IndexProgress
    trending_entries: Mapping[ArxivId, TrendingEntry] = field(default_factory=dict)


def _documents(period: Period) -> DocumentRange:
    return DocumentRange(first_document(period.start), first_document(period.end))


class _Search:
    """The hits of one search, and which of them match, as far as they were compared."""

    def __init__(self, keyword: Keyword, hits: Hits, expires_at_s: float) -> None:
        self.keyword = keyword
        self.hits = hits
        self.expires_at_s = expires_at_s
        self.matches: dict[int, bool] = {}

    def number(self, place: int) -> int | None:
        """Returns the number that a paper at this place has among all that match; None if that is unknown."""
        before = [self.matches.get(document) for document in self.hits.documents[:place]]
        return None if None in before else sum(map(bool, before)) + 1


class SearchService:
    """Finds stored papers, page by page."""

    def __init__(self, index: SearchIndex, find_trending_entries: FindTrendingEntries, clock: Clock) -> None:
        self._index = index
        self._find_trending_entries = find_trending_entries
        self._clock = clock
        self._slots = asyncio.Semaphore(SEARCHES_AT_ONCE)
        self._searches: dict[tuple[str, bool, DocumentRange], _Search] = {}

    async def stored(self, keyword: Keyword, period: Period | None, count: int) -> Sequence[Paper]:
        """Returns the newest stored papers that match, of a period."""
        within = await self.newest_range(ALL_DOCUMENTS if period is None else _documents(period))
        request = SearchRequest(keyword, count, within, by_date=True)
        return (await self.page_from(request, 0)).papers

    async def newest_range(self, within: DocumentRange = ALL_DOCUMENTS) -> DocumentRange:
        """Returns the documents in a range that papers have now: newer papers do not move pages."""
        return DocumentRange(within.low, min(within.high, await self._index.end()))

    async def page_from(self, request: SearchRequest, start: int) -> SearchPage:
        """Returns the page that begins at the hit `start`."""
        search = await self._search(request)
        places, has_next = await self._matching(search, range(start, len(search.hits.documents)), request.count)
        end = places[-1] + 1 if places else len(search.hits.documents)
        return await self._page(
            search, places, start, end if has_next else len(search.hits.documents), has_next=has_next
        )

    async def page_to(self, request: SearchRequest, end: int) -> SearchPage:
        """Returns the page that ends before the hit `end`; the first page if there are not enough papers."""
        search = await self._search(request)
        last = min(end, len(search.hits.documents))
        places, _ = await self._matching(search, range(last - 1, -1, -1), request.count)
        if len(places) < request.count:
            return await self.page_from(request, 0)
        return await self.page_from(request, places[-1])

    async def _search(self, request: SearchRequest) -> _Search:
        now_s = self._clock.monotonic()
        key = (request.keyword.canonical, request.by_date, request.within)
        found = self._searches.get(key)
        if found is not None and found.expires_at_s > now_s:
            return found
        async with self._slots:
            query = await asyncio.to_thread(index_query, request.keyword)
            hits = await self._index.find(query, request.within, by_date=request.by_date)
        while len(self._searches) >= SEARCHES_KEPT:
            self._searches.pop(next(iter(self._searches)))
        self._searches[key] = search = _Search(request.keyword, hits, now_s + SEARCH_KEPT_S)
        return search

    async def _matching(self, search: _Search, places: Sequence[int], count: int) -> tuple[list[int], bool]:
        """Returns the first `count` of these places that match, and whether another one does."""
        found: list[int] = []
        size = _COMPARED_FIRST
        start = 0
        while start < len(places) and len(found) <= count:
            part = places[start : start + size]
            await self._compare(search, [search.hits.documents[place] for place in part])
            found += (place for place in part if search.matches[search.hits.documents[place]])
            start, size = start + size, min(2 * size, _COMPARED_MAX)
        return found[:count], len(found) > count

    async def _compare(self, search: _Search, documents: Sequence[int]) -> None:
        unknown = [document for document in documents if document not in search.matches]
        if unknown:
            papers = await self._index.papers(unknown)
            matched = await asyncio.to_thread(match_keywords, list(papers.values()), [search.keyword])
            ids = {each.arxiv_id for each in matched}
            # A paper whose document is unknown has changed since the search.
            search.matches.update(
                {document: document in papers and papers[document].arxiv_id in ids for document in unknown}
            )

    async def _page(
        self, search: _Search, places: Sequence[int], start: int, end: int, *, has_next: bool
    ) -> SearchPage:
        matches = await self._count(search)
        documents = [search.hits.documents[place] for place in places]
        found = await self._index.papers(documents)
        papers = tuple(found[document] for document in documents if document in found)
        return SearchPage(
            papers=papers,
            number=search.number(start),
            start=start,
            end=end,
            hits=len(search.hits.documents),
            matches=matches,
            has_more_hits=search.hits.has_more,
            has_next=has_next,
            progress=await self._index.progress(),
            trending_entries=await self._find_trending_entries([paper.arxiv_id for paper in papers]),
        )

    async def _count(self, search: _Search) -> int | None:
        if len(search.hits.documents) <= COUNTED_MAX:
            await self._compare(search, search.hits.documents)
        is_known = len(search.matches) == len(search.hits.documents)
        return sum(search.matches.values()) if is_known else None
