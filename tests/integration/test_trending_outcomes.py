"""A trending post is sent, looked up and settled so that it is posted once, whatever Discord answers."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.outgoing import Blocked, OutcomeUnknown, Rejected, RetryLater
from bot.publish.availability import BLOCKED_RECHECK
from bot.publish.sender import NONCE_REMEMBERED
from tests.support.clock import FakeClock
from tests.support.delivery import LOST_ANSWER, LOST_MESSAGE, Answer, FakeDelivery, arxiv_ids
from tests.support.loops import DEADLINE_S
from tests.support.store import CHANNEL, OTHER_CHANNEL, Store
from tests.support.trending_publisher import (
    HOUR_S,
    NIGHT,
    THURSDAY,
    TrendingPublisherHarness,
    running_trending_publisher,
    store_list,
    subscribe_to_trending,
)

NOT_ALLOWED = Blocked("The bot needs the Send Messages permission there.")
GONE = Blocked("The channel does not exist.", gone=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NIGHT)


@pytest.fixture
def delivery(clock: FakeClock) -> FakeDelivery:
    return FakeDelivery(clock)


@pytest.mark.parametrize("answer", [LOST_ANSWER, LOST_MESSAGE])
async def test_list_with_unknown_outcome_is_resent_with_the_same_nonce(
    store: Store, delivery: FakeDelivery, clock: FakeClock, answer: Answer
) -> None:
    await subscribe_to_trending(store)
    await store_list(store, 3)
    delivery.answers[CHANNEL].append(answer)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        first, again = delivery.attempts
        assert (again.key, again.nonce) == (first.key, first.nonce)
        assert delivery.messages() == [arxiv_ids(1)]


@pytest.mark.parametrize("answer", [LOST_ANSWER, LOST_MESSAGE])
@pytest.mark.parametrize("downtime", [timedelta(seconds=1), NONCE_REMEMBERED + timedelta(seconds=1)])
@pytest.mark.parametrize("forum", [False, True])
async def test_list_sent_before_a_restart_is_looked_up_and_posted_once(
    store: Store, delivery: FakeDelivery, clock: FakeClock, answer: Answer, downtime: timedelta, forum: bool
) -> None:
    if forum:
        delivery.forums.add(CHANNEL)
    await subscribe_to_trending(store)
    await store_list(store, 3)
    delivery.answers[CHANNEL].append(answer)
    async with running_trending_publisher(store, delivery, clock):
        assert len(delivery.attempts) == 1
    await clock.advance(downtime.total_seconds())
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert delivery.messages() == [arxiv_ids(1)]
        assert delivery.lookups
    assert await store.trending_posts.unsettled(clock.now()) == ()


async def test_list_interrupted_by_a_restart_is_posted_once(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store)
    await store_list(store, 3)
    delivery.hold(CHANNEL)
    publisher = TrendingPublisherHarness(store, delivery, clock)
    publisher.start()
    async with asyncio.timeout(DEADLINE_S):
        while not delivery.waiting:
            await clock.advance(0.05)
    await publisher.end()
    delivery.finish_held(CHANNEL)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert delivery.messages() == [arxiv_ids(1)]


async def test_list_that_became_empty_is_looked_up_and_not_resent(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store)
    await subscribe_to_trending(store, OTHER_CHANNEL)
    await store_list(store, 3)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    delivery.answers[OTHER_CHANNEL].append(LOST_MESSAGE)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await store_list(store)
        await publisher.advance(HOUR_S)
        assert len(delivery.attempts) == 2
        assert delivery.messages() == [arxiv_ids(1)]
        assert delivery.messages(OTHER_CHANNEL) == []
    assert await store.trending_posts.unsettled(clock.now()) == ()


async def test_rejected_list_is_not_sent_again(store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await subscribe_to_trending(store)
    await store_list(store, 3)
    delivery.outcome_of = lambda _: Rejected("too blue")
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert len(delivery.attempts) == 1


async def test_rate_limited_list_is_sent_after_the_requested_delay(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store)
    await subscribe_to_trending(store, OTHER_CHANNEL)
    await store_list(store, 3)
    busy = RetryLater(NIGHT + timedelta(minutes=10), "Discord asks us to wait")
    delivery.answers[CHANNEL].append(Answer(False, busy))
    async with running_trending_publisher(store, delivery, clock) as publisher:
        assert delivery.messages(OTHER_CHANNEL) == [arxiv_ids(1)]
        await publisher.advance(9 * 60)
        assert delivery.messages() == []
        await publisher.advance(60)
        assert delivery.messages() == [arxiv_ids(1)]


@pytest.mark.slow
@pytest.mark.parametrize("blocked", [NOT_ALLOWED, GONE])
async def test_blocked_channel_gets_its_list_once_it_is_unblocked(
    store: Store, delivery: FakeDelivery, clock: FakeClock, blocked: Blocked
) -> None:
    await subscribe_to_trending(store)
    await store_list(store, 3)
    delivery.blocked[CHANNEL] = blocked
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert delivery.attempts == []
        assert publisher.blocks == 1
        assert [blocked.channel_id for blocked in await store.channels.blocked_channels()] == [CHANNEL]
        del delivery.blocked[CHANNEL]
        await publisher.advance(BLOCKED_RECHECK.total_seconds())
        assert delivery.messages() == [arxiv_ids(1)]
        assert await store.channels.blocked_channels() == ()


async def test_list_whose_first_attempt_is_blocked_is_bound_again_later(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store)
    await store_list(store, 3)
    delivery.answers[CHANNEL].append(Answer(False, NOT_ALLOWED))
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(BLOCKED_RECHECK.total_seconds())
        first, again = delivery.attempts
        assert first.key != again.key
        assert delivery.messages() == [arxiv_ids(1)]


@pytest.mark.slow
async def test_channel_without_answers_delays_no_other_and_keeps_its_order(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store)
    await subscribe_to_trending(store, OTHER_CHANNEL)
    await store_list(store, 3)
    delivery.outcome_of = lambda post: OutcomeUnknown("no answer") if post.channel_id == CHANNEL else None
    delivery.lookup_failures[CHANNEL] = RetryLater(NIGHT + timedelta(hours=30), "Discord did not answer")
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(24 * HOUR_S)
        await store_list(store, 3, day=THURSDAY, first=11)
        await publisher.notify()
        assert delivery.messages(OTHER_CHANNEL) == [arxiv_ids(1), arxiv_ids(11)]
        assert len({post.key for post in delivery.attempts if post.channel_id == CHANNEL}) == 1
