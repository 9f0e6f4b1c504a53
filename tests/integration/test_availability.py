"""Blocked channels and channels that back off: nothing is sent to them, and they resume by themselves."""

from datetime import timedelta

import pytest

from bot.domain.outgoing import Blocked, RetryLater
from tests.support.clock import FakeClock
from tests.support.delivery import (
    FakeDelivery,
    arxiv_ids,
    record_papers,
    running_dispatcher,
)
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

LOCKED = Blocked("The channel is locked.")


async def test_blocked_channel_stores_the_reason_and_resumes_by_itself(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.blocked[CHANNEL] = LOCKED
    async with running_dispatcher(subscribed, delivery, clock) as running:
        (blocked,) = await subscribed.channels.blocked_channels()
        assert (blocked.channel_id, blocked.reason, blocked.since) == (CHANNEL, LOCKED.reason, NOW)
        await running.advance(600)
        assert delivery.attempts == []
        assert running.blocks == 1
        del delivery.blocked[CHANNEL]
        await running.advance(60)
        assert delivery.messages() == [arxiv_ids(1)]
        assert await subscribed.channels.blocked_channels() == ()


async def test_channel_that_cannot_be_checked_backs_off(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.blocked[CHANNEL] = RetryLater(NOW + timedelta(seconds=2), "Discord did not answer")
    async with running_dispatcher(subscribed, delivery, clock) as running:
        del delivery.blocked[CHANNEL]
        assert delivery.attempts == []
        await running.advance(2)
        assert delivery.messages() == [arxiv_ids(1)]


async def test_blocked_channel_is_recorded_before_anything_is_due(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.blocked[CHANNEL] = LOCKED
    async with running_dispatcher(subscribed, delivery, clock):
        assert [blocked.reason for blocked in await subscribed.channels.blocked_channels()] == [LOCKED.reason]


async def test_channel_that_was_unblocked_during_a_downtime_is_open_at_the_start(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    await subscribed.channels.block(CHANNEL, LOCKED, now=NOW, not_before=NOW + timedelta(hours=1))
    async with running_dispatcher(subscribed, delivery, clock):
        assert await subscribed.channels.blocked_channels() == ()
        assert delivery.messages() == [arxiv_ids(1)]


async def test_change_in_a_server_checks_its_channels_immediately(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.subscriptions.add_all(
        [(await subscribed.watched())[0].keyword], OTHER_CHANNEL, 2, added_by=1, now=NOW
    )
    delivery.blocked.update({CHANNEL: LOCKED, OTHER_CHANNEL: LOCKED})
    await record_papers(subscribed, 1)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        delivery.blocked.clear()
        await running.dispatcher.check_channels([OTHER_CHANNEL])
        await running.until_quiet()
        assert delivery.messages(OTHER_CHANNEL) == [arxiv_ids(1)]
        assert delivery.messages() == []


async def test_channel_that_cannot_be_checked_stays_as_it_is(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.channels.block(CHANNEL, LOCKED, now=NOW, not_before=NOW)
    delivery.blocked[CHANNEL] = RetryLater(NOW, "Discord did not answer")
    async with running_dispatcher(subscribed, delivery, clock):
        assert [blocked.reason for blocked in await subscribed.channels.blocked_channels()] == [LOCKED.reason]


async def test_backoff_of_the_whole_bot_is_not_logged_for_each_channel(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await record_papers(subscribed, 1)
    delivery.blocked[CHANNEL] = RetryLater(NOW + timedelta(seconds=90), "Discord asks us to wait", everywhere=True)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        del delivery.blocked[CHANNEL]
        await running.advance(89)
        assert delivery.attempts == []
        assert not caplog.records
        await running.advance(1)
        assert delivery.messages() == [arxiv_ids(1)]


async def test_backoff_of_the_whole_bot_that_was_stored_in_the_future_is_over(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    clock.set_wall_clock(timedelta(hours=2))
    delivery.blocked[CHANNEL] = RetryLater(
        NOW + timedelta(hours=2, seconds=90), "Discord asks us to wait", everywhere=True
    )
    async with running_dispatcher(subscribed, delivery, clock):
        assert await subscribed.outbox.due_channels(clock.now()) == ()
        assert await subscribed.outbox.due_channels(NOW) == (CHANNEL,)
