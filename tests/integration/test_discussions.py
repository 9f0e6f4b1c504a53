"""Threads for papers and batches: each is started once, whatever Discord answers and whenever the bot is killed."""

import asyncio
import logging
from datetime import timedelta
from typing import Final

import pytest

from bot.domain.channel_settings import ChannelSettings, Discussion, Style, ThreadMode
from bot.domain.discussion import DiscussionState, MessageDeleted, ThreadOutcome, ThreadRequest, ThreadStarted
from bot.domain.outgoing import Blocked, Delivered, OutcomeUnknown, Rejected, RetryLater
from bot.domain.post import MessageHeader, Post
from bot.publish.discussions import BLOCKED_THREAD_RETRY, THREAD_CHECK_INTERVAL_S, THREADS_WANTED_FOR
from bot.services.discussions import (
    OUTCOME_CHECK_INTERVAL_S,
    UNANSWERED,
    UNANSWERED_FOR,
    DiscussionService,
    ExistingThread,
    MessageUnsettled,
    NotDiscussable,
    SeveralPapers,
    ThreadsOff,
)
from bot.store.discussions import StoredDiscussion
from tests.support.builders import paper
from tests.support.clock import FakeClock, give_way
from tests.support.delivery import FakeDelivery, arxiv_ids, record_papers, running_dispatcher
from tests.support.discussing import FIRST_ID, FakeThreads, running_discussions
from tests.support.store import CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

THREAD: Final = MessageHeader(discussion=Discussion.THREAD)
NOT_ALLOWED: Final = Blocked("To start threads, the bot needs the Create Public Threads permission there.")
GONE: Final = Blocked("The channel does not exist.", gone=True)
BUSY: Final = RetryLater(NOW + timedelta(minutes=10), "Discord's rate limit")
EVERYWHERE: Final = RetryLater(NOW + timedelta(minutes=10), "Cloudflare blocks the bot", everywhere=True)
NO_ANSWER: Final = OutcomeUnknown("no answer from Discord")


@pytest.fixture
def threads() -> FakeThreads:
    return FakeThreads()


async def bound(store: Store, *numbers: int, key: str = "key", channel_id: int = CHANNEL) -> Post:
    """Binds papers to a message on which the bot is to start a thread."""
    await store.watch("graph", channel_id=channel_id)
    await store.set_channel(channel_id, ChannelSettings(threads=ThreadMode.PER_PAPER))
    await store.poll(*(paper(f"2611.{number:05}", title=f"Graph {number}") for number in numbers))
    post = await store.outbox.bind(channel_id, await store.due(channel_id), THREAD, key=key, nonce=key, now=NOW)
    assert post is not None
    return post


async def posted(
    store: Store, *numbers: int, key: str = "key", channel_id: int = CHANNEL, message_id: int | None = 77
) -> Post:
    """Stores a delivered message on which the bot is to start a thread."""
    post = await bound(store, *numbers, key=key, channel_id=channel_id)
    await store.outbox.delivered(post, Delivered(message_id), NOW)
    return post


async def state_of(store: Store, arxiv_id: str = "2611.00001", key: str = "key") -> DiscussionState | None:
    stored = await store.discussions.get(key, arxiv_id)
    return None if stored is None else stored.state


# Which messages get a thread.


