"""Edits of messages whose papers changed, and publication to followers."""

from datetime import timedelta

import pytest

from bot.domain.channel_settings import ChannelSettings
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Blocked, Delivered
from bot.domain.paper import Paper
from bot.domain.post import Post
from bot.store.edits import EDITED_FOR
from tests.support.builders import paper
from tests.support.sqlite_driver import sqlite_driver
from tests.support.store import CHANNEL, NEW_SINCE, NOW, OTHER_CHANNEL, Store

SOON = NOW + timedelta(minutes=5)
GRAPH = paper(title="Graph")
REVISED = paper(title="Graph", version=2)


async def posted(
    store: Store, *papers: Paper, channel_id: int = CHANNEL, key: str = "key", message_id: int | None = 77
) -> Post:
    """Queues, binds and delivers a message with these papers."""
    await store.watch("graph", channel_id=channel_id)
    await store.poll(*papers or (GRAPH,))
    post = await store.bind(channel_id, key=key)
    await store.outbox.delivered(post, Delivered(message_id), NOW)
    return post


async def due_keys(store: Store) -> list[str]:
    return [edit.post.key for edit in await store.edits.due(SOON)]


# Requests.


@pytest.mark.parametrize(
    "changed",
    [
        REVISED,
        paper(title="Graph", journal_ref="Nature 1 (2026)"),
        paper(title="Graph", comment="Accepted at ICML 2026"),
        paper(title="Graph", version=2, comment="This paper has been withdrawn"),
    ],
)
async def test_change_of_a_posted_paper_requests_an_edit(store: Store, changed: Paper) -> None:
    await posted(store)
    await store.poll(changed)
    (edit,) = await store.edits.due(SOON)
    assert (edit.post.key, edit.post.message_id, edit.request_count) == ("key", 77, 1)
    assert [entry.paper for entry in edit.post.entries] == [changed]


async def test_removed_journal_reference_requests_an_edit(store: Store) -> None:
    await posted(store, paper(title="Graph", comment="9 pages", journal_ref="J. 1"))
    await store.poll(GRAPH)
    assert await due_keys(store) == ["key"]


async def test_unchanged_paper_requests_no_edit(store: Store) -> None:
    await posted(store)
    await store.poll(GRAPH)
    await store.papers.add([GRAPH])
    assert await due_keys(store) == []


async def test_older_version_requests_no_edit(store: Store) -> None:
    await posted(store, paper(title="Graph", version=2))
    await store.poll(paper(title="Graph", version=1))
    assert await due_keys(store) == []


async def test_new_version_from_a_lookup_requests_an_edit(store: Store) -> None:
    await posted(store)
    await store.papers.add([REVISED])
    assert await due_keys(store) == ["key"]


async def test_new_version_from_an_initial_sync_requests_an_edit(store: Store) -> None:
    await posted(store)
    await store.subscribe("diffusion")
    await store.sync(REVISED)
    assert await due_keys(store) == ["key"]


async def test_every_message_with_the_paper_is_edited(store: Store) -> None:
    await store.subscribe("graph", OTHER_CHANNEL)
    await posted(store, GRAPH, paper("2611.00002", title="Graph"))
    await posted(store, GRAPH, channel_id=OTHER_CHANNEL, key="other")
    await store.papers.add([REVISED])
    assert await due_keys(store) == ["key", "other"]


async def test_queued_or_rejected_paper_requests_no_edit(store: Store) -> None:
    await store.watch("graph")
    await store.poll(GRAPH, paper("2611.00002", title="Graph"))
    await store.outbox.rejected(await store.bind(limit=1), "no", NOW)
    await store.papers.add([REVISED, paper("2611.00002", title="Graph", version=2)])
    assert await due_keys(store) == []


