"""Queries that run for each message or channel cost the same however much is stored: SQLite's steps are counted."""

import pytest
import sqlalchemy as sa

from bot.domain.keyword import Keyword
from bot.store.edits import Edits
from bot.store.found_messages import FoundMessages
from bot.store.schema import channels, found_papers, outbox, posts
from tests.support.builders import paper
from tests.support.query_steps import STEPS_MAX, steps
from tests.support.store import ADA, CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

pytestmark = pytest.mark.sqlite

ROWS = 1000


async def add_posts(store: Store, channel_id: int) -> None:
    """Adds posts, each with a paper that was found in it."""
    sent = {"channel_id": channel_id, "layout": "cards", "first_attempt": NOW, "last_attempt": NOW, "settled_at": NOW}
    async with store.database.transaction() as connection:
        await connection.write(sa.insert(channels).values(channel_id=channel_id))
        await connection.write(
            sa.insert(posts),
            [{"key": f"key{n}", "nonce": f"nonce{n}", "message_id": n, **sent} for n in range(ROWS)],
        )
        await connection.write(
            sa.insert(found_papers),
            [{"channel_id": channel_id, "arxiv_id": f"2611.{n:05}", "post_key": f"key{n}"} for n in range(ROWS)],
        )


async def add_queued_papers(store: Store) -> None:
    arrived = {"channel_id": CHANNEL, "published": NOW, "arrived_at": NOW, "due_at": NOW}
    papers = [paper(f"2611.{n:05}") for n in range(ROWS)]
    await store.papers.add(papers)
    async with store.database.transaction() as connection:
        await connection.write(sa.insert(channels).values(channel_id=CHANNEL))
        await connection.write(sa.insert(outbox), [{"arxiv_id": each.arxiv_id.value, **arrived} for each in papers])


async def add_other_servers(store: Store) -> None:
    """Adds servers with a channel and a subscription each."""
    keyword = Keyword.parse("graph")
    await store.subscriptions.apply_config({1000 + n: [keyword] for n in range(ROWS)}, NOW)
    await store.channels.set_servers({1000 + n: 1000 + n for n in range(ROWS)})


async def test_last_known_message_is_found_without_reading_all_posts(store: Store) -> None:
    await add_posts(store, OTHER_CHANNEL)
    found_messages = FoundMessages(store.database)
    assert await found_messages.read_until(OTHER_CHANNEL) == ROWS - 1
    for channel_id in (CHANNEL, OTHER_CHANNEL):
        assert await steps(store, found_messages.read_until(channel_id)) < STEPS_MAX


async def test_unsettled_message_is_found_without_reading_all_posts(store: Store) -> None:
    await add_posts(store, CHANNEL)
    assert await steps(store, store.outbox.unsettled_post(CHANNEL)) < STEPS_MAX


async def test_posts_and_found_papers_are_not_all_read_for_edits(store: Store) -> None:
    await add_posts(store, CHANNEL)
    assert await steps(store, Edits(store.database).due(NOW)) < STEPS_MAX


async def test_queued_papers_are_not_all_read_before_each_message(store: Store) -> None:
    await add_queued_papers(store)
    assert await steps(store, store.channels.correct_due_times(NOW, all_papers=False)) < STEPS_MAX


async def test_new_channel_is_not_looked_for_in_posts(store: Store) -> None:
    # SQLite plans to, and only does where a reference is violated: `tests/support/query_plans.py` counts on that.
    await add_posts(store, OTHER_CHANNEL)
    added = store.subscriptions.apply_config({CHANNEL: [Keyword.parse("graph")]}, NOW)
    assert await steps(store, added) < 2 * STEPS_MAX  # several statements


async def test_change_of_a_subscription_does_not_read_those_of_other_servers(store: Store) -> None:
    await add_other_servers(store)
    graph = [Keyword.parse("graph")]
    assert await steps(store, store.channels.set_guild(1000, [1000, 1001])) < STEPS_MAX
    added = store.subscriptions.add_all(graph, CHANNEL, GUILD, added_by=ADA, now=NOW)
    assert await steps(store, added) < 2 * STEPS_MAX  # several statements
    assert await steps(store, store.subscriptions.remove(graph[0], CHANNEL)) < 2 * STEPS_MAX


async def test_unsubscribing_does_not_read_what_the_channel_had_before(store: Store) -> None:
    await store.watch("graph")
    await store.papers.add([paper(f"2611.{n:05}") for n in range(ROWS)])
    delivered = {"channel_id": CHANNEL, "published": NOW, "due_at": NOW, "state": "withdrawn"}
    async with store.database.transaction() as connection:
        await connection.write(sa.insert(outbox), [{"arxiv_id": f"2611.{n:05}", **delivered} for n in range(ROWS)])
    assert await steps(store, store.subscriptions.remove(Keyword.parse("graph"), CHANNEL)) < 2 * STEPS_MAX
