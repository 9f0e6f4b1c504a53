"""The servers that the bot is in: which of them are new."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.keyword import keyword_key
from bot.store.database import Database
from bot.store.known_guilds import LEFT_GUILD_KEPT, KnownGuilds
from bot.store.migrate import APPLICATION_ID, migrations
from bot.store.polls import KeyValues

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def known_guilds(tmp_path: Path) -> AsyncIterator[KnownGuilds]:
    """The known servers of a new database."""
    database = await Database.open_exclusive(tmp_path / "papers.sqlite3")
    yield KnownGuilds(database)
    await database.close()


async def test_servers_of_the_first_start_are_not_new(known_guilds: KnownGuilds) -> None:
    assert await known_guilds.replace([1, 2], NOW) == ()
    assert await known_guilds.replace([1, 2], NOW) == ()


async def test_server_joined_between_two_starts_is_new_once(known_guilds: KnownGuilds) -> None:
    await known_guilds.replace([1], NOW)
    assert await known_guilds.replace([1, 2], NOW) == (2,)
    assert await known_guilds.replace([1, 2], NOW) == ()


async def test_joined_server_is_new_once(known_guilds: KnownGuilds) -> None:
    await known_guilds.replace([], NOW)
    assert await known_guilds.add(2, NOW)
    assert not await known_guilds.add(2, NOW)
    assert await known_guilds.replace([2], NOW) == ()


async def test_no_server_is_new_before_the_first_list(known_guilds: KnownGuilds) -> None:
    assert not await known_guilds.add(1, NOW)
    await known_guilds.remove(1, NOW)
    assert await known_guilds.replace([1], NOW) == ()


@pytest.mark.parametrize("offline", [True, False])
async def test_server_that_was_left_is_new_again_after_30_days(known_guilds: KnownGuilds, *, offline: bool) -> None:
    await known_guilds.replace([1], NOW)
    if offline:
        await known_guilds.replace([], NOW)
    else:
        await known_guilds.remove(1, NOW)
    # A later start does not extend the time.
    await known_guilds.replace([], NOW + LEFT_GUILD_KEPT - 2 * MINUTE)
    assert await known_guilds.add(1, NOW + LEFT_GUILD_KEPT)


async def test_server_that_was_left_in_the_future_is_new_again_30_days_from_now(known_guilds: KnownGuilds) -> None:
    await known_guilds.replace([1], NOW)
    await known_guilds.remove(1, NOW + LEFT_GUILD_KEPT)  # the clock was ahead
    await known_guilds.replace([], NOW)
    assert await known_guilds.add(1, NOW + LEFT_GUILD_KEPT)


async def test_server_that_comes_back_within_30_days_is_not_new(known_guilds: KnownGuilds) -> None:
    await known_guilds.replace([1, 2], NOW)
    await known_guilds.remove(1, NOW)
    await known_guilds.remove(2, NOW)
    assert not await known_guilds.add(1, NOW + LEFT_GUILD_KEPT - MINUTE)
    assert await known_guilds.replace([1, 2], NOW + LEFT_GUILD_KEPT - MINUTE) == ()
    assert await known_guilds.replace([1, 2], NOW + 2 * LEFT_GUILD_KEPT) == ()


async def test_servers_known_to_an_earlier_release_stay_known(tmp_path: Path) -> None:
    path = tmp_path / "papers.sqlite3"
    left_at = (NOW - LEFT_GUILD_KEPT + MINUTE).isoformat(timespec="microseconds")
    with closing(sqlite3.connect(path)) as connection:
        connection.create_function("keyword_key", 1, keyword_key, deterministic=True)
        for script in migrations():
            connection.executescript(script)
        known = json.dumps({"1": None, "2": left_at})
        connection.execute("INSERT INTO key_values VALUES ('known servers', ?), ('other', 'value')", (known,))
        connection.execute(f"PRAGMA user_version = {len(migrations())}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.commit()
    database = await Database.open_exclusive(path)
    try:
        known_guilds = KnownGuilds(database)
        assert await known_guilds.replace([1, 2, 3], NOW) == (3,)
        assert await KeyValues(database).get("other") == "value"
    finally:
        await database.close()
