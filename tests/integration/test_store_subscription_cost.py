"""Queries about one server or channel cost the same however many others there are: SQLite's steps are counted."""

import pytest
import sqlalchemy as sa

from bot.domain.keyword import Keyword
from bot.store.schema import outbox
from tests.support.builders import paper
from tests.support.query_steps import STEPS_MAX, steps
from tests.support.store import ADA, CHANNEL, GUILD, NOW, Store

pytestmark = pytest.mark.sqlite

GRAPH = Keyword.parse("graph")
ROWS = 1000
# A change consists of several statements.
CHANGE_STEPS_MAX = 2 * STEPS_MAX


async def add_other_servers(store: Store) -> None:
    """Adds servers with a channel and a subscription each."""
    await store.subscriptions.apply_config({1000 + n: [GRAPH] for n in range(ROWS)}, NOW)
    await store.channels.set_servers({1000 + n: 1000 + n for n in range(ROWS)})


async def test_subscriptions_of_other_servers_are_not_read(store: Store) -> None:
    await add_other_servers(store)
    await store.subscribe("graph")
    queries = store.subscriptions
    for query in (
        queries.in_channel(CHANNEL),
        queries.in_channels(GUILD, [CHANNEL], 0, 10),
        queries.keywords_per_channel(GUILD),
        queries.spellings(GUILD),
        queries.unsynced_in_guild(GUILD),
        queries.has_synced(),
        queries.has_watched(),
        queries.has_unsynced([GRAPH]),
        queries.ids([GRAPH]),
        store.channels.in_guild(GUILD),
        store.channels.servers(GUILD),
    ):
        assert await steps(store, query) < STEPS_MAX


async def test_change_of_a_subscription_does_not_read_those_of_other_servers(store: Store) -> None:
    await add_other_servers(store)
    assert await steps(store, store.channels.set_guild(1000, [1000, 1001])) < STEPS_MAX
    added = store.subscriptions.add_all([GRAPH], CHANNEL, GUILD, added_by=ADA, now=NOW)
    assert await steps(store, added) < CHANGE_STEPS_MAX
    assert await steps(store, store.subscriptions.remove(GRAPH, CHANNEL)) < CHANGE_STEPS_MAX


async def test_unsubscribing_does_not_read_what_the_channel_had_before(store: Store) -> None:
    await store.watch("graph")
    papers = [paper(f"2611.{n:05}") for n in range(ROWS)]
    await store.papers.add(papers)
    row = {"channel_id": CHANNEL, "published": NOW, "due_at": NOW, "state": "withdrawn"}
    async with store.database.transaction() as connection:
        await connection.write(sa.insert(outbox), [row | {"arxiv_id": each.arxiv_id.value} for each in papers])
    assert await steps(store, store.subscriptions.remove(GRAPH, CHANNEL)) < CHANGE_STEPS_MAX
