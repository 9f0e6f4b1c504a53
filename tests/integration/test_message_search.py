"""A message is searched from its stored position on, and a wall clock that jumps neither ends nor prolongs the wait."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.history import ORDER_MARGIN, earlier, snowflake
from bot.domain.outgoing import RetryLater
from tests.support.clock import FakeClock
from tests.support.delivery import LOST_ANSWER, LOST_MESSAGE, FakeDelivery, arxiv_ids, record_papers, running_dispatcher
from tests.support.store import CHANNEL, NOW, Store

FORWARD = [
    timedelta(seconds=90),
    pytest.param(timedelta(hours=1), marks=pytest.mark.slow),
    timedelta(days=2),
    pytest.param(timedelta(days=30), marks=pytest.mark.slow),
]
BACKWARD = [
    pytest.param(-timedelta(seconds=90), marks=pytest.mark.slow),
    -timedelta(hours=1),
    pytest.param(-timedelta(days=2), marks=pytest.mark.slow),
    -timedelta(days=30),
]


async def lose_message(store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    """Sends a message that Discord does not store before the bot ends."""
    await record_papers(store, 1)
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(store, delivery, clock):
        pass
    # Not the backoff, but the message decides here.
    await store.channels.back_off(CHANNEL, NOW - timedelta(days=60), now=NOW)


async def unsettled(store: Store) -> tuple[int | None, str]:
    """Returns where the search for the unsettled message begins, and its nonce."""
    post = await store.outbox.unsettled_post(CHANNEL)
    assert post is not None
    return post.search.after, post.nonce


@pytest.mark.parametrize("ahead", [*FORWARD, *BACKWARD])
async def test_search_begins_at_discords_time_of_the_attempt(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, ahead: timedelta
) -> None:
    await record_papers(subscribed, 1, now=NOW - timedelta(days=60))
    clock.set_wall_clock(ahead)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(subscribed, delivery, clock):
        pass
    assert (await unsettled(subscribed))[0] == snowflake(NOW - ORDER_MARGIN)


@pytest.mark.parametrize("ahead", FORWARD)
async def test_clock_that_jumps_ahead_does_not_release_a_message_early(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, ahead: timedelta
) -> None:
    """The message may still arrive: a second one with other papers must not be bound."""
    await lose_message(subscribed, delivery, clock)
    await record_papers(subscribed, 2)
    await clock.advance(300)
    clock.set_wall_clock(ahead)
    async with running_dispatcher(subscribed, delivery, clock):
        first, again, _ = delivery.attempts
        assert again.nonce == first.nonce
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2)]


@pytest.mark.parametrize("ahead", BACKWARD)
async def test_clock_that_jumps_back_delays_a_message_by_minutes_at_most(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, ahead: timedelta
) -> None:
    delivery.forums.add(CHANNEL)
    await record_papers(subscribed, 1, now=NOW - timedelta(days=60))
    await lose_message(subscribed, delivery, clock)
    clock.set_wall_clock(ahead)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(62)
        assert delivery.messages() == [arxiv_ids(1)]


@pytest.mark.parametrize("ahead", [*FORWARD, *BACKWARD])
async def test_message_is_looked_up_after_a_jump_of_the_clock(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, ahead: timedelta
) -> None:
    """The machine may have been suspended, during which the monotonic clock stops and Discord forgets the nonce."""
    await record_papers(subscribed, 1, now=NOW - timedelta(days=60))
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        clock.set_wall_clock(ahead)
        await subscribed.channels.back_off(CHANNEL, NOW - timedelta(days=60), now=NOW)
        await running.notify()
        assert len(delivery.lookups) == len(delivery.attempts) == 1
        assert await subscribed.outbox.waiting() == {}


async def test_search_reads_every_page_and_stores_its_progress(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await lose_message(subscribed, delivery, clock)
    start, _ = await unsettled(subscribed)
    assert start is not None
    hour = -earlier(0, timedelta(hours=1))
    delivery.history_end, delivery.page_size = start + hour, hour // 4
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(subscribed, delivery, clock):
        assert [position.after for position in delivery.positions] == [start + part * hour // 4 for part in range(5)]
        assert (await unsettled(subscribed))[0] == earlier(start + hour, ORDER_MARGIN)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(60)
        assert delivery.positions[5].after == earlier(start + hour, ORDER_MARGIN)
        assert delivery.messages() == [arxiv_ids(1)]


async def test_search_never_moves_back(subscribed: Store) -> None:
    await record_papers(subscribed, 1)
    post = await subscribed.bind()
    await subscribed.outbox.record_search(post, 500)
    await subscribed.outbox.record_search(post, 400)
    assert (await unsettled(subscribed))[0] == 500


async def test_message_without_a_stored_position_is_searched_with_a_margin(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """As an earlier release left it: its time may be wrong by days in either direction."""
    await record_papers(subscribed, 1)
    await subscribed.bind(now=NOW + timedelta(days=2))
    delivery.lookup_failures[CHANNEL] = RetryLater(NOW + timedelta(seconds=9), "Discord did not answer")
    async with running_dispatcher(subscribed, delivery, clock):
        assert [position.after for position in delivery.positions] == [snowflake(NOW - timedelta(days=3))]


async def test_attempt_is_stored_with_discords_time(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await lose_message(subscribed, delivery, clock)
    await clock.advance(120)
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    clock.set_wall_clock(timedelta(days=2))
    async with running_dispatcher(subscribed, delivery, clock):
        post = await subscribed.outbox.unsettled_post(CHANNEL)
    assert post is not None
    assert post.search == replace(post.search, attempted_at=NOW + timedelta(seconds=120))
