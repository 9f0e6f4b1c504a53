"""Outbox entries, the posts to which they are bound, and the outcomes."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.domain.channel_settings import Layout
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Blocked, Delivered
from bot.domain.paper import Paper
from bot.domain.post import Due, MessageHeader, one_message
from bot.store.schema import outbox
from tests.support.builders import paper
from tests.support.databases import rows
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

SOON = NOW + timedelta(minutes=5)
WITHDRAWN = "This paper has been withdrawn by the authors"


async def fill(store: Store, papers: int = 3) -> None:
    """Queues papers 1, 2, 3…, the last of them the oldest."""
    await store.watch("graph")
    for n in range(1, papers + 1):
        await store.poll(paper(f"2611.{n:05}", title="Graph", published=NOW - timedelta(hours=n)))


async def states(store: Store) -> dict[str, str]:
    async with store.database.reading() as connection:
        found = await connection.all(sa.select(outbox.c.arxiv_id, outbox.c.state))
    return {row.arxiv_id: row.state for row in found}


# Due papers.


async def test_oldest_paper_comes_first(store: Store) -> None:
    await fill(store)
    assert await store.due_ids() == ["2611.00003", "2611.00002", "2611.00001"]


async def test_papers_of_the_same_time_are_ordered_by_id(store: Store) -> None:
    await store.watch("graph")
    for arxiv_id in ("2611.00002", "2611.00001", "2611.00003"):
        await store.poll(paper(arxiv_id, title="Graph"))
    assert await store.due_ids() == ["2611.00001", "2611.00002", "2611.00003"]


async def test_limit_bounds_the_due_papers(store: Store) -> None:
    await fill(store)
    assert len(await store.due(limit=2)) == 2


async def test_paper_is_due_from_its_due_time_on(store: Store) -> None:
    await store.watch("graph")
    await store.poll(paper(title="Graph"), now=SOON)
    assert await store.due(now=NOW) == ()
    assert await store.outbox.due_channels(NOW) == ()
    assert await store.outbox.next_due() == SOON
    assert len(await store.due(now=SOON)) == 1
    assert await store.outbox.due_channels(SOON) == (CHANNEL,)


async def test_due_channels_are_ordered_by_waiting_time(store: Store) -> None:
    await store.watch("graph", channel_id=OTHER_CHANNEL)
    await store.watch("diffusion")
    await store.poll(paper("2611.00001", title="Diffusion"), now=NOW)
    await store.poll(paper("2611.00002", title="Graph"), now=NOW - timedelta(minutes=1))
    assert await store.outbox.due_channels(NOW) == (OTHER_CHANNEL, CHANNEL)


async def test_empty_outbox_has_nothing_due(store: Store) -> None:
    await store.watch("graph")
    assert await store.outbox.due_channels(NOW) == ()
    assert await store.outbox.next_due() is None
    assert await store.outbox.unsettled_post(CHANNEL) is None
    assert await store.outbox.waiting() == {}


async def test_channel_in_backoff_is_due_after_it(store: Store) -> None:
    await fill(store)
    await store.channels.back_off(CHANNEL, SOON, now=NOW)
    assert await store.outbox.due_channels(NOW) == ()
    assert await store.outbox.next_due() == SOON
    assert await store.outbox.due_channels(SOON) == (CHANNEL,)


async def test_next_due_is_later_than_the_given_time(store: Store) -> None:
    await fill(store)
    await store.subscribe("graph", OTHER_CHANNEL)
    await store.poll(paper("2611.00009", title="Graph"), now=SOON)
    assert await store.outbox.next_due() == NOW
    assert await store.outbox.next_due(NOW) == SOON
    assert await store.outbox.next_due(SOON) is None


async def test_waiting_papers_are_counted_per_channel(store: Store) -> None:
    await fill(store)
    await store.subscribe("graph", OTHER_CHANNEL)
    await store.poll(paper("2611.00009", title="Graph"))
    await store.bind(CHANNEL, limit=1)
    assert await store.outbox.waiting() == {CHANNEL: 4, OTHER_CHANNEL: 1}
    await store.outbox.delivered(await store.bind(OTHER_CHANNEL, key="b"), Delivered(5), NOW)
    assert await store.outbox.waiting() == {CHANNEL: 4}


# Binding.


async def test_bound_papers_are_not_due(store: Store) -> None:
    await fill(store)
    post = await store.bind(limit=2)
    assert [entry.paper.arxiv_id.value for entry in post.entries] == ["2611.00003", "2611.00002"]
    assert await store.due_ids() == ["2611.00001"]
    assert await store.outbox.due_channels(NOW) == (CHANNEL,)


async def test_unsettled_post_is_read_as_bound(store: Store) -> None:
    await fill(store)
    assert await store.outbox.unsettled_post(CHANNEL) is None
    post = await store.bind(limit=2)
    assert await store.outbox.unsettled_post(CHANNEL) == post
    assert await store.outbox.unsettled_post(OTHER_CHANNEL) is None


async def test_oldest_unsettled_post_comes_first(store: Store) -> None:
    await fill(store)
    await store.bind(limit=1, key="later", now=NOW + timedelta(seconds=1))
    first = await store.bind(limit=1, key="first", now=NOW)
    assert await store.outbox.unsettled_post(CHANNEL) == first


async def test_bound_paper_is_not_bound_again(store: Store) -> None:
    await fill(store)
    entries = await store.due()
    await store.bind(limit=1)
    assert await store.outbox.bind(CHANNEL, entries, key="b", nonce="b", now=NOW) is None
    assert len(rows(store.path)["posts"]) == 1


async def test_paper_removed_from_the_queue_is_not_bound(store: Store) -> None:
    await fill(store)
    entries = await store.due()
    (subscription,) = await store.subscriptions.in_channel(CHANNEL)
    await store.subscriptions.remove(subscription.keyword, CHANNEL)
    assert await store.outbox.bind(CHANNEL, entries, key="b", nonce="b", now=NOW) is None
    assert rows(store.path)["posts"] == []


async def test_first_and_last_attempt_are_stored(store: Store) -> None:
    await fill(store)
    await store.outbox.record_attempt(await store.bind(), SOON)
    post = await store.outbox.unsettled_post(CHANNEL)
    assert post is not None
    assert (post.first_attempt, post.last_attempt) == (NOW, SOON)


# Outcomes.


@pytest.mark.parametrize("message_id", [77, None])
async def test_delivered_papers_are_never_due_again(store: Store, message_id: int | None) -> None:
    await fill(store)
    await store.outbox.delivered(await store.bind(limit=2), Delivered(message_id), NOW)
    assert await states(store) == {"2611.00003": "delivered", "2611.00002": "delivered", "2611.00001": "waiting"}
    assert await store.outbox.unsettled_post(CHANNEL) is None
    assert await store.due_ids() == ["2611.00001"]
    (post,) = rows(store.path)["posts"]
    assert message_id in post


async def test_released_papers_are_due_again(store: Store) -> None:
    await fill(store)
    before = await store.due()
    await store.outbox.release(await store.bind(limit=2))
    assert await store.due() == before
    assert await store.outbox.unsettled_post(CHANNEL) is None


async def test_papers_released_alone_get_a_message_each(store: Store) -> None:
    await fill(store)
    await store.outbox.release(await store.bind(limit=2), alone=True)
    due = await store.due()
    assert [entry.alone for entry in due] == [True, True, False]
    assert one_message(due) == due[:1]


async def test_paper_released_alone_stays_alone(store: Store) -> None:
    await fill(store, papers=1)
    await store.outbox.release(await store.bind(), alone=True)
    await store.outbox.release(await store.bind())
    assert (await store.due())[0].alone


async def test_message_ends_before_a_paper_marked_alone(store: Store) -> None:
    await fill(store)
    (last,) = [entry for entry in await store.due() if entry.paper.arxiv_id.value == "2611.00001"]
    post = await store.outbox.bind(CHANNEL, [last], key="b", nonce="b", now=NOW)
    assert post is not None
    await store.outbox.release(post, alone=True)
    due = await store.due()
    assert one_message(due) == due[:2]
    assert one_message(()) == ()


async def test_rejected_papers_keep_the_reason(store: Store) -> None:
    await fill(store)
    await store.outbox.rejected(await store.bind(limit=1), "too blue", NOW)
    assert (await states(store))["2611.00003"] == "refused"
    assert await store.due_ids() == ["2611.00002", "2611.00001"]
    assert await store.outbox.unsettled_post(CHANNEL) is None
    assert await store.outbox.waiting() == {CHANNEL: 2}
    assert any("too blue" in row for row in rows(store.path)["outbox"])


async def test_oldest_due_ignores_blocked_channels(store: Store) -> None:
    assert await store.outbox.oldest_due() is None
    await store.watch("diffusion")
    await store.poll(paper("2611.00001", title="Diffusion"), now=NOW)
    await store.watch("graph", channel_id=OTHER_CHANNEL)
    await store.poll(paper("2611.00002", title="Graph"), now=SOON)
    assert await store.outbox.oldest_due() == NOW
    await store.channels.block(CHANNEL, Blocked("locked"), now=SOON, not_before=SOON)
    assert await store.outbox.oldest_due() == SOON


# Batches.


async def test_due_papers_are_summarised_with_keywords_and_arrival(store: Store) -> None:
    await store.watch("graph", "diffusion", "reward model")
    await store.poll(paper("2611.00001", title="Graph diffusion"), now=NOW)
    await store.poll(paper("2611.00002", title="Graph"), now=NOW - timedelta(hours=1))
    await store.poll(paper("2611.00003", title="Reward model"), now=SOON)
    assert (await store.batch_start()).due == Due(2, ("graph", "diffusion"), NOW - timedelta(hours=1))
    assert (await store.batch_start(OTHER_CHANNEL)).due == Due(0, (), None)


async def test_unposted_batch_has_no_header(store: Store) -> None:
    await fill(store)
    await store.bind(limit=1)
    assert (await store.batch_start()).earlier_header is None


async def test_partly_posted_batch_keeps_its_header(store: Store) -> None:
    await fill(store)
    entries = await store.due(limit=1)
    header = MessageHeader(Layout.COMPACT, "**3 new papers**", mention_role=9)
    post = await store.outbox.bind(CHANNEL, entries, header, key="key", nonce="nonce", now=NOW)
    assert post is not None
    assert await store.outbox.unsettled_post(CHANNEL) == post
    await store.outbox.delivered(post, Delivered(5, thread_id=8), NOW)
    assert (await store.batch_start()).earlier_header == MessageHeader(Layout.COMPACT, thread_id=8, earlier_roles=(9,))
    await store.outbox.delivered(await store.bind(key="rest"), Delivered(6), SOON)
    await store.poll(paper("2611.00009", title="Graph"), now=SOON)
    assert (await store.batch_start(now=SOON)).earlier_header is None


# The newest papers on request.


async def sync_past(store: Store, *papers: Paper) -> None:
    """Subscribes to graphs and diffusion, and syncs these papers."""
    await store.subscribe("graph")
    await store.subscribe("diffusion")
    await store.sync(*papers)


def numbered(number: int, title: str = "Graph", comment: str | None = None) -> Paper:
    """Returns a paper; a greater number is later."""
    return paper(
        f"2611.{number:05}", title=title, comment=comment, published=NOW - timedelta(days=9) + timedelta(hours=number)
    )


GRAPHS = (Keyword.parse("graph"),)


async def test_newest_papers_are_queued_at_once_with_their_keywords(store: Store) -> None:
    await sync_past(store, *(numbered(number) for number in range(1, 8)), numbered(8, "Graph diffusion"))
    assert await store.outbox.add_newest(CHANNEL, GRAPHS, 3, NOW) == 3
    due = await store.due()
    assert [entry.paper.arxiv_id.value for entry in due] == ["2611.00006", "2611.00007", "2611.00008"]
    assert [entry.keywords for entry in due] == [("graph",), ("graph",), ("graph", "diffusion")]


async def test_newest_papers_requested_twice_are_queued_once(store: Store) -> None:
    await sync_past(store, *(numbered(number) for number in range(1, 8)))
    assert await store.outbox.add_newest(CHANNEL, GRAPHS, 3, NOW) == 3
    assert await store.outbox.add_newest(CHANNEL, GRAPHS, 3, NOW) == 0
    await store.outbox.delivered(await store.bind(), Delivered(5), NOW)
    assert await store.outbox.add_newest(CHANNEL, GRAPHS, 3, NOW) == 0
    assert await store.due() == ()


async def test_newest_papers_match_the_given_keywords(store: Store) -> None:
    await sync_past(store, numbered(1), numbered(2, "Diffusion"))
    assert await store.outbox.add_newest(CHANNEL, (), 5, NOW) == 0
    assert await store.outbox.add_newest(CHANNEL, GRAPHS, 5, NOW) == 1
    assert await store.due_ids() == ["2611.00001"]


async def test_channel_without_the_keyword_gets_no_newest_papers(store: Store) -> None:
    await store.subscribe("graph", OTHER_CHANNEL)
    await sync_past(store, numbered(1))
    await store.subscriptions.remove(GRAPHS[0], CHANNEL)
    assert await store.outbox.add_newest(CHANNEL, GRAPHS, 5, NOW) == 0


async def test_withdrawn_paper_is_not_among_the_newest(store: Store) -> None:
    await sync_past(store, numbered(1), numbered(2), numbered(3, comment=WITHDRAWN))
    assert await store.outbox.add_newest(CHANNEL, GRAPHS, 2, NOW) == 2
    assert await store.due_ids() == ["2611.00001", "2611.00002"]


# Withdrawals.


async def test_queued_paper_is_removed_when_withdrawn(store: Store) -> None:
    await fill(store, papers=2)
    await store.papers.add([paper("2611.00001", title="Graph", version=2, comment=WITHDRAWN)])
    assert await states(store) == {"2611.00001": "withdrawn", "2611.00002": "waiting"}
    await store.subscribe("diffusion")
    await store.sync(paper("2611.00002", title="Graph diffusion", version=2, comment=WITHDRAWN))
    assert await store.due() == ()
    assert await store.outbox.waiting() == {}


async def test_withdrawn_bound_paper_stays_with_its_message(store: Store) -> None:
    await fill(store, papers=1)
    post = await store.bind()
    await store.papers.add([paper("2611.00001", title="Graph", version=2, comment=WITHDRAWN)])
    assert await states(store) == {"2611.00001": "waiting"}
    await store.outbox.release(post)
    assert await states(store) == {"2611.00001": "withdrawn"}
