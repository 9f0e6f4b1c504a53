"""How a channel's batch goes out: laid out alike to its end, with a first line and a ping at its beginning alone."""

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
from tests.support.delivery import LOST_ANSWER, LOST_MESSAGE, Answer, FakeDelivery, channel_worker
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
    """A store whose channel watches graphs, and pings a role."""
    await store.watch("graph")
    await store.channel_settings.write(CHANNEL, ChannelSettings(mention_role=ROLE))
    return store


def ids(*numbers: int) -> list[str]:
    return [f"2611.{number:05}" for number in numbers]


async def new_papers(store: Store, clock: Clock, *numbers: int) -> None:
    """Papers that a pass finds at this moment; a greater number is a later paper."""
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


# A batch.


async def test_first_message_of_a_batch_says_what_it_is_and_pings_and_the_others_do_not(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, clock, *range(1, 61))
    async with channel_worker(watching, delivery, clock):
        assert [len(message) for message in delivery.messages()] == [25, 25, 10]
    assert headings(delivery) == ["**60 new papers** for graph · announced Wed 18 Nov", "", ""]
    assert pings(delivery) == [ROLE, None, None]


@pytest.mark.parametrize(
    ("papers", "layout"), [(1, Layout.CARDS), (5, Layout.CARDS), (6, Layout.COMPACT), (27, Layout.COMPACT)]
)
async def test_batch_is_laid_out_alike_to_its_end(
    watching: Store, delivery: FakeDelivery, clock: FakeClock, papers: int, layout: Layout
) -> None:
    await new_papers(watching, clock, *range(1, papers + 1))
    async with channel_worker(watching, delivery, clock):
        assert set(layouts(delivery)) == {layout}


async def test_style_that_changes_in_the_middle_of_a_batch_holds_from_the_next(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, CARDS)
    await new_papers(watching, clock, *range(1, 13))
    delivery.hold(CHANNEL)
    async with channel_worker(watching, delivery, clock) as lower:
        await watching.channel_settings.write(CHANNEL, ChannelSettings(style=Style.COMPACT))
        delivery.let_go(CHANNEL)
        await lower.until_quiet()
        await lower.advance(3600)
        await new_papers(watching, clock, 13)
        await lower.notify()
    assert layouts(delivery) == [Layout.CARDS, Layout.CARDS, Layout.COMPACT]


