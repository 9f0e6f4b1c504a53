"""Renders the page of some channels, and caches it until the database changes.

Rendering runs in threads, section by section; concurrent requests share one rendering. The cache has compressed pages
only. It never checks who may see a channel: the callers do that.
"""

import asyncio
import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.page.model import PAGE_PAPERS, PageFormat
from bot.runtime.clock import Clock
from bot.services.page_rendering import PageContents, PageFacts, PageRendering
from bot.store.pages import PageStore

# How many rendered pages are cached, and how large they are together, compressed; one of 500 papers takes 0.3 MB.
PAGES_KEPT: Final = 8
PAGES_KEPT_BYTES: Final = 8_000_000
# How much of a page is decompressed and sent at a time; asyncio's transport buffers 64 KiB before it waits.
CHUNK_BYTES: Final = 64 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS  # zlib.compressobj: "generate a basic gzip header and trailing checksum"


@dataclass(frozen=True, slots=True)
class CachedPage:
    """A rendered page with its HTTP validators: different bodies have different etags, `modified` is a whole second.

    `digest` is that of the data from which it was rendered; `policy` is its Content-Security-Policy.
    """

    page_format: PageFormat
    facts: PageFacts
    digest: bytes
    policy: str | None
    gzipped: bytes
    size: int
    etag: str
    modified: datetime

    def chunks(self) -> Iterator[bytes]:
        """Yields the page uncompressed, in chunks of at most CHUNK_BYTES."""
        decompressor = zlib.decompressobj(_GZIP)
        waiting = self.gzipped
        while chunk := decompressor.decompress(waiting, CHUNK_BYTES):
            yield chunk
            waiting = decompressor.unconsumed_tail

    @property
    def body(self) -> bytes:
        """The whole page."""
        return b"".join(self.chunks())


@dataclass(frozen=True, slots=True)
class FittedPage:
    """A page within a size limit; `per_keyword` is the number of papers it was cut to, or None if it was not."""

    page: CachedPage
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
                entry = _CacheEntry(state, await self._current(channels, page_format, address, before))
            self._cache[key] = entry
            self._limit_cache()
            return entry.page

    def _limit_cache(self) -> None:
        sizes = [len(entry.page.gzipped) for entry in self._cache.values()]
        while len(sizes) > 1 and (len(sizes) > PAGES_KEPT or sum(sizes) > PAGES_KEPT_BYTES):
            self._cache.popitem(last=False)
            del sizes[0]

    async def _current(
        self, channels: frozenset[int], page_format: PageFormat, address: str | None, before: CachedPage | None
    ) -> CachedPage:
        source = await self._source(channels)
        if before is not None and before.digest == await source.digest():
            return before
        return _succeeding(before, await self._render(source, page_format, address))

    async def _source(self, channels: frozenset[int], per_keyword: int = PAGE_PAPERS) -> PageContents:
        return await PageContents.read(
            self._page_store, channels, shows_trending=self._shows_trending, per_keyword=per_keyword
        )

    async def _render(self, source: PageContents, page_format: PageFormat, address: str | None) -> CachedPage:
        rendering = PageRendering(source, page_format, address)
        output = CompressedOutput()
        async for chunk in rendering.chunks():
            await asyncio.to_thread(output.write, chunk)
        return CachedPage(
            page_format,
            rendering.facts,
            rendering.digest,
            rendering.policy,
            output.finish(),
            output.size,
            output.sha.hexdigest(),
            self._clock.now().replace(microsecond=0),
        )

    async def fitted_page(self, channels: frozenset[int], page_format: PageFormat, max_bytes: int) -> FittedPage:
        """The page in at most `max_bytes`, if possible: with fewer papers per keyword if necessary, or none."""
        cached = page = await self.cached_page(channels, page_format)
        per_keyword = page.facts.per_keyword
        while page.size > max_bytes and per_keyword:
            # The size of a page without papers is unknown: if this guess is still too large, the next one is smaller.
            per_keyword = min(per_keyword - 1, per_keyword * max_bytes // page.size)
            page = await self._render(await self._source(channels, per_keyword), page_format, None)
        return FittedPage(page, None if page is cached else per_keyword)


class CompressedOutput:
    """Compresses a page while it is rendered, and computes its size and hash."""

    def __init__(self) -> None:
        self.sha = hashlib.sha256()
        self.size = 0
        self._compressor = zlib.compressobj(wbits=_GZIP)
        self._compressed: list[bytes] = []

    def write(self, chunk: bytes) -> None:
        self.sha.update(chunk)
        self.size += len(chunk)
        self._compressed.append(self._compressor.compress(chunk))

    def finish(self) -> bytes:
        return b"".join([*self._compressed, self._compressor.flush()])


def _succeeding(before: CachedPage | None, page: CachedPage) -> CachedPage:
    """Returns the page with the validators of the one before if they are equal, and with later ones if not."""
    if before is None:
        return page
    if before.etag == page.etag:
        return replace(page, modified=before.modified)
    # Two bodies never share a second: browsers compare by If-Modified-Since.
    return replace(page, modified=max(page.modified, before.modified + timedelta(seconds=1)))