@pytest.mark.parametrize(
    ("mode", "messages", "discussions"),
    [
        (ThreadMode.OFF, [arxiv_ids(1, 2, 3)], [None]),
        (ThreadMode.ON_CLICK, [arxiv_ids(1, 2, 3)], [Discussion.BUTTON]),
        (ThreadMode.PER_BATCH, [arxiv_ids(1, 2, 3)], [Discussion.THREAD]),
        (ThreadMode.PER_PAPER, [arxiv_ids(number) for number in (1, 2, 3)], [Discussion.THREAD] * 3),
    ],
)
async def test_mode_of_the_channel_decides_which_messages_get_a_thread(
    subscribed: Store,
    delivery: FakeDelivery,
    clock: FakeClock,
    mode: ThreadMode,
    messages: list[list[str]],
    discussions: list[Discussion | None],
) -> None:
    await subscribed.set_channel(CHANNEL, ChannelSettings(threads=mode))
    assert (await subscribed.channel_settings.get(CHANNEL)).threads is mode
    await record_papers(subscribed, 1, 2, 3)
    async with running_dispatcher(subscribed, delivery, clock):
        assert delivery.messages() == messages
    assert [post.header.discussion for post in delivery.attempts if isinstance(post, Post)] == discussions
    wanted = [request.message.message_id for request in await subscribed.discussions.due(NOW)]
    assert len(wanted) == discussions.count(Discussion.THREAD)


async def test_only_the_first_message_of_a_batch_gets_a_thread(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, ChannelSettings(style=Style.CARDS, threads=ThreadMode.PER_BATCH))
    await record_papers(subscribed, *range(1, 13))
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(60)
        await record_papers(subscribed, 13, now=clock.now())
        await running.notify()
    found = [post.header.discussion for post in delivery.attempts if isinstance(post, Post)]
    assert found == [Discussion.THREAD, None, Discussion.THREAD]
    assert [request.arxiv_id for request in await subscribed.discussions.due(clock.now())] == ["", "2611.00013"]


async def test_batch_that_a_restart_interrupts_gets_no_second_thread(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, ChannelSettings(style=Style.CARDS, threads=ThreadMode.PER_BATCH))
    await record_papers(subscribed, *range(1, 13))
    post = await subscribed.bind(limit=10)
    await subscribed.outbox.delivered(post, Delivered(1), NOW)
    async with running_dispatcher(subscribed, delivery, clock):
        (headline,) = delivery.headlines
        assert headline.startswith("**2 more papers**")
    assert await subscribed.discussions.due(NOW) == ()


async def test_cards_of_papers_with_threads_ignore_the_style(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, ChannelSettings(style=Style.COMPACT, threads=ThreadMode.PER_PAPER))
    await record_papers(subscribed, *range(1, 8))
    async with running_dispatcher(subscribed, delivery, clock):
        assert delivery.messages() == [arxiv_ids(number) for number in range(1, 8)]
        assert {layout.value for layout in delivery.layouts} == {"cards"}


# What the loop does.


