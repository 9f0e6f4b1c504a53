"""A paused channel queues its papers, and posts them as one batch when it resumes."""

from itertools import chain

import pytest

from bot.domain.channel_settings import ChannelSettings, Layout, Style
from tests.support.clock import FakeClock
from tests.support.delivery import LOST_ANSWER, LOST_MESSAGE, FakeDelivery, arxiv_ids, record_papers, running_dispatcher
from tests.support.store import CHANNEL, NOW, Store

ROLE = 99
CARDS = ChannelSettings(style=Style.CARDS, mention_role=ROLE)


@pytest.fixture
async def subscribed(subscribed: Store) -> Store:
    """The channel also pings a role."""
    await subscribed.set_channel(CHANNEL, ChannelSettings(mention_role=ROLE))
    return subscribed


async def pause(store: Store, style: Style = Style.AUTO) -> None:
    await store.set_channel(CHANNEL, ChannelSettings(style=style, mention_role=ROLE, paused_since=NOW))


@pytest.mark.parametrize(
    ("papers", "layout", "line"),
    [
        (12, Layout.CARDS, "**12 papers** for graph, held while this channel was paused (oldest first)"),
        (
            60,
            Layout.COMPACT,
            "**60 papers** for graph, held while this channel was paused (oldest first, as a compact list)",
        ),
    ],
)
async def test_backlog_is_one_batch_with_its_own_headline(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, papers: int, layout: Layout, line: str
) -> None:
    await pause(subscribed, Style.CARDS)
    await record_papers(subscribed, *range(papers, 0, -1), now=clock.now())
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(3600)
        assert delivery.attempts == []
        await subscribed.channel_settings.resume(CHANNEL, clock.now())
        await running.notify()
        assert list(chain.from_iterable(delivery.messages())) == arxiv_ids(*range(1, papers + 1))
        assert delivery.headlines == [line] + [""] * (len(delivery.attempts) - 1)
        assert delivery.pings == [ROLE] + [None] * (len(delivery.attempts) - 1)
        assert set(delivery.layouts) == {layout}
        assert await subscribed.channel_settings.get(CHANNEL) == CARDS
        await running.advance(1)  # papers that are due at the same time as the backlog belong to it
        await record_papers(subscribed, papers + 1, now=clock.now())
        await running.notify()
        assert delivery.headlines[-1].startswith("**1 new paper**")


async def test_rest_of_a_paused_batch_becomes_the_backlog(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, CARDS)
    await record_papers(subscribed, *range(1, 13), now=clock.now())
    delivery.hold(CHANNEL)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await pause(subscribed, Style.CARDS)
        delivery.finish_held(CHANNEL)
        await running.until_quiet()
        await running.advance(3600)
        assert delivery.messages() == [arxiv_ids(*range(1, 11))]
        await subscribed.channel_settings.resume(CHANNEL, clock.now())
        await running.notify()
        assert delivery.messages()[1:] == [arxiv_ids(11, 12)]
    assert delivery.headlines[1].startswith("**2 papers** for graph, held")


async def test_pause_and_resume_during_a_message_begin_a_batch_with_the_rest(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, CARDS)
    await record_papers(subscribed, *range(1, 23), now=clock.now())
    delivery.hold(CHANNEL)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await pause(subscribed, Style.CARDS)
        await subscribed.channel_settings.resume(CHANNEL, clock.now())
        delivery.finish_held(CHANNEL)
        await running.until_quiet()
        assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(*range(11, 21)), arxiv_ids(21, 22)]
    assert delivery.headlines[1:] == ["**12 more papers** for graph · announced Wed 18 Nov", ""]


async def test_backlog_interrupted_by_a_restart_stays_one_backlog(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await pause(subscribed, Style.CARDS)
    await record_papers(subscribed, *range(1, 61), now=clock.now())
    await subscribed.channel_settings.resume(CHANNEL, clock.now())
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(subscribed, delivery, clock):
        pass
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(60)
        assert list(chain.from_iterable(delivery.messages())) == arxiv_ids(*range(1, 61))
        assert set(delivery.layouts) == {Layout.COMPACT}
        assert delivery.pings[2:] == [None] * (len(delivery.attempts) - 2)
        assert not (await subscribed.channel_settings.get(CHANNEL)).backlog_pending


async def test_pause_during_an_unknown_outcome_loses_and_duplicates_nothing(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1, now=clock.now())
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await pause(subscribed)
        await running.advance(1200)
        await subscribed.channel_settings.resume(CHANNEL, clock.now())
        await running.notify()
        assert delivery.messages() == [arxiv_ids(1)]
        assert await subscribed.outbox.waiting() == {}
