"""Authors for whom papers matched: stored with the match, named in each message, and posted first."""

from dataclasses import replace
from datetime import timedelta

from bot.discord_api.messages import render
from bot.domain.expressions.authors import MatchedAuthor, read_author
from bot.domain.expressions.keywords import match_keywords, parse_keyword
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.domain.paper import Paper
from bot.store.channel_queues import ENTRIES_MAX
from tests.support.builders import paper
from tests.support.store import ADA, CHANNEL, GUILD, NEW_SINCE, NOW, OTHER_CHANNEL, Store

HINTON = read_author("Geoffrey Hinton")
GRAPH = Keyword.parse("graph")
OTHERS = tuple(f"Author {letter}son" for letter in "ABCDEFGHIJ")


async def subscribe(store: Store, *keywords: Keyword, channel_id: int = CHANNEL) -> None:
    await store.subscriptions.add_all(keywords, channel_id, GUILD, added_by=ADA, now=NOW)
    await store.ingest_store.finish_initial_sync(await store.subscriptions.unsynced(), NEW_SINCE, NOW)


async def poll(store: Store, *papers: Paper) -> None:
    watched = await store.watched()
    matches = match_keywords(papers, [each.keyword for each in watched])
    await store.ingest_store.record_window(watched, papers, matches, NOW)


def by_hinton(arxiv_id: str, name: str = "Geoffrey E. Hinton", **fields: object) -> Paper:
    """Returns a paper whose eleventh author is Hinton."""
    return paper(arxiv_id, authors=(*OTHERS, name), **fields)  # type: ignore[arg-type]  # of the builder


async def test_entry_has_the_authors_for_whom_it_matches(store: Store) -> None:
    await subscribe(store, HINTON, GRAPH)
    await poll(
        store, by_hinton("2611.00001", "G. Hinton"), by_hinton("2611.00002", title="A graph"), paper("2611.00003")
    )
    possible, certain = await store.due()
    assert possible.authors == (MatchedAuthor("G. Hinton", is_possible=True),)
    assert certain.authors == (MatchedAuthor("Geoffrey E. Hinton"),)
    assert set(certain.keywords) == {HINTON.label, "graph"}


async def test_author_who_certainly_matches_one_of_two_keywords_is_certain(store: Store) -> None:
    await subscribe(store, read_author("Hinton, G"), read_author("Hinton"))
    await poll(store, by_hinton("2611.00001"))
    (entry,) = await store.due()
    assert entry.authors == (MatchedAuthor("Geoffrey E. Hinton"),)


async def test_channel_without_the_keyword_does_not_name_the_author(store: Store) -> None:
    await subscribe(store, HINTON)
    await subscribe(store, GRAPH, channel_id=OTHER_CHANNEL)
    await poll(store, by_hinton("2611.00001", title="A graph"))
    (entry,) = await store.due(OTHER_CHANNEL)
    assert (entry.authors, entry.is_first) == ((), False)


async def test_papers_of_followed_authors_are_posted_first(store: Store) -> None:
    await subscribe(store, HINTON, GRAPH, parse_keyword("tree ANDNOT au:Hinton"))
    hour = timedelta(hours=1)
    await poll(
        store,
        paper("2611.00001", title="A graph", published=NOW - 4 * hour),
        paper("2611.00002", title="A tree", published=NOW - 3 * hour),
        by_hinton("2611.00003", published=NOW - hour),
        by_hinton("2611.00004", title="A graph", published=NOW - 2 * hour),
    )
    assert await store.due_ids() == ["2611.00004", "2611.00003", "2611.00001", "2611.00002"]


async def test_followed_author_comes_first_in_a_queue_longer_than_a_message(store: Store) -> None:
    await subscribe(store, HINTON, GRAPH)
    minute = timedelta(minutes=1)
    count = ENTRIES_MAX + 10
    await poll(
        store,
        *(paper(f"2611.{n:05}", title="A graph", published=NOW - (60 - n) * minute) for n in range(1, count)),
        by_hinton("2611.99999"),
    )
    due = await store.due()
    assert len(due) == ENTRIES_MAX
    assert [entry.paper.arxiv_id.value for entry in due[:3]] == ["2611.99999", "2611.00001", "2611.00002"]


async def test_bound_message_keeps_its_order_and_its_text(store: Store) -> None:
    await subscribe(store, HINTON, GRAPH)
    await poll(store, paper("2611.00001", title="A graph"), by_hinton("2611.00002", "G. Hinton"))
    post = await store.bind()
    assert [entry.paper.arxiv_id.value for entry in post.entries] == ["2611.00002", "2611.00001"]
    read = await store.outbox.unsettled_post(CHANNEL)
    assert read == post
    (first, second) = [embed.description or "" for embed in render(post).embeds]
    assert "and 8 more, including **G. Hinton** (possible match)" in first
    assert "**" not in second
    await store.outbox.delivered(post, Delivered(77), NOW)
    await poll(store, by_hinton("2611.00003"))
    assert await store.due_ids() == ["2611.00003"]


async def test_released_papers_of_followed_authors_stay_first(store: Store) -> None:
    await subscribe(store, HINTON, GRAPH)
    await poll(store, paper("2611.00001", title="A graph"), by_hinton("2611.00002"))
    await store.outbox.release(await store.bind())
    assert await store.due_ids() == ["2611.00002", "2611.00001"]


async def test_newer_version_replaces_the_authors_of_a_match(store: Store) -> None:
    await subscribe(store, HINTON)
    first = by_hinton("2611.00001", "G. Hinton")
    await poll(store, first)
    await poll(store, replace(first, version=2, authors=("Geoffrey Hinton", *OTHERS)))
    (entry,) = await store.due()
    assert entry.authors == (MatchedAuthor("Geoffrey Hinton"),)


async def test_earlier_papers_of_a_followed_author_are_queued_first(store: Store) -> None:
    await subscribe(store, GRAPH)
    await poll(store, paper("2611.00001", title="A graph"))
    await store.subscriptions.add_all([HINTON], CHANNEL, GUILD, added_by=ADA, now=NOW)
    unsynced = await store.subscriptions.unsynced()
    seen = [by_hinton("2610.00001"), by_hinton("2610.00002", "G. Hinton")]
    await store.ingest_store.record_seen(unsynced, seen, match_keywords(seen, [HINTON]), NOW)
    await store.ingest_store.finish_initial_sync(unsynced, NOW, NOW)
    assert await store.outbox.add_newest(CHANNEL, [HINTON], 5, NOW) == 2
    assert await store.due_ids() == ["2610.00001", "2610.00002", "2611.00001"]
