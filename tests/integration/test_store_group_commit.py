"""Group commit: writes of concurrent tasks share a transaction, and a write that fails fails only its caller."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing

import pytest
import sqlalchemy as sa

from bot.runtime.errors import StoreUnavailable
from bot.store.connection import Connection
from bot.store.group_commit import GROUP_INTERVAL_S, GROUP_MAX, GroupCommit, Grouped
from bot.store.schema import channels
from tests.support.clock import FakeClock, settle
from tests.support.databases import reading
from tests.support.sqlite_driver import sqlite_driver
from tests.support.store import Store


@pytest.fixture
async def statements(store: Store) -> list[str]:
    """The statements that the writing connection runs from now on."""
    seen: list[str] = []
    async with store.database.transaction() as connection:
        await (await sqlite_driver(connection)).set_trace_callback(seen.append)
    seen.clear()
    return seen


async def add_channels(connection: Connection, channel_ids: Sequence[int]) -> Sequence[int]:
    await connection.write(sa.insert(channels), [{"channel_id": each} for each in channel_ids])
    return channel_ids


async def set_guild(connection: Connection, channel_ids: Sequence[int]) -> Sequence[None]:
    await connection.write(sa.update(channels).where(channels.c.channel_id.in_(channel_ids)).values(guild_id=1))
    return [None for _ in channel_ids]


def stored(store: Store) -> list[int]:
    """The channels that another connection sees: those whose transaction is committed."""
    with reading(store.path) as connection:
        return list(connection.scalars(sa.select(channels.c.channel_id).order_by(channels.c.channel_id)))


@pytest.mark.sqlite
async def test_concurrent_writes_share_one_transaction(store: Store, statements: list[str]) -> None:
    commits = GroupCommit(store.database)
    assert await asyncio.gather(*(commits.write(add_channels, each) for each in range(1, 21))) == list(range(1, 21))
    assert statements.count("BEGIN IMMEDIATE") == 1
    assert stored(store) == list(range(1, 21))


@pytest.mark.sqlite
async def test_writes_of_two_kinds_share_one_transaction(store: Store, statements: list[str]) -> None:
    commits = GroupCommit(store.database)
    await commits.write(add_channels, 1)
    statements.clear()
    async with asyncio.TaskGroup() as group:
        moved = group.create_task(commits.write(set_guild, 1))
        added = group.create_task(commits.write(add_channels, 2))
    assert (added.result(), moved.result()) == (2, None)
    assert statements.count("BEGIN IMMEDIATE") == 1


async def test_caller_continues_only_after_the_commit(store: Store) -> None:
    commits = GroupCommit(store.database)

    async def add(channel_id: int) -> None:
        await commits.write(add_channels, channel_id)
        assert channel_id in stored(store)

    await asyncio.gather(*map(add, range(1, 6)))


async def test_failing_write_fails_only_its_caller(store: Store) -> None:
    commits = GroupCommit(store.database)
    await commits.write(add_channels, 3)
    outcomes = await asyncio.gather(
        *(commits.write(add_channels, each) for each in range(1, 6)), return_exceptions=True
    )
    assert [each if isinstance(each, int) else type(each) for each in outcomes] == [1, 2, sa.exc.IntegrityError, 4, 5]
    assert stored(store) == [1, 2, 3, 4, 5]


@pytest.mark.sqlite
async def test_unavailable_database_fails_every_caller_at_once(store: Store) -> None:
    commits = GroupCommit(store.database)
    async with store.database.transaction() as writer:
        await writer.run("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcomes = await asyncio.gather(
            commits.write(add_channels, 1), commits.write(add_channels, 2), return_exceptions=True
        )
    assert all(isinstance(each, StoreUnavailable) for each in outcomes)
    assert stored(store) == []
    assert await commits.write(add_channels, 1) == 1


async def test_write_of_a_cancelled_caller_is_dropped_and_the_others_are_kept(store: Store) -> None:
    commits = GroupCommit(store.database)
    async with store.database.transaction():  # the group has to wait for it
        cancelled, kept = (asyncio.create_task(commits.write(add_channels, each)) for each in (1, 2))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
    assert await kept == 2
    assert cancelled.cancelled()
    assert stored(store) == [2]


async def test_cancelled_caller_does_not_stop_a_transaction_that_has_begun(store: Store) -> None:
    commits, begun, continued = GroupCommit(store.database), asyncio.Event(), asyncio.Event()

    async def add_slowly(connection: Connection, channel_ids: Sequence[int]) -> Sequence[int]:
        begun.set()
        await continued.wait()
        return await add_channels(connection, channel_ids)

    cancelled, failed, kept = (asyncio.create_task(commits.write(add_slowly, each)) for each in (1, 0, 2))
    await begun.wait()
    cancelled.cancel()
    await asyncio.wait([cancelled])
    continued.set()
    assert (await failed, await kept) == (0, 2)
    assert stored(store) == [0, 1, 2]


async def test_failure_after_a_cancellation_reaches_the_other_callers(store: Store) -> None:
    begun, continued = asyncio.Event(), asyncio.Event()

    async def fail(_: Sequence[int]) -> Sequence[int]:
        begun.set()
        await continued.wait()
        raise StoreUnavailable("the disk is full")

    grouped = Grouped(fail)
    cancelled, other = (asyncio.create_task(grouped.submit(each)) for each in (1, 2))
    await begun.wait()
    cancelled.cancel()
    await asyncio.wait([cancelled])
    continued.set()
    with pytest.raises(StoreUnavailable):
        await other


async def test_group_has_a_maximum_size() -> None:
    sizes: list[int] = []

    async def record_size(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    grouped = Grouped(record_size)
    assert await asyncio.gather(*map(grouped.submit, range(GROUP_MAX + 1))) == list(range(GROUP_MAX + 1))
    assert sizes == [GROUP_MAX, 1]


async def test_groups_begin_an_interval_apart(clock: FakeClock) -> None:
    groups: list[tuple[float, list[int]]] = []

    async def record(items: Sequence[int]) -> Sequence[int]:
        groups.append((clock.monotonic(), list(items)))
        return items

    grouped = Grouped(record, clock)
    assert await grouped.submit(1) == 1
    later = [asyncio.create_task(grouped.submit(each)) for each in (2, 3)]
    await settle()
    assert groups == [(0.0, [1])]
    await clock.advance(GROUP_INTERVAL_S)
    assert [await each for each in later] == [2, 3]
    assert groups[1:] == [(GROUP_INTERVAL_S, [2, 3])]


async def test_group_whose_callers_are_all_cancelled_does_not_begin(clock: FakeClock) -> None:
    async def echo(items: Sequence[int]) -> Sequence[int]:
        assert items == [1]
        return items

    grouped = Grouped(echo, clock)
    await grouped.submit(1)
    dropped = asyncio.create_task(grouped.submit(2))
    await settle()
    dropped.cancel()
    await clock.advance(GROUP_INTERVAL_S)
    assert dropped.cancelled()
