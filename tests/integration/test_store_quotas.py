"""Quotas for keywords added by commands: all keywords of a command are added at once, as far as they fit."""

import asyncio
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from bot.domain.keyword import Keyword
from bot.domain.subscription import Added, AddResult, AlreadyWatched, QuotaExceeded, Quotas, QuotaScope
from tests.support.store import ADA, CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

OTHER_GUILD = 2


def parsed(count: int, name: str = "topic") -> list[Keyword]:
    """Different keywords."""
    return [Keyword.parse(f"{name} {number}") for number in range(count)]


async def add(
    store: Store, keywords: Sequence[Keyword], quotas: Quotas, channel_id: int = CHANNEL, guild_id: int = GUILD
) -> tuple[AddResult, ...]:
    """Adds keywords as one command does."""
    return await store.subscriptions.add_all(keywords, channel_id, guild_id, added_by=ADA, now=NOW, quotas=quotas)


async def count(store: Store, channel_id: int = CHANNEL) -> int:
    return len(await store.subscriptions.in_channel(channel_id))


@pytest.mark.parametrize("limit", [1, 3, 7])
async def test_keywords_are_added_in_order_until_the_channel_is_full(store: Store, limit: int) -> None:
    keywords = parsed(9)
    results = await add(store, keywords, Quotas(limit, 100))
    assert list(results[:limit]) == [Added(keyword) for keyword in keywords[:limit]]
    assert list(results[limit:]) == [
        QuotaExceeded(keyword, QuotaScope.CHANNEL, limit, limit) for keyword in keywords[limit:]
    ]
    assert await count(store) == limit


async def test_quota_of_a_server_counts_all_its_channels_and_no_other_server(store: Store) -> None:
    quotas = Quotas(100, 5)
    await add(store, parsed(50, "elsewhere"), Quotas(100, 100), 99, OTHER_GUILD)
    await add(store, parsed(3), quotas)
    results = await add(store, parsed(3), quotas, OTHER_CHANNEL)
    assert [type(result) for result in results] == [Added, Added, QuotaExceeded]
    assert results[2] == QuotaExceeded(Keyword.parse("topic 2"), QuotaScope.SERVER, 5, 5)


async def test_keywords_in_the_settings_file_do_not_count_and_are_never_rejected(store: Store) -> None:
    keywords = parsed(10)
    await store.subscriptions.apply_config({CHANNEL: keywords}, NOW)
    assert await count(store) == 10
    results = await add(store, [*keywords, *parsed(3, "typed")], Quotas(2, 2))
    assert list(results[:10]) == [AlreadyWatched(keyword) for keyword in keywords]
    assert [type(result) for result in results[10:]] == [Added, Added, QuotaExceeded]


async def test_existing_keywords_stay_when_the_quota_is_lowered(store: Store) -> None:
    await add(store, parsed(10), Quotas(100, 100))
    results = await add(store, [*parsed(2), Keyword.parse("another")], Quotas(3, 3))
    assert [type(result) for result in results] == [AlreadyWatched, AlreadyWatched, QuotaExceeded]
    assert await count(store) == 10


async def test_unsubscribed_keyword_makes_room(store: Store) -> None:
    await add(store, parsed(2), Quotas(2, 2))
    await store.subscriptions.remove(parsed(1)[0], CHANNEL)
    assert [type(result) for result in await add(store, parsed(3, "new"), Quotas(2, 2))] == [
        Added,
        QuotaExceeded,
        QuotaExceeded,
    ]


@pytest.mark.parametrize("quotas", [Quotas(10, 100), Quotas(100, 10)])
async def test_concurrent_commands_cannot_exceed_a_quota(store: Store, quotas: Quotas) -> None:
    results = await asyncio.gather(*(add(store, parsed(4, f"name{command}"), quotas, CHANNEL) for command in range(5)))
    added = [result for of_command in results for result in of_command if isinstance(result, Added)]
    assert len(added) == await count(store) == 10


async def test_command_interrupted_by_an_error_adds_no_keyword(store: Store) -> None:
    too_large = 2**64  # an error of the last statement
    with pytest.raises((OverflowError, sa.exc.DataError)):
        await store.subscriptions.add_all(parsed(5), CHANNEL, GUILD, added_by=too_large, now=NOW)
    assert await count(store) == 0
    assert await store.watched() == ()
