"""A message is bound, sent, looked up and settled so that its papers are posted once, whatever Discord answers."""

import itertools
from datetime import timedelta

import pytest

from bot.domain.outgoing import Blocked, Delivered, OutgoingMessage, Rejected, RetryLater, SendOutcome
from tests.support.clock import FakeClock
from tests.support.delivery import (
    LOST_ANSWER,
    LOST_MESSAGE,
    Answer,
    FakeDelivery,
    arxiv_ids,
    record_papers,
    running_dispatcher,
)
from tests.support.store import CHANNEL, NOW, Store

LOCKED = Blocked("The channel is locked.")


# Unknown outcomes.


@pytest.mark.parametrize("answer", [LOST_ANSWER, LOST_MESSAGE])
async def test_message_with_unknown_outcome_is_resent_unchanged(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, answer: Answer
) -> None:
    await record_papers(subscribed, 1, 2)
    delivery.answers[CHANNEL].append(answer)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await record_papers(subscribed, 3)
        await running.notify()
        assert delivery.attempted() == [arxiv_ids(1, 2)]
        await running.advance(5)
        first, again, _ = delivery.attempts
        assert (again.key, again.nonce) == (first.key, first.nonce)
        assert delivery.attempted() == [arxiv_ids(1, 2), arxiv_ids(1, 2), arxiv_ids(3)]
        assert delivery.messages() == [arxiv_ids(1, 2), arxiv_ids(3)]
        assert delivery.lookups == []


async def test_backoff_doubles_and_starts_over_after_a_success(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].extend([LOST_MESSAGE] * 4)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(120)
        delays_s = [later - earlier for earlier, later in itertools.pairwise(delivery.attempts_at_s)]
        for floor_s, delay_s in zip((2, 4, 8, 16), delays_s, strict=True):
            assert floor_s <= delay_s <= 2 * floor_s
        await record_papers(subscribed, 2)
        delivery.answers[CHANNEL].append(LOST_MESSAGE)
        await running.notify()
        await running.advance(5)
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2)]


async def test_message_with_an_old_attempt_is_looked_up_before_it_is_resent(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    busy = RetryLater(NOW + timedelta(seconds=70), "busy")
    delivery.answers[CHANNEL].extend([LOST_ANSWER, Answer(False, busy)])
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(69)
        assert delivery.lookups == []
        await running.advance(2)
        assert len(delivery.lookups) == 1
        assert len(delivery.attempts) == 2
        assert delivery.messages() == [arxiv_ids(1)]
        assert await subscribed.outbox.waiting() == {}


async def test_message_from_before_a_restart_is_looked_up(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(subscribed, delivery, clock):
        pass
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(5)
        assert len(delivery.lookups) == len(delivery.attempts) == 1
        assert await subscribed.outbox.waiting() == {}


async def test_message_that_was_bound_but_never_sent_is_sent(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    post = await subscribed.bind()
    async with running_dispatcher(subscribed, delivery, clock):
        assert delivery.messages() == [arxiv_ids(1)]
        assert delivery.attempts[0].nonce == post.nonce


async def test_absent_message_that_may_still_arrive_is_resent_with_its_nonce(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(subscribed, delivery, clock):
        pass
    await record_papers(subscribed, 2)
    await clock.advance(300)
    async with running_dispatcher(subscribed, delivery, clock):
        first, again, _ = delivery.attempts
        assert again.nonce == first.nonce
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2)]


async def test_papers_of_an_old_absent_message_are_regrouped(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(subscribed, delivery, clock):
        pass
    await record_papers(subscribed, 2)
    await clock.advance(601)
    async with running_dispatcher(subscribed, delivery, clock):
        first, again = delivery.attempts
        assert first.nonce != again.nonce
        assert delivery.messages() == [arxiv_ids(1, 2)]


async def test_message_with_a_recent_last_attempt_keeps_its_nonce(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """The last attempt may still arrive after the process died: regrouped papers would be posted twice."""
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].extend([LOST_MESSAGE] * 20)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        while clock.monotonic() < 900:
            await running.advance(60)
        (nonce,) = {attempt.nonce for attempt in delivery.attempts}
    delivery.answers.clear()
    await record_papers(subscribed, 2)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(300)
        assert delivery.attempts[-2].nonce == nonce
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2)]


# Known outcomes.


async def test_papers_of_a_blocked_first_attempt_are_regrouped(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].append(Answer(False, LOCKED))
    async with running_dispatcher(subscribed, delivery, clock) as running:
        assert [blocked.reason for blocked in await subscribed.channels.blocked_channels()] == [LOCKED.reason]
        await record_papers(subscribed, 2)
        await running.advance(60)
        assert delivery.messages() == [arxiv_ids(1, 2)]
        assert await subscribed.channels.blocked_channels() == ()
        assert delivery.lookups == []


async def test_block_after_a_lost_answer_causes_no_second_message(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    """The block concerns the second attempt: the first may have been stored."""
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].extend([LOST_ANSWER, Answer(False, LOCKED)])
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await record_papers(subscribed, 2)
        await running.advance(600)
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2)]


