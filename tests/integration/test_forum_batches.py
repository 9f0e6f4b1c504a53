"""A batch in a forum: its first message begins a thread, in which the others are posted."""

import pytest

from bot.domain.channel_settings import ChannelSettings, Style
from bot.domain.outgoing import Blocked, OutgoingMessage, SendOutcome
from tests.support.clock import FakeClock
from tests.support.delivery import LOST_ANSWER, LOST_MESSAGE, FakeDelivery, arxiv_ids, record_papers, running_dispatcher
from tests.support.store import CHANNEL, Store

ROLE = 99
LOCKED = Blocked("The thread is locked.")
GONE = Blocked("The channel does not exist.", gone=True)
CARDS = ChannelSettings(style=Style.CARDS, mention_role=ROLE)


@pytest.fixture
async def subscribed(subscribed: Store) -> Store:
    """The channel also pings a role."""
    await subscribed.set_channel(CHANNEL, ChannelSettings(mention_role=ROLE))
    return subscribed


@pytest.fixture
async def forum(subscribed: Store, delivery: FakeDelivery, clock: FakeClock) -> Store:
    """A forum with twelve due papers, ten cards per message."""
    delivery.forums.add(CHANNEL)
    await subscribed.set_channel(CHANNEL, CARDS)
    await record_papers(subscribed, *range(1, 13), now=clock.now())
    return subscribed


async def test_rest_of_a_forum_batch_is_posted_in_its_thread(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    async with running_dispatcher(forum, delivery, clock) as running:
        assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(11, 12)]
        assert delivery.threads == [None, 1]
        await running.advance(3600)
        await record_papers(forum, 13, now=clock.now())
        await running.notify()
        assert delivery.threads == [None, 1, None]


async def test_forum_post_with_unknown_outcome_is_looked_up_and_not_created_again(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(forum, delivery, clock) as running:
        await running.advance(10)
        assert len(delivery.lookups) == 1
        assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(11, 12)]
        assert delivery.threads == [None, 1]


async def test_absent_forum_post_is_created_again_after_a_minute(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(forum, delivery, clock) as running:
        await running.advance(59)
        assert len(delivery.lookups) > 0
        assert len(delivery.attempts) == 1
        await running.advance(1)
        assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(11, 12)]
        assert delivery.attempts[0].key == delivery.attempts[1].key


async def test_forum_batch_continues_in_its_thread_after_a_restart(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(forum, delivery, clock):
        pass
    async with running_dispatcher(forum, delivery, clock) as running:
        await running.advance(60)
        assert delivery.threads == [None, 1]


async def test_locked_thread_is_followed_by_a_new_one(forum: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    def outcome_of(post: OutgoingMessage) -> SendOutcome | None:
        return LOCKED if post.header.thread_id == 1 else None

    delivery.outcome_of = outcome_of
    async with running_dispatcher(forum, delivery, clock):
        assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(11, 12)]
        assert delivery.threads == [None, 1, None]
        assert delivery.headlines[2].startswith("**2 more papers**")
        assert delivery.pings == [ROLE, None, None]
        assert await forum.channels.blocked_channels() == ()


async def test_message_whose_thread_is_gone_after_a_restart_begins_a_new_one(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    def outcome_of(post: OutgoingMessage) -> SendOutcome | None:
        return LOST_MESSAGE.outcome if post.header.thread_id == 1 else None

    delivery.outcome_of = outcome_of
    async with running_dispatcher(forum, delivery, clock):
        assert delivery.threads == [None, 1]
    delivery.lookup_failures[CHANNEL] = GONE
    async with running_dispatcher(forum, delivery, clock) as running:
        await running.advance(60)
        assert delivery.threads == [None, 1, None]
        assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(11, 12)]
