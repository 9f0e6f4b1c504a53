"""What polls and initial syncs write: new papers, their channels and their keywords."""

import time
from datetime import timedelta

import pytest

from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.store.ingest import WindowWritten
from tests.support.builders import paper
from tests.support.databases import rows
from tests.support.store import ADA, CHANNEL, GUILD, NEW_SINCE, NOW, OTHER_CHANNEL, Store

LATER = NOW + timedelta(days=1)
REWARD = paper("2611.00001", title="A reward model")
WITHDRAWN = "This paper has been withdrawn by the authors"


async def outbox_keywords(store: Store, channel_id: int = CHANNEL) -> dict[str, tuple[str, ...]]:
    return {entry.paper.arxiv_id.value: entry.keywords for entry in await store.due(channel_id)}


async def test_initial_sync_writes_matches_and_no_outbox_rows(store: Store) -> None:
    await store.subscribe("reward model")
    await store.sync(REWARD)
    assert await store.papers.get(REWARD.arxiv_id) == REWARD
    assert await store.papers.count(Keyword.parse("reward model"), NEW_SINCE) == 1
    assert await store.due() == ()
    (watched,) = await store.watched()
    assert (watched.new_since, watched.synced_until) == (NEW_SINCE, NOW)


async def test_new_paper_is_queued_in_every_subscribed_channel(store: Store) -> None:
    await store.watch("reward model")
    await store.subscribe("reward model", OTHER_CHANNEL)
    assert await store.poll(REWARD) == WindowWritten(papers=1, posts=2)
    assert await store.due_ids() == await store.due_ids(OTHER_CHANNEL) == ["2611.00001"]


async def test_paper_without_a_match_is_not_stored(store: Store) -> None:
    await store.watch("reward model")
    assert await store.poll(paper("2611.00002", title="Diffusion")) == WindowWritten(papers=0, posts=0)
    assert rows(store.path)["papers"] == []


async def test_paper_fetched_twice_is_new_once(store: Store) -> None:
    await store.watch("reward model")
    await store.poll(REWARD)
    assert await store.poll(REWARD) == WindowWritten(papers=0, posts=0)
    assert await store.due_ids() == ["2611.00001"]


async def test_paper_of_the_initial_sync_is_not_new_in_a_poll(store: Store) -> None:
    await store.subscribe("reward model")
    await store.sync(REWARD)
    await store.poll(REWARD)
    assert await store.due() == ()


async def test_paper_published_before_new_since_is_not_new(store: Store) -> None:
    await store.watch("reward model")
    await store.poll(
        paper("2611.00001", title="Reward model", published=NEW_SINCE),
        paper("2611.00002", title="Reward model", published=NEW_SINCE + timedelta(seconds=1)),
    )
    assert await store.due_ids() == ["2611.00002"]
    assert await store.papers.count(Keyword.parse("reward model"), NEW_SINCE - timedelta(days=99)) == 2


async def test_posted_paper_is_not_queued_for_another_keyword(store: Store) -> None:
    await store.watch("reward model", "diffusion")
    await store.poll(REWARD)
    await store.outbox.delivered(await store.bind(), Delivered(5), NOW)
    await store.poll(paper("2611.00001", version=2, title="A reward model for diffusion"))
    assert await store.due() == ()


async def test_rejected_paper_is_not_queued_again(store: Store) -> None:
    await store.watch("reward model", "diffusion")
    await store.poll(REWARD)
    await store.outbox.rejected(await store.bind(), "no", NOW)
    await store.poll(paper("2611.00001", version=2, title="A reward model for diffusion"))
    assert await store.due() == ()


async def test_queued_paper_gets_the_other_keywords_that_it_matches(store: Store) -> None:
    await store.watch("reward model", "diffusion")
    await store.poll(REWARD)
    assert await store.poll(paper("2611.00001", version=2, title="A reward model for diffusion")) == WindowWritten(0, 0)
    assert await outbox_keywords(store) == {"2611.00001": ("reward model", "diffusion")}


