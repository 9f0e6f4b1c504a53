"""Messages that are touched again: drawn anew when their papers changed, and published, whatever Discord answers."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.post import Delivered, Frame, Obstructed, Outcome, RetryLater, Unanswered, Undeliverable
from bot.runtime.limits import EDITED_FOR, OBSTRUCTED_EDIT_RETRY, RETOUCH_EVERY_S
from tests.support.builders import paper
from tests.support.clock import FakeClock, settle
from tests.support.retouching import FakeRetoucher, Retouching, retouching
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

NOT_ALLOWED = Obstructed("The bot needs Send Messages there.")
GONE = Obstructed("The channel does not exist.", gone=True)
BUSY = RetryLater(NOW + timedelta(minutes=10), "Discord asks us to wait")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def retoucher() -> FakeRetoucher:
    return FakeRetoucher()


async def posted(
    store: Store, *keys: str, channel_id: int = CHANNEL, thread_id: int | None = None, publish: bool = False
) -> None:
    """Messages of one paper each, one after the other."""
    await store.watch("graph", channel_id=channel_id)
    for number, key in enumerate(keys, channel_id * 100):
        await store.read(paper(f"2611.{number:05}", title="Graph"))
        frame = Frame(thread_id=thread_id)
        post = await store.outbox.bind(channel_id, await store.due(channel_id), frame, key=key, nonce=key, now=NOW)
        assert post is not None
        await store.outbox.delivered(post, Delivered(number), NOW, publish=publish)


async def revise(store: Store, keys: int = 1, *, channel_id: int = CHANNEL, version: int = 2) -> None:
    """New versions of the papers of a channel's first so many messages."""
    first = channel_id * 100
    await store.papers.add(
        [paper(f"2611.{number:05}", title="Graph", version=version) for number in range(first, first + keys)]
    )


# Drawn anew.


async def test_changed_message_is_drawn_anew_once(store: Store, retoucher: FakeRetoucher, clock: FakeClock) -> None:
    await posted(store, "a")
    async with retouching(store, retoucher, clock) as loop:
        assert retoucher.edits == []
        await revise(store)
        await loop.notify()
        await loop.advance(3600)
        (post,) = retoucher.edited
        assert [entry.paper.version for entry in post.entries] == [2]


async def test_change_is_noticed_without_a_ring(store: Store, retoucher: FakeRetoucher, clock: FakeClock) -> None:
    await posted(store, "a")
    async with retouching(store, retoucher, clock) as loop:
        await revise(store)
        await loop.advance(RETOUCH_EVERY_S - 1)
        assert retoucher.edits == []
        await loop.advance(1)
        assert retoucher.edits == ["a"]


async def test_nothing_is_touched_before_discord_has_told_of_its_servers(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock
) -> None:
    await posted(store, "a")
    await revise(store)
    retoucher.online.clear()
    loop = Retouching(store, retoucher, clock)
    loop.start()
    await settle()
    assert retoucher.edits == []
    retoucher.online.set()
    await loop.until_quiet()
    assert retoucher.edits == ["a"]
    await loop.end()


@pytest.mark.parametrize("outcome", [Delivered(None), Undeliverable("too long"), GONE])
async def test_edit_that_can_never_be_made_is_forgotten(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock, outcome: Outcome
) -> None:
    await posted(store, "a")
    await revise(store)
    retoucher.answers["a"].append(outcome)
    async with retouching(store, retoucher, clock) as loop:
        await loop.advance(2 * 3600)
        assert retoucher.edits == ["a"]


@pytest.mark.parametrize(
    ("outcome", "pause"),
    [
        (BUSY, timedelta(minutes=10)),
        (NOT_ALLOWED, OBSTRUCTED_EDIT_RETRY),
        (Unanswered("no answer"), timedelta(seconds=RETOUCH_EVERY_S)),
    ],
)
async def test_edit_that_failed_is_tried_again(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock, outcome: Outcome, pause: timedelta
) -> None:
    await posted(store, "a")
    await revise(store)
    retoucher.answers["a"].append(outcome)
    async with retouching(store, retoucher, clock) as loop:
        await loop.advance(pause.total_seconds() - 1)
        assert retoucher.edits == ["a"]
        await loop.advance(1)
        assert retoucher.edits == ["a", "a"]
        await loop.advance(2 * 3600)
        assert retoucher.edits == ["a", "a"]


