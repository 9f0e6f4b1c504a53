"""Searches: pages of papers that match, however many of the proposed ones do not; and the building of the index."""

import logging
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from bot.domain.expressions.keywords import parse_keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.period import Period
from bot.domain.trending.entry import TrendingEntry
from bot.runtime.problems import ReportedProblems
from bot.services.search import COUNTED_MAX, SEARCH_KEPT_S, SEARCHES_KEPT, SearchPage, SearchRequest, SearchService
from bot.services.search_index import BUILDING_PAUSE_S, DISK_CHECK_INTERVAL_S, LACKS_SPACE, SearchIndexer
from bot.store.schema import search_documents
from bot.store.search import SearchIndex
from bot.store.search_building import BYTES_PER_PAPER, PAPERS_AT_ONCE, SearchIndexBuilding
from tests.support.builders import paper, trending_entry
from tests.support.clock import FakeClock
from tests.support.loops import LoopUnderTest
from tests.support.store import NOW, Store


async def no_entries(_: Collection[ArxivId]) -> Mapping[ArxivId, TrendingEntry]:
    return {}


def service_of(store: Store, clock: FakeClock, hits_max: int = 5000) -> SearchService:
    return SearchService(SearchIndex(store.database, hits_max=hits_max), no_entries, clock)


async def request(service: SearchService, typed: str, count: int = 5) -> SearchRequest:
    """A search for the newest papers first."""
    return SearchRequest(parse_keyword(typed), count, await service.newest_range(), by_date=True)


def numbered(count: int) -> list[Paper]:
    """Papers of as many days, of which every third is a survey."""
    return [
        paper(
            f"2611.{n:05}",
            title="A survey of models" if n % 3 == 0 else "A model",
            published=NOW - timedelta(days=count - n),
        )
        for n in range(1, count + 1)
    ]


def numbers(page: SearchPage) -> list[int]:
    """The numbers of the papers of a page."""
    return [int(each.arxiv_id.value[5:]) for each in page.papers]


async def test_pages_have_only_papers_that_match_in_both_directions(store: Store, clock: FakeClock) -> None:
    await store.papers.add(numbered(30))
    service = service_of(store, clock)
    query = await request(service, "model -survey")
    expected = [n for n in range(30, 0, -1) if n % 3]
    pages = [await service.page_from(query, 0)]
    while pages[-1].has_next:
        pages.append(await service.page_from(query, pages[-1].end))
    assert [numbers(page) for page in pages] == [expected[start : start + 5] for start in range(0, 20, 5)]
    assert [page.number for page in pages] == [1, 6, 11, 16]
    assert {(page.matches, page.hits) for page in pages} == {(20, 30)}
    assert numbers(await service.page_to(query, pages[-1].start)) == numbers(pages[-2])
    assert numbers(await service.page_to(query, pages[0].end - 1)) == numbers(pages[0])


async def test_deep_page_is_found_after_a_restart(store: Store, clock: FakeClock) -> None:
    await store.papers.add(numbered(200))
    query = await request(service_of(store, clock), "model -survey")
    page = await service_of(store, clock).page_from(query, 150)
    assert numbers(page) == [50, 49, 47, 46, 44]
    assert page.number is None
    assert page.matches is None


async def test_papers_that_are_stored_later_do_not_move_the_pages(store: Store, clock: FakeClock) -> None:
    await store.papers.add(numbered(10))
    service = service_of(store, clock)
    query = await request(service, "model")
    first = await service.page_from(query, 0)
    await store.papers.add([paper("2612.00001", title="A newer model", published=NOW + timedelta(days=1))])
    later = service_of(store, clock)
    assert numbers(await later.page_from(query, first.end)) == [5, 4, 3, 2, 1]
    newest = await later.page_from(await request(later, "model"), 0)
    assert newest.papers[0].title == "A newer model"


async def test_result_is_kept_for_a_while(store: Store, clock: FakeClock) -> None:
    await store.papers.add(numbered(3))
    service = service_of(store, clock)
    query = SearchRequest(parse_keyword("model"), 5, (await request(service, "model")).within)
    whole = replace(query, within=replace(query.within, high=2**60))
    assert (await service.page_from(whole, 0)).hits == 3
    await store.papers.add([paper("2612.00001", title="A newer model")])
    assert (await service.page_from(whole, 0)).hits == 3
    await clock.advance(SEARCH_KEPT_S)
    assert (await service.page_from(whole, 0)).hits == 4


async def test_only_some_searches_are_kept(store: Store, clock: FakeClock) -> None:
    await store.papers.add(numbered(3))
    service = service_of(store, clock)
    first = await request(service, "model")
    for number in range(SEARCHES_KEPT + 1):
        assert (await service.page_from(await request(service, f"word{number}"), 0)).papers == ()
    assert (await service.page_from(first, 0)).hits == 3


