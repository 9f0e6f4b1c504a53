"""The page's keywords and papers, and their order."""

from datetime import timedelta

import pytest

from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.months import Month
from bot.domain.outgoing import Blocked
from bot.domain.paper import Paper
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.pages import PageStore
from tests.support.builders import paper, trending_entry
from tests.support.page import Page, read_page
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

DAY = timedelta(days=1)


@pytest.fixture
def page_store(store: Store) -> PageStore:
    return store.page_store


def shown(page: Page) -> dict[str, list[str]]:
    """Returns the arXiv ids of each section, in order."""
    return {section.keyword: [paper.arxiv_id.value for paper in section.papers] for section in page.sections}


async def backfill(store: Store, keyword: str, *papers: Paper) -> None:
    """Stores papers as a backfill does."""
    matches = match(papers, [Keyword.parse(keyword)])
    await BackfilledPapers(store.database).add(await store.watched(keyword), papers, matches)


async def test_page_without_subscriptions_is_empty(page_store: PageStore) -> None:
    assert await read_page(page_store, None, 100) == Page(None, ())
    assert await page_store.channels() == frozenset()


async def test_keywords_are_shown_as_typed_in_canonical_order(store: Store, page_store: PageStore) -> None:
    await store.watch("Reward  Model", "graph", "diffusion [cs.CV]", "CLIP")
    listed = [subscription.keyword.shown for subscription in await store.subscriptions.in_channel(CHANNEL)]
    assert list(shown(await read_page(page_store, None, 100))) == listed
    assert sorted(listed) == ["CLIP", "Reward Model", "diffusion [cs.CV]", "graph"]


async def test_page_has_the_trending_entries_of_its_papers(store: Store, page_store: PageStore) -> None:
    await store.watch("graph")
    await store.poll(paper("2611.00001", title="A graph"), paper("2611.00002", title="Another graph"))
    listed, other = trending_entry("2611.00001", votes=41), trending_entry("2611.00009", votes=50)
    await store.trending_entries.record_day(listed.day, [listed, other], NOW)
    assert (await read_page(page_store, None, 100)).trending_entries == {listed.arxiv_id: listed}


async def test_keyword_of_two_channels_is_one_section(store: Store, page_store: PageStore) -> None:
    await store.watch("reward model")
    await store.subscribe("Reward  Model", OTHER_CHANNEL)
    await store.poll(paper("2611.00001", title="A reward model"))
    assert shown(await read_page(page_store, None, 100)) == {"reward model": ["2611.00001"]}
    assert shown(await read_page(page_store, [CHANNEL, OTHER_CHANNEL], 100)) == {"reward model": ["2611.00001"]}


async def test_page_of_a_channel_has_only_its_keywords(store: Store, page_store: PageStore) -> None:
    await store.watch("graph")
    await store.watch("sheaf", channel_id=OTHER_CHANNEL)
    both = paper("2611.00001", title="A sheaf on a graph")
    await store.poll(both, paper("2611.00002", title="A sheaf"))
    assert shown(await read_page(page_store, [CHANNEL], 100)) == {"graph": ["2611.00001"]}
    assert shown(await read_page(page_store, [OTHER_CHANNEL], 100)) == {"sheaf": ["2611.00002", "2611.00001"]}
    assert shown(await read_page(page_store, [], 100)) == {}
    assert shown(await read_page(page_store, [99], 100)) == {}
    assert await page_store.channels() == {CHANNEL, OTHER_CHANNEL}


async def test_keyword_within_a_category_has_its_own_papers(store: Store, page_store: PageStore) -> None:
    await store.watch("graph", "graph [cs.CV]")
    await store.poll(
        paper("2611.00001", title="A graph"), paper("2611.00002", title="A graph", categories=("cs.LG", "cs.CV"))
    )
    assert shown(await read_page(page_store, None, 100)) == {
        "graph": ["2611.00002", "2611.00001"],
        "graph [cs.CV]": ["2611.00002"],
    }


