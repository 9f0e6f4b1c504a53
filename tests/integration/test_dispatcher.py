"""The dispatcher posts what is due, in order and in several channels at once, until it is stopped."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from bot.domain.channel_settings import ChannelSettings, Style
from bot.publish.dispatcher import ACTIVE_CHECK_INTERVAL_S, CHANNELS_AT_ONCE, ChannelTasks
from bot.runtime.errors import StoreUnavailable
from bot.runtime.limits import EMBEDS_PER_MESSAGE
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.delivery import (
    LOST_MESSAGE,
    DispatcherHarness,
    FakeDelivery,
    arxiv_ids,
    record_papers,
    running_dispatcher,
)
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store


async def test_papers_are_posted_oldest_first_as_a_list(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, *range(30, 0, -1))
    async with running_dispatcher(subscribed, delivery, clock):
        assert delivery.messages() == [arxiv_ids(*range(1, 21)), arxiv_ids(*range(21, 31))]
        assert await subscribed.outbox.waiting() == {}


async def test_cards_are_posted_oldest_first_ten_per_message(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, ChannelSettings(style=Style.CARDS))
    await record_papers(subscribed, *range(23, 0, -1))
    async with running_dispatcher(subscribed, delivery, clock):
        assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(*range(11, 21)), arxiv_ids(21, 22, 23)]
        assert await subscribed.outbox.waiting() == {}
    assert EMBEDS_PER_MESSAGE == 10


async def test_nothing_is_sent_twice_after_a_restart(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    for _ in range(2):
        async with running_dispatcher(subscribed, delivery, clock):
            pass
    assert delivery.attempted() == [arxiv_ids(1)]
    assert delivery.lookups == []


async def test_notification_posts_a_new_paper(subscribed: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await record_papers(subscribed, 1)
        await running.notify()
        assert delivery.messages() == [arxiv_ids(1)]


async def test_paper_that_is_due_later_is_posted_at_its_time(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.poll(paper("2611.00001", title="Graph"), now=NOW + timedelta(minutes=5))
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(299)
        assert delivery.attempts == []
        await running.advance(1)
        assert delivery.messages() == [arxiv_ids(1)]


# Concurrent channels.


async def test_slow_channel_does_not_hold_up_another(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.subscribe("graph", OTHER_CHANNEL)
    delivery.hold(CHANNEL)
    await record_papers(subscribed, 1)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await record_papers(subscribed, 2)
        await running.notify()
        assert delivery.messages(OTHER_CHANNEL) == [arxiv_ids(1), arxiv_ids(2)]
        assert delivery.messages() == []
        delivery.finish_held(CHANNEL)
        await running.until_quiet()
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2)]


async def test_papers_that_arrive_during_an_attempt_wait_for_the_next_message(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.hold(CHANNEL)
    await record_papers(subscribed, 5)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await record_papers(subscribed, 1, 2)
        await running.notify()
        assert delivery.attempted() == [arxiv_ids(5)]
        delivery.finish_held(CHANNEL)
        await running.until_quiet()
        assert delivery.messages() == [arxiv_ids(5), arxiv_ids(1, 2)]


@pytest.mark.slow
async def test_channels_that_are_slow_do_not_stop_the_others(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    slow, others = range(100, 100 + CHANNELS_AT_ONCE - 5), range(200, 260)
    for channel_id in (*slow, *others):
        await store.subscribe("graph", channel_id)
    for channel_id in slow:
        delivery.hold(channel_id)
    await store.sync()
    await record_papers(store, 1)
    async with running_dispatcher(store, delivery, clock) as running:
        await running.advance(10)
        assert all(delivery.messages(channel_id) == [arxiv_ids(1)] for channel_id in others)
        for channel_id in slow:
            delivery.finish_held(channel_id)
        await running.until_quiet()
        assert all(delivery.messages(channel_id) == [arxiv_ids(1)] for channel_id in slow)


async def test_channel_that_is_tried_again_later_does_not_wait_for_a_slow_one(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.subscribe("graph", OTHER_CHANNEL)
    delivery.hold(CHANNEL)
    delivery.answers[OTHER_CHANNEL].append(LOST_MESSAGE)
    await record_papers(subscribed, 1)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        assert delivery.messages(OTHER_CHANNEL) == []
        await running.advance(ACTIVE_CHECK_INTERVAL_S + 10)
        assert delivery.messages(OTHER_CHANNEL) == [arxiv_ids(1)]
        delivery.finish_held(CHANNEL)
        await running.until_quiet()


# Shutdown and failures.


async def test_stop_finishes_the_current_message_and_starts_no_other(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.hold(CHANNEL)
    await subscribed.set_channel(CHANNEL, ChannelSettings(style=Style.CARDS))
    await record_papers(subscribed, *range(1, 12))
    async with running_dispatcher(subscribed, delivery, clock) as running:
        stop = asyncio.create_task(running.dispatcher.stop())
        done, _ = await asyncio.wait([stop], timeout=0)
        assert not done
        delivery.finish_held(CHANNEL)
        await stop
        assert delivery.messages() == [arxiv_ids(*range(1, 11))]
        assert await subscribed.outbox.unsettled_post(CHANNEL) is None
        assert await subscribed.outbox.waiting() == {CHANNEL: 1}


async def test_stop_without_a_current_message_ends_the_run(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    running = DispatcherHarness(subscribed, delivery, clock)
    run = running.start()
    await running.until_quiet()
    await running.dispatcher.stop()
    await run


@pytest.mark.sqlite
async def test_outcome_that_could_not_be_stored_is_determined_again(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    async with subscribed.database.transaction() as writer:
        await writer.run("PRAGMA busy_timeout = 1")
    delivery.hold(CHANNEL)
    await record_papers(subscribed, 1)
    running = DispatcherHarness(subscribed, delivery, clock)
    run = running.start()
    await running.until_quiet()
    with closing(sqlite3.connect(subscribed.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        delivery.finish_held(CHANNEL)
        with pytest.raises(ExceptionGroup) as group:
            await run
    assert group.group_contains(StoreUnavailable)
    assert delivery.messages() == [arxiv_ids(1)]
    running.start()
    await running.until_quiet()
    assert [attempt.nonce for attempt in delivery.attempts] == [delivery.attempts[0].nonce] * 2
    assert delivery.messages() == [arxiv_ids(1)]
    assert await subscribed.outbox.waiting() == {}
    await running.end()


async def test_cancelled_run_leaves_no_channel_active(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.hold(CHANNEL)
    await record_papers(subscribed, 1)
    running = DispatcherHarness(subscribed, delivery, clock)
    running.start()
    await running.until_quiet()
    assert running.dispatcher.active_channels == {CHANNEL}
    await running.end()
    assert running.dispatcher.active_channels == frozenset()
    delivery.finish_held(CHANNEL)
    running.start()
    await running.until_quiet()
    assert delivery.messages() == [arxiv_ids(1)]
    await running.end()


async def test_task_cancelled_before_its_first_step_leaves_no_channel_active() -> None:
    ended: list[None] = []
    tasks = ChannelTasks(on_end=lambda: ended.append(None))

    async def never_started() -> None:
        raise AssertionError("a task that is cancelled first runs nothing")

    async def failing_run() -> None:
        async with asyncio.TaskGroup() as group:
            tasks.start(group, CHANNEL, never_started())
            assert tasks.channels == {CHANNEL}
            raise StoreUnavailable("the disk is full")

    with pytest.raises(ExceptionGroup) as raised:
        await failing_run()
    assert raised.group_contains(StoreUnavailable)
    assert not raised.group_contains(AssertionError)
    assert tasks.channels == frozenset()
    assert ended == [None]
    await tasks.wait_until_idle()
