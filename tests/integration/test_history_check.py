"""Before the first post in a channel its history is read: messages that the database does not have count as posted."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from bot.domain.channel_settings import Layout
from bot.domain.found import FoundMessage, HistoryPage
from bot.domain.history import ORDER_MARGIN, Position, earlier, snowflake
from bot.domain.outgoing import Blocked, RetryLater
from bot.domain.post import Post
from bot.publish.history_check import BEFORE_SUBSCRIPTION, SPOT_CHECK_INTERVAL_S, SPOT_CHECKS_MAX
from bot.publish.second_bot import PAUSE_MAX_S, PAUSE_MIN_S
from bot.store.found_messages import FoundMessages
from bot.store.schema import posts
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
from tests.support.trending_publisher import (
    NIGHT,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    running_trending_publisher,
    store_list,
    subscribe_to_trending,
)

HOUR = timedelta(hours=1)


def found(*numbers: int, ago: timedelta = HOUR, key: str = "unknown", day: date | None = None) -> FoundMessage:
    """Returns a message in the channel with numbered papers."""
    return FoundMessage(
        key=key,
        message_id=snowflake(NOW - ago),
        arxiv_ids=tuple(arxiv_ids(*numbers)),
        layout=Layout.COMPACT,
        headline="**2 new papers**",
        day=day,
    )


async def message_ids(store: Store, key: str = "unknown") -> list[int]:
    """Returns the ids of the delivered messages with this key."""
    async with store.database.reading() as connection:
        return list(await connection.scalars(sa.select(posts.c.message_id).where(posts.c.key == key)))


async def read_posted(running: DispatcherHarness) -> None:
    """Reads one of the channels with new posts again."""
    reading = asyncio.ensure_future(running.history_check.read_posted())
    await running.advance(1)
    await reading


# After a backup was restored.


async def test_papers_in_an_unknown_message_are_not_posted_again(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.found[CHANNEL] = [found(1, 2)]
    await record_papers(subscribed, 1, 2, 3)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        assert delivery.messages() == [arxiv_ids(3)]
        assert await subscribed.outbox.waiting() == {}
        assert running.second_bot.pause_s() == 0
    assert await message_ids(subscribed) == [snowflake(NOW - HOUR)]


async def test_paper_that_is_found_on_arxiv_later_counts_as_posted(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.found[CHANNEL] = [found(1, 3)]
    await record_papers(subscribed, 1, 2)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await record_papers(subscribed, 3, 4)
        await running.notify()
        assert delivery.messages() == [arxiv_ids(2), arxiv_ids(4)]


async def test_channel_is_read_once_per_process(subscribed: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await record_papers(subscribed, 1)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await record_papers(subscribed, 2)
        await running.notify()
    assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2)]
    assert delivery.checks == [(CHANNEL, snowflake(NOW - BEFORE_SUBSCRIPTION))]


async def test_channel_without_due_papers_is_not_read(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.watch("graph", channel_id=OTHER_CHANNEL)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(60)
    assert delivery.checks == []


async def test_history_is_read_page_by_page_and_not_again_by_the_next_process(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.found[CHANNEL] = [found(n, key=f"key {n}", ago=timedelta(minutes=9 - n)) for n in (1, 2, 3)]
    delivery.found_per_page = 2
    await record_papers(subscribed, 1, 2, 3)
    async with running_dispatcher(subscribed, delivery, clock):
        pass
    await record_papers(subscribed, 4)
    async with running_dispatcher(subscribed, delivery, clock):
        assert delivery.messages() == [arxiv_ids(4)]
    ids = [message.message_id for message in delivery.found[CHANNEL]]
    assert [after for _, after in delivery.checks[1:]] == [ids[1], ids[2]]


async def test_channel_waits_while_its_history_cannot_be_read(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.history_failures[CHANNEL] = RetryLater(NOW + timedelta(seconds=9), "Discord did not answer")
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(8)
        assert delivery.attempts == []
        delivery.history_failures[CHANNEL] = Blocked("The bot needs the Read Message History permission there.")
        await running.advance(2)
        assert [blocked.channel_id for blocked in await subscribed.channels.blocked_channels()] == [CHANNEL]
        delivery.history_failures.clear()
        await running.advance(60)
        assert delivery.messages() == [arxiv_ids(1)]


async def test_unsettled_message_whose_papers_are_in_a_later_one_is_not_sent_again(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """The backup was made while a message was on its way; the bot released it and sent another one."""
    await record_papers(subscribed, 1, 2)
    await subscribed.bind(now=NOW - HOUR)
    delivery.found[CHANNEL] = [found(1, ago=timedelta(minutes=50))]
    async with running_dispatcher(subscribed, delivery, clock):
        assert delivery.messages() == [arxiv_ids(2)]
        assert await subscribed.outbox.waiting() == {}


async def test_message_of_this_process_is_not_taken_for_a_second_bots(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """Its row was deleted, because Discord rejected it together with other papers, and it arrived nevertheless."""
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        (attempt,) = delivery.attempts
        assert isinstance(attempt, Post)
        await subscribed.outbox.release(attempt)
        delivery.found[CHANNEL] = [found(1, ago=-timedelta(seconds=29), key=attempt.key)]
        running.history_check.posted(CHANNEL)
        await read_posted(running)
        assert await subscribed.outbox.waiting() == {}
        assert running.second_bot.pause_s() == 0


async def test_forum_is_read_on_where_it_was_left_and_not_after_its_newest_message(subscribed: Store) -> None:
    """A thread that was read may contain a message that is newer than the threads after it."""
    found_messages, newest = FoundMessages(subscribed.database), found(1)
    thread_id = newest.message_id - 50
    rest = Position(thread_id - 1, thread_id=thread_id, in_thread=Position(0))
    await found_messages.record(CHANNEL, HistoryPage((newest,), rest.after, rest), 0, [newest])
    assert await found_messages.read_until(CHANNEL) == rest.after


async def test_found_message_in_a_forum_post_is_not_passed_by_the_next_threads(subscribed: Store) -> None:
    found_messages, sent = FoundMessages(subscribed.database), found(1)
    await record_papers(subscribed, 1)
    await subscribed.outbox.record_search(bound := await subscribed.bind(now=NOW - HOUR), sent.message_id - 100)
    sent = replace(sent, key=bound.key)
    threads = [sent.message_id + distance for distance in (-50, 50)]
    pages = [(sent,), ()]
    for thread_id, messages, start in zip(threads, pages, (0, threads[0] - 1), strict=True):
        rest = Position(thread_id - 1, thread_id=thread_id, in_thread=Position(0))
        await found_messages.record(CHANNEL, HistoryPage(messages, rest.after, rest), start, [])
    unsettled = await subscribed.outbox.unsettled_post(CHANNEL)
    assert unsettled is not None
    assert unsettled.search.after == sent.message_id - 1


async def test_message_that_this_process_sent_again_is_not_taken_for_a_second_bots(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """The process before this one bound it, and its row was deleted before it arrived."""
    await record_papers(subscribed, 1)
    bound = await subscribed.bind(now=NOW)
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        assert len(delivery.attempts) == 1
        await subscribed.outbox.release(bound)
        delivery.found[CHANNEL] = [found(1, ago=-timedelta(seconds=29), key=bound.key)]
        running.history_check.posted(CHANNEL)
        await read_posted(running)
        assert await subscribed.outbox.waiting() == {}
        assert running.second_bot.pause_s() == 0


async def test_edit_of_a_found_message_waits_until_all_its_papers_are_known(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    await FoundMessages(subscribed.database).record(CHANNEL, HistoryPage((found(1, 2),), 1, None), 0, [found(1, 2)])
    await subscribed.papers.add([paper(arxiv_ids(1)[0], title="Graph", version=2, published=NOW)])
    assert await subscribed.edits.due(NOW) == ()
    await record_papers(subscribed, 2)
    (edit,) = await subscribed.edits.due(NOW)
    assert [entry.paper.arxiv_id.value for entry in edit.post.entries] == arxiv_ids(1, 2)
    assert delivery.attempts == []


@pytest.mark.parametrize("sent", [False, True])
async def test_search_continues_where_the_check_of_the_channel_ended(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, sent: bool
) -> None:
    """A long history is read once for both."""
    hour_ago = snowflake(NOW - HOUR)
    await record_papers(subscribed, 1)
    bound = await subscribed.bind(now=NOW - HOUR)
    await subscribed.outbox.record_search(bound, hour_ago - 1)
    others = [found(n, key=f"other {n}", ago=timedelta(minutes=60 - n)) for n in range(10, 14)]
    delivery.found[CHANNEL] = [*others, *([found(1, key=bound.key)] if sent else [])]
    delivery.found_per_page = 2
    async with running_dispatcher(subscribed, delivery, clock):
        pass
    starts = [position.after for position in delivery.positions]
    assert starts == [hour_ago - 1 if sent else others[1].message_id]


# Trending lists.


async def test_found_trending_list_is_not_posted_again(store: Store) -> None:
    delivery = FakeDelivery(clock := FakeClock(NIGHT))
    await store.subscribe("graph")
    await subscribe_to_trending(store)
    await store_list(store, 3, 2)
    delivery.found[CHANNEL] = [found(1, 2, day=WEDNESDAY, ago=-HOUR)]
    async with running_trending_publisher(store, delivery, clock) as running:
        assert delivery.attempts == []
        assert await store.trending_posts.due_subscriptions(WEDNESDAY, NIGHT) == ()
        assert running.second_bot.pause_s() == 0


async def test_found_trending_list_replaces_an_unsettled_one(store: Store) -> None:
    delivery = FakeDelivery(clock := FakeClock(NIGHT))
    await store.subscribe("graph")
    await subscribe_to_trending(store, since=NOW - timedelta(days=3))
    await store_list(store, 3, 2, day=TUESDAY)
    (subscription,) = await store.trending_posts.due_subscriptions(TUESDAY, NIGHT)
    assert await store.trending_posts.bind(subscription, TUESDAY, key="old", nonce="old", now=NOW) is not None
    delivery.found[CHANNEL] = [found(1, 2, day=TUESDAY)]
    async with running_trending_publisher(store, delivery, clock):
        assert delivery.attempts == []
        assert await store.trending_posts.unsettled(NIGHT) == ()


# A second bot.


async def test_second_bot_pauses_posting_until_there_is_no_message_of_it(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.watch("graph", channel_id=OTHER_CHANNEL)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await clock.advance(60)
        delivery.found[CHANNEL] = [found(1, ago=-timedelta(seconds=50))]
        await record_papers(subscribed, 1, 2, now=NOW + timedelta(seconds=60))
        await running.notify()
        assert running.second_bot.pause_s() > 0
        sent = len(delivery.attempts)
        await running.advance(PAUSE_MIN_S - 1)
        assert len(delivery.attempts) == sent
        checks = len(delivery.checks)
        await running.advance(PAUSE_MAX_S - PAUSE_MIN_S + 1)
        assert running.second_bot.pause_s() == 0
        assert len(delivery.checks) > checks, "read again before the first post"
        assert delivery.messages(CHANNEL) == [arxiv_ids(2)]
        assert delivery.messages(OTHER_CHANNEL) == [arxiv_ids(1, 2)]


async def test_channel_that_was_read_during_the_pause_is_read_again_after_it(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """A second bot of an earlier release does not pause: it posts until somebody stops it."""
    await record_papers(subscribed, 1)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        delivery.found[CHANNEL] = [found(1, ago=-timedelta(seconds=11))]
        for _ in range(2):
            running.history_check.posted(CHANNEL)
            await read_posted(running)
        assert running.second_bot.pause_s() > 0
        delivery.found[CHANNEL].append(found(2, ago=-timedelta(seconds=600), key="during the pause"))
        await record_papers(subscribed, 2, 3)
        await running.notify()
        for _ in range(2):  # what it posted during the first pause is the reason for the second one
            await running.advance(PAUSE_MAX_S)
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(3)]


async def test_channel_is_read_again_soon_after_a_post(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        assert delivery.messages() == [arxiv_ids(1)]
        delivery.found[CHANNEL] = [found(1, ago=-timedelta(seconds=11))]
        await read_posted(running)
        assert running.second_bot.pause_s() > 0
        start, again = (after for _, after in delivery.checks)
        assert again == earlier(start, ORDER_MARGIN)
        await read_posted(running)
        assert len(delivery.checks) == 3, "as long as there are messages of it"
        await read_posted(running)
        assert len(delivery.checks) == 3


async def test_second_bot_pauses_trending_lists(store: Store) -> None:
    delivery = FakeDelivery(clock := FakeClock(NIGHT))
    await store.subscribe("graph")
    await subscribe_to_trending(store)
    await store_list(store, 3, 2)
    async with running_trending_publisher(store, delivery, clock) as running:
        assert len(delivery.attempts) == 1
        running.second_bot.found("an interaction that another process acknowledged")
        await store_list(store, 3, 2, day=THURSDAY)
        await running.advance(PAUSE_MIN_S)
        await running.notify()
        assert len(delivery.attempts) == 1


async def test_list_of_a_second_bot_pauses_posting_once(store: Store) -> None:
    """The day has a list of this bot: the other one has no row, and is found again with the next messages."""
    delivery = FakeDelivery(clock := FakeClock(NIGHT))
    await store.subscribe("graph")
    await subscribe_to_trending(store)
    await store_list(store, 3, 2)
    async with running_trending_publisher(store, delivery, clock) as running:
        assert len(delivery.attempts) == 1
        delivery.found[CHANNEL] = [found(1, 2, day=WEDNESDAY, ago=NOW - NIGHT - timedelta(seconds=20))]
        for _ in range(3):
            running.history_check.posted(CHANNEL)
            reading = asyncio.ensure_future(running.history_check.read_posted())
            await running.advance(1)
            await reading
        assert running.second_bot.changes == 1
        await running.advance(PAUSE_MAX_S)
        assert running.second_bot.pause_s() == 0


# Many channels: the gateway shows the newest message of each.


async def record_in_channels(store: Store, channels: range) -> None:
    for channel_id in channels:
        await store.subscribe("graph", channel_id)
    await store.sync()
    await record_papers(store, 1)


@pytest.mark.slow
async def test_few_channels_are_read_at_once_and_one_per_second_of_many(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    channels = range(100, 100 + 4 * SPOT_CHECKS_MAX)
    delivery.newest_messages = dict.fromkeys(channels, 0)
    await record_in_channels(store, channels)
    async with running_dispatcher(store, delivery, clock):
        assert all(delivery.messages(channel_id) == [arxiv_ids(1)] for channel_id in channels)
        assert len(delivery.checks) <= SPOT_CHECKS_MAX + clock.monotonic() / SPOT_CHECK_INTERVAL_S
        assert len(delivery.checks) >= SPOT_CHECKS_MAX


async def test_each_of_a_few_channels_is_read_whatever_the_gateway_shows(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.newest_messages = {CHANNEL: 0}
    delivery.found[CHANNEL] = [found(1)]
    await record_papers(subscribed, 1, 2)
    async with running_dispatcher(subscribed, delivery, clock):
        assert delivery.messages() == [arxiv_ids(2)]


@pytest.mark.slow
async def test_channel_with_a_message_after_the_last_known_one_is_read(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    channels = range(100, 102 + SPOT_CHECKS_MAX)
    unknown, known = channels[-2:]
    delivery.newest_messages = {
        **dict.fromkeys(channels, 0),
        unknown: found(1).message_id,
        known: snowflake(NOW - 9 * HOUR),
    }
    await record_in_channels(store, channels)
    await FoundMessages(store.database).record(known, HistoryPage((), snowflake(NOW - HOUR), None), 0, ())
    delivery.found[unknown] = [found(1)]
    async with running_dispatcher(store, delivery, clock):
        assert delivery.messages(unknown) == []
        assert delivery.messages(known) == [arxiv_ids(1)]
        read = [channel_id for channel_id, _ in delivery.checks]
        assert unknown in read
        assert known not in read


@pytest.mark.slow
async def test_every_channel_is_read_again_after_a_pause_for_a_second_bot(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    channels = range(100, 102 + SPOT_CHECKS_MAX)
    delivery.newest_messages = dict.fromkeys(channels, 0)
    await record_in_channels(store, channels)
    running = DispatcherHarness(store, delivery, clock)
    running.second_bot.found("a test")
    running.start()
    await running.until_quiet()
    assert delivery.attempts == []
    await running.advance(PAUSE_MAX_S)
    assert {channel_id for channel_id, _ in delivery.checks} == set(channels)
    assert all(delivery.messages(channel_id) == [arxiv_ids(1)] for channel_id in channels)
    await running.end()