@pytest.mark.parametrize("outcome", [BUSY, NOT_ALLOWED])
async def test_one_refusal_tells_of_all_that_wait_in_the_channel(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock, outcome: Outcome
) -> None:
    await posted(store, "a", "b")
    await posted(store, "other", channel_id=OTHER_CHANNEL)
    await revise(store, 2)
    await revise(store, channel_id=OTHER_CHANNEL)
    retoucher.answers["a"].append(outcome)
    async with retouching(store, retoucher, clock) as loop:
        assert retoucher.edits == ["a", "other"]
        await loop.advance(3600)
        assert retoucher.edits == ["a", "other", "a", "b"]


async def test_locked_thread_of_a_forum_does_not_hold_up_its_neighbours(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock
) -> None:
    await posted(store, "a", thread_id=8)
    await store.read(paper("2611.02000", title="Graph"))
    post = await store.outbox.bind(CHANNEL, await store.due(), Frame(thread_id=9), key="b", nonce="b", now=NOW)
    assert post is not None
    await store.outbox.delivered(post, Delivered(5), NOW)
    await revise(store)
    await store.papers.add([paper("2611.02000", title="Graph", version=2)])
    retoucher.answers["a"].append(NOT_ALLOWED)
    async with retouching(store, retoucher, clock):
        assert retoucher.edits == ["a", "b"]


async def test_change_that_comes_while_its_message_is_drawn_anew_is_drawn_too(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock
) -> None:
    await posted(store, "a")
    await revise(store)
    retoucher.held = asyncio.Event()
    loop = Retouching(store, retoucher, clock)
    loop.start()
    await retoucher.at_work.wait()
    await revise(store, version=3)
    retoucher.held.set()
    await loop.until_quiet()
    await loop.notify()
    assert [post.entries[0].paper.version for post in retoucher.edited] == [2, 3]
    await loop.end()


async def test_wish_outlives_a_process_that_ends_in_the_middle(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock
) -> None:
    await posted(store, "a")
    await revise(store)
    retoucher.held = asyncio.Event()
    loop = Retouching(store, retoucher, clock)
    loop.start()
    await retoucher.at_work.wait()
    await loop.end()
    retoucher.held = None
    async with retouching(store, retoucher, clock):
        assert retoucher.edits == ["a", "a"]


async def test_message_of_more_than_thirty_days_ago_is_left_as_it_is(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock
) -> None:
    await posted(store, "a")
    await clock.advance(EDITED_FOR.total_seconds())
    await revise(store)
    async with retouching(store, retoucher, clock):
        assert retoucher.edits == []


# Published.


async def test_message_for_followers_is_published_once(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock
) -> None:
    await posted(store, "a", publish=True)
    await posted(store, "silent", channel_id=OTHER_CHANNEL)
    async with retouching(store, retoucher, clock) as loop:
        await loop.advance(3600)
        assert retoucher.publications == ["a"]


async def test_followers_of_a_channel_that_is_asked_to_wait_get_its_messages_later_in_their_order(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock
) -> None:
    await posted(store, "a", "b", publish=True)
    await posted(store, "other", channel_id=OTHER_CHANNEL, publish=True)
    retoucher.answers["a"].append(BUSY)
    async with retouching(store, retoucher, clock) as loop:
        assert retoucher.publications == ["a", "other"]
        await loop.advance(599)
        assert retoucher.publications == ["a", "other"]
        await loop.advance(1)
        assert retoucher.publications == ["a", "other", "a", "b"]


async def test_publishing_without_an_answer_is_tried_again(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock
) -> None:
    await posted(store, "a", publish=True)
    retoucher.answers["a"].append(Unanswered("no answer"))
    async with retouching(store, retoucher, clock) as loop:
        await loop.advance(RETOUCH_EVERY_S)
        assert retoucher.publications == ["a", "a"]
        await loop.advance(3600)
        assert retoucher.publications == ["a", "a"]


@pytest.mark.parametrize("outcome", [Undeliverable("no announcement channel"), NOT_ALLOWED, GONE])
async def test_refused_publishing_is_not_tried_again(
    store: Store, retoucher: FakeRetoucher, clock: FakeClock, outcome: Outcome
) -> None:
    await posted(store, "a", publish=True)
    retoucher.answers["a"].append(outcome)
    async with retouching(store, retoucher, clock) as loop:
        await loop.advance(2 * 3600)
        assert retoucher.publications == ["a"]
