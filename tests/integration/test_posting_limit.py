"""The limit of papers per posting: what a batch contains, what is withheld, and which message announces it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from bot.domain.channel_settings import ChannelSettings, Style
from bot.domain.exclusions import WithheldReason
from bot.domain.outgoing import Delivered, OutgoingMessage, Rejected, SendOutcome
from bot.domain.post import Post
from tests.support.builders import paper
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
from tests.support.store import CHANNEL, NOW, Store, opened

LIMIT: Final = 12
LIMITED: Final = ChannelSettings(style=Style.CARDS, papers_per_posting=LIMIT)


@pytest.fixture
async def limited(subscribed: Store) -> Store:
    """A store whose channel gets at most twelve papers per posting, as cards: ten in one message."""
    await subscribed.set_channel(CHANNEL, LIMITED)
    return subscribed


def rests(delivery: FakeDelivery) -> list[int]:
    """Returns what each message in the channel says about the rest when it is sent."""
    return [message.post.rest for message in delivery.stored() if isinstance(message.post, Post)]


async def rest_ids(store: Store, key: str) -> list[str]:
    """Returns the papers that a message says were withheld."""
    page = await store.withheld.rest(key, 0, 100)
    assert page is not None
    assert page.total == len(page.papers)
    return [each.arxiv_id.value for each, _ in page.papers]


def last_key(delivery: FakeDelivery) -> str:
    return delivery.stored()[-1].post.key


async def withheld(store: Store) -> list[str]:
    found = await store.withheld.of_papers([CHANNEL], arxiv_ids(*range(1, 61)))
    assert {each.reason for each in found} <= {WithheldReason.LIMIT}
    return sorted(each.arxiv_id for each in found)


async def test_batch_has_its_first_papers_and_its_last_message_counts_the_rest(
    limited: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(limited, *range(1, 50), now=clock.now())
    async with running_dispatcher(limited, delivery, clock):
        assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(11, 12)]
    assert delivery.headlines == ["**12 new papers** for graph · announced Wed 18 Nov", ""]
    assert rests(delivery) == [0, 37]
    assert await rest_ids(limited, last_key(delivery)) == arxiv_ids(*range(13, 50))
    assert await withheld(limited) == arxiv_ids(*range(13, 50))


async def test_batch_within_the_limit_says_nothing_about_a_rest(
    limited: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(limited, *range(1, LIMIT + 1), now=clock.now())
    async with running_dispatcher(limited, delivery, clock):
        assert rests(delivery) == [0, 0]
    assert await withheld(limited) == []


async def test_automatic_style_depends_on_the_papers_that_are_posted(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, ChannelSettings(papers_per_posting=5))
    await record_papers(subscribed, *range(1, 50), now=clock.now())
    async with running_dispatcher(subscribed, delivery, clock):
        assert [layout.value for layout in delivery.layouts] == ["cards"]


async def test_papers_that_arrive_during_a_batch_take_what_its_limit_leaves(
    limited: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(limited, *range(1, 12), now=clock.now())
    delivery.hold(CHANNEL)
    async with running_dispatcher(limited, delivery, clock) as running:
        await record_papers(limited, *range(12, 21), now=clock.now())
        delivery.finish_held(CHANNEL)
        await running.until_quiet()
        assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(11, 12)]
    assert rests(delivery) == [0, 8]


async def test_papers_that_arrive_after_the_last_message_are_added_to_its_count(
    limited: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(limited, *range(1, 14), now=clock.now())
    async with running_dispatcher(limited, delivery, clock) as running:
        await record_papers(limited, 14, 15, now=clock.now())  # of the same announcement
        await running.notify()
        assert running.edits_requested == 1
    assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(11, 12)]
    (edit,) = await limited.edits.due(NOW)
    assert (edit.post.key, edit.post.rest) == (last_key(delivery), 3)


async def test_next_batch_has_the_whole_limit(limited: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    async with running_dispatcher(limited, delivery, clock) as running:
        for first in (1, 31):
            await record_papers(limited, *range(first, first + 20), now=clock.now())
            await running.notify()
            await running.advance(3600)
    assert [len(message) for message in delivery.messages()] == [10, 2, 10, 2]
    assert rests(delivery) == [0, 8, 0, 8]


async def test_withheld_papers_are_never_posted_later(limited: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await record_papers(limited, *range(1, 20), now=clock.now())
    async with running_dispatcher(limited, delivery, clock) as running:
        await limited.set_channel(CHANNEL, replace(LIMITED, papers_per_posting=None))
        await limited.watch("graphs and more")
        await record_papers(limited, *range(1, 20), now=clock.now())
        await running.notify()
        await running.advance(3600)
    assert len(delivery.messages()) == 2


async def test_restart_continues_a_limited_batch_with_what_is_left(
    limited: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(limited, *range(1, 21), now=clock.now())
    delivery.answers[CHANNEL].extend([Answer(True, Delivered(1)), LOST_MESSAGE])
    async with running_dispatcher(limited, delivery, clock):
        assert delivery.messages() == [arxiv_ids(*range(1, 11))]
    await record_papers(limited, *range(31, 36), now=clock.now())
    async with running_dispatcher(limited, delivery, clock) as running:
        await running.advance(3600)
    assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(11, 12)]
    assert await rest_ids(limited, last_key(delivery)) == arxiv_ids(*range(13, 21), *range(31, 36))


async def test_crash_after_withholding_changes_neither_posted_nor_withheld_papers(
    path: Path, limited: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(limited, *range(1, 21), now=clock.now())
    rest = await limited.outbox.withhold_rest(CHANNEL, LIMIT, clock.now())
    assert (rest.papers, rest.requests_edit) == (8, False)
    before = await withheld(limited)
    await limited.database.close()
    async with opened(path) as store, running_dispatcher(store, delivery, clock):
        assert delivery.messages() == [arxiv_ids(*range(1, 11)), arxiv_ids(11, 12)]
        assert await withheld(store) == before == arxiv_ids(*range(13, 21))
        assert rests(delivery) == [0, 8]


async def test_message_without_an_answer_keeps_its_papers_and_its_count(
    limited: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await limited.set_channel(CHANNEL, replace(LIMITED, papers_per_posting=3))
    await record_papers(limited, *range(1, 11), now=clock.now())
    delivery.answers[CHANNEL].extend([LOST_ANSWER])
    async with running_dispatcher(limited, delivery, clock):
        assert rests(delivery) == [7]
    async with running_dispatcher(limited, delivery, clock) as running:
        await running.advance(3600)
    assert delivery.messages() == [arxiv_ids(1, 2, 3)]
    assert await rest_ids(limited, last_key(delivery)) == arxiv_ids(*range(4, 11))


async def test_released_message_gives_its_papers_and_its_count_back(
    limited: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await limited.set_channel(CHANNEL, replace(LIMITED, papers_per_posting=3))
    await record_papers(limited, *range(1, 11), now=clock.now())
    delivery.outcome_of = lambda post: (
        Rejected("too blue") if isinstance(post, Post) and len(post.entries) > 1 else None
    )
    async with running_dispatcher(limited, delivery, clock):
        assert delivery.messages() == [arxiv_ids(1), arxiv_ids(2), arxiv_ids(3)]
    assert rests(delivery) == [0, 0, 7]


async def test_rejected_last_message_leaves_its_count_to_the_next_batch(
    limited: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    def outcome(message: OutgoingMessage) -> SendOutcome | None:
        is_third = isinstance(message, Post) and message.entries[0].paper.arxiv_id.value == "2611.00001"
        return Rejected("too blue") if is_third else None

    await limited.set_channel(CHANNEL, replace(LIMITED, papers_per_posting=1))
    delivery.outcome_of = outcome
    await record_papers(limited, 1, 2, 3, now=clock.now())
    async with running_dispatcher(limited, delivery, clock) as running:
        assert delivery.messages() == []
        await running.advance(3600)
        await record_papers(limited, 4, now=clock.now())
        await running.notify()
        assert delivery.messages() == [arxiv_ids(4)]
    assert rests(delivery) == [2]


async def test_first_message_without_a_limit_counts_what_was_withheld_before(
    limited: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await limited.set_channel(CHANNEL, replace(LIMITED, papers_per_posting=2))
    await record_papers(limited, *range(1, 6), now=clock.now())
    delivery.hold(CHANNEL)
    async with running_dispatcher(limited, delivery, clock) as running:
        await limited.set_channel(CHANNEL, ChannelSettings())
        await record_papers(limited, 6, now=clock.now())
        delivery.finish_held(CHANNEL)
        await running.until_quiet()
        assert delivery.messages() == [arxiv_ids(1, 2), arxiv_ids(6)]
    assert rests(delivery) == [3, 0]
    assert (await limited.channel_settings.get(CHANNEL)).papers_left is None


async def test_paused_channel_withholds_nothing(limited: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    await limited.set_channel(CHANNEL, replace(LIMITED, paused_since=NOW))
    await record_papers(limited, *range(1, 21), now=clock.now())
    async with running_dispatcher(limited, delivery, clock):
        assert delivery.messages() == []
    assert await withheld(limited) == []


async def test_rest_is_read_page_by_page_with_the_channels_keywords(
    limited: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await limited.watch("theory")
    theory = paper("2611.00050", title="Graph theory", published=NOW + timedelta(hours=9))
    await limited.poll(theory, now=clock.now())
    await record_papers(limited, *range(1, 31), now=clock.now())
    async with running_dispatcher(limited, delivery, clock):
        key = last_key(delivery)
    page = await limited.withheld.rest(key, 18, 10)
    assert page is not None
    assert (page.channel_id, page.total) == (CHANNEL, 19)
    assert page.papers == ((theory, ("graph", "theory")),)
    assert await limited.withheld.rest("unknown", 0, 10) is None
