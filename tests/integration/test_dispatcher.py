"""The dispatcher posts what is due once and in order, whatever Discord answers."""

import asyncio
import itertools
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from bot.domain.channel_settings import ChannelSettings, Style
from bot.domain.outgoing import Blocked, Delivered, OutgoingMessage, Rejected, RetryLater, SendOutcome
from bot.publish.dispatcher import ChannelTasks
from bot.publish.sender import SENDS_PER_SECOND
from bot.runtime.errors import StoreUnavailable
from bot.runtime.limits import EMBEDS_PER_MESSAGE, SELECT_OPTIONS_MAX
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.delivery import (
    LOST_ANSWER,
    LOST_MESSAGE,
    Answer,
    DispatcherHarness,
    FakeDelivery,
    running_dispatcher,
)
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

LOCKED = Blocked("The channel is locked.")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def delivery(clock: FakeClock) -> FakeDelivery:
    return FakeDelivery(clock)


def ids(*numbers: int) -> list[str]:
    return [f"2611.{number:05}" for number in numbers]


async def new_papers(store: Store, *numbers: int, title: str = "Graph") -> None:
    """Records the papers of a poll; a greater number is a later paper."""
    await store.read(
        *(paper(f"2611.{number:05}", title=title, published=NOW + timedelta(minutes=number)) for number in numbers)
    )


@pytest.fixture
async def watching(store: Store) -> Store:
    """A store whose channel is subscribed to "graph"."""
    await store.watch("graph")
    return store


async def test_papers_are_posted_oldest_first_as_a_list(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, *range(30, 0, -1))
    async with running_dispatcher(watching, delivery, clock):
        assert delivery.messages() == [ids(*range(1, 26)), ids(*range(26, 31))]
        assert await watching.outbox.waiting() == {}
    assert SELECT_OPTIONS_MAX == 25


async def test_cards_are_posted_oldest_first_ten_per_message(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, ChannelSettings(style=Style.CARDS))
    await new_papers(watching, *range(23, 0, -1))
    async with running_dispatcher(watching, delivery, clock):
        assert delivery.messages() == [ids(*range(1, 11)), ids(*range(11, 21)), ids(21, 22, 23)]
        assert await watching.outbox.waiting() == {}
    assert EMBEDS_PER_MESSAGE == 10


