"""Exports the papers of keywords and a period as a file of references, within a number of papers and of bytes.

Papers are read and written in small parts: of the papers, one part is in memory. It never checks who may see a channel:
the callers do that.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.period import Period
from bot.page.references import ReferenceFormat, write_reference
from bot.runtime.errors import DailyPapersError
from bot.store.exports import Exports
from bot.store.pages import PageKeywords, PageStore
from bot.store.papers import Papers

# With their abstracts, these are about 10 MB as CSV; as BibTeX they take three seconds of CPU time.
EXPORT_PAPERS: Final = 5000
# A server with many boosts allows larger files; this one is in memory until it is sent.
EXPORT_BYTES: Final = 10_000_000
# How many exports run at the same time, and how many more wait: together they take less than a minute.
EXPORTS_AT_ONCE: Final = 2
EXPORTS_WAITING: Final = 20
_PAPERS_AT_ONCE: Final = 50


class ExportsBusy(DailyPapersError):
    """Too many exports wait; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of references: how many papers it has, and how many the period has.

    `more` is true if the period has more papers than `found`; `keywords` is of how many keywords they are.
    """

    body: bytes
    papers: int
    found: int
    more: bool
    keywords: int


@dataclass(frozen=True, slots=True)
class _Selection:
    """The newest papers of some keywords, newest first, each with its keywords."""

    keywords: Mapping[ArxivId, Sequence[str]]
    more: bool


class ExportService:
    """Writes papers to files, at most `papers_max` into each."""

    def __init__(
        self, page_store: PageStore, exports: Exports, papers: Papers, *, papers_max: int = EXPORT_PAPERS
    ) -> None:
        self._page_store = page_store
        self._exports = exports
        self._papers = papers
        self._papers_max = papers_max
        self._running = asyncio.Semaphore(EXPORTS_AT_ONCE)
        self._accepted = 0

    async def export(
        self,
        channels: Collection[int],
        keyword: Keyword | int | None,
        period: Period,
        form: ReferenceFormat,
        max_bytes: int,
    ) -> ExportedFile:
        """Returns the papers of the keywords of these channels, or of one of them (or its id), newest first.

        Raises ExportsBusy if too many exports wait.
        """
        async with self._turn():
            keywords = await self._keywords(channels, keyword)
            selection = await self._select(keywords, period)
            body, papers = await self._write(selection, form, min(max_bytes, EXPORT_BYTES))
        return ExportedFile(body, papers, len(selection.keywords), selection.more, len(keywords.ids))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._accepted >= EXPORTS_AT_ONCE + EXPORTS_WAITING:
            raise ExportsBusy("Too many exports are waiting. Please try again in a minute.")
        self._accepted += 1
        try:
            async with self._running:
                yield
        finally:
            self._accepted -= 1

    async def _keywords(self, channels: Collection[int], keyword: Keyword | int | None) -> PageKeywords:
        """Returns the keywords of the channels; none if `keyword` is not one of theirs."""
        found = await self._page_store.keywords(channels)
        if keyword is None:
            return found
        keyword_id = keyword if isinstance(keyword, int) else await self._exports.keyword_id(keyword.canonical)
        chosen = [(each, shown) for each, shown in zip(found.ids, found.shown, strict=True) if each == keyword_id]
        return PageKeywords(found.updated, tuple(each for each, _ in chosen), tuple(shown for _, shown in chosen))

    async def _select(self, keywords: PageKeywords, period: Period) -> _Selection:
        """Returns the newest papers; after enough of them, only newer ones of the other keywords are read."""
        dates: dict[str, datetime] = {}
        shown: dict[str, list[str]] = {}
        since, limit = period.start, self._papers_max + 1
        for keyword_id, name in zip(keywords.ids, keywords.shown, strict=True):
            for published, arxiv_id in await self._exports.newest(keyword_id, since, period.end, limit):
                dates[arxiv_id] = published
                names = shown.setdefault(arxiv_id, [])
                if name not in names:  # a paper can be both matched and backfilled
                    names.append(name)
            if len(dates) > limit:
                dates = await asyncio.to_thread(_newest, dates, limit)
            if len(dates) == limit:
                since = min(dates.values())
        newest = list(await asyncio.to_thread(_newest, dates, self._papers_max))
        return _Selection({ArxivId(each): shown[each] for each in newest}, len(dates) > self._papers_max)

    async def _write(self, selection: _Selection, form: ReferenceFormat, max_bytes: int) -> tuple[bytes, int]:
        """Returns the file, and how many of the papers fit into it."""
        written = bytearray(form.beginning.encode())
        space = max_bytes - len(form.end.encode())
        count = 0
        async for papers in self._parts(tuple(selection.keywords)):
            entries = await asyncio.to_thread(_entries, papers, selection.keywords, form)
            for entry in entries:
                addition = form.separator.encode() + entry if count else entry
                if len(written) + len(addition) > space:
                    return bytes(written + form.end.encode()), count
                written += addition
                count += 1
        return bytes(written + form.end.encode()), count

    async def _parts(self, arxiv_ids: Sequence[ArxivId]) -> AsyncIterator[Sequence[Paper]]:
        for start in range(0, len(arxiv_ids), _PAPERS_AT_ONCE):
            part = arxiv_ids[start : start + _PAPERS_AT_ONCE]
            papers = await self._papers.get_many(part)
            yield [papers[each] for each in part]


def _newest(dates: Mapping[str, datetime], limit: int) -> dict[str, datetime]:
    newest = heapq.nlargest(limit, dates, key=lambda arxiv_id: (dates[arxiv_id], arxiv_id))
    return {arxiv_id: dates[arxiv_id] for arxiv_id in newest}


def _entries(papers: Sequence[Paper], keywords: Mapping[ArxivId, Sequence[str]], form: ReferenceFormat) -> list[bytes]:
    return [write_reference(paper, form, keywords[paper.arxiv_id]).encode() for paper in papers]
