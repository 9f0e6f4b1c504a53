"""Days' lists in channels: once for each day, by the channel's timetable, whatever Discord answers."""

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
from tests.support.clock import FakeClock, settle
from tests.support.delivery import LOST_ANSWER, LOST_MESSAGE, Answer, FakeDelivery
from tests.support.loops import DEADLINE_S
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store
from tests.support.trending_publisher import TrendingPublisherHarness, digesting

TUESDAY = date(2026, 11, 17)
WEDNESDAY, THURSDAY = TUESDAY + timedelta(days=1), TUESDAY + timedelta(days=2)
HOUR_S = 3600.0
# The night after Wednesday's list, read a minute after its end.
NIGHT = datetime(2026, 11, 19, 0, 1, tzinfo=UTC)
NOT_ALLOWED = Blocked("The bot needs Send Messages there.")
GONE = Blocked("The channel does not exist.", gone=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NIGHT)


@pytest.fixture
def delivery(clock: FakeClock) -> FakeDelivery:
    return FakeDelivery(clock)


async def wanting(store: Store, channel_id: int = CHANNEL, *, min_votes: int = 0, since: datetime = NOW) -> None:
    """A channel that asked for the lists on Wednesday at noon."""
    before = await store.channel_settings.get(channel_id)
    await store.channel_settings.write(channel_id, replace(before, trending=TrendingSettings(min_votes, since)))


def votes_of(*votes: int, day: date = WEDNESDAY, first: int = 1) -> list[TrendingEntry]:
    return [listing(f"2611.{number:05}", day=day, votes=each) for number, each in enumerate(votes, first)]


async def listed(store: Store, *votes: int, day: date = WEDNESDAY, first: int = 1) -> None:
    """The day's list, read a minute after its end."""
    await store.trending_entries.record_day(
        day, votes_of(*votes, day=day, first=first), ended_at(day) + timedelta(minutes=1)
    )


def ids(*numbers: int) -> list[str]:
    return [f"2611.{number:05}" for number in numbers]


# Which list, and when.


async def test_list_is_posted_once_to_each_channel_that_wants_it(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store)
    await wanting(store, OTHER_CHANNEL, min_votes=10)
    await store.watch("graph", channel_id=13)
    await listed(store, 3, 41, 10)
    async with digesting(store, delivery, clock) as loop:
        assert delivery.messages() == [ids(2, 3, 1)]
        assert delivery.messages(OTHER_CHANNEL) == [ids(2, 3)]
        await loop.advance(12 * HOUR_S)
    async with digesting(store, delivery, clock):
        assert len(delivery.attempts) == 2


