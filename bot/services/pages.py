"""The page of some channels, drawn when somebody asks for it and something has changed.

Channels and a form enter; an `Edition` leaves, ready to be sent. It is drawn in a thread and kept, so that many who
ask at once cause one drawing, and none while nobody has written to the database. Who may see which channel is the
callers' business.
"""

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.page import render
from bot.page.model import PAGE_PAPERS, Page, PageFormat, Rendered
from bot.runtime.clock import Clock
from bot.store.pages import PageStore

# Pages of channels, in their forms, that are kept drawn; one of 500 papers is 1 MB.
PAGES_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class CachedPage:
    """What the store held, and how it was drawn; `tag` is another one for another body, `modified` a whole second."""

    page: Page
    rendered: Rendered
    packed: bytes  # the body, by gzip
    tag: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class FittedPage:
    """A page within a size; `per_keyword` says to how many papers it was cut for that, None: it is whole."""

    page: Page
    rendered: Rendered
    per_keyword: int | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """An edition, and the state of the store in which it was last found to be true."""

    state: int
    edition: CachedPage


class PageService:
    """Draws the pages, and keeps those that were asked for last."""

    def __init__(self, page_store: PageStore, clock: Clock) -> None:
        self._page_store = page_store
        self._clock = clock
        self._drawing = asyncio.Lock()
        self._kept: OrderedDict[tuple[frozenset[int], PageFormat, str | None], _Kept] = OrderedDict()

    async def edition(self, channels: frozenset[int], form: PageFormat, address: str | None = None) -> CachedPage:
        """The page as it is now; raises StoreUnavailable."""
        key = (channels, form, address)
        async with self._drawing:
            # Asked for before the papers are: what is written meanwhile is seen by the next who asks.
            state = await self._page_store.data_version()
            kept = self._kept.pop(key, None)
            if kept is None or kept.state != state:
                kept = _Kept(state, await self._draw(channels, form, address, kept))
            self._kept[key] = kept
            if len(self._kept) > PAGES_KEPT:
                self._kept.popitem(last=False)
            return kept.edition

    async def _draw(
        self, channels: frozenset[int], form: PageFormat, address: str | None, before: _Kept | None
    ) -> CachedPage:
        page = await self._page_store.page(channels, PAGE_PAPERS)
        known = None if before is None else before.edition
        return await asyncio.to_thread(_drawn, page, form, address, self._clock.now(), known)

    async def fitting(self, channels: frozenset[int], form: PageFormat, max_bytes: int) -> FittedPage:
        """The page in a file of at most `max_bytes`, with fewer papers a keyword if it takes that, at last none."""
        edition = await self.edition(channels, form)
        page, rendered, per_keyword = edition.page, edition.rendered, PAGE_PAPERS
        while len(rendered.body) > max_bytes and per_keyword:
            # What a page is without papers is not known: where this is too much still, the next guess is smaller.
            per_keyword = min(per_keyword - 1, per_keyword * max_bytes // len(rendered.body))
            page = await self._page_store.page(channels, per_keyword)
            rendered = await asyncio.to_thread(render, page, form)
        return FittedPage(page, rendered, None if rendered is edition.rendered else per_keyword)


def papers_on(page: Page) -> int:
    """How many papers stand on a page; one under several keywords is one."""
    return len({paper.arxiv_id for section in page.sections for paper in section.papers})


def _drawn(page: Page, form: PageFormat, address: str | None, now: datetime, before: CachedPage | None) -> CachedPage:
    if before is not None and before.page == page:
        return before
    rendered = render(page, form, address=address)
    tag = hashlib.sha256(rendered.body).hexdigest()
    if before is not None and before.tag == tag:
        return replace(before, page=page)
    modified = now.replace(microsecond=0)
    if before is not None:  # two bodies never share a second, by which browsers may ask for what is newer
        modified = max(modified, before.modified + timedelta(seconds=1))
    return CachedPage(page, rendered, gzip.compress(rendered.body, mtime=0), tag, modified)