async def test_papers_are_ordered_by_latest_version_and_id(store: Store, page_store: PageStore) -> None:
    await store.watch("graph")
    revised = paper("2601.00001", title="graph", version=3, published=NOW - 300 * DAY, updated=NOW)
    same = [paper(f"2611.0000{number}", title="graph", published=NOW - DAY) for number in (2, 3, 1)]
    await store.poll(*same, revised, paper("2611.00009", title="graph", published=NOW - 2 * DAY))
    assert shown(await read_page(page_store, None, 100)) == {
        "graph": ["2601.00001", "2611.00003", "2611.00002", "2611.00001", "2611.00009"]
    }
    assert shown(await read_page(page_store, None, 2)) == {"graph": ["2601.00001", "2611.00003"]}


async def test_new_version_moves_matched_and_backfilled_papers_up(store: Store, page_store: PageStore) -> None:
    await store.watch("graph")
    await store.poll(paper("2611.00001", title="graph"), paper("2611.00002", title="graph", published=NOW - DAY))
    old = NOW - 500 * DAY
    await backfill(store, "graph", paper("2501.00001", title="graph", published=old))
    await store.papers.add(
        [
            paper("2611.00002", version=2, title="graph", published=NOW - DAY, updated=NOW + DAY),
            paper("2501.00001", version=2, title="graph", published=old, updated=NOW + 2 * DAY),
        ]
    )
    assert shown(await read_page(page_store, None, 2)) == {"graph": ["2501.00001", "2611.00002"]}


async def test_backfilled_and_matched_papers_are_shown_once(store: Store, page_store: PageStore) -> None:
    await store.watch("graph", "sheaf")
    matched = paper("2611.00001", title="graph")
    await store.poll(matched)
    await backfill(store, "graph", matched, paper("2501.00001", title="graph", published=NOW - 500 * DAY))
    assert shown(await read_page(page_store, None, 100)) == {"graph": ["2611.00001", "2501.00001"], "sheaf": []}


async def test_papers_are_complete(store: Store, page_store: PageStore) -> None:
    await store.watch("graph")
    whole = paper(title="A graph", version=2, authors=("Ada", "Emmy"), comment="9 pages", journal_ref="J. 1", doi="1/2")
    await store.poll(whole)
    (section,) = (await read_page(page_store, None, 100)).sections
    assert section.papers == (whole,)


async def test_gone_channel_is_left_out_until_it_returns(store: Store, page_store: PageStore) -> None:
    await store.watch("graph")
    await store.watch("sheaf", channel_id=OTHER_CHANNEL)
    await store.channels.block(CHANNEL, Blocked("It is gone.", gone=True), now=NOW, not_before=NOW)
    assert list(shown(await read_page(page_store, None, 100))) == ["sheaf"]
    assert shown(await read_page(page_store, [CHANNEL], 100)) == {}
    assert await page_store.channels() == {OTHER_CHANNEL}
    await store.channels.block(CHANNEL, Blocked("It is locked."), now=NOW, not_before=NOW)
    assert list(shown(await read_page(page_store, [CHANNEL], 100))) == ["graph"]


async def test_page_has_the_time_of_the_last_sync(store: Store, page_store: PageStore) -> None:
    await store.subscribe("graph")
    assert (await read_page(page_store, None, 100)).updated is None
    await store.sync(synced_until=NOW)
    await store.subscribe("sheaf", OTHER_CHANNEL)
    await store.sync(synced_until=NOW + DAY)
    assert (await read_page(page_store, [CHANNEL], 100)).updated == NOW
    assert (await read_page(page_store, None, 100)).updated == NOW + DAY
    month = Month.of(NOW)
    await BackfilledPapers(store.database).complete_month(await store.watched("graph"), month, NOW + 2 * DAY)
    assert (await read_page(page_store, [CHANNEL], 100)).updated == NOW + 2 * DAY


async def test_data_version_changes_with_each_write_only(store: Store, page_store: PageStore) -> None:
    before = await page_store.data_version()
    assert await page_store.data_version() == before
    await store.watch("graph")
    after = await page_store.data_version()
    assert after != before
    await read_page(page_store, None, 100)
    assert await page_store.data_version() == after
