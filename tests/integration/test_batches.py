"""A channel's batch: one layout for all messages, a headline and a ping in the first one only."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings, Layout, Style
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Blocked, Rejected
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.delivery import LOST_ANSWER, Answer, FakeDelivery, arxiv_ids, record_papers, running_dispatcher
from tests.support.store import CHANNEL, Store

ROLE = 99
CARDS = ChannelSettings(style=Style.CARDS, mention_role=ROLE)


@pytest.fixture
async def subscribed(subscribed: Store) -> Store:
    """The channel also pings a role."""
    await subscribed.set_channel(CHANNEL, ChannelSettings(mention_role=ROLE))
    return subscribed


# One batch.


async def test_only_the_first_message_of_a_batch_has_a_headline_and_a_ping(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, *range(1, 51), now=clock.now())
    async with running_dispatcher(subscribed, delivery, clock):
        assert [len(message) for message in delivery.messages()] == [20, 20, 10]
    assert delivery.headlines == ["**50 new papers** for graph · announced Wed 18 Nov", "", ""]
    assert delivery.pings == [ROLE, None, None]


@pytest.mark.parametrize(
    ("papers", "layout"), [(1, Layout.CARDS), (5, Layout.CARDS), (6, Layout.COMPACT), (27, Layout.COMPACT)]
)
async def test_every_message_of_a_batch_has_the_same_layout(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, papers: int, layout: Layout
) -> None:
    await record_papers(subscribed, *range(1, papers + 1), now=clock.now())
    async with running_dispatcher(subscribed, delivery, clock):
        assert set(delivery.layouts) == {layout}


async def test_style_changed_during_a_batch_applies_to_the_next_one(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, CARDS)
    await record_papers(subscribed, *range(1, 13), now=clock.now())
    delivery.hold(CHANNEL)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await subscribed.set_channel(CHANNEL, ChannelSettings(style=Style.COMPACT))
        delivery.finish_held(CHANNEL)
        await running.until_quiet()
        await running.advance(3600)
        await record_papers(subscribed, 13, now=clock.now())
        await running.notify()
    assert delivery.layouts == [Layout.CARDS, Layout.CARDS, Layout.COMPACT]


async def test_each_batch_has_a_headline_and_a_ping(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    async with running_dispatcher(subscribed, delivery, clock) as running:
        for number in (1, 2):
            await record_papers(subscribed, number, now=clock.now())
            await running.notify()
            await running.advance(24 * 3600)
    assert delivery.headlines == [
        f"**1 new paper** for graph · announced {day}" for day in ("Wed 18 Nov", "Thu 19 Nov")
    ]
    assert delivery.pings == [ROLE, ROLE]


async def test_papers_that_arrive_during_a_batch_join_it(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1, now=clock.now())
    delivery.hold(CHANNEL)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(60)
        await record_papers(subscribed, 2, now=clock.now())
        delivery.finish_held(CHANNEL)
        await running.until_quiet()
    assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2)]
    assert delivery.pings == [ROLE, None]


async def test_headline_calls_past_papers_earlier(subscribed: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await subscribed.subscribe("diffusion")
    await subscribed.sync(paper("2611.00001", title="Diffusion"), paper("2611.00002", title="Diffusion"))
    await subscribed.outbox.add_newest(CHANNEL, [Keyword.parse("diffusion")], 5, clock.now())
    async with running_dispatcher(subscribed, delivery, clock):
        assert delivery.headlines == ["**2 earlier papers** for diffusion"]


@pytest.mark.slow
async def test_digest_is_posted_at_its_time_as_one_batch(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, ChannelSettings(schedule=DailySchedule(8, 30, "Europe/Berlin")))
    async with running_dispatcher(subscribed, delivery, clock) as running:
        for hour, number in ((2, 1), (5, 2)):
            night = datetime(2026, 11, 19, hour, tzinfo=UTC)
            await running.advance((night - clock.now()).total_seconds())
            await record_papers(subscribed, number, now=clock.now())
            await running.notify()
        await running.advance(2.5 * 3600 - 1)
        assert delivery.attempts == []
        await running.advance(1)
        assert delivery.messages() == [arxiv_ids(1, 2)]
        assert delivery.headlines == ["**2 new papers** for graph · announced Thu 19 Nov"]


@pytest.mark.parametrize("publish", [True, False])
async def test_messages_are_published_if_the_channel_is_set_to_publish(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, publish: bool
) -> None:
    await subscribed.set_channel(CHANNEL, ChannelSettings(publish=publish))
    await record_papers(subscribed, 1, now=clock.now())
    async with running_dispatcher(subscribed, delivery, clock):
        assert len(await subscribed.edits.to_publish(clock.now())) == publish


# A first message that fails.


async def test_headline_moves_to_the_first_message_that_is_not_rejected(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1, 2, 3, now=clock.now())
    delivery.outcome_of = lambda post: Rejected("too blue") if arxiv_ids(1)[0] in str(post) else None
    async with running_dispatcher(subscribed, delivery, clock):
        assert delivery.messages() == [arxiv_ids(2), arxiv_ids(3)]
    delivered = [post.header for post in delivery.attempts[2:]]
    assert [header.headline for header in delivered] == ["**2 new papers** for graph · announced Wed 18 Nov", ""]
    assert [header.mention_role for header in delivered] == [ROLE, None]


async def test_batch_of_a_blocked_channel_begins_after_the_block(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1, now=clock.now())
    delivery.answers[CHANNEL].append(Answer(False, Blocked("locked")))
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(60)
        assert delivery.messages() == [arxiv_ids(1)]
    assert delivery.pings == [ROLE, ROLE]
    assert len(set(delivery.headlines)) == 1


# A restart during a batch.


async def test_rest_of_a_batch_pings_nobody_after_a_restart(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, CARDS)
    await record_papers(subscribed, *range(1, 13), now=clock.now())
    delivery.hold(CHANNEL)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        stop = asyncio.create_task(running.dispatcher.stop())
        await asyncio.wait([stop], timeout=0)
        delivery.finish_held(CHANNEL)
        await stop
    await subscribed.set_channel(CHANNEL, ChannelSettings(style=Style.COMPACT, mention_role=ROLE))
    async with running_dispatcher(subscribed, delivery, clock):
        assert [len(message) for message in delivery.messages()] == [10, 2]
    assert delivery.headlines[1] == "**2 more papers** for graph · announced Wed 18 Nov"
    assert delivery.pings == [ROLE, None]
    assert delivery.layouts == [Layout.CARDS, Layout.CARDS]


async def test_batch_continues_after_an_answer_lost_in_a_restart(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, CARDS)
    await record_papers(subscribed, *range(1, 13), now=clock.now())
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(subscribed, delivery, clock):
        pass
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(60)
        assert [len(message) for message in delivery.messages()] == [10, 2]
    assert delivery.headlines[1:] == [""]
    assert delivery.pings == [ROLE, None]