async def test_page_without_matches_says_how_many_papers_were_compared(store: Store, clock: FakeClock) -> None:
    await store.papers.add(numbered(COUNTED_MAX + 60))
    service = service_of(store, clock, hits_max=COUNTED_MAX + 50)
    page = await service.page_from(await request(service, "model -ti:model"), 0)
    assert (page.papers, page.hits, page.matches, page.has_more_hits) == ((), COUNTED_MAX + 50, 0, True)
    assert not page.has_next


async def test_page_has_the_trending_entries_of_its_papers(store: Store, clock: FakeClock) -> None:
    (listed,) = numbered(1)
    await store.papers.add([listed])
    entry = trending_entry(listed.arxiv_id.value)

    async def find(ids: Collection[ArxivId]) -> Mapping[ArxivId, TrendingEntry]:
        return dict.fromkeys(ids, entry)

    service = SearchService(SearchIndex(store.database), find, clock)
    assert (await service.page_from(await request(service, "model"), 0)).trending_entries == {listed.arxiv_id: entry}


async def test_paper_that_changes_after_the_search_is_not_shown(store: Store, clock: FakeClock) -> None:
    listed = numbered(COUNTED_MAX + 10)
    await store.papers.add(listed)
    service = service_of(store, clock)
    query = await request(service, "model")
    first = await service.page_from(query, 0)
    changed = replace(listed[0], version=2, title="An agent")
    await store.papers.add([changed])
    pages = [first]
    while pages[-1].has_next:
        pages.append(await service.page_from(query, pages[-1].end))
    assert sum(len(page.papers) for page in pages) == COUNTED_MAX + 9


async def test_newest_stored_papers_of_a_period_are_found(store: Store, clock: FakeClock) -> None:
    await store.papers.add(numbered(30))
    service = service_of(store, clock)
    day = NOW.date() - timedelta(days=10)
    found = await service.stored(parse_keyword("model"), Period(day - timedelta(days=2), day), 10)
    assert [each.published.date() for each in found] == [day - timedelta(days=n) for n in range(3)]
    assert len(await service.stored(parse_keyword("model"), None, 4)) == 4
    assert await service.stored(parse_keyword("model"), Period(date(2001, 1, 1), date(2001, 1, 2)), 4) == ()


# --- building ------------------------------------------------------------------------------------


async def remove_index(store: Store) -> None:
    """Leaves the database as an earlier release did."""
    async with store.database.transaction() as connection:
        clear = "INSERT INTO search_index (search_index) VALUES ('delete-all')"
        await connection.run(clear if connection.is_sqlite else "DELETE FROM search_index")
        await connection.write(sa.delete(search_documents))


class FullDisk(SearchIndexBuilding):
    """A database whose disk may lack space."""

    lacking = 0

    async def lacking_bytes(self) -> int:
        return self.lacking


class IndexerHarness(LoopUnderTest):
    """An indexer with a real store, on a clock that the test moves."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        super().__init__(clock)
        self.building = FullDisk(store.database)
        self.problems = ReportedProblems()
        self._indexer = SearchIndexer(self.building, clock, self.problems)

    def run(self) -> Coroutine[object, object, None]:
        return self._indexer.run()

    def is_quiet(self) -> bool:
        super().is_quiet()
        return self.clock.sleeping > 0 or (self._task is not None and self._task.done())


async def test_indexer_builds_the_index_and_ends(
    store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await store.papers.add(numbered(2 * PAPERS_AT_ONCE + 1))
    await remove_index(store)
    async with IndexerHarness(store, clock).running() as harness:
        await harness.advance(3 * BUILDING_PAUSE_S)
    assert (await SearchIndex(store.database).progress()).is_complete
    assert [each.message for each in caplog.records] == ["search index incomplete", "search index complete"]
    caplog.clear()
    async with IndexerHarness(store, clock).running():
        assert caplog.records == []


async def test_indexer_waits_for_disk_space(store: Store, clock: FakeClock) -> None:
    await store.papers.add(numbered(3))
    await remove_index(store)
    harness = IndexerHarness(store, clock)
    harness.building.lacking = 10**9
    async with harness.running():
        await harness.advance(DISK_CHECK_INTERVAL_S)
        problem = harness.problems.current[LACKS_SPACE]
        assert problem.text.endswith("lacks 1.0 GB for it")
        assert not problem.fails_health
        assert not (await SearchIndex(store.database).progress()).is_complete
        harness.building.lacking = 0
        await harness.advance(DISK_CHECK_INTERVAL_S + BUILDING_PAUSE_S)
        assert harness.problems.current == {}
    assert (await SearchIndex(store.database).progress()).is_complete


@pytest.mark.sqlite
async def test_space_that_the_disk_lacks_is_computed(store: Store) -> None:
    building = SearchIndexBuilding(store.database)
    assert await building.lacking_bytes() == 0
    await store.papers.add(numbered(3))
    await remove_index(store)
    await building.begin()
    assert await building.lacking_bytes() == 0
    async with store.database.transaction() as connection:
        await connection.run("UPDATE search_progress SET papers = 1000000000000")
    assert await building.lacking_bytes() > 10**12 * BYTES_PER_PAPER / 2