async def test_each_batch_has_its_own_first_line_and_ping(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    async with channel_worker(watching, delivery, clock) as lower:
        for number in (1, 2):
            await new_papers(watching, clock, number)
            await lower.notify()
            await lower.advance(24 * 3600)
    assert headings(delivery) == [
        f"**1 new paper** for graph · announced {day}" for day in ("Wed 18 Nov", "Thu 19 Nov")
    ]
    assert pings(delivery) == [ROLE, ROLE]


async def test_papers_that_come_in_the_middle_of_a_batch_join_it(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, clock, 1)
    delivery.hold(CHANNEL)
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(60)
        await new_papers(watching, clock, 2)
        delivery.let_go(CHANNEL)
        await lower.until_quiet()
    assert delivery.messages() == [ids(1), ids(2)]
    assert pings(delivery) == [ROLE, None]


async def test_papers_of_the_past_are_not_called_new(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await watching.subscribe("diffusion")
    await watching.read_past(paper("2611.00001", title="Diffusion"), paper("2611.00002", title="Diffusion"))
    await watching.outbox.add_newest(CHANNEL, [Keyword.parse("diffusion")], 5, clock.now())
    async with channel_worker(watching, delivery, clock):
        assert headings(delivery) == ["**2 earlier papers** for diffusion"]


async def test_digest_goes_out_at_its_hour_as_one_batch(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, ChannelSettings(schedule=DailySchedule(8, 30, "Europe/Berlin")))
    async with channel_worker(watching, delivery, clock) as lower:
        for hour, number in ((2, 1), (5, 2)):
            night = datetime(2026, 11, 19, hour, tzinfo=UTC)
            await lower.advance((night - clock.now()).total_seconds())
            await new_papers(watching, clock, number)
            await lower.notify()
        await lower.advance(2.5 * 3600 - 1)
        assert delivery.attempts == []
        await lower.advance(1)
        assert delivery.messages() == [ids(1, 2)]
        assert headings(delivery) == ["**2 new papers** for graph · announced Thu 19 Nov"]


@pytest.mark.parametrize("publish", [True, False])
async def test_followers_get_the_messages_where_the_channel_wants_it(
    watching: Store, delivery: FakeDelivery, clock: FakeClock, publish: bool
) -> None:
    await watching.channel_settings.write(CHANNEL, ChannelSettings(publish=publish))
    await new_papers(watching, clock, 1)
    async with channel_worker(watching, delivery, clock):
        assert len(await watching.edits.to_publish(clock.now())) == publish


# A beginning that fails.


async def test_batch_whose_first_message_is_refused_begins_with_the_first_that_is_not(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, clock, 1, 2, 3)
    delivery.verdict = lambda post: Rejected("too blue") if ids(1)[0] in str(post) else None
    async with channel_worker(watching, delivery, clock):
        assert delivery.messages() == [ids(2), ids(3)]
    delivered = [post.header for post in delivery.attempts[2:]]
    assert [header.heading for header in delivered] == ["**2 new papers** for graph · announced Wed 18 Nov", ""]
    assert [header.mention_role for header in delivered] == [ROLE, None]


async def test_batch_that_could_not_begin_begins_when_it_can(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, clock, 1)
    delivery.answers[CHANNEL].append(Answer(False, Blocked("locked")))
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(60)
        assert delivery.messages() == [ids(1)]
    assert pings(delivery) == [ROLE, ROLE]
    assert len(set(headings(delivery))) == 1


# A restart in the middle.


async def test_rest_of_a_batch_is_called_so_after_a_restart_and_pings_nobody(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, CARDS)
    await new_papers(watching, clock, *range(1, 13))
    delivery.hold(CHANNEL)
    async with channel_worker(watching, delivery, clock) as lower:
        stop = asyncio.create_task(lower.dispatcher.stop())
        await asyncio.wait([stop], timeout=0)
        delivery.let_go(CHANNEL)
        await stop
    await watching.channel_settings.write(CHANNEL, ChannelSettings(style=Style.COMPACT, mention_role=ROLE))
    async with channel_worker(watching, delivery, clock):
        assert [len(message) for message in delivery.messages()] == [10, 2]
    assert headings(delivery)[1] == "**2 more papers** for graph · announced Wed 18 Nov"
    assert pings(delivery) == [ROLE, None]
    assert layouts(delivery) == [Layout.CARDS, Layout.CARDS]


async def test_batch_whose_first_answer_was_lost_in_a_restart_goes_on(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, CARDS)
    await new_papers(watching, clock, *range(1, 13))
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with channel_worker(watching, delivery, clock):
        pass
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(60)
        assert [len(message) for message in delivery.messages()] == [10, 2]
    assert headings(delivery)[1:] == [""]
    assert pings(delivery) == [ROLE, None]


# An admin's pause.


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
async def test_backlog_comes_after_one_line_that_says_so_and_then_the_channel_is_as_before(
    watching: Store, delivery: FakeDelivery, clock: FakeClock, papers: int, layout: Layout, line: str
) -> None:
    await pause(watching, Style.CARDS)
    await new_papers(watching, clock, *range(papers, 0, -1))
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(3600)
        assert delivery.attempts == []
        await watching.channel_settings.resume(CHANNEL, clock.now())
        await lower.notify()
        assert list(chain.from_iterable(delivery.messages())) == ids(*range(1, papers + 1))
        assert headings(delivery) == [line] + [""] * (len(delivery.attempts) - 1)
        assert pings(delivery) == [ROLE] + [None] * (len(delivery.attempts) - 1)
        assert set(layouts(delivery)) == {layout}
        assert await watching.channel_settings.get(CHANNEL) == CARDS
        await new_papers(watching, clock, papers + 1)
        await lower.notify()
        assert headings(delivery)[-1].startswith("**1 new paper**")


async def test_pause_stops_a_batch_in_its_middle_and_its_rest_is_the_backlog(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await watching.channel_settings.write(CHANNEL, CARDS)
    await new_papers(watching, clock, *range(1, 13))
    delivery.hold(CHANNEL)
    async with channel_worker(watching, delivery, clock) as lower:
        await pause(watching, Style.CARDS)
        delivery.let_go(CHANNEL)
        await lower.until_quiet()
        await lower.advance(3600)
        assert delivery.messages() == [ids(*range(1, 11))]
        await watching.channel_settings.resume(CHANNEL, clock.now())
        await lower.notify()
        assert delivery.messages()[1:] == [ids(11, 12)]
    assert headings(delivery)[1].startswith("**2 papers** for graph held")


async def test_backlog_that_is_interrupted_by_a_restart_is_still_one(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await pause(watching, Style.CARDS)
    await new_papers(watching, clock, *range(1, 61))
    await watching.channel_settings.resume(CHANNEL, clock.now())
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with channel_worker(watching, delivery, clock):
        pass
    async with channel_worker(watching, delivery, clock) as lower:
        await lower.advance(60)
        assert list(chain.from_iterable(delivery.messages())) == ids(*range(1, 61))
        assert set(layouts(delivery)) == {Layout.COMPACT}
        assert pings(delivery)[2:] == [None] * (len(delivery.attempts) - 2)
        assert not (await watching.channel_settings.get(CHANNEL)).backlog_pending


async def test_pause_that_comes_while_the_first_message_is_unanswered_loses_and_doubles_nothing(
    watching: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await new_papers(watching, clock, 1)
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with channel_worker(watching, delivery, clock) as lower:
        await pause(watching)
        await lower.advance(1200)
        await watching.channel_settings.resume(CHANNEL, clock.now())
        await lower.notify()
        assert delivery.messages() == [ids(1)]
        assert await watching.outbox.waiting() == {}


# Forums.


@pytest.fixture
async def forum(watching: Store, delivery: FakeDelivery, clock: FakeClock) -> Store:
    """A forum for which twelve papers wait, ten cards a message."""
    delivery.forums.add(CHANNEL)
    await watching.channel_settings.write(CHANNEL, CARDS)
    await new_papers(watching, clock, *range(1, 13))
    return watching


def threads(delivery: FakeDelivery) -> list[int | None]:
    """The thread in which each attempt was to stand; None: it was to begin one."""
    return [post.header.thread_id for post in delivery.attempts]


async def test_rest_of_a_batch_goes_into_the_thread_that_its_first_message_began(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    async with channel_worker(forum, delivery, clock) as lower:
        assert delivery.messages() == [ids(*range(1, 11)), ids(11, 12)]
        assert threads(delivery) == [None, 1]
        await lower.advance(3600)
        await new_papers(forum, clock, 13)
        await lower.notify()
        assert threads(delivery) == [None, 1, None]


async def test_forum_post_without_an_answer_is_looked_for_and_not_begun_again(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with channel_worker(forum, delivery, clock) as lower:
        await lower.advance(10)
        assert len(delivery.searches) == 1
        assert delivery.messages() == [ids(*range(1, 11)), ids(11, 12)]
        assert threads(delivery) == [None, 1]


async def test_absence_of_a_forum_post_is_believed_after_a_minute(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    async with channel_worker(forum, delivery, clock) as lower:
        await lower.advance(59)
        assert len(delivery.searches) > 0
        assert len(delivery.attempts) == 1
        await lower.advance(1)
        assert delivery.messages() == [ids(*range(1, 11)), ids(11, 12)]
        assert delivery.attempts[0].key == delivery.attempts[1].key


async def test_batch_goes_on_in_its_thread_after_a_restart(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    delivery.answers[CHANNEL].append(LOST_ANSWER)
    async with channel_worker(forum, delivery, clock):
        pass
    async with channel_worker(forum, delivery, clock) as lower:
        await lower.advance(60)
        assert threads(delivery) == [None, 1]


async def test_thread_that_takes_no_more_is_followed_by_another(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    def verdict(post: OutgoingMessage) -> SendOutcome | None:
        return LOCKED if post.header.thread_id == 1 else None

    delivery.verdict = verdict
    async with channel_worker(forum, delivery, clock):
        assert delivery.messages() == [ids(*range(1, 11)), ids(11, 12)]
        assert threads(delivery) == [None, 1, None]
        assert headings(delivery)[2].startswith("**2 more papers**")
        assert pings(delivery) == [ROLE, None, None]
        assert await forum.channels.blocked_channels() == ()


async def test_message_whose_thread_is_gone_after_a_restart_begins_another(
    forum: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    def verdict(post: OutgoingMessage) -> SendOutcome | None:
        return LOST_MESSAGE.outcome if post.header.thread_id == 1 else None

    delivery.verdict = verdict
    async with channel_worker(forum, delivery, clock):
        assert threads(delivery) == [None, 1]
    delivery.unreadable[CHANNEL] = GONE
    async with channel_worker(forum, delivery, clock) as lower:
        await lower.advance(60)
        assert threads(delivery) == [None, 1, None]
        assert delivery.messages() == [ids(*range(1, 11)), ids(11, 12)]
