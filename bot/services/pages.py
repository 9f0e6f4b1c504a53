"""Renders the page of some channels, and caches it until the database changes.

Rendering runs in a thread; concurrent requests share one rendering. It never checks who may see a channel: the callers
do that.
"""

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.domain.trending.entry import NO_TRENDING_ENTRIES
from bot.page import render
from bot.page.model import PAGE_PAPERS, Page, PageFormat, RenderedPage
from bot.runtime.clock import Clock
from bot.store.pages import PageStore

# How many rendered pages are cached; one of 500 papers takes 1 MB.
PAGES_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class CachedPage:
    """A rendered page with its HTTP validators: different bodies have different etags, `modified` is a whole second."""

    page: Page
    rendered: RenderedPage
    gzipped: bytes
    etag: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class FittedPage:
    """A page within a size limit; `per_keyword` is the number of papers it was cut to, or None if it is complete."""

    page: Page
    rendered: RenderedPage
    per_keyword: int | None


@dataclass(frozen=True, slots=True)
class _CacheEntry:
    """A page with the state of the database in which it was last valid."""

    state: int
    page: CachedPage


class PageService:
    """Renders pages, and caches the most recently requested ones."""

    def __init__(self, page_store: PageStore, clock: Clock, *, shows_trending: bool = True) -> None:
        self._page_store = page_store
        self._clock = clock
        self._shows_trending = shows_trending
        self._lock = asyncio.Lock()
        self._cache: OrderedDict[tuple[frozenset[int], PageFormat, str | None], _CacheEntry] = OrderedDict()

    async def cached_page(
        self, channels: frozenset[int], page_format: PageFormat, address: str | None = None
    ) -> CachedPage:
        """The current page, rendered again only if it changed; raises StoreUnavailable."""
        key = (channels, page_format, address)
        async with self._lock:
            # Read before the papers: a write in between makes the next request render again.
            state = await self._page_store.data_version()
            entry = self._cache.pop(key, None)
            if entry is None or entry.state != state:
                before = None if entry is None else entry.page
                entry = _CacheEntry(state, await self._render(channels, page_format, address, before))
            self._cache[key] = entry
            if len(self._cache) > PAGES_KEPT:
                self._cache.popitem(last=False)
            return entry.page

    async def _render(
        self, channels: frozenset[int], page_format: PageFormat, address: str | None, before: CachedPage | None
    ) -> CachedPage:
        page = await self._page(channels, PAGE_PAPERS)
        return await asyncio.to_thread(_rendered, page, page_format, address, self._clock.now(), before)

    async def _page(self, channels: frozenset[int], limit: int) -> Page:
        page = await self._page_store.page(channels, limit)
        return page if self._shows_trending else without_trending(page)

    async def fitted_page(self, channels: frozenset[int], page_format: PageFormat, max_bytes: int) -> FittedPage:
        """The page in at most `max_bytes`, if possible: with fewer papers per keyword if necessary, or none."""
        cached = await self.cached_page(channels, page_format)
        page, rendered, per_keyword = cached.page, cached.rendered, PAGE_PAPERS
        while len(rendered.body) > max_bytes and per_keyword:
            # The size of a page without papers is unknown: if this guess is still too large, the next one is smaller.
            per_keyword = min(per_keyword - 1, per_keyword * max_bytes // len(rendered.body))
            page = await self._page(channels, per_keyword)
            rendered = await asyncio.to_thread(render, page, page_format)
        return FittedPage(page, rendered, None if rendered is cached.rendered else per_keyword)


def without_trending(page: Page) -> Page:
    """Returns the page as it is while Hugging Face is switched off."""
    return replace(page, trending_entries=NO_TRENDING_ENTRIES)


def papers_on(page: Page) -> int:
    """How many different papers a page shows."""
    return len({paper.arxiv_id for section in page.sections for paper in section.papers})


def _rendered(
    page: Page, page_format: PageFormat, address: str | None, now: datetime, before: CachedPage | None
) -> CachedPage:
    if before is not None and before.page == page:
        return before
    rendered = render(page, page_format, address=address)
    etag = hashlib.sha256(rendered.body).hexdigest()
    if before is not None and before.etag == etag:
        return replace(before, page=page)
    modified = now.replace(microsecond=0)
    if before is not None:  # two bodies never share a second: browsers compare by If-Modified-Since
        modified = max(modified, before.modified + timedelta(seconds=1))
    return CachedPage(page, rendered, gzip.compress(rendered.body, mtime=0), etag, modified)
