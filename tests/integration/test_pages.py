"""Pages that have to fit into a file of a given size, and how many of them are kept drawn."""

from collections.abc import Collection

import pytest

from bot.page.model import PAGE_PAPERS, Page, PageFormat
from bot.services.pages import PAGES_KEPT, PageService
from bot.store.pages import PageStore
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.store import CHANNEL, Store

HERE = frozenset({CHANNEL})


@pytest.fixture
async def pages(store: Store) -> PageService:
    """Two keywords, one of 110 long papers, one of a short paper."""
    await store.watch("graph", "sheaf")
    long = [paper(f"2611.{number:05}", title="A graph", abstract="graph " * 300) for number in range(110)]
    await store.read(*long, paper("2611.90000", title="A sheaf"))
    return PageService(store.page_store, FakeClock())


def papers_in(page: Page) -> list[int]:
    return [len(section.papers) for section in page.sections]


async def test_page_that_fits_is_complete(pages: PageService) -> None:
    fitting = await pages.fitted_page(HERE, PageFormat.MD, 10_000_000)
    assert papers_in(fitting.page) == [PAGE_PAPERS, 1]
    assert fitting.per_keyword is None


@pytest.mark.parametrize("max_bytes", [200_000, 50_000])
async def test_page_that_does_not_fit_has_fewer_papers_per_keyword(pages: PageService, max_bytes: int) -> None:
    fitting = await pages.fitted_page(HERE, PageFormat.JSON, max_bytes)
    assert len(fitting.rendered.body) <= max_bytes
    assert fitting.per_keyword is not None
    assert papers_in(fitting.page) == [fitting.per_keyword, 1]
    # Not far fewer than there is room for.
    assert len(fitting.rendered.body) > max_bytes * 0.6


async def test_page_without_room_for_papers_has_only_keywords(pages: PageService) -> None:
    fitting = await pages.fitted_page(HERE, PageFormat.MD, 1)
    assert papers_in(fitting.page) == [0, 0]
    assert fitting.per_keyword == 0


class CountedPageStore(PageStore):
    """Counts how often papers were read."""

    readings = 0

    async def page(self, channels: Collection[int] | None, limit: int) -> Page:
        self.readings += 1
        return await super().page(channels, limit)


async def test_recently_requested_pages_are_cached(store: Store) -> None:
    page_store = CountedPageStore(store.database)
    pages = PageService(page_store, FakeClock())
    for channel_id in range(PAGES_KEPT):
        await pages.cached_page(frozenset({channel_id}), PageFormat.MD)
    await pages.cached_page(frozenset({0}), PageFormat.MD)
    assert page_store.readings == PAGES_KEPT
    await pages.cached_page(frozenset({99}), PageFormat.MD)  # in the place of 1
    await pages.cached_page(frozenset({0}), PageFormat.MD)
    assert page_store.readings == PAGES_KEPT + 1
    await pages.cached_page(frozenset({1}), PageFormat.MD)
    assert page_store.readings == PAGES_KEPT + 2