async def test_unsettled_message_is_edited_once_it_is_delivered(store: Store) -> None:
    await store.watch("graph")
    await store.poll(GRAPH)
    post = await store.bind()
    await store.papers.add([REVISED])
    assert await due_keys(store) == []
    await store.outbox.delivered(post, Delivered(77), NOW)
    assert await due_keys(store) == ["key"]


async def test_released_message_drops_its_edit(store: Store) -> None:
    await store.watch("graph")
    await store.poll(GRAPH)
    post = await store.bind()
    await store.papers.add([REVISED])
    await store.outbox.release(post)
    await store.outbox.delivered(await store.bind(key="again"), Delivered(77), NOW)
    assert await due_keys(store) == []


async def test_rejected_message_is_not_edited(store: Store) -> None:
    await store.watch("graph")
    await store.poll(GRAPH)
    post = await store.bind()
    await store.papers.add([REVISED])
    await store.outbox.rejected(post, "no", NOW)
    assert await due_keys(store) == []


async def test_later_match_adds_its_keyword_to_the_message(store: Store) -> None:
    await posted(store)
    await store.watch("diffusion")
    await store.subscribe("diffusion", OTHER_CHANNEL)
    # Only the text that matches is new, so only the match requests the edit.
    written = await store.poll(paper(title="Graph diffusion"))
    assert written.posts == 1  # in the other channel
    assert written.edits
    (edit,) = await store.edits.due(SOON)
    assert edit.post.papers == ((paper(title="Graph diffusion"), ("graph", "diffusion")),)


async def test_window_without_a_change_reports_no_edits(store: Store) -> None:
    await posted(store)
    assert not (await store.poll(GRAPH)).edits


async def test_subscription_alone_edits_no_message(store: Store) -> None:
    await store.watch("diffusion", channel_id=OTHER_CHANNEL)
    both = paper(title="Graph diffusion")
    await posted(store, both)
    await store.subscribe("diffusion")
    await store.poll(both)
    await store.subscribe("graph diffusion")
    await store.sync(both)
    await store.poll(both)
    assert await due_keys(store) == []


# Processing.


async def test_finished_edit_is_removed(store: Store) -> None:
    await posted(store)
    await store.papers.add([REVISED])
    (edit,) = await store.edits.due(SOON)
    await store.edits.done(edit)
    assert await due_keys(store) == []


async def test_edit_requested_during_an_edit_remains(store: Store) -> None:
    await posted(store)
    await store.papers.add([REVISED])
    (edit,) = await store.edits.due(SOON)
    await store.papers.add([paper(title="Graph", version=3)])
    await store.edits.done(edit)
    (again,) = await store.edits.due(SOON)
    assert (again.request_count, again.post.entries[0].paper.version) == (2, 3)


async def test_postponed_edit_waits(store: Store) -> None:
    await posted(store)
    await store.papers.add([REVISED])
    (edit,) = await store.edits.due(NOW)
    await store.edits.postpone(edit, SOON, now=NOW)
    assert await store.edits.due(SOON - timedelta(seconds=1)) == ()
    assert await due_keys(store) == ["key"]


async def test_oldest_message_is_edited_first(store: Store) -> None:
    await store.watch("graph")
    for number, (key, minutes) in enumerate({"b": 0, "a": 2, "c": 1}.items()):
        await store.poll(paper(f"2611.0000{number}", title="Graph"))
        await store.outbox.delivered(await store.bind(key=key), Delivered(number), NOW + timedelta(minutes=minutes))
    await store.papers.add([paper(f"2611.0000{number}", title="Graph", version=2) for number in range(3)])
    assert await due_keys(store) == ["b", "c", "a"]


async def test_message_older_than_thirty_days_is_not_edited(store: Store) -> None:
    await posted(store)
    await store.papers.add([REVISED])
    assert len(await store.edits.due(NOW + EDITED_FOR - timedelta(seconds=1))) == 1
    assert await store.edits.due(NOW + EDITED_FOR) == ()
    assert await due_keys(store) == []


