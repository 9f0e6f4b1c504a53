"""Messages that are touched again: drawn anew when their papers changed, and published, whatever Discord answers."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.outgoing import Blocked, Delivered, OutcomeUnknown, Rejected, RetryLater, SendOutcome
from bot.domain.post import MessageHeader
from bot.publish.editor import BLOCKED_EDIT_RETRY, EDIT_INTERVAL_S
from bot.store.edits import EDITED_FOR
from tests.support.builders import paper
from tests.support.clock import FakeClock, settle
from tests.support.editing import EditorHarness, FakeMessageEditor, editing
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

NOT_ALLOWED = Blocked("The bot needs Send Messages there.")
GONE = Blocked("The channel does not exist.", gone=True)
BUSY = RetryLater(NOW + timedelta(minutes=10), "Discord asks us to wait")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def message_editor() -> FakeMessageEditor:
    return FakeMessageEditor()


async def posted(
    store: Store, *keys: str, channel_id: int = CHANNEL, thread_id: int | None = None, publish: bool = False
) -> None:
    """Messages of one paper each, one after the other."""
    await store.watch("graph", channel_id=channel_id)
    for number, key in enumerate(keys, channel_id * 100):
        await store.read(paper(f"2611.{number:05}", title="Graph"))
        header = MessageHeader(thread_id=thread_id)
        post = await store.outbox.bind(channel_id, await store.due(channel_id), header, key=key, nonce=key, now=NOW)
        assert post is not None
        await store.outbox.delivered(post, Delivered(number), NOW, publish=publish)


async def revise(store: Store, keys: int = 1, *, channel_id: int = CHANNEL, version: int = 2) -> None:
    """New versions of the papers of a channel's first so many messages."""
    first = channel_id * 100
    await store.papers.add(
        [paper(f"2611.{number:05}", title="Graph", version=version) for number in range(first, first + keys)]
    )


# Drawn anew.


