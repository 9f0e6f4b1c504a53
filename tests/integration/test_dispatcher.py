"""The lower half: what is due is posted once, in order, whatever Discord answers."""

import asyncio
import itertools
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from bot.domain.channel_settings import ChannelSettings, Style
from bot.domain.outgoing import Blocked, Delivered, OutgoingMessage, Rejected, RetryLater, SendOutcome
from bot.publish.sender import SENDS_PER_SECOND
from bot.runtime.errors import StoreUnavailable
from bot.runtime.limits import EMBEDS_PER_MESSAGE, SELECT_OPTIONS_MAX
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.delivery import LOST_ANSWER, LOST_MESSAGE, Answer, FakeDelivery, PublishHarness, channel_worker
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
    """Papers that a pass has found; a greater number is a later paper."""
    await store.read(
        *(paper(f"2611.{number:05}", title=title, published=NOW + timedelta(minutes=number)) for number in numbers)
    )


@pytest.fixture
async def watching(store: Store) -> Store:
    """A store whose channel watches graphs."""
    await store.watch("graph")
    return store


async def test_papers_are_posted_oldest_first_as_a_list(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, *range(30, 0, -1))
    async with channel_worker(watching, delivery, clock):
        assert delivery.messages() == [ids(*range(1, 26)), ids(*range(26, 31))]
        assert await watching.outbox.waiting() == {}
    assert SELECT_OPTIONS_MAX == 25


async def test_cards_are_posted_oldest_first_ten_a_message(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, ChannelSettings(style=Style.CARDS))
    await new_papers(watching, *range(23, 0, -1))
    async with channel_worker(watching, delivery, clock):
        assert delivery.messages() == [ids(*range(1, 11)), ids(*range(11, 21)), ids(21, 22, 23)]
        assert await watching.outbox.waiting() == {}
    assert EMBEDS_PER_MESSAGE == 10