async def test_unsettled_message_is_edited_to_add_a_keyword(store: Store) -> None:
    await store.watch("reward model", "diffusion")
    await store.poll(REWARD)
    await store.bind()
    await store.poll(paper("2611.00001", version=2, title="A reward model for diffusion"))
    post = await store.outbox.unsettled_post(CHANNEL)
    assert post is not None
    assert post.entries[0].keywords == ("reward model", "diffusion")
    assert await store.edits.due(NOW) == ()
    await store.outbox.delivered(post, Delivered(5), NOW)
    assert [edit.post.message_id for edit in await store.edits.due(NOW)] == [5]


async def test_paper_matching_two_keywords_is_queued_once_with_both(store: Store) -> None:
    await store.watch("reward model", "diffusion")
    await store.poll(paper("2611.00001", title="A reward model for diffusion"))
    assert await outbox_keywords(store) == {"2611.00001": ("reward model", "diffusion")}


async def test_outbox_keywords_are_those_of_the_channel(store: Store) -> None:
    await store.watch("reward model", "diffusion")
    await store.watch("graph", channel_id=OTHER_CHANNEL)
    await store.subscribe("diffusion", OTHER_CHANNEL)
    await store.poll(paper("2611.00001", title="A reward model for graph diffusion"))
    assert await outbox_keywords(store) == {"2611.00001": ("reward model", "diffusion")}
    assert await outbox_keywords(store, OTHER_CHANNEL) == {"2611.00001": ("diffusion", "graph")}


async def test_six_papers_of_two_keywords_are_six_outbox_rows(store: Store) -> None:
    await store.watch("reward model", "diffusion")
    written = await store.poll(
        *(paper(f"2611.0000{n}", title="A reward model for diffusion") for n in range(1, 7)),
    )
    assert written == WindowWritten(papers=6, posts=6)
    assert len(await store.due_ids()) == 6


async def test_paper_new_to_a_second_channel_counts_once(store: Store) -> None:
    await store.watch("reward model")
    await store.subscribe("reward model", OTHER_CHANNEL)
    await store.subscribe("reward model", 13)
    assert (await store.poll(REWARD)).papers == 1


async def test_second_channel_gets_papers_from_its_subscription_on(store: Store) -> None:
    await store.watch("reward model")
    await store.poll(REWARD)
    await store.subscribe("reward model", OTHER_CHANNEL)
    await store.poll(REWARD, paper("2611.00002", title="Reward model"))
    assert await store.due_ids(OTHER_CHANNEL) == ["2611.00002"]


async def test_channel_that_subscribes_during_a_poll_gets_its_papers(store: Store) -> None:
    await store.watch("reward model")
    planned = await store.watched()
    await store.subscribe("reward model", OTHER_CHANNEL)
    await store.poll(REWARD, planned=planned)
    assert await store.due_ids(OTHER_CHANNEL) == ["2611.00001"]


# Keywords that changed between planning and writing.


async def test_keyword_synced_after_planning_is_not_recorded(store: Store) -> None:
    await store.watch("reward model", "diffusion")
    planned = await store.watched()
    await store.ingest_store.finish_poll(await store.watched("reward model"), LATER)
    await store.poll(paper("2611.00001", title="A reward model for diffusion"), planned=planned)
    assert await outbox_keywords(store) == {"2611.00001": ("diffusion",)}
    await store.ingest_store.finish_poll(planned, LATER + timedelta(days=1))
    assert [watched.synced_until for watched in await store.watched()] == [LATER, LATER + timedelta(days=1)]