async def test_papers_for_the_channels_keywords_come_first(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await store.watch("graph", "sheaves [math.AG]")
    await store.papers.add([paper("2611.00003", title="Sheaves", categories=("math.AG",))])
    await wanting(store, min_votes=2)
    titles = {1: "Other", 2: "Graphs", 3: "Sheaves", 4: "A graph of one vote"}
    listings = [listing(f"2611.{n:05}", day=WEDNESDAY, votes=90 // n**3, title=titles[n]) for n in titles]
    await store.trending_entries.record_day(WEDNESDAY, listings, NIGHT)
    async with digesting(store, delivery, clock):
        (sent,) = delivery.attempts
        assert delivery.messages() == [ids(2, 3, 1)]
        assert "2 for this channel's keywords" in sent.header.heading


async def test_list_waits_until_its_day_is_over_and_it_was_read_after_that(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store)
    await store.trending_entries.record_day(WEDNESDAY, votes_of(3), NIGHT - timedelta(minutes=2))
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(2 * HOUR_S)
        assert delivery.attempts == []
        await store.trending_entries.record_day(WEDNESDAY, votes_of(3, 4), clock.now())
        await loop.notify()
        assert delivery.messages() == [ids(2, 1)]


async def test_list_that_was_read_is_noticed_without_a_ring(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store)
    async with digesting(store, delivery, clock) as loop:
        await listed(store, 3)
        await loop.advance(TRENDING_POST_CHECK_INTERVAL_S)
        assert delivery.messages() == [ids(1)]


async def test_channel_with_a_timetable_gets_it_at_its_time(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    before = await store.channel_settings.get(CHANNEL)
    await store.channel_settings.write(CHANNEL, replace(before, schedule=DailySchedule(8, 30, "UTC")))
    await wanting(store)
    await listed(store, 3)
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(8 * HOUR_S)
        assert delivery.attempts == []
        await loop.advance(HOUR_S)
        (message,) = delivery._messages[CHANNEL]
        assert message.at == datetime(2026, 11, 19, 8, 30, tzinfo=UTC)


async def test_only_the_newest_list_is_posted_after_an_outage(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store, since=NOW - timedelta(days=9))
    await listed(store, 3, day=TUESDAY - timedelta(days=1))
    await listed(store, 3, day=TUESDAY, first=11)
    await listed(store, 3, first=21)
    await clock.advance(7 * HOUR_S)
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(5 * HOUR_S)
        assert delivery.messages() == [ids(21)]


async def test_lists_that_are_due_at_one_moment_are_posted_one_after_the_other(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    tokyo = DailySchedule(8, 0, "Asia/Tokyo", weekdays_only=True)  # where a day of UTC's is over at 09:00
    await store.channel_settings.write(CHANNEL, replace(await store.channel_settings.get(CHANNEL), schedule=tokyo))
    await wanting(store, since=NIGHT)
    await clock.advance((3 * 24 + 21) * HOUR_S)  # Sunday, 21:01
    await listed(store, 3, day=THURSDAY)
    await listed(store, 3, 4, day=THURSDAY + timedelta(days=1), first=11)
    await listed(store, day=THURSDAY + timedelta(days=2))
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(HOUR_S)
        assert delivery.attempts == []
        await loop.advance(HOUR_S)
        assert delivery.messages() == [ids(1), ids(12, 11)]


async def test_list_of_a_day_that_was_over_when_the_channel_asked_is_not_posted(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store, since=NIGHT)
    await listed(store, 3)
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(2 * HOUR_S)
        assert delivery.attempts == []
        await clock.advance(24 * HOUR_S)
        await listed(store, 3, day=THURSDAY, first=11)
        await loop.notify()
        assert delivery.messages() == [ids(11)]


async def test_list_with_nothing_for_a_channel_is_settled_without_a_message_for_good(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store, min_votes=10)
    await listed(store, 3)
    async with digesting(store, delivery, clock) as loop:
        await listed(store, 30)
        await loop.advance(HOUR_S)
        assert delivery.attempts == []


async def test_paused_channel_gets_the_newest_list_when_it_goes_on(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store)
    await store.channel_settings.write(CHANNEL, replace(await store.channel_settings.get(CHANNEL), paused_since=NOW))
    await listed(store, 3)
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(HOUR_S)
        assert delivery.attempts == []
        await store.channel_settings.resume(CHANNEL, clock.now())
        await loop.notify()
        assert delivery.messages() == [ids(1)]


async def test_channel_that_wants_no_more_lists_gets_none(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store)
    await store.channel_settings.write(CHANNEL, replace(await store.channel_settings.get(CHANNEL), trending=None))
    await listed(store, 3)
    async with digesting(store, delivery, clock):
        assert delivery.attempts == []


async def test_nothing_is_sent_before_discord_has_told_of_its_servers(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store)
    await listed(store, 3)
    delivery.online.clear()
    loop = TrendingPublisherHarness(store, delivery, clock)
    loop.start()
    await settle()
    assert delivery.attempts == []
    delivery.online.set()
    await loop.until_quiet()
    assert delivery.messages() == [ids(1)]
    await loop.end()


# What Discord answers.


@pytest.mark.parametrize("answer", [LOST_ANSWER, LOST_MESSAGE])
async def test_missing_answer_is_made_up_for_with_the_same_nonce(
    store: Store, delivery: FakeDelivery, clock: FakeClock, answer: Answer
) -> None:
    await wanting(store)
    await listed(store, 3)
    delivery.answers[CHANNEL].append(answer)
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(HOUR_S)
        first, again = delivery.attempts
        assert (again.key, again.nonce) == (first.key, first.nonce)
        assert delivery.messages() == [ids(1)]


@pytest.mark.parametrize("answer", [LOST_ANSWER, LOST_MESSAGE])
@pytest.mark.parametrize("away", [timedelta(seconds=1), NONCE_REMEMBERED + timedelta(seconds=1)])
@pytest.mark.parametrize("forum", [False, True])
async def test_list_that_left_before_a_restart_is_looked_for_and_posted_once(
    store: Store, delivery: FakeDelivery, clock: FakeClock, answer: Answer, away: timedelta, forum: bool
) -> None:
    if forum:
        delivery.forums.add(CHANNEL)
    await wanting(store)
    await listed(store, 3)
    delivery.answers[CHANNEL].append(answer)
    async with digesting(store, delivery, clock):
        assert len(delivery.attempts) == 1
    await clock.advance(away.total_seconds())
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(HOUR_S)
        assert delivery.messages() == [ids(1)]
        assert delivery.searches
    assert await store.trending_posts.unsettled(clock.now()) == ()


async def test_process_that_ends_while_a_list_is_on_its_way_posts_it_once(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store)
    await listed(store, 3)
    delivery.hold(CHANNEL)
    loop = TrendingPublisherHarness(store, delivery, clock)
    loop.start()
    async with asyncio.timeout(DEADLINE_S):
        while not delivery.waiting:
            await clock.advance(0.05)
    await loop.end()
    delivery.let_go(CHANNEL)
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(HOUR_S)
        assert delivery.messages() == [ids(1)]


async def test_list_that_is_empty_by_now_is_looked_for_and_not_sent_again(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store)
    await wanting(store, OTHER_CHANNEL)
    await listed(store, 3)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    delivery.answers[OTHER_CHANNEL].append(LOST_MESSAGE)
    async with digesting(store, delivery, clock) as loop:
        await listed(store)
        await loop.advance(HOUR_S)
        assert len(delivery.attempts) == 2
        assert delivery.messages() == [ids(1)]
        assert delivery.messages(OTHER_CHANNEL) == []
    assert await store.trending_posts.unsettled(clock.now()) == ()


async def test_refused_list_is_not_tried_again(store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await wanting(store)
    await listed(store, 3)
    delivery.verdict = lambda _: Rejected("too blue")
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(HOUR_S)
        assert len(delivery.attempts) == 1


async def test_channel_that_is_asked_to_wait_gets_its_list_later(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store)
    await wanting(store, OTHER_CHANNEL)
    await listed(store, 3)
    busy = RetryLater(NIGHT + timedelta(minutes=10), "Discord asks us to wait")
    delivery.answers[CHANNEL].append(Answer(False, busy))
    async with digesting(store, delivery, clock) as loop:
        assert delivery.messages(OTHER_CHANNEL) == [ids(1)]
        await loop.advance(9 * 60)
        assert delivery.messages() == []
        await loop.advance(60)
        assert delivery.messages() == [ids(1)]


@pytest.mark.parametrize("blocked", [NOT_ALLOWED, GONE])
async def test_obstructed_channel_is_paused_and_gets_its_list_when_it_is_set_right(
    store: Store, delivery: FakeDelivery, clock: FakeClock, blocked: Blocked
) -> None:
    await wanting(store)
    await listed(store, 3)
    delivery.obstacles[CHANNEL] = blocked
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(HOUR_S)
        assert delivery.attempts == []
        assert loop.pauses == 1
        assert [paused.channel_id for paused in await store.channels.blocked_channels()] == [CHANNEL]
        del delivery.obstacles[CHANNEL]
        await loop.advance(BLOCKED_RECHECK.total_seconds())
        assert delivery.messages() == [ids(1)]
        assert await store.channels.blocked_channels() == ()


async def test_list_that_a_channel_refuses_at_the_first_attempt_is_bound_anew_later(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store)
    await listed(store, 3)
    delivery.answers[CHANNEL].append(Answer(False, NOT_ALLOWED))
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(BLOCKED_RECHECK.total_seconds())
        first, again = delivery.attempts
        assert first.key != again.key
        assert delivery.messages() == [ids(1)]


async def test_channel_without_answers_does_not_hold_up_the_others_nor_gets_a_later_list_first(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await wanting(store)
    await wanting(store, OTHER_CHANNEL)
    await listed(store, 3)
    delivery.verdict = lambda post: OutcomeUnknown("no answer") if post.channel_id == CHANNEL else None
    delivery.unreadable[CHANNEL] = RetryLater(NIGHT + timedelta(hours=30), "Discord did not answer")
    async with digesting(store, delivery, clock) as loop:
        await loop.advance(24 * HOUR_S)
        await listed(store, 3, day=THURSDAY, first=11)
        await loop.notify()
        assert delivery.messages(OTHER_CHANNEL) == [ids(1), ids(11)]
        assert len({post.key for post in delivery.attempts if post.channel_id == CHANNEL}) == 1
