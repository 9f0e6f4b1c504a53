"""Pages that fit into a given file size, and the cache of rendered pages."""

import json
import weakref
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field

import pytest

from bot.page import PageFormat, Section
from bot.page.model import PAGE_PAPERS
from bot.services.page_rendering import PageFacts
from bot.services.pages import PAGES_KEPT, CachedPage, PageService
from bot.store.pages import PageKeywords, PageStore
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

HERE = frozenset({CHANNEL})


@pytest.fixture
async def pages(store: Store) -> PageService:
    """Two keywords, one with 110 long papers, one with a short paper."""
    await store.watch("graph", "sheaf")
    long = [paper(f"2611.{number:05}", title="A graph", abstract="graph " * 300) for number in range(110)]
    await store.poll(*long, paper("2611.90000", title="A sheaf"))
    return PageService(store.page_store, FakeClock())


def papers_in(page: CachedPage) -> list[int]:
    """Returns the number of papers of each keyword of a page in JSON."""
    return [len(section["papers"]) for section in json.loads(page.body)["sections"]]


async def test_page_that_fits_is_complete(pages: PageService) -> None:
    fitting = await pages.fitted_page(HERE, PageFormat.JSON, 10_000_000)
    assert papers_in(fitting.page) == [PAGE_PAPERS, 1]
    assert fitting.page.facts == PageFacts(2, PAGE_PAPERS + 1, PAGE_PAPERS, 0, NOW)
    assert fitting.per_keyword is None


@pytest.mark.parametrize("max_bytes", [150_000, 50_000])
@pytest.mark.parametrize("page_format", PageFormat)
async def test_page_that_does_not_fit_has_fewer_papers_per_keyword(
    pages: PageService, page_format: PageFormat, max_bytes: int
) -> None:
    fitting = await pages.fitted_page(HERE, page_format, max_bytes)
    assert len(fitting.page.body) == fitting.page.size <= max_bytes
    assert fitting.per_keyword == fitting.page.facts.per_keyword < PAGE_PAPERS
    assert fitting.page.facts.papers == fitting.per_keyword + 1
    # Not far fewer papers than fit.
    assert fitting.page.size > max_bytes * 0.6


async def test_page_without_room_for_papers_has_only_keywords(pages: PageService) -> None:
    fitting = await pages.fitted_page(HERE, PageFormat.JSON, 1)
    assert papers_in(fitting.page) == [0, 0]
    assert fitting.per_keyword == 0


class CountedPageStore(PageStore):
    """Counts how often keywords and papers are read, and how many sections are in memory."""

    readings = 0
    section_readings = 0
    in_memory_max = 0

    async def keywords(self, channels: Collection[int] | None) -> PageKeywords:
        self.readings += 1
        return await super().keywords(channels)

    async def sections(self, keywords: PageKeywords, limit: int) -> AsyncIterator[Section]:
        self.section_readings += 1
        papers: weakref.WeakSet[object] = weakref.WeakSet()
        async for section in super().sections(keywords, limit):
            marker = Marker()
            papers.add(marker)
            self.in_memory_max = max(self.in_memory_max, len(papers))
            yield MarkedSection(section.keyword, section.papers, marker=marker)
            del section, marker


class Marker:
    """An object that is in memory as long as a section is."""


@dataclass(frozen=True)
class MarkedSection(Section):
    """A section that keeps a marker in memory."""

    marker: Marker = field(kw_only=True, compare=False, repr=False)


@pytest.mark.parametrize("page_format", PageFormat)
async def test_one_section_is_in_memory_at_a_time(store: Store, page_format: PageFormat) -> None:
    await store.watch("graph", "sheaf", "tree", "knot")
    await store.poll(paper("2611.00001", title="A graph, a sheaf, a tree and a knot"))
    page_store = CountedPageStore(store.database)
    page = await PageService(page_store, FakeClock()).cached_page(HERE, page_format)
    assert page.facts == PageFacts(4, 1, PAGE_PAPERS, 0, NOW)
    assert page_store.in_memory_max <= 2  # the next section is read before the last one is released


async def test_unchanged_page_is_read_but_not_rendered_again(store: Store) -> None:
    await store.watch("graph")
    await store.poll(paper("2611.00001", title="A graph"))
    page_store = CountedPageStore(store.database)
    pages = PageService(page_store, FakeClock())
    before = await pages.cached_page(HERE, PageFormat.MD)
    await store.subscribe("tree", channel_id=OTHER_CHANNEL)
    assert await pages.cached_page(HERE, PageFormat.MD) is before
    assert (page_store.readings, page_store.section_readings) == (2, 2)
    await store.poll(paper("2611.00002", title="Another graph"))
    assert (await pages.cached_page(HERE, PageFormat.MD)).etag != before.etag


async def test_recently_requested_pages_are_cached(store: Store) -> None:
    page_store = CountedPageStore(store.database)
    pages = PageService(page_store, FakeClock())
    for channel_id in range(PAGES_KEPT):
        await pages.cached_page(frozenset({channel_id}), PageFormat.MD)
    await pages.cached_page(frozenset({0}), PageFormat.MD)
    assert page_store.readings == PAGES_KEPT
    await pages.cached_page(frozenset({99}), PageFormat.MD)  # replaces channel 1
    await pages.cached_page(frozenset({0}), PageFormat.MD)
    assert page_store.readings == PAGES_KEPT + 1
    await pages.cached_page(frozenset({1}), PageFormat.MD)
    assert page_store.readings == PAGES_KEPT + 2