async def test_keyword_that_ended_after_planning_is_not_recorded(store: Store) -> None:
    await store.watch("reward model")
    planned = await store.watched()
    await store.subscriptions.remove(Keyword.parse("reward model"), CHANNEL)
    await store.poll(REWARD, planned=planned)
    assert rows(store.path)["matches"] == []
    await store.ingest_store.finish_poll(planned, LATER)
    await store.subscribe("reward model")
    assert (await store.watched())[0].synced_until is None


async def test_keyword_that_returned_after_planning_is_not_recorded(store: Store) -> None:
    await store.watch("reward model")
    planned = await store.watched()
    await store.subscriptions.remove(Keyword.parse("reward model"), CHANNEL)
    await store.subscribe("reward model")
    assert await store.poll(REWARD, planned=planned) == WindowWritten(0, 0)
    await store.ingest_store.finish_poll(planned, LATER)
    assert (await store.watched())[0].synced_until is None


async def test_keyword_added_after_planning_is_not_polled(store: Store) -> None:
    await store.watch("reward model")
    planned = await store.watched()
    await store.subscribe("diffusion")
    await store.poll(paper("2611.00001", title="Diffusion"), planned=planned)
    assert await store.due() == ()
    await store.ingest_store.finish_poll(planned, LATER)
    assert [watched.synced_until for watched in await store.watched()] == [LATER, None]


async def test_initial_sync_of_an_ended_keyword_is_not_recorded(store: Store) -> None:
    await store.subscribe("reward model")
    unread = await store.watched()
    await store.subscriptions.remove(Keyword.parse("reward model"), CHANNEL)
    await store.ingest_store.finish_initial_sync(unread, NEW_SINCE, NOW)
    await store.subscribe("reward model")
    assert (await store.watched())[0].new_since is None


async def test_finished_poll_advances_synced_until_and_keeps_new_since(store: Store) -> None:
    await store.watch("reward model", "diffusion")
    await store.ingest_store.finish_poll(await store.watched(), LATER)
    assert [(watched.new_since, watched.synced_until) for watched in await store.watched()] == [(NEW_SINCE, LATER)] * 2


# Papers.


async def test_known_paper_is_updated_without_a_match(store: Store) -> None:
    await store.watch("reward model")
    await store.poll(REWARD)
    revised = paper("2611.00001", version=2, title="Renamed")
    await store.poll(revised)
    assert await store.papers.get(REWARD.arxiv_id) == revised


async def test_older_version_does_not_replace_a_newer_one(store: Store) -> None:
    await store.watch("reward model")
    newer = paper("2611.00001", version=3, title="Reward model, final")
    await store.poll(newer)
    await store.poll(REWARD)
    assert await store.papers.get(REWARD.arxiv_id) == newer


async def test_lookup_stores_papers_without_marking_them_seen(store: Store) -> None:
    await store.watch("reward model")
    await store.papers.add([REWARD])
    assert await store.papers.newest(Keyword.parse("reward model"), 10) == ()
    assert (await store.poll(REWARD)).posts == 1


async def test_unknown_paper_is_none(store: Store) -> None:
    assert await store.papers.get(REWARD.arxiv_id) is None


async def test_newest_papers_of_a_keyword_are_ordered_by_date(store: Store) -> None:
    await store.watch("reward model")
    papers = [paper(f"2611.0000{n}", title="Reward model", published=NOW + timedelta(hours=n)) for n in range(1, 5)]
    await store.poll(*papers, paper("2611.00009", title="Diffusion", published=LATER))
    keyword = Keyword.parse("Reward Model")
    assert await store.papers.newest(keyword, 2) == (papers[3], papers[2])
    assert await store.papers.newest(keyword, 9, since=NOW + timedelta(hours=3)) == (papers[3], papers[2])
    assert await store.papers.count(keyword, NOW + timedelta(hours=4)) == 1


