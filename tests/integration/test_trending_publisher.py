"""The trending publisher posts each day's list once, on the channel's schedule, whatever Discord answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.channel_schedule import DailySchedule
from bot.domain.weekdays import MONDAY_TO_FRIDAY
from bot.publish.trending import TRENDING_POST_CHECK_INTERVAL_S
from tests.support.builders import paper, trending_entry
from tests.support.clock import FakeClock
from tests.support.delivery import FakeDelivery, arxiv_ids
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store
from tests.support.trending_publisher import (
    HOUR_S,
    NIGHT,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    entries,
    running_trending_publisher,
    store_list,
    subscribe_to_trending,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NIGHT)


# Which list is posted, and when.


@pytest.mark.slow
async def test_list_is_posted_once_in_each_subscribed_channel(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store)
    await subscribe_to_trending(store, OTHER_CHANNEL, min_votes=10)
    await store.watch("graph", channel_id=13)
    await store_list(store, 3, 41, 10)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        assert delivery.messages() == [arxiv_ids(2, 3, 1)]
        assert delivery.messages(OTHER_CHANNEL) == [arxiv_ids(2, 3)]
        await publisher.advance(12 * HOUR_S)
    async with running_trending_publisher(store, delivery, clock):
        assert len(delivery.attempts) == 2


async def test_papers_that_match_the_channels_keywords_come_first(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await store.watch("graph", "sheaves [math.AG]")
    await store.papers.add([paper("2611.00003", title="Sheaves", categories=("math.AG",))])
    await subscribe_to_trending(store, min_votes=2)
    titles = {1: "Other", 2: "Graphs", 3: "Sheaves", 4: "A graph with one vote"}
    listed = [trending_entry(f"2611.{n:05}", day=WEDNESDAY, votes=90 // n**3, title=titles[n]) for n in titles]
    await store.trending_entries.record_day(WEDNESDAY, listed, NIGHT)
    async with running_trending_publisher(store, delivery, clock):
        (sent,) = delivery.attempts
        assert delivery.messages() == [arxiv_ids(2, 3, 1)]
        assert "2 for this channel's keywords" in sent.header.headline


async def test_pruned_paper_matches_by_the_text_of_the_list_and_its_stored_categories(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await store.watch("sheaves [math.AG]")
    await store.papers.add([paper("2611.00003", title="A title", abstract="", categories=("math.AG",))])
    await subscribe_to_trending(store, min_votes=1)
    other = trending_entry("2611.00001", day=WEDNESDAY, votes=90)
    listed = trending_entry("2611.00003", day=WEDNESDAY, votes=2, title="A title", summary="We study sheaves.")
    await store.trending_entries.record_day(WEDNESDAY, [other, listed], NIGHT)
    async with running_trending_publisher(store, delivery, clock):
        assert delivery.messages() == [arxiv_ids(3, 1)]


async def test_list_is_posted_after_a_fetch_after_its_day(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store)
    await store.trending_entries.record_day(WEDNESDAY, entries(3), NIGHT - timedelta(minutes=2))
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(2 * HOUR_S)
        assert delivery.attempts == []
        await store.trending_entries.record_day(WEDNESDAY, entries(3, 4), clock.now())
        await publisher.notify()
        assert delivery.messages() == [arxiv_ids(2, 1)]


async def test_fetched_list_is_found_without_a_notification(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await store_list(store, 3)
        await publisher.advance(TRENDING_POST_CHECK_INTERVAL_S)
        assert delivery.messages() == [arxiv_ids(1)]


@pytest.mark.slow
async def test_channel_with_a_daily_schedule_gets_the_list_at_its_time(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    before = await store.channel_settings.get(CHANNEL)
    await store.set_channel(CHANNEL, replace(before, schedule=DailySchedule(8, 30, "UTC")))
    await subscribe_to_trending(store)
    await store_list(store, 3)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(8 * HOUR_S)
        assert delivery.attempts == []
        await publisher.advance(HOUR_S)
        (message,) = delivery.stored()
        assert message.at == datetime(2026, 11, 19, 8, 30, tzinfo=UTC)


@pytest.mark.slow
async def test_only_the_newest_list_is_posted_after_an_outage(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store, since=NOW - timedelta(days=9))
    await store_list(store, 3, day=TUESDAY - timedelta(days=1))
    await store_list(store, 3, day=TUESDAY, first=11)
    await store_list(store, 3, first=21)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(12 * HOUR_S)
        assert delivery.messages() == [arxiv_ids(21)]


@pytest.mark.slow
async def test_lists_that_are_due_together_are_posted_in_order(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    tokyo = DailySchedule(8, 0, "Asia/Tokyo", days=MONDAY_TO_FRIDAY)  # where a day (UTC) ends at 09:00
    await store.set_channel(CHANNEL, replace(await store.channel_settings.get(CHANNEL), schedule=tokyo))
    await subscribe_to_trending(store, since=NIGHT)
    await clock.advance((3 * 24 + 21) * HOUR_S)  # Sunday, 21:01
    await store_list(store, 3, day=THURSDAY)
    await store_list(store, 3, 4, day=THURSDAY + timedelta(days=1), first=11)
    await store_list(store, day=THURSDAY + timedelta(days=2))
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert delivery.attempts == []
        await publisher.advance(HOUR_S)
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(12, 11)]


async def test_list_of_a_day_before_the_subscription_is_not_posted(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store, since=NIGHT)
    await store_list(store, 3)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(2 * HOUR_S)
        assert delivery.attempts == []
        await clock.advance(24 * HOUR_S)
        await store_list(store, 3, day=THURSDAY, first=11)
        await publisher.notify()
        assert delivery.messages() == [arxiv_ids(11)]


async def test_list_without_papers_for_a_channel_is_settled_without_a_message(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store, min_votes=10)
    await store_list(store, 3)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await store_list(store, 30)
        await publisher.advance(HOUR_S)
        assert delivery.attempts == []


async def test_paused_channel_gets_the_newest_list_when_it_resumes(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store)
    await store.set_channel(CHANNEL, replace(await store.channel_settings.get(CHANNEL), paused_since=NOW))
    await store_list(store, 3)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert delivery.attempts == []
        await store.channel_settings.resume(CHANNEL, clock.now())
        await publisher.notify()
        assert delivery.messages() == [arxiv_ids(1)]


async def test_channel_that_unsubscribed_from_lists_gets_none(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe_to_trending(store)
    await store.set_channel(CHANNEL, replace(await store.channel_settings.get(CHANNEL), trending=None))
    await store_list(store, 3)
    async with running_trending_publisher(store, delivery, clock):
        assert delivery.attempts == []
