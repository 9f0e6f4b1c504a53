"""The store's backfilled papers, and that they change nothing for channels."""

from datetime import timedelta

import pytest

from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.months import Month
from bot.domain.paper import Paper
from bot.store.backfilled_papers import BackfilledPapers
from tests.support.builders import paper
from tests.support.databases import rows
from tests.support.store import NOW, Store

MODEL = paper("2601.00001", title="A Reward Model", published=NOW - timedelta(days=200))
SHEAF = paper("2601.00002", title="Sheaves", published=NOW - timedelta(days=200))
JANUARY = Month(2026, 1)


@pytest.fixture
def backfilled_papers(store: Store) -> BackfilledPapers:
    return BackfilledPapers(store.database)


async def keep(store: Store, backfilled_papers: BackfilledPapers, *papers: Paper) -> int:
    """Stores the papers of one window for every watched keyword."""
    keywords = await store.watched()
    return await backfilled_papers.add(keywords, papers, match(papers, [each.keyword for each in keywords]))


def backfilled(store: Store) -> list[tuple[object, object]]:
    """Returns the keyword and the paper of each row."""
    return [(keyword_id, arxiv_id) for keyword_id, _, arxiv_id in rows(store.path)["backfilled_papers"]]


async def test_only_matching_papers_are_stored_once(store: Store, backfilled_papers: BackfilledPapers) -> None:
    await store.watch("reward model", "model")
    assert await keep(store, backfilled_papers, MODEL, SHEAF) == 1
    assert await keep(store, backfilled_papers, MODEL, SHEAF) == 0
    assert [row[0] for row in rows(store.path)["papers"]] == ["2601.00001"]
    assert backfilled(store) == [(1, "2601.00001"), (2, "2601.00001")]


async def test_only_fetched_papers_are_stored(store: Store, backfilled_papers: BackfilledPapers) -> None:
    await store.watch("reward model", "sheaves")
    keywords = await store.watched()
    matches = match([MODEL, SHEAF], [each.keyword for each in keywords])
    await backfilled_papers.add(keywords, [SHEAF], matches)
    assert backfilled(store) == [(2, "2601.00002")]


async def test_backfilled_papers_are_no_matches_and_are_not_posted(
    store: Store, backfilled_papers: BackfilledPapers
) -> None:
    await store.watch("reward model")
    await store.poll(paper("2611.00009", title="Reward models again"))
    before = rows(store.path)
    await keep(store, backfilled_papers, MODEL)
    await backfilled_papers.complete_month(await store.watched(), JANUARY, NOW)
    after = rows(store.path)
    changed = {table for table in after if after[table] != before[table]}
    assert changed == {"papers", "author_keys", "backfilled_papers", "backfilled_months"}


async def test_backfilled_paper_found_by_a_later_poll_is_posted(
    store: Store, backfilled_papers: BackfilledPapers
) -> None:
    await store.watch("reward model")
    fresh = paper("2611.00007", title="A Reward Model", published=NOW - timedelta(days=1))
    await keep(store, backfilled_papers, fresh)
    assert await store.due_ids() == []
    assert (await store.poll(fresh)).papers == 1
    assert await store.due_ids() == ["2611.00007"]


async def test_newer_version_of_a_known_paper_is_stored_without_a_match(
    store: Store, backfilled_papers: BackfilledPapers
) -> None:
    await store.watch("reward model")
    await store.papers.add([SHEAF])
    assert await keep(store, backfilled_papers, paper("2601.00002", title="Sheaves, Revised", version=2)) == 0
    kept = await store.papers.get(SHEAF.arxiv_id)
    assert kept is not None
    assert kept.title == "Sheaves, Revised"
    assert rows(store.path)["backfilled_papers"] == []


async def test_newer_version_requests_an_edit_of_the_message(store: Store, backfilled_papers: BackfilledPapers) -> None:
    await store.watch("reward model")
    await store.poll(paper("2611.00007", title="A Reward Model"))
    await store.bind()
    await keep(store, backfilled_papers, paper("2611.00007", title="A Reward Model", version=2))
    assert [row[0] for row in rows(store.path)["edits"]] == ["key"]


async def test_queued_paper_found_withdrawn_is_not_posted(store: Store, backfilled_papers: BackfilledPapers) -> None:
    await store.watch("reward model")
    await store.poll(paper("2611.00007", title="A Reward Model"))
    await keep(
        store,
        backfilled_papers,
        paper("2611.00007", title="A Reward Model", version=2, comment="This paper has been withdrawn"),
    )
    assert await store.due_ids() == []


async def test_completed_months_are_stored_per_keyword(store: Store, backfilled_papers: BackfilledPapers) -> None:
    await store.watch("reward model", "sheaves")
    (model, sheaves) = await store.watched()
    assert await backfilled_papers.months() == {}
    await backfilled_papers.complete_month([model, sheaves], JANUARY, NOW - timedelta(days=1))
    await backfilled_papers.complete_month([model], JANUARY, NOW)
    assert await backfilled_papers.months() == {
        (model.id, JANUARY): NOW,
        (sheaves.id, JANUARY): NOW - timedelta(days=1),
    }


async def test_papers_of_an_unsubscribed_keyword_are_stored(store: Store, backfilled_papers: BackfilledPapers) -> None:
    await store.watch("reward model")
    keywords = await store.watched()
    await store.subscriptions.remove(Keyword.parse("reward model"), 11)
    assert await backfilled_papers.add(keywords, [MODEL], match([MODEL], [keywords[0].keyword])) == 1
    await backfilled_papers.complete_month(keywords, JANUARY, NOW)