async def test_paper_is_read_as_written(store: Store) -> None:
    whole = paper(
        "hep-th/9901001",
        title="Über $\\alpha$ 𝛼",
        authors=("Émilie du Châtelet", 'A "Quoted" Name'),
        categories=("hep-th", "gr-qc"),
        primary_category="hep-th",
        published=NOW - timedelta(microseconds=1),
        updated=NOW,
        comment="9 pages",
        journal_ref="J. 1",
        doi="10.1/x",
    )
    await store.papers.add([whole])
    assert await store.papers.get(whole.arxiv_id) == whole


# Withdrawals.


async def test_withdrawn_paper_is_neither_queued_nor_counted(store: Store) -> None:
    await store.watch("reward model")
    gone = paper("2611.00001", title="Reward model", comment=WITHDRAWN)
    assert await store.poll(gone, paper("2611.00002", title="Reward model")) == WindowWritten(papers=1, posts=1)
    assert await store.due_ids() == ["2611.00002"]
    assert await store.poll(gone) == WindowWritten(papers=0, posts=0)


async def test_queued_paper_that_a_poll_finds_withdrawn_is_not_posted(store: Store) -> None:
    await store.watch("reward model")
    await store.poll(REWARD)
    await store.poll(paper("2611.00001", title="Reward model", version=2, comment=WITHDRAWN))
    assert await store.due() == ()
    assert await store.outbox.waiting() == {}


async def test_paper_withdrawn_in_the_queue_stays_out_of_it(store: Store) -> None:
    await store.watch("reward model", "diffusion")
    await store.poll(REWARD)
    await store.poll(paper("2611.00001", title="Reward model", version=2, comment=WITHDRAWN))
    await store.poll(paper("2611.00001", title="Reward model by diffusion", version=3, comment=WITHDRAWN))
    assert await store.due() == ()


# Queries by channel and keyword.


async def test_newest_papers_of_a_channel_have_their_keywords(store: Store) -> None:
    await store.watch("reward model", "diffusion")
    await store.watch("graph", channel_id=OTHER_CHANNEL)
    papers = [paper(f"2611.0000{n}", title="Diffusion", published=NOW + timedelta(hours=n)) for n in range(1, 4)]
    both = paper("2611.00004", title="A reward model for diffusion", published=NOW + timedelta(hours=4))
    await store.poll(*papers, both, paper("2611.00009", title="Graph", published=LATER))
    assert [(shown, set(keywords)) for shown, keywords in await store.papers.newest_in_channel(CHANNEL, 2)] == [
        (papers[2], {"diffusion"}),
        (both, {"reward model", "diffusion"}),
    ]
    assert await store.papers.newest_in_channel(13, 2) == ()


async def test_papers_of_a_keyword_are_counted_by_category(store: Store) -> None:
    await store.watch("reward model")
    filed = [("cs.CL", "cs.LG"), ("cs.LG",), ("cs.LG", "stat.ML")]
    await store.poll(
        *(
            paper(f"2611.0000{n}", title="Reward model", primary_category=categories[0], categories=categories)
            for n, categories in enumerate(filed, 1)
        ),
        paper("2611.00008", title="Reward model", categories=("cs.AI",), published=NOW - timedelta(days=9)),
        paper("2611.00009", title="Diffusion"),
    )
    counted = await store.papers.count_by_category(Keyword.parse("reward model"), NOW)
    assert counted == (("cs.LG", 3), ("cs.CL", 1), ("stat.ML", 1))


@pytest.mark.slow
async def test_time_of_a_poll_is_not_quadratic_in_the_number_of_keywords(store: Store) -> None:
    keywords = [Keyword.parse(f"topic {number}") for number in range(4_000)]
    await store.subscriptions.add_all(keywords, CHANNEL, GUILD, added_by=ADA, now=NOW)
    await store.sync()
    started_s = time.process_time()
    await store.poll(paper("2611.00001", title="Topic 7"))
    await store.ingest_store.finish_poll(await store.watched(), NOW)
    assert time.process_time() - started_s < 3  # two times 10 s when it was quadratic
    assert await store.due_ids() == ["2611.00001"]
