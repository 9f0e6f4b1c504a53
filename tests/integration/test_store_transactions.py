"""Transactions are complete or absent, whatever fails."""

import asyncio
import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path

import aiosqlite
import pytest
import sqlalchemy as sa

from bot.runtime.errors import StoreUnavailable
from bot.store.connection import completed
from bot.store.schema import key_values
from bot.store.sqlite import READERS
from tests.support.databases import rows
from tests.support.sqlite_driver import sqlite_driver
from tests.support.store import Store, opened

LARGE = "INSERT INTO key_values VALUES ('large', hex(zeroblob(100000)))"


async def execute(store: Store, *statements: str) -> None:
    async with store.database.transaction() as connection:
        for statement in statements:
            await connection.run(statement)


class Mishap(Exception):
    pass


async def write_and_fail(store: Store) -> None:
    async with store.database.transaction() as connection:
        await connection.run("INSERT INTO key_values VALUES ('half', 'written')")
        raise Mishap


async def test_failed_transaction_writes_nothing(store: Store) -> None:
    with pytest.raises(Mishap):
        await write_and_fail(store)
    assert await store.key_values.get("half") is None
    await store.key_values.set("next", "works")
    assert await store.key_values.get("next") == "works"


async def test_programming_error_is_not_reported_as_unavailable(store: Store) -> None:
    with pytest.raises(sa.exc.DBAPIError, match=r"no such table|does not exist"):
        await execute(store, "INSERT INTO nowhere VALUES (1)")
    await store.key_values.set("next", "works")


async def test_two_transactions_never_mix(store: Store) -> None:
    async def count_up() -> None:
        async with store.database.transaction() as connection:
            count = int(await connection.scalar(sa.select(sa.func.max(key_values.c.value))) or 0) + 1
            await connection.write(sa.delete(key_values))
            await connection.write(sa.insert(key_values).values(name="count", value=str(count)))

    await asyncio.gather(*(count_up() for _ in range(9)))
    assert await store.key_values.get("count") == "9"


async def test_closing_waits_for_the_current_transaction(path: Path) -> None:
    async with opened(path) as store:
        async with store.database.transaction() as connection:
            end = asyncio.create_task(store.database.close())
            await connection.run("INSERT INTO key_values VALUES ('last', 'word')")
        await end
    assert rows(path)["key_values"] == [("last", "word")]


async def writing_connection(store: Store) -> aiosqlite.Connection:
    """Returns the connection that writes, to change its pragmas."""
    async with store.database.transaction() as connection:
        return await sqlite_driver(connection)


@pytest.mark.sqlite
async def test_full_disk_writes_nothing_and_recovers(store: Store) -> None:
    writer = await writing_connection(store)
    (pages,) = next(iter(await writer.execute_fetchall("PRAGMA page_count")))
    await writer.execute_fetchall(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable, match="full"):
        await execute(store, "INSERT INTO key_values VALUES ('small', 'fits')", LARGE)
    assert await store.key_values.get("small") is None
    await writer.execute_fetchall("PRAGMA max_page_count = 1000000")
    await store.key_values.set("large", "x" * 100_000)
    assert await store.key_values.get("large") == "x" * 100_000


@pytest.mark.sqlite
async def test_lock_of_another_program_is_reported_after_the_timeout(store: Store) -> None:
    await (await writing_connection(store)).execute_fetchall("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.key_values.set("a", "b")
    await store.key_values.set("a", "b")
    assert await store.key_values.get("a") == "b"


async def write_through_the_reader(store: Store) -> None:
    async with store.database.reading() as connection:
        await connection.run("INSERT INTO key_values VALUES ('readers', 'never write')")


async def test_failing_reader_raises_store_unavailable(store: Store) -> None:
    await store.key_values.set("a", "b")
    with pytest.raises(StoreUnavailable):
        await write_through_the_reader(store)
    assert await store.key_values.get("a") == "b"


async def test_error_of_a_statement_is_raised_unchanged(store: Store) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        async with store.database.transaction() as connection:
            await connection.run("INSERT INTO key_values (name, value) VALUES ('a', NULL)")
    with pytest.raises(sa.exc.DBAPIError, match=r"no such table|does not exist"):
        async with store.database.transaction() as connection:
            await connection.run("SELECT * FROM nowhere")


@pytest.mark.sqlite
async def test_damaged_open_file_is_reported_with_the_remedy(store: Store) -> None:
    size = store.path.stat().st_size
    with store.path.open("r+b") as file:
        file.seek(4096)  # after the first page, which is already cached
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(StoreUnavailable, match="replace the file with a backup"):
        await store.watched()


async def test_large_result_lets_other_tasks_run(store: Store) -> None:
    async with store.database.transaction() as connection:
        values = [{"name": f"{number:04}", "value": ""} for number in range(1001)]
        await connection.write(sa.insert(key_values), values)
    async with store.database.reading() as connection:
        await connection.first(sa.select(key_values))
        reading = asyncio.ensure_future(connection.all(sa.select(key_values.c.name)))
        turns = 0
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
    assert len(await reading) == 1001
    assert turns >= 3


@pytest.mark.slow  # a query waits ten seconds for a connection
async def test_query_beyond_the_connections_is_reported(store: Store) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(READERS):
            connection = await stack.enter_async_context(store.database.reading())
            await connection.first(sa.select(key_values))
        with pytest.raises(StoreUnavailable, match="too many queries wait for it"):
            await store.key_values.get("a")
    assert await store.key_values.get("a") is None


async def test_cancelling_every_task_ends_a_statement() -> None:
    never = asyncio.Event()
    outer = asyncio.ensure_future(completed(never.wait()))
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:  # as at the end of `asyncio.run`
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await outer
