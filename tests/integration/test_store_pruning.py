"""Pruning removes the abstracts of old papers, and changes nothing that is posted, edited or counted as new."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.outgoing import Delivered
from bot.domain.paper import Paper
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.edits import EDITED_FOR
from bot.store.papers import write_papers
from bot.store.pruning import BEGINNING, AbstractPruning
from tests.support.builders import paper
from tests.support.databases import IS_POSTGRESQL, reading, rows
from tests.support.earlier_format import removals
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store, opened

KEPT = timedelta(days=60)
LONG_AGO = NOW - timedelta(days=100)
OLD = paper("2608.00001", title="Graph", published=LONG_AGO, comment="9 pages", journal_ref="JMLR 1", doi="10.1/1")
PRUNED = replace(OLD, abstract="")
GRAPH = Keyword.parse("graph")


async def prune(store: Store, now: datetime = NOW) -> int:
    return (await AbstractPruning(store.database).prune(KEPT, now)).papers


async def stored(store: Store, *ids: str) -> dict[str, str]:
    """Returns the abstracts of papers by their ids."""
    found = await store.papers.get_many([paper(each).arxiv_id for each in ids])
    return {arxiv_id.value: each.abstract for arxiv_id, each in found.items()}


async def watch_for_a_year(store: Store, channel_id: int = CHANNEL) -> None:
    """Subscribes, so that also old papers are new."""
    await store.subscribe("graph", channel_id)
    await store.sync(new_since=NOW - timedelta(days=365))


async def post(store: Store, at: datetime, *papers: Paper, key: str = "key") -> None:
    """Posts papers that a poll found."""
    await store.poll(*papers, now=at)
    await store.outbox.delivered(await store.bind(key=key, now=at), Delivered(77), at)


async def test_old_paper_loses_its_abstract_and_nothing_else(store: Store) -> None:
    await store.papers.add([OLD])
    assert await prune(store) == 1
    assert await store.papers.get(OLD.arxiv_id) == PRUNED
    assert await prune(store) == 0


async def test_abstract_is_kept_until_the_paper_is_old_enough(store: Store) -> None:
    await store.papers.add([OLD])
    assert await prune(store, LONG_AGO + KEPT) == 0
    assert await prune(store, LONG_AGO + KEPT + timedelta(seconds=1)) == 1


async def test_age_counts_from_the_last_update(store: Store) -> None:
    updated = replace(OLD, version=2, updated=NOW - timedelta(days=59))
    await store.papers.add([updated])
    assert await prune(store) == 0
    assert await store.papers.get(OLD.arxiv_id) == updated


async def test_papers_are_pruned_in_parts_in_the_order_of_their_updates(store: Store) -> None:
    await store.papers.add([paper(f"2608.0000{n}", published=LONG_AGO + timedelta(days=n // 3)) for n in range(1, 6)])
    pruning, position, counts = AbstractPruning(store.database), BEGINNING, []
    while (part := await pruning.prune(KEPT, NOW, position, limit=2)).position is not None:
        position = part.position
        counts.append((part.papers, position.arxiv_id))
    assert counts == [(2, "2608.00002"), (2, "2608.00004"), (1, "2608.00005")]


async def test_abstract_that_stays_does_not_stop_the_next_part(store: Store) -> None:
    await watch_for_a_year(store)
    await store.poll(OLD)
    other = paper("2608.00002", published=LONG_AGO + timedelta(days=1))
    await store.papers.add([other])
    pruning = AbstractPruning(store.database)
    first = await pruning.prune(KEPT, NOW, limit=1)
    assert first.papers == 0
    assert first.position is not None
    assert (await pruning.prune(KEPT, NOW, first.position, limit=1)).papers == 1
    assert await stored(store, "2608.00001", "2608.00002") == {"2608.00001": "An abstract.", "2608.00002": ""}


async def test_queued_paper_keeps_its_abstract(store: Store) -> None:
    await watch_for_a_year(store)
    await store.poll(OLD)
    assert await prune(store) == 0
    assert [entry.paper for entry in await store.due()] == [OLD]


async def test_paper_of_an_unsettled_message_keeps_its_abstract(store: Store) -> None:
    await watch_for_a_year(store)
    await store.poll(OLD, now=LONG_AGO)
    await store.bind(now=LONG_AGO)
    assert await prune(store) == 0


async def test_posted_paper_keeps_its_abstract_while_its_message_may_be_edited(store: Store) -> None:
    await watch_for_a_year(store)
    await post(store, NOW - EDITED_FOR + timedelta(minutes=1), OLD)
    assert await prune(store) == 0
    assert await prune(store, NOW + timedelta(minutes=2)) == 1


async def test_newest_of_several_messages_counts(store: Store) -> None:
    for channel_id in (CHANNEL, OTHER_CHANNEL):
        await watch_for_a_year(store, channel_id)
    await store.poll(OLD, now=LONG_AGO)
    for channel_id, at in ((CHANNEL, LONG_AGO), (OTHER_CHANNEL, NOW)):
        posted = await store.bind(channel_id, key=str(channel_id), now=at)
        await store.outbox.delivered(posted, Delivered(77 + channel_id), at)
    assert await prune(store) == 0


async def test_paper_of_a_message_to_be_edited_keeps_its_abstract(store: Store) -> None:
    await watch_for_a_year(store)
    await post(store, LONG_AGO, OLD)
    await store.papers.add([replace(OLD, comment="10 pages")])
    assert await prune(store) == 0
    await store.edits.due(NOW)  # drops the request, because the message is too old
    assert await prune(store) == 1


async def test_abstract_that_alone_shows_a_withdrawal_is_kept(store: Store) -> None:
    withdrawn = "This paper has been withdrawn by the authors."
    by_abstract = paper("2608.00001", abstract=withdrawn, published=LONG_AGO)
    by_comment = paper("2608.00002", abstract=withdrawn, comment=withdrawn, published=LONG_AGO)
    await store.papers.add([by_abstract, by_comment])
    assert await prune(store) == 1
    assert await stored(store, "2608.00001", "2608.00002") == {"2608.00001": withdrawn, "2608.00002": ""}


async def test_pruned_paper_is_neither_new_nor_edited_when_arxiv_returns_it(store: Store) -> None:
    await watch_for_a_year(store)
    await post(store, LONG_AGO, OLD)
    assert await prune(store) == 1
    written = await store.poll(OLD)
    assert (written.papers, written.posts, written.edits) == (0, 0, False)
    assert await store.papers.get(OLD.arxiv_id) == OLD
    assert await prune(store) == 1
    assert await store.due() == ()
    assert await store.edits.due(NOW) == ()


async def test_new_version_of_a_pruned_paper_has_its_abstract(store: Store) -> None:
    await store.papers.add([OLD])
    await prune(store)
    revised = replace(OLD, version=2, updated=NOW)
    await store.papers.add([revised])
    assert await prune(store) == 0
    assert await store.papers.get(OLD.arxiv_id) == revised


async def test_pruned_paper_is_counted_and_listed_as_before(store: Store, path: Path) -> None:
    await store.subscribe("graph")
    await store.sync(OLD)
    before = rows(path)
    assert await prune(store) == 1
    assert {table for table, content in rows(path).items() if content != before[table]} == {"papers"}
    assert await store.papers.newest(GRAPH, 5) == (PRUNED,)
    assert await store.papers.newest_in_channel(CHANNEL, 5) == ((PRUNED, ("graph",)),)
    page = await store.page_store.keywords(None)
    assert [section.papers async for section in store.page_store.sections(page, 5)] == [(PRUNED,)]


async def test_pruned_paper_can_be_posted_to_a_new_channel(store: Store) -> None:
    await store.subscribe("graph")
    await store.sync(OLD)
    await prune(store)
    await store.subscribe("graph", OTHER_CHANNEL)
    assert await store.outbox.add_newest(OTHER_CHANNEL, [GRAPH], 5, NOW) == 1
    assert [entry.paper for entry in await store.due(OTHER_CHANNEL)] == [PRUNED]


async def test_backfill_brings_an_abstract_back_for_a_known_paper(store: Store) -> None:
    await store.subscribe("graph")
    await store.sync(OLD)
    await prune(store)
    backfilled = BackfilledPapers(store.database)
    assert await backfilled.add(await store.watched(), [OLD], match([OLD], [GRAPH])) == 0
    assert await store.papers.get(OLD.arxiv_id) == OLD


def stored_papers(path: Path) -> list[tuple[object, ...]]:
    with reading(path) as connection:
        return [
            tuple(row)
            for row in connection.execute(sa.select(sa.table("papers", sa.column("arxiv_id"), sa.column("abstract"))))
        ]


@pytest.mark.slow
async def test_database_of_format_11_gets_the_index_and_keeps_its_rows(path: Path) -> None:
    async with opened(path) as store:
        await store.papers.add([OLD])
        async with store.database.transaction() as connection:
            for statement in removals(lambda *_: True):
                await connection.run(statement)
            if not IS_POSTGRESQL:
                await connection.run("PRAGMA user_version = 11")
    before = stored_papers(path)
    async with opened(path) as store:
        assert stored_papers(path) == before != []
        assert await prune(store) == 1
    with reading(path) as connection:
        assert "papers_with_abstract" in {index["name"] for index in sa.inspect(connection).get_indexes("papers")}


@pytest.mark.sqlite
async def test_pruning_leaves_free_pages_in_the_file(store: Store) -> None:
    papers = [paper(f"2608.{n:05}", abstract="graph " * 250, published=LONG_AGO) for n in range(100)]
    async with store.database.reading() as connection:
        empty = await connection.scalar(sa.text("SELECT page_count FROM pragma_page_count"))
    await store.papers.add(papers)
    assert await prune(store) == len(papers)
    async with store.database.reading() as connection:
        pages = await connection.scalar(sa.text("SELECT page_count FROM pragma_page_count"))
        free = await connection.scalar(sa.text("SELECT freelist_count FROM pragma_freelist_count"))
        integrity = await connection.scalar(sa.text("SELECT integrity_check FROM pragma_integrity_check"))
    assert pages - free - empty < len(papers) / 2  # two papers with an abstract per page, beside the empty tables
    assert free > len(papers) / 3
    assert integrity == "ok"


async def test_version_that_is_stored_during_a_run_keeps_its_abstract(store: Store) -> None:
    await store.papers.add([OLD])
    revised = replace(OLD, version=2, updated=NOW)
    examined = asyncio.Event()

    def on_statement(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if "abstract != ''" in sql:
            examined.set()

    sa.event.listen(sa.Engine, "after_cursor_execute", on_statement)
    try:
        async with store.database.transaction() as connection:
            running = asyncio.create_task(prune(store))
            await examined.wait()
            await write_papers(connection, [revised])
        assert await running == 0
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", on_statement)
    assert await store.papers.get(OLD.arxiv_id) == revised
