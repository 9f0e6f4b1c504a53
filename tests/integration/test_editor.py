"""The editor edits messages whose papers changed and publishes messages, whatever Discord answers."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.channel_settings import ChannelSettings
from bot.domain.outgoing import Blocked, Delivered, OutcomeUnknown, Rejected, RetryLater, SendOutcome
from bot.domain.post import MessageHeader
from bot.publish.editor import BLOCKED_EDIT_RETRY, EDIT_INTERVAL_S
from bot.store.edits import EDITED_FOR
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.editing import EditorHarness, FakeMessageEditor, running_editor
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

NOT_ALLOWED = Blocked("The bot needs the Send Messages permission there.")
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
    """Stores delivered messages of one paper each, in this order."""
    await store.watch("graph", channel_id=channel_id)
    await store.set_channel(channel_id, ChannelSettings(publish=publish))
    for number, key in enumerate(keys, channel_id * 100):
        await store.poll(paper(f"2611.{number:05}", title="Graph"))
        header = MessageHeader(thread_id=thread_id)
        post = await store.outbox.bind(channel_id, await store.due(channel_id), header, key=key, nonce=key, now=NOW)
        assert post is not None
        await store.outbox.delivered(post, Delivered(number), NOW)


async def revise(store: Store, keys: int = 1, *, channel_id: int = CHANNEL, version: int = 2) -> None:
    """Stores new versions of the papers in the first `keys` messages of a channel."""
    first = channel_id * 100
    await store.papers.add(
        [paper(f"2611.{number:05}", title="Graph", version=version) for number in range(first, first + keys)]
    )


# Edits.


async def test_message_with_a_changed_paper_is_edited_once(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a")
    async with running_editor(store, message_editor, clock) as editor:
        assert message_editor.edits == []
        await revise(store)
        await editor.notify()
        await editor.advance(3600)
        (post,) = message_editor.edited
        assert [entry.paper.version for entry in post.entries] == [2]


async def test_change_is_found_without_a_notification(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a")
    async with running_editor(store, message_editor, clock) as editor:
        await revise(store)
        await editor.advance(EDIT_INTERVAL_S - 1)
        assert message_editor.edits == []
        await editor.advance(1)
        assert message_editor.edits == ["a"]


@pytest.mark.parametrize("outcome", [Delivered(None), Rejected("too long"), GONE])
async def test_edit_that_can_never_succeed_is_dropped(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock, outcome: SendOutcome
) -> None:
    await posted(store, "a")
    await revise(store)
    message_editor.answers["a"].append(outcome)
    async with running_editor(store, message_editor, clock) as editor:
        await editor.advance(2 * 3600)
        assert message_editor.edits == ["a"]


@pytest.mark.parametrize(
    ("outcome", "delay"),
    [
        (BUSY, timedelta(minutes=10)),
        (NOT_ALLOWED, BLOCKED_EDIT_RETRY),
        (OutcomeUnknown("no answer"), timedelta(seconds=EDIT_INTERVAL_S)),
    ],
)
async def test_failed_edit_is_repeated_after_a_delay(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock, outcome: SendOutcome, delay: timedelta
) -> None:
    await posted(store, "a")
    await revise(store)
    message_editor.answers["a"].append(outcome)
    async with running_editor(store, message_editor, clock) as editor:
        await editor.advance(delay.total_seconds() - 1)
        assert message_editor.edits == ["a"]
        await editor.advance(1)
        assert message_editor.edits == ["a", "a"]
        await editor.advance(2 * 3600)
        assert message_editor.edits == ["a", "a"]


@pytest.mark.parametrize("outcome", [BUSY, NOT_ALLOWED])
async def test_one_failed_edit_postpones_all_edits_in_its_channel(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock, outcome: SendOutcome
) -> None:
    await posted(store, "a", "b")
    await posted(store, "other", channel_id=OTHER_CHANNEL)
    await revise(store, 2)
    await revise(store, channel_id=OTHER_CHANNEL)
    message_editor.answers["a"].append(outcome)
    async with running_editor(store, message_editor, clock) as editor:
        assert message_editor.edits == ["a", "other"]
        await editor.advance(3600)
        assert message_editor.edits == ["a", "other", "a", "b"]


async def test_locked_forum_post_does_not_postpone_edits_in_another(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a", thread_id=8)
    await store.poll(paper("2611.02000", title="Graph"))
    post = await store.outbox.bind(CHANNEL, await store.due(), MessageHeader(thread_id=9), key="b", nonce="b", now=NOW)
    assert post is not None
    await store.outbox.delivered(post, Delivered(5), NOW)
    await revise(store)
    await store.papers.add([paper("2611.02000", title="Graph", version=2)])
    message_editor.answers["a"].append(NOT_ALLOWED)
    async with running_editor(store, message_editor, clock):
        assert message_editor.edits == ["a", "b"]


async def test_change_during_an_edit_causes_another_edit(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a")
    await revise(store)
    message_editor.held = asyncio.Event()
    editor = EditorHarness(store, message_editor, clock)
    editor.start()
    await message_editor.edit_started.wait()
    await revise(store, version=3)
    message_editor.held.set()
    await editor.until_quiet()
    await editor.notify()
    assert [post.entries[0].paper.version for post in message_editor.edited] == [2, 3]
    await editor.end()


async def test_edit_interrupted_by_a_restart_is_repeated(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a")
    await revise(store)
    message_editor.held = asyncio.Event()
    editor = EditorHarness(store, message_editor, clock)
    editor.start()
    await message_editor.edit_started.wait()
    await editor.end()
    message_editor.held = None
    async with running_editor(store, message_editor, clock):
        assert message_editor.edits == ["a", "a"]


async def test_message_older_than_thirty_days_is_not_edited(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a")
    await clock.advance(EDITED_FOR.total_seconds())
    await revise(store)
    async with running_editor(store, message_editor, clock):
        assert message_editor.edits == []


# Publishing.


async def test_message_is_published_once(store: Store, message_editor: FakeMessageEditor, clock: FakeClock) -> None:
    await posted(store, "a", publish=True)
    await posted(store, "silent", channel_id=OTHER_CHANNEL)
    async with running_editor(store, message_editor, clock) as editor:
        await editor.advance(3600)
        assert message_editor.publications == ["a"]


async def test_rate_limited_publishing_continues_later_in_order(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a", "b", publish=True)
    await posted(store, "other", channel_id=OTHER_CHANNEL, publish=True)
    message_editor.answers["a"].append(BUSY)
    async with running_editor(store, message_editor, clock) as editor:
        assert message_editor.publications == ["a", "other"]
        await editor.advance(599)
        assert message_editor.publications == ["a", "other"]
        await editor.advance(1)
        assert message_editor.publications == ["a", "other", "a", "b"]


async def test_publishing_with_unknown_outcome_is_repeated(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock
) -> None:
    await posted(store, "a", publish=True)
    message_editor.answers["a"].append(OutcomeUnknown("no answer"))
    async with running_editor(store, message_editor, clock) as editor:
        await editor.advance(EDIT_INTERVAL_S)
        assert message_editor.publications == ["a", "a"]
        await editor.advance(3600)
        assert message_editor.publications == ["a", "a"]


@pytest.mark.parametrize("outcome", [Rejected("no announcement channel"), NOT_ALLOWED, GONE])
async def test_rejected_publishing_is_not_repeated(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock, outcome: SendOutcome
) -> None:
    await posted(store, "a", publish=True)
    message_editor.answers["a"].append(outcome)
    async with running_editor(store, message_editor, clock) as editor:
        await editor.advance(2 * 3600)
        assert message_editor.publications == ["a"]


# A global backoff.


@pytest.mark.parametrize("publish", [True, False])
async def test_backoff_of_the_whole_bot_stops_after_one_request_and_counts_for_no_message(
    store: Store, message_editor: FakeMessageEditor, clock: FakeClock, publish: bool
) -> None:
    await posted(store, "a", "b", publish=publish)
    await posted(store, "c", channel_id=OTHER_CHANNEL, publish=publish)
    if not publish:
        await revise(store, 2)
        await revise(store, channel_id=OTHER_CHANNEL)
    message_editor.answers["a"].append(RetryLater(NOW + timedelta(hours=1), "blocked", everywhere=True))
    async with running_editor(store, message_editor, clock) as editor:
        requests = message_editor.publications if publish else message_editor.edits
        assert requests == ["a"]
        await editor.advance(EDIT_INTERVAL_S)
        requests = message_editor.publications if publish else message_editor.edits
        assert requests == ["a", "a", "b", "c"]