async def test_changed_message_is_drawn_anew_once(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a")
    async with editing(store, message_editor, clock) as loop:
        assert message_editor.edits == []
        await revise(store)
        await loop.notify()
        await loop.advance(3600)
        (post,) = message_editor.edited
        assert [entry.paper.version for entry in post.entries] == [2]


async def test_change_is_noticed_without_a_ring(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a")
    async with editing(store, message_editor, clock) as loop:
        await revise(store)
        await loop.advance(EDIT_INTERVAL_S - 1)
        assert message_editor.edits == []
        await loop.advance(1)
        assert message_editor.edits == ["a"]


async def test_nothing_is_touched_before_discord_has_told_of_its_servers(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a")
    await revise(store)
    message_editor.online.clear()
    loop = EditorHarness(store, message_editor, clock)
    loop.start()
    await settle()
    assert message_editor.edits == []
    message_editor.online.set()
    await loop.until_quiet()
    assert message_editor.edits == ["a"]
    await loop.end()


@pytest.mark.parametrize("outcome", [Delivered(None), Rejected("too long"), GONE])
async def test_edit_that_can_never_be_made_is_forgotten(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock, outcome: SendOutcome
) -> None:
    await posted(store, "a")
    await revise(store)
    message_editor.answers["a"].append(outcome)
    async with editing(store, message_editor, clock) as loop:
        await loop.advance(2 * 3600)
        assert message_editor.edits == ["a"]


@pytest.mark.parametrize(
    ("outcome", "pause"),
    [
        (BUSY, timedelta(minutes=10)),
        (NOT_ALLOWED, BLOCKED_EDIT_RETRY),
        (OutcomeUnknown("no answer"), timedelta(seconds=EDIT_INTERVAL_S)),
    ],
)
async def test_edit_that_failed_is_tried_again(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock, outcome: SendOutcome, pause: timedelta
) -> None:
    await posted(store, "a")
    await revise(store)
    message_editor.answers["a"].append(outcome)
    async with editing(store, message_editor, clock) as loop:
        await loop.advance(pause.total_seconds() - 1)
        assert message_editor.edits == ["a"]
        await loop.advance(1)
        assert message_editor.edits == ["a", "a"]
        await loop.advance(2 * 3600)
        assert message_editor.edits == ["a", "a"]


@pytest.mark.parametrize("outcome", [BUSY, NOT_ALLOWED])
async def test_one_refusal_tells_of_all_that_wait_in_the_channel(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock, outcome: SendOutcome
) -> None:
    await posted(store, "a", "b")
    await posted(store, "other", channel_id=OTHER_CHANNEL)
    await revise(store, 2)
    await revise(store, channel_id=OTHER_CHANNEL)
    message_editor.answers["a"].append(outcome)
    async with editing(store, message_editor, clock) as loop:
        assert message_editor.edits == ["a", "other"]
        await loop.advance(3600)
        assert message_editor.edits == ["a", "other", "a", "b"]


async def test_locked_thread_of_a_forum_does_not_hold_up_its_neighbours(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a", thread_id=8)
    await store.read(paper("2611.02000", title="Graph"))
    post = await store.outbox.bind(CHANNEL, await store.due(), MessageHeader(thread_id=9), key="b", nonce="b", now=NOW)
    assert post is not None
    await store.outbox.delivered(post, Delivered(5), NOW)
    await revise(store)
    await store.papers.add([paper("2611.02000", title="Graph", version=2)])
    message_editor.answers["a"].append(NOT_ALLOWED)
    async with editing(store, message_editor, clock):
        assert message_editor.edits == ["a", "b"]


async def test_change_that_comes_while_its_message_is_drawn_anew_is_drawn_too(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a")
    await revise(store)
    message_editor.held = asyncio.Event()
    loop = EditorHarness(store, message_editor, clock)
    loop.start()
    await message_editor.at_work.wait()
    await revise(store, version=3)
    message_editor.held.set()
    await loop.until_quiet()
    await loop.notify()
    assert [post.entries[0].paper.version for post in message_editor.edited] == [2, 3]
    await loop.end()


async def test_wish_outlives_a_process_that_ends_in_the_middle(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a")
    await revise(store)
    message_editor.held = asyncio.Event()
    loop = EditorHarness(store, message_editor, clock)
    loop.start()
    await message_editor.at_work.wait()
    await loop.end()
    message_editor.held = None
    async with editing(store, message_editor, clock):
        assert message_editor.edits == ["a", "a"]


async def test_message_of_more_than_thirty_days_ago_is_left_as_it_is(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a")
    await clock.advance(EDITED_FOR.total_seconds())
    await revise(store)
    async with editing(store, message_editor, clock):
        assert message_editor.edits == []


# Published.


async def test_message_for_followers_is_published_once(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a", publish=True)
    await posted(store, "silent", channel_id=OTHER_CHANNEL)
    async with editing(store, message_editor, clock) as loop:
        await loop.advance(3600)
        assert message_editor.publications == ["a"]


async def test_followers_of_a_channel_that_is_asked_to_wait_get_its_messages_later_in_their_order(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a", "b", publish=True)
    await posted(store, "other", channel_id=OTHER_CHANNEL, publish=True)
    message_editor.answers["a"].append(BUSY)
    async with editing(store, message_editor, clock) as loop:
        assert message_editor.publications == ["a", "other"]
        await loop.advance(599)
        assert message_editor.publications == ["a", "other"]
        await loop.advance(1)
        assert message_editor.publications == ["a", "other", "a", "b"]


async def test_publishing_without_an_answer_is_tried_again(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a", publish=True)
    message_editor.answers["a"].append(OutcomeUnknown("no answer"))
    async with editing(store, message_editor, clock) as loop:
        await loop.advance(EDIT_INTERVAL_S)
        assert message_editor.publications == ["a", "a"]
        await loop.advance(3600)
        assert message_editor.publications == ["a", "a"]


@pytest.mark.parametrize("outcome", [Rejected("no announcement channel"), NOT_ALLOWED, GONE])
async def test_refused_publishing_is_not_tried_again(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock, outcome: SendOutcome
) -> None:
    await posted(store, "a", publish=True)
    message_editor.answers["a"].append(outcome)
    async with editing(store, message_editor, clock) as loop:
        await loop.advance(2 * 3600)
        assert message_editor.publications == ["a"]