async def test_message_waits_while_the_history_cannot_be_read(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(subscribed, delivery, clock):
        pass
    delivery.lookup_failures[CHANNEL] = Blocked("The bot needs the Read Message History permission there.")
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(300)
        assert len(delivery.attempts) == 1
        assert [blocked.reason for blocked in await subscribed.channels.blocked_channels()] == [
            "The bot needs the Read Message History permission there."
        ]
        delivery.lookup_failures.clear()
        await running.advance(60)
        assert len(delivery.attempts) == 1
        assert delivery.messages() == [arxiv_ids(1)]
        assert await subscribed.outbox.waiting() == {}


async def test_lookup_without_an_answer_is_repeated(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    await subscribed.bind()
    delivery.lookup_failures[CHANNEL] = RetryLater(NOW + timedelta(seconds=9), "Discord did not answer")
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(8)
        assert delivery.attempts == []
        delivery.lookup_failures.clear()
        await running.advance(1)
        assert delivery.messages() == [arxiv_ids(1)]


async def test_rejected_group_is_split_and_only_the_faulty_paper_is_rejected(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1, 2, 3, 4)
    faulty = arxiv_ids(3)[0]

    def outcome_of(post: OutgoingMessage) -> SendOutcome | None:
        return Rejected("too blue") if faulty in str(post) else None

    delivery.outcome_of = outcome_of
    async with running_dispatcher(subscribed, delivery, clock) as running:
        assert delivery.attempted() == [arxiv_ids(1, 2, 3, 4), arxiv_ids(1), arxiv_ids(2), arxiv_ids(3), arxiv_ids(4)]
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2), arxiv_ids(4)]
        await record_papers(subscribed, 5, 6)
        await running.notify()
        assert delivery.messages()[3:] == [arxiv_ids(5, 6)]
        assert await subscribed.outbox.waiting() == {}


async def test_rejection_after_a_lost_answer_is_followed_by_a_lookup(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1, 2)
    delivery.answers[CHANNEL].extend([LOST_ANSWER, Answer(False, Rejected("no"))])
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(60)
        assert delivery.messages() == [arxiv_ids(1, 2)]
        assert await subscribed.outbox.waiting() == {}


async def test_rejection_after_a_lost_message_rejects_the_paper(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].extend([LOST_MESSAGE, Answer(False, Rejected("no"))])
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(60)
        assert len(delivery.attempts) == 2
        assert delivery.messages() == []
        assert await subscribed.outbox.waiting() == {}


async def test_rate_limited_message_is_resent_after_the_requested_delay(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].append(Answer(False, RetryLater(NOW + timedelta(seconds=30), "busy")))
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await record_papers(subscribed, 2)
        await running.notify()
        await running.advance(29)
        assert delivery.attempted() == [arxiv_ids(1)]
        await running.advance(1)
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2)]
        assert delivery.attempts[0].nonce == delivery.attempts[1].nonce
        assert await subscribed.channels.blocked_channels() == ()
        waited_s = running.metrics.registry.get_sample_value("daily_papers_wait_seconds_total", {"whom": "Discord"})
        assert waited_s == 30


async def test_message_that_was_deleted_counts_as_posted(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].append(Answer(False, Delivered(None)))
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(600)
        assert len(delivery.attempts) == 1
        assert await subscribed.outbox.waiting() == {}
