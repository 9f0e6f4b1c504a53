"""Queries of the dispatcher and the editor read the rows that they return, and not the queues or the history."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.domain.keyword import Keyword
from bot.store.channel_queues import ENTRIES_MAX, ChannelQueues
from bot.store.edits import Edits
from bot.store.schema import channels, edits, found_papers, matches, outbox, papers, posts
from tests.support.query_steps import STEPS_MAX, steps
from tests.support.store import CHANNEL, NOW, Store

pytestmark = pytest.mark.sqlite

ROWS = 1000


async def add_posts(store: Store, channel_id: int) -> None:
    """Adds posts, each with a paper that was found in it."""
    ids = [{"n": n, "arxiv_id": f"2611.{n:05}", "channel_id": channel_id, "key": f"key{n}"} for n in range(ROWS)]
    async with store.database.transaction() as connection:
        await connection.write(sa.insert(channels), {"channel_id": channel_id})
        await connection.write(
            sa.insert(posts),
            [
                {
                    "key": row["key"],
                    "channel_id": channel_id,
                    "nonce": f"{row['key']} nonce",
                    "layout": "cards",
                    "first_attempt": NOW,
                    "last_attempt": NOW,
                    "message_id": row["n"],
                    "settled_at": NOW,
                }
                for row in ids
            ],
        )
        await connection.write(
            sa.insert(found_papers),
            [{"channel_id": channel_id, "arxiv_id": row["arxiv_id"], "post_key": row["key"]} for row in ids],
        )


async def add_papers(store: Store) -> None:
    async with store.database.transaction() as connection:
        await connection.write(
            sa.insert(papers),
            [
                {
                    "arxiv_id": f"2611.{n:05}",
                    "version": 1,
                    "title": "Graph",
                    "abstract": "",
                    "authors": (),
                    "primary_category": "cs.CL",
                    "categories": (),
                    "published": NOW + timedelta(seconds=n),
                    "updated": NOW,
                }
                for n in range(ROWS)
            ],
        )


async def add_queued_papers(store: Store, *, post_key: str | None = None, state: str = "waiting") -> None:
    await add_papers(store)
    async with store.database.transaction() as connection:
        if post_key is None:
            await connection.write(sa.insert(channels), {"channel_id": CHANNEL})
        await connection.write(
            sa.insert(outbox).from_select(
                ["channel_id", "arxiv_id", "published", "arrived_at", "due_at", "state", "post_key"],
                sa.select(
                    sa.literal(CHANNEL),
                    papers.c.arxiv_id,
                    papers.c.published,
                    sa.literal(NOW, outbox.c.due_at.type),
                    sa.literal(NOW, outbox.c.due_at.type),
                    sa.literal(state),
                    sa.literal(post_key, outbox.c.post_key.type),
                ),
                include_defaults=False,
            )
        )


async def test_requested_edit_is_read_without_the_other_posts(store: Store) -> None:
    await add_posts(store, CHANNEL)
    async with store.database.transaction() as connection:
        await connection.write(sa.delete(found_papers))
        await connection.write(sa.insert(edits), {"post_key": "key5"})
    assert await steps(store, Edits(store.database).due(NOW)) < STEPS_MAX
    assert [edit.post.key for edit in await Edits(store.database).due(NOW)] == ["key5"]


async def test_messages_to_publish_are_found_without_reading_all_posts(store: Store) -> None:
    await add_posts(store, CHANNEL)
    assert await steps(store, Edits(store.database).to_publish(NOW)) < STEPS_MAX


async def test_due_channels_are_found_without_reading_the_queues(store: Store) -> None:
    await add_queued_papers(store)
    assert await store.outbox.due_channels(NOW) == (CHANNEL,)
    for query in (
        store.outbox.due_channels(NOW),
        store.outbox.next_due(NOW),
        store.outbox.next_due(),
        store.outbox.oldest_due(),
    ):
        assert await steps(store, query) < STEPS_MAX


async def test_delivered_papers_are_not_read_for_the_next_message(store: Store) -> None:
    await add_posts(store, CHANNEL)
    await add_queued_papers(store, post_key="key5", state="delivered")
    queues = ChannelQueues(store.database)
    assert await steps(store, queues.read([CHANNEL], NOW)) < STEPS_MAX
    for query in (store.outbox.waiting(), store.outbox.oldest_due(), store.outbox.due_channels(NOW)):
        assert await steps(store, query) < STEPS_MAX


async def test_next_message_of_a_batch_is_read_without_the_rest_of_the_batch(store: Store) -> None:
    await add_queued_papers(store)
    queues = ChannelQueues(store.database)
    assert await steps(store, queues.read([CHANNEL], NOW)) > ROWS
    continued_steps = await steps(store, queues.read([CHANNEL], NOW, continued={CHANNEL}))
    async with store.database.transaction() as connection:
        newest = sa.select(outbox.c.id).order_by(outbox.c.published.desc()).limit(ROWS // 2)
        await connection.write(sa.delete(outbox).where(outbox.c.id.in_(newest)))
    assert await steps(store, queues.read([CHANNEL], NOW, continued={CHANNEL})) == continued_steps
    (queue,) = await queues.read([CHANNEL], NOW, continued={CHANNEL})
    assert queue.start is None
    assert len(queue.entries) == ENTRIES_MAX


async def test_newest_papers_are_queued_without_reading_all_matches(store: Store) -> None:
    await store.watch("graph")
    await add_papers(store)
    async with store.database.transaction() as connection:
        await connection.write(
            sa.insert(matches).from_select(
                ["keyword_id", "published", "arxiv_id", "updated", "matched_at"],
                sa.select(sa.literal(1), papers.c.published, papers.c.arxiv_id, papers.c.updated, papers.c.published),
            )
        )
    graph = Keyword.parse("graph")
    assert await steps(store, store.outbox.add_newest(CHANNEL, [graph], 2, NOW)) < ROWS
    assert await store.due_ids() == ["2611.00998", "2611.00999"]
