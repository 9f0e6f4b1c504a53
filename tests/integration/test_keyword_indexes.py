"""The indexes for suggestions are up to date after every change, and searched without blocking the event loop."""

import asyncio

import pytest

from bot.domain.keyword import Keyword
from bot.domain.keyword_index import KeywordIndex
from bot.domain.subscription import Spelling
from bot.services.keyword_indexes import MAX_AGE_S, KeywordIndexes
from cogs.suggestions import suggested, visible
from tests.support.clock import FakeClock
from tests.support.store import CHANNEL, GUILD, OTHER_CHANNEL, Store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def indexes(store: Store, clock: FakeClock) -> KeywordIndexes:
    return KeywordIndexes(store.subscriptions, clock)


async def names(indexes: KeywordIndexes, guild_id: int = GUILD) -> list[str]:
    index = await indexes.get(guild_id)
    return [spelling.shown for keywords in index.channels.values() for spelling in keywords.containing("")]


async def test_suggestions_follow_every_change_at_once(store: Store, indexes: KeywordIndexes) -> None:
    assert await names(indexes) == []
    await store.subscribe("beta")
    assert await names(indexes) == ["beta"]
    await store.subscribe("alpha", OTHER_CHANNEL)
    assert await names(indexes) == ["beta", "alpha"]
    await store.subscriptions.remove(Keyword.parse("beta"), CHANNEL)
    assert await names(indexes) == ["alpha"]
    assert await names(indexes, 2) == []


async def test_people_who_type_at_once_share_one_index(store: Store, indexes: KeywordIndexes) -> None:
    await store.subscribe("beta")
    found = await asyncio.gather(*(indexes.get(GUILD) for _ in range(20)))
    assert len(set(map(id, found))) == 1
    assert await indexes.get(GUILD) is found[0]


async def test_index_is_read_again_when_it_is_old(store: Store, indexes: KeywordIndexes, clock: FakeClock) -> None:
    await store.subscribe("beta")
    first = await indexes.get(GUILD)
    async with store.database.transaction() as connection:
        await connection.run("UPDATE channels SET guild_id = 2")  # as the gateway's events do
    assert await indexes.get(GUILD) is first
    await clock.advance(MAX_AGE_S + 1)
    assert await names(indexes) == []


async def test_indexes_of_servers_used_long_ago_are_forgotten(store: Store, indexes: KeywordIndexes) -> None:
    await store.subscribe("beta")
    first = await indexes.get(GUILD)
    for guild_id in range(100, 200):
        await indexes.get(guild_id)
    assert await indexes.get(GUILD) is not first


async def test_other_callbacks_run_while_many_channels_are_checked() -> None:
    index = KeywordIndex.of([Spelling(channel_id, 1, "graph", "graph") for channel_id in range(500)])
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counter = asyncio.create_task(count_turns())
    assert [spelling.channel_id async for spelling in suggested(index, "GR", lambda each: each == 499)] == [499]
    assert turns >= 9
    turns = 0
    assert await visible(list(range(500)), lambda each: each % 250 == 0) == [0, 250]
    assert turns >= 9
    counter.cancel()


async def test_permissions_are_checked_only_for_channels_with_a_match() -> None:
    index = KeywordIndex.of(
        [Spelling(1, 1, "graph", "graph"), Spelling(2, 2, "model", "model"), Spelling(2, 3, "mode", "mode")]
    )
    checked: list[int] = []

    def may_show(channel_id: int) -> bool:
        checked.append(channel_id)
        return True

    assert [spelling.shown async for spelling in suggested(index, "mod", may_show)] == ["model", "mode"]
    assert checked == [2]