async def test_deleted_message_is_not_edited(store: Store) -> None:
    await posted(store, message_id=None)
    await store.papers.add([REVISED])
    assert await due_keys(store) == []


async def test_edit_waits_while_the_channel_is_blocked(store: Store) -> None:
    await posted(store)
    await store.papers.add([REVISED])
    await store.channels.block(CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    assert await due_keys(store) == []
    await store.channels.unblock(CHANNEL)
    assert await due_keys(store) == ["key"]


@pytest.mark.sqlite
async def test_nothing_is_written_while_no_edit_expires(store: Store) -> None:
    seen: list[str] = []
    async with store.database.transaction() as writer:
        await (await sqlite_driver(writer)).set_trace_callback(seen.append)
    seen.clear()
    assert await store.edits.due(SOON) == ()
    assert seen == []
    await posted(store)
    await store.poll(REVISED)
    seen.clear()
    assert len(await store.edits.due(SOON)) == 1
    assert seen == []


async def test_edits_are_read_in_groups_oldest_first(store: Store) -> None:
    for number in (1, 2, 3):
        await posted(store, paper(f"2611.0000{number}", title="Graph"), key=f"key {number}")
    await store.papers.add([paper(f"2611.0000{number}", title="Graph", version=2) for number in (1, 2, 3)])
    first, second = await store.edits.due(SOON, 2)
    assert [first.post.key, second.post.key] == ["key 1", "key 2"]
    for edit in (first, second):
        await store.edits.done(edit)
    assert await due_keys(store) == ["key 3"]


# An announcement channel's followers.


async def publishable(store: Store, message_id: int | None = 77) -> Post:
    await store.watch("graph")
    await store.set_channel(CHANNEL, ChannelSettings(publish=True))
    await store.poll(GRAPH)
    post = await store.bind()
    assert await store.outbox.delivered(post, Delivered(message_id), NOW) is (message_id is not None)
    return post


async def test_message_is_published_once(store: Store) -> None:
    post = await publishable(store)
    assert await store.edits.to_publish(NOW - timedelta(seconds=1)) == ()
    (waiting,) = await store.edits.to_publish(NOW)
    assert (waiting.key, waiting.message_id) == (post.key, 77)
    await store.edits.published(waiting)
    assert await store.edits.to_publish(SOON) == ()


async def test_postponed_publication_waits(store: Store) -> None:
    await store.edits.postpone_publishing(await publishable(store), SOON, now=NOW)
    assert await store.edits.to_publish(NOW) == ()
    assert len(await store.edits.to_publish(SOON)) == 1


async def test_deleted_message_is_not_published(store: Store) -> None:
    await publishable(store, message_id=None)
    assert await store.edits.to_publish(SOON) == ()


async def test_message_is_published_only_where_configured(store: Store) -> None:
    await posted(store)
    assert await store.edits.to_publish(SOON) == ()


async def test_thread_of_a_forum_post_is_stored(store: Store) -> None:
    await store.watch("graph")
    await store.poll(GRAPH)
    await store.outbox.delivered(await store.bind(), Delivered(77, thread_id=88), NOW)
    await store.papers.add([REVISED])
    (edit,) = await store.edits.due(SOON)
    assert edit.post.header.thread_id == 88


async def test_match_older_than_the_subscription_adds_its_keyword(store: Store) -> None:
    """The age of a paper decides whether it is new, not which keywords it shows."""
    await store.subscribe("graph")
    old = paper(title="Graph", published=NEW_SINCE - timedelta(days=9))
    await store.sync(old)
    assert await store.outbox.add_newest(CHANNEL, [Keyword.parse("graph")], 5, NOW) == 1
    await store.outbox.delivered(await store.bind(), Delivered(77), NOW)
    await store.watch("diffusion")
    await store.poll(paper(title="Graph diffusion", published=old.published))
    (edit,) = await store.edits.due(SOON)
    assert edit.post.entries[0].keywords == ("graph", "diffusion")
