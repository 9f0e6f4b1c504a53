"""The trending publisher posts each day's list once, on the channel's schedule, whatever Discord answers."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import TrendingSettings
from bot.domain.outgoing import Blocked, OutcomeUnknown, Rejected, RetryLater
from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.post import ended_at
from bot.publish.availability import BLOCKED_RECHECK
from bot.publish.sender import NONCE_REMEMBERED
from bot.publish.trending import TRENDING_POST_CHECK_INTERVAL_S
from tests.support.builders import listing, paper
from tests.support.clock import FakeClock
from tests.support.delivery import LOST_ANSWER, LOST_MESSAGE, Answer, FakeDelivery
from tests.support.loops import DEADLINE_S
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store
from tests.support.trending_publisher import TrendingPublisherHarness, running_trending_publisher

TUESDAY = date(2026, 11, 17)
WEDNESDAY, THURSDAY = TUESDAY + timedelta(days=1), TUESDAY + timedelta(days=2)
HOUR_S = 3600.0
# Wednesday's list was fetched a minute after the day's end.
NIGHT = datetime(2026, 11, 19, 0, 1, tzinfo=UTC)
NOT_ALLOWED = Blocked("The bot needs the Send Messages permission there.")
GONE = Blocked("The channel does not exist.", gone=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NIGHT)


@pytest.fixture
def delivery(clock: FakeClock) -> FakeDelivery:
    return FakeDelivery(clock)


async def subscribe(store: Store, channel_id: int = CHANNEL, *, min_votes: int = 0, since: datetime = NOW) -> None:
    """Subscribes a channel to trending lists, on Wednesday at noon unless stated otherwise."""
    before = await store.channel_settings.get(channel_id)
    await store.channel_settings.write(channel_id, replace(before, trending=TrendingSettings(min_votes, since)))


def entries(*votes: int, day: date = WEDNESDAY, first: int = 1) -> list[TrendingEntry]:
    return [listing(f"2611.{number:05}", day=day, votes=each) for number, each in enumerate(votes, first)]


async def store_list(store: Store, *votes: int, day: date = WEDNESDAY, first: int = 1) -> None:
    """Stores a day's list, fetched a minute after the day's end."""
    await store.trending_entries.record_day(
        day, entries(*votes, day=day, first=first), ended_at(day) + timedelta(minutes=1)
    )


def ids(*numbers: int) -> list[str]:
    return [f"2611.{number:05}" for number in numbers]


# Which list is posted, and when.


async def test_list_is_posted_once_in_each_subscribed_channel(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store)
    await subscribe(store, OTHER_CHANNEL, min_votes=10)
    await store.watch("graph", channel_id=13)
    await store_list(store, 3, 41, 10)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        assert delivery.messages() == [ids(2, 3, 1)]
        assert delivery.messages(OTHER_CHANNEL) == [ids(2, 3)]
        await publisher.advance(12 * HOUR_S)
    async with running_trending_publisher(store, delivery, clock):
        assert len(delivery.attempts) == 2


async def test_papers_that_match_the_channels_keywords_come_first(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await store.watch("graph", "sheaves [math.AG]")
    await store.papers.add([paper("2611.00003", title="Sheaves", categories=("math.AG",))])
    await subscribe(store, min_votes=2)
    titles = {1: "Other", 2: "Graphs", 3: "Sheaves", 4: "A graph with one vote"}
    listings = [listing(f"2611.{n:05}", day=WEDNESDAY, votes=90 // n**3, title=titles[n]) for n in titles]
    await store.trending_entries.record_day(WEDNESDAY, listings, NIGHT)
    async with running_trending_publisher(store, delivery, clock):
        (sent,) = delivery.attempts
        assert delivery.messages() == [ids(2, 3, 1)]
        assert "2 for this channel's keywords" in sent.header.heading


async def test_list_is_posted_after_a_fetch_after_its_day(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store)
    await store.trending_entries.record_day(WEDNESDAY, entries(3), NIGHT - timedelta(minutes=2))
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(2 * HOUR_S)
        assert delivery.attempts == []
        await store.trending_entries.record_day(WEDNESDAY, entries(3, 4), clock.now())
        await publisher.notify()
        assert delivery.messages() == [ids(2, 1)]


async def test_fetched_list_is_found_without_a_notification(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await store_list(store, 3)
        await publisher.advance(TRENDING_POST_CHECK_INTERVAL_S)
        assert delivery.messages() == [ids(1)]


async def test_channel_with_a_daily_schedule_gets_the_list_at_its_time(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    before = await store.channel_settings.get(CHANNEL)
    await store.channel_settings.write(CHANNEL, replace(before, schedule=DailySchedule(8, 30, "UTC")))
    await subscribe(store)
    await store_list(store, 3)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(8 * HOUR_S)
        assert delivery.attempts == []
        await publisher.advance(HOUR_S)
        (message,) = delivery.stored()
        assert message.at == datetime(2026, 11, 19, 8, 30, tzinfo=UTC)


async def test_only_the_newest_list_is_posted_after_an_outage(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store, since=NOW - timedelta(days=9))
    await store_list(store, 3, day=TUESDAY - timedelta(days=1))
    await store_list(store, 3, day=TUESDAY, first=11)
    await store_list(store, 3, first=21)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(12 * HOUR_S)
        assert delivery.messages() == [ids(21)]


async def test_lists_that_are_due_together_are_posted_in_order(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    tokyo = DailySchedule(8, 0, "Asia/Tokyo", weekdays_only=True)  # where a day (UTC) ends at 09:00
    await store.channel_settings.write(CHANNEL, replace(await store.channel_settings.get(CHANNEL), schedule=tokyo))
    await subscribe(store, since=NIGHT)
    await clock.advance((3 * 24 + 21) * HOUR_S)  # Sunday, 21:01
    await store_list(store, 3, day=THURSDAY)
    await store_list(store, 3, 4, day=THURSDAY + timedelta(days=1), first=11)
    await store_list(store, day=THURSDAY + timedelta(days=2))
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert delivery.attempts == []
        await publisher.advance(HOUR_S)
        assert delivery.messages() == [ids(1), ids(12, 11)]


async def test_list_of_a_day_before_the_subscription_is_not_posted(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store, since=NIGHT)
    await store_list(store, 3)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(2 * HOUR_S)
        assert delivery.attempts == []
        await clock.advance(24 * HOUR_S)
        await store_list(store, 3, day=THURSDAY, first=11)
        await publisher.notify()
        assert delivery.messages() == [ids(11)]


async def test_list_without_papers_for_a_channel_is_settled_without_a_message(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store, min_votes=10)
    await store_list(store, 3)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await store_list(store, 30)
        await publisher.advance(HOUR_S)
        assert delivery.attempts == []


async def test_paused_channel_gets_the_newest_list_when_it_resumes(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store)
    await store.channel_settings.write(CHANNEL, replace(await store.channel_settings.get(CHANNEL), paused_since=NOW))
    await store_list(store, 3)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert delivery.attempts == []
        await store.channel_settings.resume(CHANNEL, clock.now())
        await publisher.notify()
        assert delivery.messages() == [ids(1)]


async def test_channel_that_unsubscribed_from_lists_gets_none(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store)
    await store.channel_settings.write(CHANNEL, replace(await store.channel_settings.get(CHANNEL), trending=None))
    await store_list(store, 3)
    async with running_trending_publisher(store, delivery, clock):
        assert delivery.attempts == []


# Outcomes.


@pytest.mark.parametrize("answer", [LOST_ANSWER, LOST_MESSAGE])
async def test_list_with_unknown_outcome_is_resent_with_the_same_nonce(
    store: Store, delivery: FakeDelivery, clock: FakeClock, answer: Answer
) -> None:
    await subscribe(store)
    await store_list(store, 3)
    delivery.answers[CHANNEL].append(answer)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        first, again = delivery.attempts
        assert (again.key, again.nonce) == (first.key, first.nonce)
        assert delivery.messages() == [ids(1)]


@pytest.mark.parametrize("answer", [LOST_ANSWER, LOST_MESSAGE])
@pytest.mark.parametrize("downtime", [timedelta(seconds=1), NONCE_REMEMBERED + timedelta(seconds=1)])
@pytest.mark.parametrize("forum", [False, True])
async def test_list_sent_before_a_restart_is_looked_up_and_posted_once(
    store: Store, delivery: FakeDelivery, clock: FakeClock, answer: Answer, downtime: timedelta, forum: bool
) -> None:
    if forum:
        delivery.forums.add(CHANNEL)
    await subscribe(store)
    await store_list(store, 3)
    delivery.answers[CHANNEL].append(answer)
    async with running_trending_publisher(store, delivery, clock):
        assert len(delivery.attempts) == 1
    await clock.advance(downtime.total_seconds())
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert delivery.messages() == [ids(1)]
        assert delivery.lookups
    assert await store.trending_posts.unsettled(clock.now()) == ()


async def test_list_interrupted_by_a_restart_is_posted_once(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store)
    await store_list(store, 3)
    delivery.hold(CHANNEL)
    publisher = TrendingPublisherHarness(store, delivery, clock)
    publisher.start()
    async with asyncio.timeout(DEADLINE_S):
        while not delivery.waiting:
            await clock.advance(0.05)
    await publisher.end()
    delivery.let_go(CHANNEL)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert delivery.messages() == [ids(1)]


async def test_list_that_became_empty_is_looked_up_and_not_resent(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store)
    await subscribe(store, OTHER_CHANNEL)
    await store_list(store, 3)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    delivery.answers[OTHER_CHANNEL].append(LOST_MESSAGE)
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await store_list(store)
        await publisher.advance(HOUR_S)
        assert len(delivery.attempts) == 2
        assert delivery.messages() == [ids(1)]
        assert delivery.messages(OTHER_CHANNEL) == []
    assert await store.trending_posts.unsettled(clock.now()) == ()


async def test_rejected_list_is_not_sent_again(store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await subscribe(store)
    await store_list(store, 3)
    delivery.outcome_of = lambda _: Rejected("too blue")
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert len(delivery.attempts) == 1


async def test_rate_limited_list_is_sent_after_the_requested_delay(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store)
    await subscribe(store, OTHER_CHANNEL)
    await store_list(store, 3)
    busy = RetryLater(NIGHT + timedelta(minutes=10), "Discord asks us to wait")
    delivery.answers[CHANNEL].append(Answer(False, busy))
    async with running_trending_publisher(store, delivery, clock) as publisher:
        assert delivery.messages(OTHER_CHANNEL) == [ids(1)]
        await publisher.advance(9 * 60)
        assert delivery.messages() == []
        await publisher.advance(60)
        assert delivery.messages() == [ids(1)]


@pytest.mark.parametrize("blocked", [NOT_ALLOWED, GONE])
async def test_blocked_channel_gets_its_list_once_it_is_unblocked(
    store: Store, delivery: FakeDelivery, clock: FakeClock, blocked: Blocked
) -> None:
    await subscribe(store)
    await store_list(store, 3)
    delivery.blocked[CHANNEL] = blocked
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(HOUR_S)
        assert delivery.attempts == []
        assert publisher.blocks == 1
        assert [blocked.channel_id for blocked in await store.channels.blocked_channels()] == [CHANNEL]
        del delivery.blocked[CHANNEL]
        await publisher.advance(BLOCKED_RECHECK.total_seconds())
        assert delivery.messages() == [ids(1)]
        assert await store.channels.blocked_channels() == ()


async def test_list_whose_first_attempt_is_blocked_is_bound_again_later(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store)
    await store_list(store, 3)
    delivery.answers[CHANNEL].append(Answer(False, NOT_ALLOWED))
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(BLOCKED_RECHECK.total_seconds())
        first, again = delivery.attempts
        assert first.key != again.key
        assert delivery.messages() == [ids(1)]


async def test_channel_without_answers_delays_no_other_and_keeps_its_order(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribe(store)
    await subscribe(store, OTHER_CHANNEL)
    await store_list(store, 3)
    delivery.outcome_of = lambda post: OutcomeUnknown("no answer") if post.channel_id == CHANNEL else None
    delivery.lookup_failures[CHANNEL] = RetryLater(NIGHT + timedelta(hours=30), "Discord did not answer")
    async with running_trending_publisher(store, delivery, clock) as publisher:
        await publisher.advance(24 * HOUR_S)
        await store_list(store, 3, day=THURSDAY, first=11)
        await publisher.notify()
        assert delivery.messages(OTHER_CHANNEL) == [ids(1), ids(11)]
        assert len({post.key for post in delivery.attempts if post.channel_id == CHANNEL}) == 1
