"""A channel's batch: one layout for all messages, a headline and a ping in the first one only."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings, Layout, Style
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Blocked, OutgoingMessage, Rejected, SendOutcome
from bot.runtime.clock import Clock
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.delivery import LOST_ANSWER, LOST_MESSAGE, Answer, FakeDelivery, running_dispatcher
from tests.support.store import CHANNEL, NOW, Store

ROLE = 99
LOCKED = Blocked("The thread is locked.")
GONE = Blocked("The channel does not exist.", gone=True)
CARDS = ChannelSettings(style=Style.CARDS, mention_role=ROLE)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def delivery(clock: FakeClock) -> FakeDelivery:
    return FakeDelivery(clock)


@pytest.fixture
async def watching(store: Store) -> Store:
    """A store whose channel is subscribed to "graph" and pings a role."""
    await store.watch("graph")
    await store.channel_settings.write(CHANNEL, ChannelSettings(mention_role=ROLE))
    return store


def ids(*numbers: int) -> list[str]:
    return [f"2611.{number:05}" for number in numbers]


async def new_papers(store: Store, clock: Clock, *numbers: int) -> None:
    """Records the papers of a poll at the current time; a greater number is a later paper."""
    await store.read(
        *(paper(arxiv_id, title="Graph", published=NOW + timedelta(minutes=number)) for number, arxiv_id in
          zip(numbers, ids(*numbers), strict=True)),
        now=clock.now(),
    )  # fmt: skip


def headings(delivery: FakeDelivery) -> list[str]:
    return [post.header.heading for post in delivery.attempts]


def pings(delivery: FakeDelivery) -> list[int | None]:
    return [post.header.mention_role for post in delivery.attempts]


def layouts(delivery: FakeDelivery) -> list[Layout]:
    return [post.header.layout for post in delivery.attempts]


# One batch.


async def test_only_the_first_message_of_a_batch_has_a_headline_and_a_ping(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, clock, *range(1, 61))
    async with running_dispatcher(watching, delivery, clock):
        assert [len(message) for message in delivery.messages()] == [25, 25, 10]
    assert headings(delivery) == ["**60 new papers** for graph · announced Wed 18 Nov", "", ""]
    assert pings(delivery) == [ROLE, None, None]


@pytest.mark.parametrize(
    ("papers", "layout"), [(1, Layout.CARDS), (5, Layout.CARDS), (6, Layout.COMPACT), (27, Layout.COMPACT)]
)
async def test_every_message_of_a_batch_has_the_same_layout(
    watching: Store, delivery: FakeDelivery, clock: FakeClock, papers: int, layout: Layout
) -> None:
    await new_papers(watching, clock, *range(1, papers + 1))
    async with running_dispatcher(watching, delivery, clock):
        assert set(layouts(delivery)) == {layout}


async def test_style_changed_during_a_batch_applies_to_the_next_one(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, CARDS)
    await new_papers(watching, clock, *range(1, 13))
    delivery.hold(CHANNEL)
    async with running_dispatcher(watching, delivery, clock) as running:
        await watching.channel_settings.write(CHANNEL, ChannelSettings(style=Style.COMPACT))
        delivery.let_go(CHANNEL)
        await running.until_quiet()
        await running.advance(3600)
        await new_papers(watching, clock, 13)
        await running.notify()
    assert layouts(delivery) == [Layout.CARDS, Layout.CARDS, Layout.COMPACT]


async def test_each_batch_has_a_headline_and_a_ping(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    async with running_dispatcher(watching, delivery, clock) as running:
        for number in (1, 2):
            await new_papers(watching, clock, number)
            await running.notify()
            await running.advance(24 * 3600)
    assert headings(delivery) == [
        f"**1 new paper** for graph · announced {day}" for day in ("Wed 18 Nov", "Thu 19 Nov")
    ]
    assert pings(delivery) == [ROLE, ROLE]


async def test_papers_that_arrive_during_a_batch_join_it(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, clock, 1)
    delivery.hold(CHANNEL)
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(60)
        await new_papers(watching, clock, 2)
        delivery.let_go(CHANNEL)
        await running.until_quiet()
    assert delivery.messages() == [ids(1), ids(2)]
    assert pings(delivery) == [ROLE, None]


async def test_headline_calls_past_papers_earlier(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await watching.subscribe("diffusion")
    await watching.read_past(paper("2611.00001", title="Diffusion"), paper("2611.00002", title="Diffusion"))
    await watching.outbox.add_newest(CHANNEL, [Keyword.parse("diffusion")], 5, clock.now())
    async with running_dispatcher(watching, delivery, clock):
        assert headings(delivery) == ["**2 earlier papers** for diffusion"]


async def test_digest_is_posted_at_its_time_as_one_batch(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, ChannelSettings(schedule=DailySchedule(8, 30, "Europe/Berlin")))
    async with running_dispatcher(watching, delivery, clock) as running:
        for hour, number in ((2, 1), (5, 2)):
            night = datetime(2026, 11, 19, hour, tzinfo=UTC)
            await running.advance((night - clock.now()).total_seconds())
            await new_papers(watching, clock, number)
            await running.notify()
        await running.advance(2.5 * 3600 - 1)
        assert delivery.attempts == []
        await running.advance(1)
        assert delivery.messages() == [ids(1, 2)]
        assert headings(delivery) == ["**2 new papers** for graph · announced Thu 19 Nov"]


@pytest.mark.parametrize("publish", [True, False])
async def test_messages_are_published_if_the_channel_is_set_to_publish(
    watching: Store, delivery: FakeDelivery, clock: FakeClock, publish: bool
) -> None:
    await watching.channel_settings.write(CHANNEL, ChannelSettings(publish=publish))
    await new_papers(watching, clock, 1)
    async with running_dispatcher(watching, delivery, clock):
        assert len(await watching.edits.to_publish(clock.now())) == publish


# A first message that fails.


async def test_headline_moves_to_the_first_message_that_is_not_rejected(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, clock, 1, 2, 3)
    delivery.outcome_of = lambda post: Rejected("too blue") if ids(1)[0] in str(post) else None
    async with running_dispatcher(watching, delivery, clock):
        assert delivery.messages() == [ids(2), ids(3)]
    delivered = [post.header for post in delivery.attempts[2:]]
    assert [header.heading for header in delivered] == ["**2 new papers** for graph · announced Wed 18 Nov", ""]
    assert [header.mention_role for header in delivered] == [ROLE, None]


async def test_batch_of_a_blocked_channel_begins_after_the_block(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, clock, 1)
    delivery.answers[CHANNEL].append(Answer(False, Blocked("locked")))
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(60)
        assert delivery.messages() == [ids(1)]
    assert pings(delivery) == [ROLE, ROLE]
    assert len(set(headings(delivery))) == 1


# A restart during a batch.


async def test_rest_of_a_batch_pings_nobody_after_a_restart(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, CARDS)
    await new_papers(watching, clock, *range(1, 13))
    delivery.hold(CHANNEL)
    async with running_dispatcher(watching, delivery, clock) as running:
        stop = asyncio.create_task(running.dispatcher.stop())
        await asyncio.wait([stop], timeout=0)
        delivery.let_go(CHANNEL)
        await stop
    await watching.channel_settings.write(CHANNEL, ChannelSettings(style=Style.COMPACT, mention_role=ROLE))
    async with running_dispatcher(watching, delivery, clock):
        assert [len(message) for message in delivery.messages()] == [10, 2]
    assert headings(delivery)[1] == "**2 more papers** for graph · announced Wed 18 Nov"
    assert pings(delivery) == [ROLE, None]
    assert layouts(delivery) == [Layout.CARDS, Layout.CARDS]


async def test_batch_continues_after_an_answer_lost_in_a_restart(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, CARDS)
    await new_papers(watching, clock, *range(1, 13))
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(watching, delivery, clock):
        pass
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(60)
        assert [len(message) for message in delivery.messages()] == [10, 2]
    assert headings(delivery)[1:] == [""]
    assert pings(delivery) == [ROLE, None]


# Paused channels.


async def pause(store: Store, style: Style = Style.AUTO) -> None:
    await store.channel_settings.write(CHANNEL, ChannelSettings(style=style, mention_role=ROLE, paused_since=NOW))


@pytest.mark.parametrize(
    ("papers", "layout", "line"),
    [
        (12, Layout.CARDS, "**12 papers** for graph held while this channel was paused, oldest first"),
        (
            60,
            Layout.COMPACT,
            "**60 papers** for graph held while this channel was paused, oldest first, as a compact list",
        ),
    ],
)
async def test_backlog_is_one_batch_with_its_own_headline(
    watching: Store, delivery: FakeDelivery, clock: FakeClock, papers: int, layout: Layout, line: str
) -> None:
    await pause(watching, Style.CARDS)
    await new_papers(watching, clock, *range(papers, 0, -1))
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(3600)
        assert delivery.attempts == []
        await watching.channel_settings.resume(CHANNEL, clock.now())
        await running.notify()
        assert list(chain.from_iterable(delivery.messages())) == ids(*range(1, papers + 1))
        assert headings(delivery) == [line] + [""] * (len(delivery.attempts) - 1)
        assert pings(delivery) == [ROLE] + [None] * (len(delivery.attempts) - 1)
        assert set(layouts(delivery)) == {layout}
        assert await watching.channel_settings.get(CHANNEL) == CARDS
        await new_papers(watching, clock, papers + 1)
        await running.notify()
        assert headings(delivery)[-1].startswith("**1 new paper**")


async def test_rest_of_a_paused_batch_becomes_the_backlog(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, CARDS)
    await new_papers(watching, clock, *range(1, 13))
    delivery.hold(CHANNEL)
    async with running_dispatcher(watching, delivery, clock) as running:
        await pause(watching, Style.CARDS)
        delivery.let_go(CHANNEL)
        await running.until_quiet()
        await running.advance(3600)
        assert delivery.messages() == [ids(*range(1, 11))]
        await watching.channel_settings.resume(CHANNEL, clock.now())
        await running.notify()
        assert delivery.messages()[1:] == [ids(11, 12)]
    assert headings(delivery)[1].startswith("**2 papers** for graph held")


async def test_backlog_interrupted_by_a_restart_stays_one_backlog(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await pause(watching, Style.CARDS)
    await new_papers(watching, clock, *range(1, 61))
    await watching.channel_settings.resume(CHANNEL, clock.now())
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(watching, delivery, clock):
        pass
    async with running_dispatcher(watching, delivery, clock) as running:
        await running.advance(60)
        assert list(chain.from_iterable(delivery.messages())) == ids(*range(1, 61))
        assert set(layouts(delivery)) == {Layout.COMPACT}
        assert pings(delivery)[2:] == [None] * (len(delivery.attempts) - 2)
        assert not (await watching.channel_settings.get(CHANNEL)).backlog_pending


async def test_pause_during_an_unknown_outcome_loses_and_duplicates_nothing(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, clock, 1)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(watching, delivery, clock) as running:
        await pause(watching)
        await running.advance(1200)
        await watching.channel_settings.resume(CHANNEL, clock.now())
        await running.notify()
        assert delivery.messages() == [ids(1)]
        assert await watching.outbox.waiting() == {}


# Forums.


@pytest.fixture
async def forum(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> Store:
    """A forum with twelve due papers, ten cards per message."""
    delivery.forums.add(CHANNEL)
    await watching.channel_settings.write(CHANNEL, CARDS)
    await new_papers(watching, clock, *range(1, 13))
    return watching


def threads(delivery: FakeDelivery) -> list[int | None]:
    """The thread of each attempt; None: it was to begin one."""
    return [post.header.thread_id for post in delivery.attempts]


async def test_rest_of_a_forum_batch_is_posted_in_its_thread(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    async with running_dispatcher(forum, delivery, clock) as running:
        assert delivery.messages() == [ids(*range(1, 11)), ids(11, 12)]
        assert threads(delivery) == [None, 1]
        await running.advance(3600)
        await new_papers(forum, clock, 13)
        await running.notify()
        assert threads(delivery) == [None, 1, None]


async def test_forum_post_with_unknown_outcome_is_looked_up_and_not_created_again(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(forum, delivery, clock) as running:
        await running.advance(10)
        assert len(delivery.lookups) == 1
        assert delivery.messages() == [ids(*range(1, 11)), ids(11, 12)]
        assert threads(delivery) == [None, 1]


async def test_absent_forum_post_is_created_again_after_a_minute(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with running_dispatcher(forum, delivery, clock) as running:
        await running.advance(59)
        assert len(delivery.lookups) > 0
        assert len(delivery.attempts) == 1
        await running.advance(1)
        assert delivery.messages() == [ids(*range(1, 11)), ids(11, 12)]
        assert delivery.attempts[0].key == delivery.attempts[1].key


async def test_forum_batch_continues_in_its_thread_after_a_restart(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with running_dispatcher(forum, delivery, clock):
        pass
    async with running_dispatcher(forum, delivery, clock) as running:
        await running.advance(60)
        assert threads(delivery) == [None, 1]


async def test_locked_thread_is_followed_by_a_new_one(forum: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    def outcome_of(post: OutgoingMessage) -> SendOutcome | None:
        return LOCKED if post.header.thread_id == 1 else None

    delivery.outcome_of = outcome_of
    async with running_dispatcher(forum, delivery, clock):
        assert delivery.messages() == [ids(*range(1, 11)), ids(11, 12)]
        assert threads(delivery) == [None, 1, None]
        assert headings(delivery)[2].startswith("**2 more papers**")
        assert pings(delivery) == [ROLE, None, None]
        assert await forum.channels.blocked_channels() == ()


async def test_message_whose_thread_is_gone_after_a_restart_begins_a_new_one(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    def outcome_of(post: OutgoingMessage) -> SendOutcome | None:
        return LOST_MESSAGE.outcome if post.header.thread_id == 1 else None

    delivery.outcome_of = outcome_of
    async with running_dispatcher(forum, delivery, clock):
        assert threads(delivery) == [None, 1]
    delivery.lookup_failures[CHANNEL] = GONE
    async with running_dispatcher(forum, delivery, clock) as running:
        await running.advance(60)
        assert threads(delivery) == [None, 1, None]
        assert delivery.messages() == [ids(*range(1, 11)), ids(11, 12)]