async def test_thread_is_started_once_its_message_is_delivered(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    post = await bound(store, 1)
    async with running_discussions(store, threads, clock) as running:
        await running.advance(THREAD_CHECK_INTERVAL_S)
        assert threads.requests == []
        await store.outbox.delivered(post, Delivered(77), NOW)
        await running.notify()
        (request,) = threads.requests
        assert (request.message.message_id, request.arxiv_id) == (77, "2611.00001")
        await running.advance(3600)
    assert await store.discussions.get("key", "2611.00001") == StoredDiscussion(DiscussionState.OPEN, 77, NOW)
    assert len(threads.requests) == 1


async def test_thread_of_several_papers_is_for_the_whole_batch(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await posted(store, 1, 2)
    async with running_discussions(store, threads, clock):
        (request,) = threads.requests
    assert (request.paper, request.is_at_message) == (None, True)
    assert await state_of(store, "") is DiscussionState.OPEN


async def test_killed_after_the_start_and_before_the_record_starts_no_second_thread(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await posted(store, 1)
    (request,) = await store.discussions.due(NOW)
    assert threads.store(request) == ThreadStarted(77)  # Discord stored it, and the bot was killed
    async with running_discussions(store, threads, clock):
        pass
    assert threads.requests == [request]  # the message's own thread: Discord rejects a second one
    assert threads.started == {("key", "2611.00001"): 77}
    assert await state_of(store) is DiscussionState.OPEN


async def test_killed_after_the_start_beside_a_message_starts_no_second_thread(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await clickable(store, 1, 2)
    request = await requested(service_of(store, threads, clock), "2611.00001")
    await store.discussions.request(request, NOW)
    threads.store(request)  # Discord stored it, and the bot was killed
    clock.jump(UNANSWERED_FOR)
    again = await service_of(store, threads, clock).start(request)
    assert again == ThreadStarted(FIRST_ID, is_new=False)
    assert await state_of(store) is DiscussionState.OPEN


@pytest.mark.parametrize(
    ("outcome", "event", "level"),
    [
        (MessageDeleted(), "thread dropped", logging.INFO),
        (GONE, "thread dropped", logging.INFO),
        (Rejected("Discord rejected the message."), "thread rejected", logging.ERROR),
    ],
)
async def test_thread_that_can_never_be_started_is_dropped(
    store: Store,
    threads: FakeThreads,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    outcome: ThreadOutcome,
    event: str,
    level: int,
) -> None:
    caplog.set_level(logging.INFO, "bot.publish.discussions")
    await posted(store, 1)
    threads.answers[CHANNEL].append(outcome)
    async with running_discussions(store, threads, clock) as running:
        await running.advance(3600)
    assert len(threads.requests) == 1
    assert await state_of(store) is DiscussionState.DROPPED
    assert [(each.message, each.levelno) for each in caplog.records] == [(event, level)]


@pytest.mark.parametrize(
    ("outcome", "delay"),
    [
        (BUSY, timedelta(minutes=10)),
        (NOT_ALLOWED, BLOCKED_THREAD_RETRY),
        (NO_ANSWER, timedelta(seconds=THREAD_CHECK_INTERVAL_S)),
    ],
)
async def test_failed_thread_is_tried_again_and_shown_until_then(
    store: Store,
    threads: FakeThreads,
    clock: FakeClock,
    outcome: RetryLater | Blocked | OutcomeUnknown,
    delay: timedelta,
) -> None:
    await posted(store, 1)
    threads.answers[CHANNEL].append(outcome)
    async with running_discussions(store, threads, clock) as running:
        assert await store.discussions.problems(GUILD) == {CHANNEL: outcome.reason}
        await running.advance(delay.total_seconds() - 1)
        assert len(threads.requests) == 1
        await running.advance(THREAD_CHECK_INTERVAL_S)
        assert len(threads.requests) == 2
        assert await store.discussions.problems(GUILD) == {CHANNEL: None}
    assert await state_of(store) is DiscussionState.OPEN


async def test_one_rejection_postpones_all_threads_of_its_channel_and_no_others(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await posted(store, 1, key="a", message_id=1)
    await posted(store, 2, key="b", message_id=2)
    await posted(store, 3, key="c", channel_id=OTHER_CHANNEL, message_id=3)
    threads.answers[CHANNEL].append(NOT_ALLOWED)
    async with running_discussions(store, threads, clock):
        assert [request.message.channel_id for request in threads.requests] == [CHANNEL, OTHER_CHANNEL]
        assert await store.discussions.problems(GUILD) == {CHANNEL: NOT_ALLOWED.reason, OTHER_CHANNEL: None}


async def test_nothing_is_tried_while_no_request_may_leave(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await posted(store, 1, key="a", message_id=1)
    await posted(store, 2, key="b", channel_id=OTHER_CHANNEL, message_id=2)
    threads.answers[CHANNEL].append(EVERYWHERE)
    async with running_discussions(store, threads, clock) as running:
        assert len(threads.requests) == 1
        await running.advance(THREAD_CHECK_INTERVAL_S)
        assert len(threads.requests) == 3


async def test_nothing_is_started_while_a_second_bot_runs(store: Store, threads: FakeThreads, clock: FakeClock) -> None:
    async with running_discussions(store, threads, clock) as running:
        running.second_bot.found("a message with an unknown key")
        await posted(store, 1)
        await running.notify()
        assert threads.requests == []


async def test_thread_that_was_not_possible_for_a_day_is_dropped(
    store: Store, threads: FakeThreads, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await posted(store, 1)
    threads.answers[CHANNEL].append(NOT_ALLOWED)
    async with running_discussions(store, threads, clock) as running:
        clock.jump(THREADS_WANTED_FOR)
        await running.notify()
        assert await state_of(store) is DiscussionState.DROPPED
        assert await store.discussions.problems(GUILD) == {CHANNEL: None}
    assert "threads given up" in [record.message for record in caplog.records]


async def test_message_that_was_settled_a_day_after_its_first_attempt_gets_a_thread(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    post = await bound(store, 1)
    clock.jump(THREADS_WANTED_FOR + timedelta(hours=1))
    async with running_discussions(store, threads, clock) as running:
        assert await state_of(store) is DiscussionState.WANTED
        await store.outbox.delivered(post, Delivered(77), clock.now())
        await running.notify()
    assert await state_of(store) is DiscussionState.OPEN


async def test_message_that_does_not_exist_gets_no_thread(store: Store, threads: FakeThreads, clock: FakeClock) -> None:
    await posted(store, 1, key="deleted", message_id=None)
    rejected = await bound(store, 2, key="rejected")
    await store.outbox.rejected(rejected, "a reason", NOW)
    released = await bound(store, 3, key="released")
    await store.outbox.release(released)
    async with running_discussions(store, threads, clock):
        pass
    assert threads.requests == []
    assert await state_of(store, "2611.00001", "deleted") is DiscussionState.DROPPED
    assert await state_of(store, "2611.00002", "rejected") is DiscussionState.DROPPED
    assert await state_of(store, "2611.00003", "released") is None


async def test_threads_that_wait_are_dropped_once_threads_are_switched_off(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await posted(store, 1)
    threads.answers[CHANNEL].append(NOT_ALLOWED)
    async with running_discussions(store, threads, clock) as running:
        await store.set_channel(CHANNEL, ChannelSettings())
        await running.notify()
    assert await state_of(store) is DiscussionState.DROPPED


async def test_channels_with_threads_are_those_of_the_server(store: Store) -> None:
    await store.watch("graph")
    await store.watch("graph", channel_id=OTHER_CHANNEL)
    await store.set_channel(CHANNEL, ChannelSettings(threads=ThreadMode.ON_CLICK))
    assert await store.discussions.problems(GUILD) == {CHANNEL: None}
    assert await store.discussions.problems(GUILD + 1) == {}


# Clicks.


async def clickable(store: Store, *numbers: int, mode: ThreadMode = ThreadMode.ON_CLICK) -> None:
    """Stores a delivered message with the button."""
    await store.watch("graph")
    await store.set_channel(CHANNEL, ChannelSettings(threads=mode))
    await store.poll(*(paper(f"2611.{number:05}", title=f"Graph {number}") for number in numbers))
    await store.outbox.delivered(await store.bind(), Delivered(77), NOW)


def service_of(store: Store, threads: FakeThreads, clock: FakeClock) -> DiscussionService:
    return DiscussionService(store.discussions, store.channel_settings, threads, clock)


async def requested(service: DiscussionService, arxiv_id: str | None = None) -> ThreadRequest:
    found = await service.find(CHANNEL, "key", arxiv_id)
    assert isinstance(found, ThreadRequest)
    return found


async def test_first_click_starts_a_thread_and_later_ones_find_it(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await clickable(store, 1)
    service = service_of(store, threads, clock)
    assert await service.start(await requested(service)) == ThreadStarted(77)
    assert await service.find(CHANNEL, "key") == ExistingThread(77, is_deleted=False)
    threads.deleted.add(77)
    assert await service.find(CHANNEL, "key") == ExistingThread(77, is_deleted=True)
    assert len(threads.requests) == 1
    assert threads.first_message_threads == []


async def test_each_of_several_papers_gets_a_thread_with_a_first_message(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await clickable(store, 1, 2)
    service = service_of(store, threads, clock)
    found = await service.find(CHANNEL, "key")
    assert isinstance(found, SeveralPapers)
    assert [each.arxiv_id.value for each in found.message.papers] == arxiv_ids(1, 2)
    for number, arxiv_id in enumerate(arxiv_ids(2, 1)):
        assert await service.start(await requested(service, arxiv_id)) == ThreadStarted(FIRST_ID + number)
    assert threads.first_message_threads == [FIRST_ID, FIRST_ID + 1]
    assert threads.first_message_subjects == [("key", "2611.00002"), ("key", "2611.00001")]
    assert await service.find(CHANNEL, "key", "2611.00002") == ExistingThread(FIRST_ID, is_deleted=False)


async def test_people_who_click_at_the_same_time_get_the_same_thread(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await clickable(store, 1, 2)
    service = service_of(store, threads, clock)
    request = await requested(service, "2611.00001")
    first, *others = await asyncio.gather(*(service.start(request) for _ in range(5)))
    assert first == ThreadStarted(FIRST_ID)
    assert others == [ThreadStarted(FIRST_ID, is_new=False)] * 4
    assert (len(threads.requests), threads.first_message_threads) == (1, [FIRST_ID])


async def test_after_an_attempt_without_an_answer_the_thread_is_looked_for(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await clickable(store, 1, 2)
    request = await requested(service_of(store, threads, clock), "2611.00001")
    threads.store(request)
    threads.answers[CHANNEL].append(NO_ANSWER)
    assert await service_of(store, threads, clock).start(request) == NO_ANSWER
    clock.jump(timedelta(minutes=5))
    again = await service_of(store, threads, clock).start(request)
    assert again == ThreadStarted(FIRST_ID, is_new=False)
    assert threads.attempted_since == [None, NOW]
    assert threads.first_message_threads == [FIRST_ID]


async def test_attempt_that_may_still_be_carried_out_is_not_repeated(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await clickable(store, 1, 2)
    request = await requested(service_of(store, threads, clock), "2611.00001")
    threads.answers[CHANNEL].extend([NO_ANSWER, BUSY, NO_ANSWER])
    assert await service_of(store, threads, clock).start(request) == NO_ANSWER
    for _ in range(2):  # also after a restart
        clock.jump(UNANSWERED_FOR / 3)
        wait = RetryLater(NOW + UNANSWERED_FOR, UNANSWERED)
        assert await service_of(store, threads, clock).start(request) == wait
    assert len(threads.requests) == 1
    clock.jump(UNANSWERED_FOR)
    service = service_of(store, threads, clock)
    # An attempt that certainly changed nothing delays no other; one without an answer does so again.
    assert [await service.start(request) for _ in range(2)] == [BUSY, NO_ANSWER]
    assert await service.start(request) == RetryLater(clock.now() + UNANSWERED_FOR, UNANSWERED)
    clock.jump(-2 * UNANSWERED_FOR)  # the clock was ahead
    assert await service.start(request) == ThreadStarted(FIRST_ID)
    assert threads.attempted_since == [None, NOW, NOW, NOW]


async def test_own_thread_of_a_message_is_tried_again_at_once(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await clickable(store, 1)
    service = service_of(store, threads, clock)
    threads.answers[CHANNEL].append(NO_ANSWER)
    assert await service.start(await requested(service)) == NO_ANSWER
    assert await service.start(await requested(service)) == ThreadStarted(77)


async def test_thread_that_was_started_meanwhile_is_neither_dropped_nor_postponed(store: Store) -> None:
    await posted(store, 1)
    (request,) = await store.discussions.due(NOW)
    await store.discussions.started(request, 77, is_complete=True)
    await store.discussions.drop(request)
    await store.discussions.postpone(request, NOW + timedelta(hours=1), "a reason", now=NOW)
    await store.discussions.started(request, 78, is_complete=False)
    assert await store.discussions.get("key", "2611.00001") == StoredDiscussion(DiscussionState.OPEN, 77, NOW)
    assert await store.discussions.problems(GUILD) == {CHANNEL: None}


@pytest.mark.parametrize("outcome", [BUSY, NOT_ALLOWED, Rejected("a reason")])
async def test_attempt_that_changed_nothing_leaves_nothing_behind(
    store: Store, threads: FakeThreads, clock: FakeClock, outcome: ThreadOutcome
) -> None:
    await clickable(store, 1, 2)
    service = service_of(store, threads, clock)
    request = await requested(service, "2611.00001")
    threads.answers[CHANNEL].append(outcome)
    assert await service.start(request) == outcome
    assert await state_of(store) is None
    assert await service.start(request) == ThreadStarted(FIRST_ID)
    assert threads.attempted_since == [None, None]


async def test_first_message_that_was_not_sent_is_sent_with_the_next_click(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await clickable(store, 1, 2)
    service = service_of(store, threads, clock)
    threads.first_message_outcomes.append(NO_ANSWER)
    assert await service.start(await requested(service, "2611.00001")) == ThreadStarted(FIRST_ID)
    assert await state_of(store) is DiscussionState.STARTED
    assert await service.start(await requested(service, "2611.00001")) == ThreadStarted(FIRST_ID, is_new=False)
    assert await state_of(store) is DiscussionState.OPEN
    assert (len(threads.requests), threads.first_message_threads) == (1, [FIRST_ID, FIRST_ID])


@pytest.mark.parametrize("mode", [ThreadMode.ON_CLICK, ThreadMode.OFF])
async def test_thread_without_its_first_message_is_linked_unless_it_was_deleted(
    store: Store, threads: FakeThreads, clock: FakeClock, mode: ThreadMode
) -> None:
    await clickable(store, 1, 2)
    service = service_of(store, threads, clock)
    threads.first_message_outcomes.append(NO_ANSWER)
    await service.start(await requested(service, "2611.00001"))
    await store.set_channel(CHANNEL, ChannelSettings(threads=mode))
    found = await service.find(CHANNEL, "key", "2611.00001")
    if mode is ThreadMode.OFF:
        assert found == ExistingThread(FIRST_ID, is_deleted=False)
    else:
        assert isinstance(found, ThreadRequest)
    threads.deleted.add(FIRST_ID)
    assert await service.find(CHANNEL, "key", "2611.00001") == ExistingThread(FIRST_ID, is_deleted=True)


async def test_unknown_messages_and_papers_and_other_channels_are_not_discussed(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await clickable(store, 1, 2)
    service = service_of(store, threads, clock)
    assert await service.find(CHANNEL, "unknown") == NotDiscussable()
    assert await service.find(OTHER_CHANNEL, "key") == NotDiscussable()
    assert await service.find(CHANNEL, "key", "2611.99999") == NotDiscussable()


async def test_click_waits_for_the_outcome_of_a_message_that_was_just_sent(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await clickable(store, 2)
    await store.poll(paper("2611.00001", title="Graph"))
    post = await store.bind(key="new")
    service = service_of(store, threads, clock)
    for is_delivered in (False, True):
        finding = asyncio.ensure_future(service.find(CHANNEL, "new"))
        while not (clock.sleeping or finding.done()):
            await give_way()
        if is_delivered:
            await store.outbox.delivered(post, Delivered(78), NOW)
        while not finding.done():
            await clock.advance(OUTCOME_CHECK_INTERVAL_S)
            await give_way()
        assert isinstance(await finding, ThreadRequest if is_delivered else MessageUnsettled)


async def test_no_thread_is_started_once_threads_are_switched_off(
    store: Store, threads: FakeThreads, clock: FakeClock
) -> None:
    await clickable(store, 1, 2)
    service = service_of(store, threads, clock)
    await service.start(await requested(service, "2611.00001"))
    await store.set_channel(CHANNEL, ChannelSettings())
    assert await service.find(CHANNEL, "key", "2611.00002") == ThreadsOff()
    assert await service.find(CHANNEL, "key", "2611.00001") == ExistingThread(FIRST_ID, is_deleted=False)
