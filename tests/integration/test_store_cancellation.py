"""A write that is cancelled at any await is complete or absent, and the next write works."""

import asyncio
import itertools
import shutil
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path

import pytest

from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from tests.support.builders import paper
from tests.support.cancellation import When, cancel_at
from tests.support.databases import rows
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store, opened

# A stopped thread ends within milliseconds; one that leaked never does.
THREAD_ENDS_S = 5.0
Operation = Callable[[Store], Coroutine[object, None, object]]


async def prepare(path: Path) -> None:
    async with opened(path) as store:
        await store.watch("reward model", "diffusion")
        await store.subscribe("diffusion", OTHER_CHANNEL)
        await store.poll(paper("2611.00001", title="A reward model"), paper("2611.00002", title="Diffusion"))
        await store.bind(OTHER_CHANNEL)


async def subscribe(store: Store) -> None:
    await store.subscribe("graph", OTHER_CHANNEL)


async def unsubscribe(store: Store) -> None:
    await store.subscriptions.remove(Keyword.parse("reward model"), CHANNEL)


async def apply_config(store: Store) -> None:
    await store.subscriptions.apply_config({CHANNEL: [Keyword.parse("graph")], 13: [Keyword.parse("diffusion")]}, NOW)


async def record_window(store: Store) -> None:
    await store.poll(paper("2611.00003", title="Diffusion as a reward model"))


async def bind(store: Store) -> None:
    await store.bind(CHANNEL, key="another key")


async def deliver(store: Store) -> None:
    post = await store.outbox.unsettled_post(OTHER_CHANNEL)
    assert post is not None
    await store.outbox.delivered(post, Delivered(5), NOW)


async def release(store: Store) -> None:
    post = await store.outbox.unsettled_post(OTHER_CHANNEL)
    assert post is not None
    await store.outbox.release(post, alone=True)


def assert_no_open_transaction(path: Path) -> None:
    """Asserts that another connection can write at once."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


EVERY_WRITE = (subscribe, unsubscribe, apply_config, record_window, bind, deliver, release)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("operation", "when"),
    [
        *((operation, When.WAITING) for operation in EVERY_WRITE),
        *((operation, when) for operation in (record_window, bind) for when in (When.ANSWERED, When.REPEATEDLY)),
    ],
)
async def test_cancelled_write_is_complete_or_absent(tmp_path: Path, operation: Operation, when: When) -> None:
    template = tmp_path / "template.sqlite3"
    await prepare(template)
    before = rows(template)
    left = []
    for at in itertools.count(1):
        path = tmp_path / f"{at}.sqlite3"
        shutil.copy(template, path)
        async with opened(path) as store:
            cancelled = await cancel_at(operation(store), at, when)
            assert_no_open_transaction(path)
            left.append(rows(path))
            await store.key_values.set("next", "works")
            assert await store.key_values.get("next") == "works"
        if not cancelled:
            break
    complete = left.pop()
    assert complete != before
    assert left
    assert all(state in (before, complete) for state in left)


async def read_on_a_new_connection(store: Store) -> None:
    """Reads while the only open connection is in use."""
    async with store.database.reading():
        await store.key_values.get("a")


@pytest.mark.sqlite
async def test_connection_whose_opening_is_cancelled_ends_with_the_database(path: Path) -> None:
    for at in itertools.count(1):
        threads = set(threading.enumerate())
        async with opened(path) as store:
            cancelled = await cancel_at(read_on_a_new_connection(store), at, When.WAITING)
        for thread in set(threading.enumerate()) - threads:
            if "connection_worker" in thread.name:
                await asyncio.to_thread(thread.join, THREAD_ENDS_S)
                assert not thread.is_alive()
        if not cancelled:
            break
    assert at > 1
