"""Renders a page section by section: one section's papers are in memory, whatever the page's length.

Rendering runs in threads. It never checks who may see a channel: the callers do that.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.paper import ArxivId
from bot.domain.trending.entry import NO_TRENDING_ENTRIES
from bot.page import PageFormat, PageOutline, Section, renderer
from bot.page.model import PAGE_PAPERS, outline_of
from bot.store.pages import PageKeywords, PageStore


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page shows: how many keywords and different papers, and how many papers per keyword at most."""

    keywords: int
    papers: int
    per_keyword: int
    more_keywords: int
    updated: datetime | None


class PageContents:
    """The outline of a page, and its sections."""

    def __init__(self, store: PageStore, keywords: PageKeywords, outline: PageOutline, *, shows_trending: bool) -> None:
        self.outline = outline
        self._store = store
        self._keywords = keywords
        self._shows_trending = shows_trending

    @classmethod
    async def read(
        cls, store: PageStore, channels: Collection[int] | None, *, shows_trending: bool, per_keyword: int = PAGE_PAPERS
    ) -> "PageContents":
        """Reads the keywords of these channels, or of all if None."""
        found = await store.keywords(channels)
        outline = outline_of(found.updated, found.shown, per_keyword)
        shown = len(outline.keywords)
        keywords = replace(found, ids=found.ids[:shown], shown=found.shown[:shown])
        return cls(store, keywords, outline, shows_trending=shows_trending)

    async def sections(self) -> AsyncIterator[Section]:
        """Yields the sections, each read when it is needed."""
        async for section in self._store.sections(self._keywords, self.outline.per_keyword):
            yield section if self._shows_trending else replace(section, trending_entries=NO_TRENDING_ENTRIES)

    async def digest(self) -> bytes:
        """Returns a digest of what the page shows; it takes a fraction of the time of rendering it."""
        digest = _Hash(self.outline)
        async for section in self.sections():
            await asyncio.to_thread(digest.add, section)
        return digest.value


class PageRendering:
    """The rendering of one page; `facts`, `digest` and `policy` are complete when all chunks are read."""

    def __init__(self, source: PageContents, page_format: PageFormat, address: str | None) -> None:
        self._source = source
        self._renderer = renderer(source.outline, page_format, address)
        self._digest = _Hash(source.outline)
        self._ranks: dict[ArxivId, int] = {}  # the first place of each paper in a section

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields the page."""
        yield self._renderer.head()
        async for section in self._source.sections():
            yield await asyncio.to_thread(self._add, section)
        tail = iter(await asyncio.to_thread(self._renderer.tail))
        while chunk := await asyncio.to_thread(next, tail, b""):
            yield chunk

    def _add(self, section: Section) -> bytes:
        self._digest.add(section)
        for rank, paper in enumerate(section.papers):
            self._ranks[paper.arxiv_id] = min(rank, self._ranks.get(paper.arxiv_id, rank))
        return self._renderer.section(section)

    @property
    def facts(self) -> PageFacts:
        """What the page shows."""
        outline, per_keyword = self._source.outline, self._renderer.per_keyword
        papers = sum(rank < per_keyword for rank in self._ranks.values())
        return PageFacts(len(outline.keywords), papers, per_keyword, outline.more_keywords, outline.updated)

    @property
    def digest(self) -> bytes:
        """The digest of the page's source."""
        return self._digest.value

    @property
    def policy(self) -> str | None:
        """The Content-Security-Policy with which a web server sends the page."""
        return self._renderer.policy


class _Hash:
    def __init__(self, outline: PageOutline) -> None:
        self._sha = hashlib.sha256(repr(outline).encode("utf-8", "surrogatepass"))

    def add(self, section: Section) -> None:
        self._sha.update(repr(section).encode("utf-8", "surrogatepass"))

    @property
    def value(self) -> bytes:
        return self._sha.digest()
