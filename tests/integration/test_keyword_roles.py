"""Roles of keywords: which messages of a batch ping them, over restarts, crashes, pauses and rejected messages."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.channel_settings import ChannelSettings, Discussion, Layout, Style
from bot.domain.found import FoundMessage
from bot.domain.history import snowflake
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Blocked, Delivered, Rejected
from bot.domain.paper import Paper
from bot.domain.post import MessageHeader
from bot.domain.subscription import Quotas
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.delivery import LOST_ANSWER, LOST_MESSAGE, Answer, FakeDelivery, arxiv_ids, running_dispatcher
from tests.support.store import ADA, CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store, opened

CHANNEL_ROLE, GRAPH_ROLE, TREE_ROLE = 99, 201, 202
CARDS = ChannelSettings(style=Style.CARDS, mention_role=CHANNEL_ROLE)
GRAPH, TREE = Keyword.parse("graph"), Keyword.parse("tree")

Roles = list[tuple[int, ...]]


@pytest.fixture
async def store(store: Store) -> Store:
    """The channel posts cards, and two keywords have a role; "forest" has none."""
    await store.set_channel(CHANNEL, CARDS)
    await store.watch("forest", "graph", "tree")
    await store.subscriptions.set_role(GRAPH, CHANNEL, GRAPH_ROLE)
    await store.subscriptions.set_role(TREE, CHANNEL, TREE_ROLE)
    return store


def numbered(number: int, title: str) -> Paper:
    """A paper that is later than those with lower numbers."""
    return paper(arxiv_ids(number)[0], title=title, published=NOW + timedelta(minutes=number))


async def record(store: Store, *titles: str, first: int = 1, clock: FakeClock) -> None:
    """Records the papers of a poll, the oldest first."""
    found = (numbered(number, title) for number, title in enumerate(titles, first))
    await store.poll(*found, now=clock.now())


async def stop_after_first(store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    """Posts one message, and stops."""
    delivery.hold(CHANNEL)
    async with running_dispatcher(store, delivery, clock) as running:
        stop = asyncio.create_task(running.dispatcher.stop())
        await asyncio.wait([stop], timeout=0)
        delivery.finish_held(CHANNEL)
        await stop


def pinged(delivery: FakeDelivery) -> Roles:
    """The roles that each message in the channel pings."""
    return [message.post.header.roles for message in delivery.stored()]


def attempted(delivery: FakeDelivery) -> Roles:
    """The roles that each attempt pings."""
    return [post.header.roles for post in delivery.attempts]


# One batch.


async def test_role_is_pinged_by_the_first_message_with_a_paper_of_its_keyword(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record(store, *["Forest"] * 10, *["Graph"] * 10, *["Graph and Tree"] * 10, clock=clock)
    async with running_dispatcher(store, delivery, clock):
        assert pinged(delivery) == [(CHANNEL_ROLE,), (GRAPH_ROLE,), (TREE_ROLE,)]


async def test_paper_of_several_keywords_pings_each_role_and_a_shared_role_once(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await store.subscriptions.set_role(Keyword.parse("forest"), CHANNEL, CHANNEL_ROLE)
    await record(store, "Graph, Tree and Forest", *["Forest"] * 10, clock=clock)
    async with running_dispatcher(store, delivery, clock):
        assert pinged(delivery) == [(CHANNEL_ROLE, GRAPH_ROLE, TREE_ROLE), ()]


async def test_role_counts_only_in_its_own_channel(store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await store.watch("graph", channel_id=OTHER_CHANNEL)
    await record(store, "Graph", clock=clock)
    async with running_dispatcher(store, delivery, clock):
        assert pinged(delivery) == [(CHANNEL_ROLE, GRAPH_ROLE)]
        (other,) = delivery.stored(OTHER_CHANNEL)
        assert other.post.header.roles == ()


async def test_next_batch_pings_again_with_the_roles_of_then(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    async with running_dispatcher(store, delivery, clock) as running:
        for number, role in enumerate((GRAPH_ROLE, TREE_ROLE, None), 1):
            await store.subscriptions.set_role(GRAPH, CHANNEL, role)
            await record(store, "Graph", first=number, clock=clock)
            await running.notify()
            await running.advance(60)
        assert pinged(delivery) == [(CHANNEL_ROLE, GRAPH_ROLE), (CHANNEL_ROLE, TREE_ROLE), (CHANNEL_ROLE,)]


async def test_earlier_papers_on_request_ping_like_new_ones(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await store.subscriptions.add_all([Keyword.parse("lake")], CHANNEL, GUILD, added_by=ADA, now=NOW, mention_role=5)
    await store.sync(paper("2611.00001", title="A lake"))
    await store.outbox.add_newest(CHANNEL, [Keyword.parse("lake")], 5, clock.now())
    async with running_dispatcher(store, delivery, clock):
        assert delivery.headlines == ["**1 earlier paper** for lake"]
        assert pinged(delivery) == [(CHANNEL_ROLE, 5)]


async def test_backlog_of_a_pause_pings_each_role_once(store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await store.set_channel(CHANNEL, replace(CARDS, paused_since=NOW))
    await record(store, *["Graph"] * 11, clock=clock)
    async with running_dispatcher(store, delivery, clock) as running:
        await running.advance(3600)
        await record(store, "Graph", "Tree", first=12, clock=clock)
        await running.notify()
        assert delivery.attempts == []
        await store.channel_settings.resume(CHANNEL, clock.now())
        await running.notify()
        assert pinged(delivery) == [(CHANNEL_ROLE, GRAPH_ROLE), (TREE_ROLE,)]


async def test_paper_beyond_the_limit_per_posting_pings_nobody(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await store.set_channel(CHANNEL, replace(CARDS, papers_per_posting=2))
    await record(store, "Forest", "Forest", "Graph", "Tree", clock=clock)
    async with running_dispatcher(store, delivery, clock):
        assert delivery.messages() == [arxiv_ids(1, 2)]
        assert pinged(delivery) == [(CHANNEL_ROLE,)]


async def test_papers_with_too_many_roles_for_one_message_get_two(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await store.set_channel(CHANNEL, ChannelSettings(style=Style.CARDS))
    topics = [f"topic{number}" for number in range(30)]
    await store.watch(*topics)
    for number, topic in enumerate(topics, 301):
        await store.subscriptions.set_role(Keyword.parse(topic), CHANNEL, number)
    await record(store, " ".join(topics[:15]), " ".join(topics[15:]), clock=clock)
    async with running_dispatcher(store, delivery, clock):
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2)]
        assert pinged(delivery) == [tuple(range(301, 316)), tuple(range(316, 331))]


# Messages that fail.


async def test_rejected_message_has_pinged_nobody(store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await record(store, "Graph", "Tree", "Graph", clock=clock)
    delivery.outcome_of = lambda post: Rejected("too blue") if arxiv_ids(1)[0] in str(post) else None
    async with running_dispatcher(store, delivery, clock):
        assert delivery.messages() == [arxiv_ids(2), arxiv_ids(3)]
        assert pinged(delivery) == [(CHANNEL_ROLE, TREE_ROLE), (GRAPH_ROLE,)]


async def test_message_of_a_blocked_channel_pings_after_the_block(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record(store, "Graph", clock=clock)
    delivery.answers[CHANNEL].append(Answer(False, Blocked("locked")))
    async with running_dispatcher(store, delivery, clock) as running:
        await running.advance(60)
        assert attempted(delivery) == [(CHANNEL_ROLE, GRAPH_ROLE)] * 2


@pytest.mark.parametrize("answer", [LOST_ANSWER, LOST_MESSAGE])
async def test_message_keeps_its_roles_until_it_is_settled(
    store: Store, delivery: FakeDelivery, clock: FakeClock, answer: Answer
) -> None:
    """The bot ends between the binding and the settlement, and the role changes meanwhile."""
    await record(store, *["Graph"] * 11, clock=clock)
    delivery.answers[CHANNEL].append(answer)
    async with running_dispatcher(store, delivery, clock):
        pass
    bound = await store.outbox.unsettled_post(CHANNEL)
    assert bound is not None
    assert bound.header == delivery.attempts[0].header
    await store.subscriptions.set_role(GRAPH, CHANNEL, TREE_ROLE)
    async with running_dispatcher(store, delivery, clock) as running:
        await running.advance(60)
        assert pinged(delivery) == [(CHANNEL_ROLE, GRAPH_ROLE), (TREE_ROLE,)]
        assert set(attempted(delivery)[:-1]) == {(CHANNEL_ROLE, GRAPH_ROLE)}


# A restart during a batch.


async def test_rest_of_a_batch_pings_only_what_was_not_pinged_before_a_restart(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record(store, *["Graph"] * 20, *["Graph and Tree"] * 10, "Forest", clock=clock)
    await stop_after_first(store, delivery, clock)
    assert pinged(delivery) == [(CHANNEL_ROLE, GRAPH_ROLE)]
    await stop_after_first(store, delivery, clock)
    assert pinged(delivery) == [(CHANNEL_ROLE, GRAPH_ROLE), ()]
    await stop_after_first(store, delivery, clock)
    await stop_after_first(store, delivery, clock)
    assert pinged(delivery) == [(CHANNEL_ROLE, GRAPH_ROLE), (), (TREE_ROLE,), ()]
    assert [headline.startswith("**") for headline in delivery.headlines] == [True] * 4


async def test_roles_of_a_batch_survive_a_reopened_database(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record(store, *["Graph"] * 11, clock=clock)
    await stop_after_first(store, delivery, clock)
    path = store.path
    await store.database.close()
    async with opened(path) as reopened:
        start = await reopened.batch_start()
        assert start.earlier_header is not None
        assert start.earlier_header.earlier_roles == (CHANNEL_ROLE, GRAPH_ROLE)
        async with running_dispatcher(reopened, delivery, clock):
            assert pinged(delivery) == [(CHANNEL_ROLE, GRAPH_ROLE), ()]


async def test_batch_of_a_message_found_in_the_history_pings_no_more_roles(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """A backup from before the message was restored: what earlier messages of the batch pinged is unknown."""
    message = FoundMessage(
        key="found",
        message_id=snowflake(NOW - timedelta(hours=1)),
        arxiv_ids=tuple(arxiv_ids(*range(1, 11))),
        layout=Layout.CARDS,
        headline="**12 new papers**",
        mention_role=CHANNEL_ROLE,
        keyword_roles=(GRAPH_ROLE,),
        discussion=Discussion.BUTTON,
    )
    delivery.found[CHANNEL] = [message]
    await record(store, *["Graph"] * 10, "Graph", "Tree", clock=clock)
    async with running_dispatcher(store, delivery, clock) as running:
        assert delivery.messages() == [arxiv_ids(11, 12)]
        assert pinged(delivery) == [()]
        await running.advance(60)
        await record(store, "Tree", first=13, clock=clock)
        await running.notify()
        assert pinged(delivery) == [(), (CHANNEL_ROLE, TREE_ROLE)]
    # An edit keeps the text and the button of the found message.
    await store.papers.add([paper(arxiv_ids(1)[0], title="Graph", version=2)])
    (edit,) = await store.edits.due(clock.now())
    assert edit.post.header.roles == (CHANNEL_ROLE, GRAPH_ROLE)
    assert edit.post.header.discussion is Discussion.BUTTON


# What is stored.


async def test_header_is_read_as_it_was_bound(store: Store, clock: FakeClock) -> None:
    await record(store, "Graph", "Tree", clock=clock)
    entries = await store.due()
    assert [entry.roles for entry in entries] == [(GRAPH_ROLE,), (TREE_ROLE,)]
    header = MessageHeader(
        headline="**2 new papers**", mention_role=1, keyword_roles=(2**63 - 1, 3), earlier_roles=(4,)
    )
    post = await store.outbox.bind(CHANNEL, entries, header, key="key", nonce="nonce", now=NOW)
    assert post is not None
    assert await store.outbox.unsettled_post(CHANNEL) == post
    await store.outbox.delivered(post, Delivered(5), NOW)
    await store.papers.add([paper(arxiv_ids(1)[0], title="Graph", version=2)])
    (edit,) = await store.edits.due(NOW)
    assert edit.post.header == header


async def test_role_is_set_by_subscribing_and_cleared_later(store: Store) -> None:
    subscriptions = store.subscriptions
    added = [Keyword.parse("lake"), GRAPH, Keyword.parse("sea")]
    quotas = Quotas(4, 100)  # "sea" does not fit
    await subscriptions.add_all(added, CHANNEL, GUILD, added_by=ADA, now=NOW, quotas=quotas, mention_role=7)
    roles = {each.keyword.shown: each.mention_role for each in await subscriptions.in_channel(CHANNEL)}
    assert roles == {"forest": None, "graph": 7, "lake": 7, "tree": TREE_ROLE}
    await subscriptions.add_all([GRAPH], CHANNEL, GUILD, added_by=ADA, now=NOW)  # without a role, it stays
    assert await subscriptions.set_role(TREE, CHANNEL, None)
    assert [(each.keyword.shown, each.mention_role) for each in await subscriptions.with_roles(CHANNEL, 5)] == [
        ("graph", 7),
        ("lake", 7),
    ]
    assert len(await subscriptions.with_roles(CHANNEL, 1)) == 1
    assert not await subscriptions.set_role(Keyword.parse("sea"), CHANNEL, 7)
    assert not await subscriptions.set_role(GRAPH, OTHER_CHANNEL, 7)
    assert await subscriptions.with_roles(OTHER_CHANNEL, 5) == ()


async def test_role_stays_while_config_json_keeps_the_keyword_and_ends_with_the_subscription(store: Store) -> None:
    subscriptions = store.subscriptions
    await subscriptions.apply_config({CHANNEL: [GRAPH]}, NOW)
    await subscriptions.remove(GRAPH, CHANNEL)
    assert [each.mention_role for each in await subscriptions.in_channel(CHANNEL)] == [None, GRAPH_ROLE, TREE_ROLE]
    await subscriptions.apply_config({}, NOW)
    await store.subscribe("graph")
    assert [each.mention_role for each in await subscriptions.in_channel(CHANNEL)] == [None, None, TREE_ROLE]