async def test_nothing_is_sent_twice_after_a_restart(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await new_papers(watching, 1)
    for _ in range(2):
        async with channel_worker(watching, delivery, clock):
            pass
    assert delivery.tried() == [ids(1)]
    assert delivery.searches == []


async def test_nothing_is_sent_before_discord_has_told_of_its_channels(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.online.clear()
    lower = PublishHarness(watching, delivery, clock)
    run = lower.start()
    await asyncio.wait([run], timeout=0)
    assert delivery.attempts == []
    delivery.online.set()
    await lower.until_quiet()
    assert delivery.messages() == [ids(1)]
    await lower.end()


async def test_what_comes_later_is_posted_when_somebody_rings(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    async with channel_worker(watching, delivery, clock) as lower:
        await new_papers(watching, 1)
        await lower.notify()
        assert delivery.messages() == [ids(1)]


async def test_what_is_due_later_is_posted_at_its_time_by_itself(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.read(paper("2611.00001", title="Graph"), now=NOW + timedelta(minutes=5))
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(299)
        assert delivery.attempts == []
        await lower.advance(1)
        assert delivery.messages() == [ids(1)]


# No answer.


@pytest.mark.parametrize("answer", [LOST_ANSWER, LOST_MESSAGE])
async def test_message_without_an_answer_is_sent_again_as_it_was(
    watching: Store, delivery: FakeDelivery, clock: FakeClock, answer: Answer
) -> None:
    await new_papers(watching, 1, 2)
    delivery.answers[CHANNEL].append(answer)
    async with channel_worker(watching, delivery, clock) as lower:
        await new_papers(watching, 3)
        await lower.notify()
        assert delivery.tried() == [ids(1, 2)]
        await lower.advance(5)
        first, again, _ = delivery.attempts
        assert (again.key, again.nonce) == (first.key, first.nonce)
        assert delivery.tried() == [ids(1, 2), ids(1, 2), ids(3)]
        assert delivery.messages() == [ids(1, 2), ids(3)]
        assert delivery.searches == []


async def test_pauses_between_tries_grow_and_start_anew_after_a_success(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].extend([LOST_MESSAGE] * 4)
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(120)
        pauses = [later - earlier for earlier, later in itertools.pairwise(delivery.attempts_at_s)]
        for doubled, pause in zip((2, 4, 8, 16), pauses, strict=True):
            assert doubled <= pause <= 2 * doubled
        await new_papers(watching, 2)
        delivery.answers[CHANNEL].append(LOST_MESSAGE)
        await lower.notify()
        await lower.advance(5)
        assert delivery.messages() == [ids(1), ids(2)]


async def test_old_attempt_is_looked_for_before_it_is_sent_again(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    busy = RetryLater(NOW + timedelta(seconds=70), "busy")
    delivery.answers[CHANNEL].extend([LOST_ANSWER, Answer(False, busy)])
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(69)
        assert delivery.searches == []
        await lower.advance(2)
        assert len(delivery.searches) == 1
        assert len(delivery.attempts) == 2
        assert delivery.messages() == [ids(1)]
        assert await watching.outbox.waiting() == {}


async def test_attempt_from_before_a_restart_is_looked_for(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with channel_worker(watching, delivery, clock):
        pass
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(5)
        assert len(delivery.searches) == len(delivery.attempts) == 1
        assert await watching.outbox.waiting() == {}


async def test_message_that_was_bound_and_never_left_is_sent(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    post = await watching.bind()
    async with channel_worker(watching, delivery, clock):
        assert delivery.messages() == [ids(1)]
        assert delivery.attempts[0].nonce == post.nonce


async def test_absent_message_is_sent_with_its_nonce_while_it_may_still_be_on_its_way(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with channel_worker(watching, delivery, clock):
        pass
    await new_papers(watching, 2)
    await clock.advance(300)
    async with channel_worker(watching, delivery, clock):
        first, again, _ = delivery.attempts
        assert again.nonce == first.nonce
        assert delivery.messages() == [ids(1), ids(2)]


async def test_absent_message_that_is_old_is_grouped_anew(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with channel_worker(watching, delivery, clock):
        pass
    await new_papers(watching, 2)
    await clock.advance(601)
    async with channel_worker(watching, delivery, clock):
        first, again = delivery.attempts
        assert first.nonce != again.nonce
        assert delivery.messages() == [ids(1, 2)]


async def test_message_that_was_first_tried_long_ago_and_last_just_now_keeps_its_nonce(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """The last attempt may still be on its way when the process dies: grouped anew, its papers would come twice."""
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].extend([LOST_MESSAGE] * 20)
    async with channel_worker(watching, delivery, clock) as lower:
        while clock.monotonic() < 900:
            await lower.advance(60)
        (post,) = {attempt.nonce for attempt in delivery.attempts}
    delivery.answers.clear()
    await new_papers(watching, 2)
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(300)
        assert delivery.attempts[-2].nonce == post
        assert delivery.messages() == [ids(1), ids(2)]


# Definite answers.


async def test_channel_that_cannot_be_posted_in_is_paused_with_the_reason_and_resumes_by_itself(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.obstacles[CHANNEL] = LOCKED
    async with channel_worker(watching, delivery, clock) as lower:
        (paused,) = await watching.channels.blocked_channels()
        assert (paused.channel_id, paused.reason, paused.since) == (CHANNEL, LOCKED.reason, NOW)
        await lower.advance(600)
        assert delivery.attempts == []
        assert lower.pauses == 1
        del delivery.obstacles[CHANNEL]
        await lower.advance(60)
        assert delivery.messages() == [ids(1)]
        assert await watching.channels.blocked_channels() == ()


async def test_channel_that_refuses_a_first_attempt_is_paused_and_its_papers_are_grouped_anew(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(Answer(False, LOCKED))
    async with channel_worker(watching, delivery, clock) as lower:
        assert [paused.reason for paused in await watching.channels.blocked_channels()] == [LOCKED.reason]
        await new_papers(watching, 2)
        await lower.advance(60)
        assert delivery.messages() == [ids(1, 2)]
        assert await watching.channels.blocked_channels() == ()
        assert delivery.searches == []


async def test_lost_answer_and_then_a_locked_channel_is_no_second_message(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """The refusal speaks of the second attempt: the first may be there."""
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].extend([LOST_ANSWER, Answer(False, LOCKED)])
    async with channel_worker(watching, delivery, clock) as lower:
        await new_papers(watching, 2)
        await lower.advance(600)
        assert delivery.messages() == [ids(1), ids(2)]


async def test_channel_whose_history_cannot_be_read_waits_with_its_message(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with channel_worker(watching, delivery, clock):
        pass
    delivery.unreadable[CHANNEL] = Blocked("The bot needs Read Message History.")
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(300)
        assert len(delivery.attempts) == 1
        assert [paused.reason for paused in await watching.channels.blocked_channels()] == [
            "The bot needs Read Message History."
        ]
        delivery.unreadable.clear()
        await lower.advance(60)
        assert len(delivery.attempts) == 1
        assert delivery.messages() == [ids(1)]
        assert await watching.outbox.waiting() == {}


async def test_history_that_does_not_answer_is_asked_again(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    await watching.bind()
    delivery.unreadable[CHANNEL] = RetryLater(NOW + timedelta(seconds=9), "Discord did not answer")
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(8)
        assert delivery.attempts == []
        delivery.unreadable.clear()
        await lower.advance(1)
        assert delivery.messages() == [ids(1)]


async def test_refused_group_goes_one_by_one_and_only_the_culprit_is_set_aside(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1, 2, 3, 4)
    culprit = ids(3)[0]

    def verdict(post: OutgoingMessage) -> SendOutcome | None:
        return Rejected("too blue") if culprit in str(post) else None

    delivery.verdict = verdict
    async with channel_worker(watching, delivery, clock) as lower:
        assert delivery.tried() == [ids(1, 2, 3, 4), ids(1), ids(2), ids(3), ids(4)]
        assert delivery.messages() == [ids(1), ids(2), ids(4)]
        await new_papers(watching, 5, 6)
        await lower.notify()
        assert delivery.messages()[3:] == [ids(5, 6)]
        assert await watching.outbox.waiting() == {}


async def test_lost_answer_and_then_a_refusal_is_looked_for(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1, 2)
    delivery.answers[CHANNEL].extend([LOST_ANSWER, Answer(False, Rejected("no"))])
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(60)
        assert delivery.messages() == [ids(1, 2)]
        assert await watching.outbox.waiting() == {}


async def test_lost_message_and_then_a_refusal_is_refused(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].extend([LOST_MESSAGE, Answer(False, Rejected("no"))])
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(60)
        assert len(delivery.attempts) == 2
        assert delivery.messages() == []
        assert await watching.outbox.waiting() == {}


async def test_channel_that_is_asked_to_wait_rests_and_then_sends_the_same(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(Answer(False, RetryLater(NOW + timedelta(seconds=30), "busy")))
    async with channel_worker(watching, delivery, clock) as lower:
        await new_papers(watching, 2)
        await lower.notify()
        await lower.advance(29)
        assert delivery.tried() == [ids(1)]
        await lower.advance(1)
        assert delivery.messages() == [ids(1), ids(2)]
        assert delivery.attempts[0].nonce == delivery.attempts[1].nonce
        assert await watching.channels.blocked_channels() == ()
        waited_s = lower.metrics.registry.get_sample_value("daily_papers_wait_seconds_total", {"whom": "Discord"})
        assert waited_s == 30


async def test_channel_that_cannot_be_looked_at_now_rests(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.obstacles[CHANNEL] = RetryLater(NOW + timedelta(seconds=2), "Discord did not answer")
    async with channel_worker(watching, delivery, clock) as lower:
        del delivery.obstacles[CHANNEL]
        assert delivery.attempts == []
        await lower.advance(2)
        assert delivery.messages() == [ids(1)]


async def test_message_that_was_deleted_after_it_was_posted_counts_as_posted(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    delivery.answers[CHANNEL].append(Answer(False, Delivered(None)))
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(600)
        assert len(delivery.attempts) == 1
        assert await watching.outbox.waiting() == {}


# Channels side by side.


async def test_slow_channel_does_not_hold_up_another(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await watching.subscribe("graph", OTHER_CHANNEL)
    delivery.hold(CHANNEL)
    await new_papers(watching, 1)
    async with channel_worker(watching, delivery, clock) as lower:
        await new_papers(watching, 2)
        await lower.notify()
        assert delivery.messages(OTHER_CHANNEL) == [ids(1), ids(2)]
        assert delivery.messages() == []
        delivery.let_go(CHANNEL)
        await lower.until_quiet()
        assert delivery.messages() == [ids(1), ids(2)]


async def test_papers_that_come_while_a_message_is_on_its_way_wait_for_the_next(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.hold(CHANNEL)
    await new_papers(watching, 5)
    async with channel_worker(watching, delivery, clock) as lower:
        await new_papers(watching, 1, 2)
        await lower.notify()
        assert delivery.tried() == [ids(5)]
        delivery.let_go(CHANNEL)
        await lower.until_quiet()
        assert delivery.messages() == [ids(5), ids(1, 2)]


async def test_no_more_than_our_pace_leaves_over_all_channels(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    channels = range(100, 190)
    for channel_id in channels:
        await store.subscribe("graph", channel_id)
    await store.read_past()
    await new_papers(store, 1)
    async with channel_worker(store, delivery, clock):
        assert all(delivery.messages(channel_id) == [ids(1)] for channel_id in channels)
    moments = delivery.attempts_at_s
    assert len(moments) == len(channels)
    assert all(later - earlier >= 1 - 1e-9 for earlier, later in zip(moments, moments[SENDS_PER_SECOND:], strict=False))


# Ends and mishaps.


async def test_stop_finishes_the_message_in_hand_and_begins_no_other(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.hold(CHANNEL)
    await watching.channel_settings.write(CHANNEL, ChannelSettings(style=Style.CARDS))
    await new_papers(watching, *range(1, 12))
    async with channel_worker(watching, delivery, clock) as lower:
        stop = asyncio.create_task(lower.dispatcher.stop())
        done, _ = await asyncio.wait([stop], timeout=0)
        assert not done
        delivery.let_go(CHANNEL)
        await stop
        assert delivery.messages() == [ids(*range(1, 11))]
        assert await watching.outbox.unsettled_post(CHANNEL) is None
        assert await watching.outbox.waiting() == {CHANNEL: 1}


async def test_stop_without_a_message_in_hand_ends_the_run(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    lower = PublishHarness(watching, delivery, clock)
    run = lower.start()
    await lower.until_quiet()
    await lower.dispatcher.stop()
    await run


async def test_answer_that_could_not_be_written_down_is_asked_for_again(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.database._writer.execute_fetchall("PRAGMA busy_timeout = 1")
    delivery.hold(CHANNEL)
    await new_papers(watching, 1)
    lower = PublishHarness(watching, delivery, clock)
    run = lower.start()
    await lower.until_quiet()
    with closing(sqlite3.connect(watching.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        delivery.let_go(CHANNEL)
        with pytest.raises(ExceptionGroup) as group:
            await run
    assert group.group_contains(StoreUnavailable)
    assert delivery.messages() == [ids(1)]
    lower.start()
    await lower.until_quiet()
    assert [attempt.nonce for attempt in delivery.attempts] == [delivery.attempts[0].nonce] * 2
    assert delivery.messages() == [ids(1)]
    assert await watching.outbox.waiting() == {}
    await lower.end()


async def test_failed_run_leaves_no_channel_behind(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    """A worker that is cancelled before it began must not keep its channel from the next run."""
    lower = PublishHarness(watching, delivery, clock)
    run = lower.start()
    await lower.until_quiet()
    lower.dispatcher._at_work.add(CHANNEL)
    lower.dispatcher._idle.clear()
    await lower.end()
    assert run.cancelled()
    await lower.dispatcher._idle.wait()
    await new_papers(watching, 1)
    lower.start()
    await lower.until_quiet()
    assert delivery.messages() == [ids(1)]
    await lower.end()


# What admins are told early.


async def test_channel_that_cannot_be_posted_in_is_shown_before_anything_is_due(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.obstacles[CHANNEL] = LOCKED
    async with channel_worker(watching, delivery, clock):
        assert [paused.reason for paused in await watching.channels.blocked_channels()] == [LOCKED.reason]


async def test_channel_that_was_opened_while_the_bot_was_away_is_not_shown_any_more(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, 1)
    await watching.channels.block(CHANNEL, LOCKED, now=NOW, not_before=NOW + timedelta(hours=1))
    async with channel_worker(watching, delivery, clock):
        assert await watching.channels.blocked_channels() == ()
        assert delivery.messages() == [ids(1)]


async def test_change_in_a_server_is_looked_at_at_once(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.subscriptions.add((await watching.watched())[0].keyword, OTHER_CHANNEL, 2, added_by=1, now=NOW)
    delivery.obstacles.update({CHANNEL: LOCKED, OTHER_CHANNEL: LOCKED})
    await new_papers(watching, 1)
    async with channel_worker(watching, delivery, clock) as lower:
        delivery.obstacles.clear()
        await lower.dispatcher.check_channels(2)
        await lower.until_quiet()
        assert delivery.messages(OTHER_CHANNEL) == [ids(1)]
        assert delivery.messages() == []


async def test_channel_that_cannot_be_looked_at_now_is_neither_paused_nor_resumed(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channels.block(CHANNEL, LOCKED, now=NOW, not_before=NOW)
    delivery.obstacles[CHANNEL] = RetryLater(NOW, "Discord did not answer")
    async with channel_worker(watching, delivery, clock):
        assert [paused.reason for paused in await watching.channels.blocked_channels()] == [LOCKED.reason]