async def test_nothing_is_sent_twice_after_a_restart(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await new_papers(watching, 1)
    for _ in range(2):
        async with running_dispatcher(watching, delivery, clock):
            pass
    assert delivery.attempted() == [ids(1)]
    assert delivery.lookups == []


async def test_notification_posts_a_new_paper(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    async with running_dispatcher(watching, delivery, clock) as running:
        await new_papers(watching, 1)
        await running.notify()
        assert delivery.messages() == [ids(1)]


async def test_paper_that_is_due_later_is_posted_at_its_time(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.read(paper("2611.00001", title="Graph"), now=NOW + timedelta(minutes=5))
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(299)
        assert delivery.attempts == []
        await running.advance(1)
        assert delivery.messages() == [ids(1)]


# Unknown outcomes.


@pytest.mark.parametrize("answer", [LOST_ANSWER, LOST_MESSAGE])
async def test_message_with_unknown_outcome_is_resent_unchanged(
    watching: Store, delivery: FakeDelivery, clock: FakeClock, answer: Answer
) -> None:
    await new_papers(watching, 1, 2)
    delivery.answers[CHANNEL].append(answer)
    async with running_dispatcher(watching, delivery, clock) as running:
        await new_papers(watching, 3)
        await running.notify()
        assert delivery.attempted() == [ids(1, 2)]
        await running.advance(5)
        first, again, _ = delivery.attempts
        assert (again.key, again.nonce) == (first.key, first.nonce)
        assert delivery.attempted() == [ids(1, 2), ids(1, 2), ids(3)]
        assert delivery.messages() == [ids(1, 2), ids(3)]
        assert delivery.lookups == []


async def test_backoff_doubles_and_starts_over_after_a_success(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].extend([LOST_MESSAGE] * 4)
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(120)
        delays_s = [later - earlier for earlier, later in itertools.pairwise(delivery.attempts_at_s)]
        for floor_s, delay_s in zip((2, 4, 8, 16), delays_s, strict=True):
            assert floor_s <= delay_s <= 2 * floor_s
        await new_papers(watching, 2)
        delivery.answers[CHANNEL].append(LOST_MESSAGE)
        await running.notify()
        await running.advance(5)
        assert delivery.messages() == [ids(1), ids(2)]


async def test_message_with_an_old_attempt_is_looked_up_before_it_is_resent(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    busy = RetryLater(NOW + timedelta(seconds=70), "busy")
    delivery.answers[CHANNEL].extend([LOST_ANSWER, Answer(False, busy)])
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(69)
        assert delivery.lookups == []
        await running.advance(2)
        assert len(delivery.lookups) == 1
        assert len(delivery.attempts) == 2
        assert delivery.messages() == [ids(1)]
        assert await watching.outbox.waiting() == {}


async def test_message_from_before_a_restart_is_looked_up(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(watching, delivery, clock):
        pass
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(5)
        assert len(delivery.lookups) == len(delivery.attempts) == 1
        assert await watching.outbox.waiting() == {}


async def test_message_that_was_bound_but_never_sent_is_sent(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    post = await watching.bind()
    async with running_dispatcher(watching, delivery, clock):
        assert delivery.messages() == [ids(1)]
        assert delivery.attempts[0].nonce == post.nonce


async def test_absent_message_that_may_still_arrive_is_resent_with_its_nonce(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(watching, delivery, clock):
        pass
    await new_papers(watching, 2)
    await clock.advance(300)
    async with running_dispatcher(watching, delivery, clock):
        first, again, _ = delivery.attempts
        assert again.nonce == first.nonce
        assert delivery.messages() == [ids(1), ids(2)]


async def test_papers_of_an_old_absent_message_are_regrouped(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(watching, delivery, clock):
        pass
    await new_papers(watching, 2)
    await clock.advance(601)
    async with running_dispatcher(watching, delivery, clock):
        first, again = delivery.attempts
        assert first.nonce != again.nonce
        assert delivery.messages() == [ids(1, 2)]


async def test_message_with_a_recent_last_attempt_keeps_its_nonce(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """The last attempt may still arrive after the process died: regrouped papers would be posted twice."""
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].extend([LOST_MESSAGE] * 20)
    async with running_dispatcher(watching, delivery, clock) as running:
        while clock.monotonic() < 900:
            await running.advance(60)
        (nonce,) = {attempt.nonce for attempt in delivery.attempts}
    delivery.answers.clear()
    await new_papers(watching, 2)
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(300)
        assert delivery.attempts[-2].nonce == nonce
        assert delivery.messages() == [ids(1), ids(2)]


# Known outcomes.


async def test_blocked_channel_stores_the_reason_and_resumes_by_itself(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.blocked[CHANNEL] = LOCKED
    async with running_dispatcher(watching, delivery, clock) as running:
        (blocked,) = await watching.channels.blocked_channels()
        assert (blocked.channel_id, blocked.reason, blocked.since) == (CHANNEL, LOCKED.reason, NOW)
        await running.advance(600)
        assert delivery.attempts == []
        assert running.blocks == 1
        del delivery.blocked[CHANNEL]
        await running.advance(60)
        assert delivery.messages() == [ids(1)]
        assert await watching.channels.blocked_channels() == ()


async def test_papers_of_a_blocked_first_attempt_are_regrouped(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(Answer(False, LOCKED))
    async with running_dispatcher(watching, delivery, clock) as running:
        assert [blocked.reason for blocked in await watching.channels.blocked_channels()] == [LOCKED.reason]
        await new_papers(watching, 2)
        await running.advance(60)
        assert delivery.messages() == [ids(1, 2)]
        assert await watching.channels.blocked_channels() == ()
        assert delivery.lookups == []


async def test_block_after_a_lost_answer_causes_no_second_message(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """The block concerns the second attempt: the first may have been stored."""
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].extend([LOST_ANSWER, Answer(False, LOCKED)])
    async with running_dispatcher(watching, delivery, clock) as running:
        await new_papers(watching, 2)
        await running.advance(600)
        assert delivery.messages() == [ids(1), ids(2)]


async def test_message_waits_while_the_history_cannot_be_read(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(watching, delivery, clock):
        pass
    delivery.lookup_failures[CHANNEL] = Blocked("The bot needs the Read Message History permission there.")
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(300)
        assert len(delivery.attempts) == 1
        assert [blocked.reason for blocked in await watching.channels.blocked_channels()] == [
            "The bot needs the Read Message History permission there."
        ]
        delivery.lookup_failures.clear()
        await running.advance(60)
        assert len(delivery.attempts) == 1
        assert delivery.messages() == [ids(1)]
        assert await watching.outbox.waiting() == {}


async def test_lookup_without_an_answer_is_repeated(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await new_papers(watching, 1)
    await watching.bind()
    delivery.lookup_failures[CHANNEL] = RetryLater(NOW + timedelta(seconds=9), "Discord did not answer")
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(8)
        assert delivery.attempts == []
        delivery.lookup_failures.clear()
        await running.advance(1)
        assert delivery.messages() == [ids(1)]


async def test_rejected_group_is_split_and_only_the_faulty_paper_is_rejected(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1, 2, 3, 4)
    faulty = ids(3)[0]

    def outcome_of(post: OutgoingMessage) -> SendOutcome | None:
        return Rejected("too blue") if faulty in str(post) else None

    delivery.outcome_of = outcome_of
    async with running_dispatcher(watching, delivery, clock) as running:
        assert delivery.attempted() == [ids(1, 2, 3, 4), ids(1), ids(2), ids(3), ids(4)]
        assert delivery.messages() == [ids(1), ids(2), ids(4)]
        await new_papers(watching, 5, 6)
        await running.notify()
        assert delivery.messages()[3:] == [ids(5, 6)]
        assert await watching.outbox.waiting() == {}


async def test_rejection_after_a_lost_answer_is_followed_by_a_lookup(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1, 2)
    delivery.answers[CHANNEL].extend([LOST_ANSWER, Answer(False, Rejected("no"))])
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(60)
        assert delivery.messages() == [ids(1, 2)]
        assert await watching.outbox.waiting() == {}


async def test_rejection_after_a_lost_message_rejects_the_paper(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].extend([LOST_MESSAGE, Answer(False, Rejected("no"))])
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(60)
        assert len(delivery.attempts) == 2
        assert delivery.messages() == []
        assert await watching.outbox.waiting() == {}


async def test_rate_limited_message_is_resent_after_the_requested_delay(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(Answer(False, RetryLater(NOW + timedelta(seconds=30), "busy")))
    async with running_dispatcher(watching, delivery, clock) as running:
        await new_papers(watching, 2)
        await running.notify()
        await running.advance(29)
        assert delivery.attempted() == [ids(1)]
        await running.advance(1)
        assert delivery.messages() == [ids(1), ids(2)]
        assert delivery.attempts[0].nonce == delivery.attempts[1].nonce
        assert await watching.channels.blocked_channels() == ()
        waited_s = running.metrics.registry.get_sample_value("daily_papers_wait_seconds_total", {"whom": "Discord"})
        assert waited_s == 30


async def test_channel_that_cannot_be_checked_backs_off(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.blocked[CHANNEL] = RetryLater(NOW + timedelta(seconds=2), "Discord did not answer")
    async with running_dispatcher(watching, delivery, clock) as running:
        del delivery.blocked[CHANNEL]
        assert delivery.attempts == []
        await running.advance(2)
        assert delivery.messages() == [ids(1)]


async def test_message_that_was_deleted_counts_as_posted(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(Answer(False, Delivered(None)))
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(600)
        assert len(delivery.attempts) == 1
        assert await watching.outbox.waiting() == {}


# Concurrent channels.


async def test_slow_channel_does_not_hold_up_another(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await watching.subscribe("graph", OTHER_CHANNEL)
    delivery.hold(CHANNEL)
    await new_papers(watching, 1)
    async with running_dispatcher(watching, delivery, clock) as running:
        await new_papers(watching, 2)
        await running.notify()
        assert delivery.messages(OTHER_CHANNEL) == [ids(1), ids(2)]
        assert delivery.messages() == []
        delivery.let_go(CHANNEL)
        await running.until_quiet()
        assert delivery.messages() == [ids(1), ids(2)]


async def test_papers_that_arrive_during_an_attempt_wait_for_the_next_message(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.hold(CHANNEL)
    await new_papers(watching, 5)
    async with running_dispatcher(watching, delivery, clock) as running:
        await new_papers(watching, 1, 2)
        await running.notify()
        assert delivery.attempted() == [ids(5)]
        delivery.let_go(CHANNEL)
        await running.until_quiet()
        assert delivery.messages() == [ids(5), ids(1, 2)]


async def test_send_rate_over_all_channels_is_limited(store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    channels = range(100, 190)
    for channel_id in channels:
        await store.subscribe("graph", channel_id)
    await store.read_past()
    await new_papers(store, 1)
    async with running_dispatcher(store, delivery, clock):
        assert all(delivery.messages(channel_id) == [ids(1)] for channel_id in channels)
    times_s = delivery.attempts_at_s
    assert len(times_s) == len(channels)
    assert all(later - earlier >= 1 - 1e-9 for earlier, later in zip(times_s, times_s[SENDS_PER_SECOND:], strict=False))


# Shutdown and failures.


async def test_stop_finishes_the_current_message_and_starts_no_other(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.hold(CHANNEL)
    await watching.channel_settings.write(CHANNEL, ChannelSettings(style=Style.CARDS))
    await new_papers(watching, *range(1, 12))
    async with running_dispatcher(watching, delivery, clock) as running:
        stop = asyncio.create_task(running.dispatcher.stop())
        done, _ = await asyncio.wait([stop], timeout=0)
        assert not done
        delivery.let_go(CHANNEL)
        await stop
        assert delivery.messages() == [ids(*range(1, 11))]
        assert await watching.outbox.unsettled_post(CHANNEL) is None
        assert await watching.outbox.waiting() == {CHANNEL: 1}


async def test_stop_without_a_current_message_ends_the_run(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    running = DispatcherHarness(watching, delivery, clock)
    run = running.start()
    await running.until_quiet()
    await running.dispatcher.stop()
    await run


async def test_outcome_that_could_not_be_stored_is_determined_again(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    async with watching.database.transaction() as writer:
        await writer.execute_fetchall("PRAGMA busy_timeout = 1")
    delivery.hold(CHANNEL)
    await new_papers(watching, 1)
    running = DispatcherHarness(watching, delivery, clock)
    run = running.start()
    await running.until_quiet()
    with closing(sqlite3.connect(watching.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        delivery.let_go(CHANNEL)
        with pytest.raises(ExceptionGroup) as group:
            await run
    assert group.group_contains(StoreUnavailable)
    assert delivery.messages() == [ids(1)]
    running.start()
    await running.until_quiet()
    assert [attempt.nonce for attempt in delivery.attempts] == [delivery.attempts[0].nonce] * 2
    assert delivery.messages() == [ids(1)]
    assert await watching.outbox.waiting() == {}
    await running.end()


async def test_cancelled_run_leaves_no_channel_active(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.hold(CHANNEL)
    await new_papers(watching, 1)
    running = DispatcherHarness(watching, delivery, clock)
    running.start()
    await running.until_quiet()
    assert running.dispatcher.active_channels == {CHANNEL}
    await running.end()
    assert running.dispatcher.active_channels == frozenset()
    delivery.let_go(CHANNEL)
    running.start()
    await running.until_quiet()
    assert delivery.messages() == [ids(1)]
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


# Early checks of channels.


async def test_blocked_channel_is_recorded_before_anything_is_due(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.blocked[CHANNEL] = LOCKED
    async with running_dispatcher(watching, delivery, clock):
        assert [blocked.reason for blocked in await watching.channels.blocked_channels()] == [LOCKED.reason]


async def test_channel_that_was_unblocked_during_a_downtime_is_open_at_the_start(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    await watching.channels.block(CHANNEL, LOCKED, now=NOW, not_before=NOW + timedelta(hours=1))
    async with running_dispatcher(watching, delivery, clock):
        assert await watching.channels.blocked_channels() == ()
        assert delivery.messages() == [ids(1)]


async def test_change_in_a_server_checks_its_channels_immediately(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.subscriptions.add((await watching.watched())[0].keyword, OTHER_CHANNEL, 2, added_by=1, now=NOW)
    delivery.blocked.update({CHANNEL: LOCKED, OTHER_CHANNEL: LOCKED})
    await new_papers(watching, 1)
    async with running_dispatcher(watching, delivery, clock) as running:
        delivery.blocked.clear()
        await running.dispatcher.check_channels(2)
        await running.until_quiet()
        assert delivery.messages(OTHER_CHANNEL) == [ids(1)]
        assert delivery.messages() == []


async def test_channel_that_cannot_be_checked_stays_as_it_is(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channels.block(CHANNEL, LOCKED, now=NOW, not_before=NOW)
    delivery.blocked[CHANNEL] = RetryLater(NOW, "Discord did not answer")
    async with running_dispatcher(watching, delivery, clock):
        assert [blocked.reason for blocked in await watching.channels.blocked_channels()] == [LOCKED.reason]
