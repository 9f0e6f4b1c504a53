"""Whoever gives up on a write, at whatever await: all of it is written or nothing, and the next write works."""

import itertools
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from tests.support.builders import paper
from tests.support.cancellation import When, give_up
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store, opened, rows

Operation = Callable[[Store], Coroutine[object, None, object]]


async def prepare(path: Path) -> None:
    async with opened(path) as store:
        await store.watch("reward model", "diffusion")
        await store.subscribe("diffusion", OTHER_CHANNEL)
        await store.read(paper("2611.00001", title="A reward model"), paper("2611.00002", title="Diffusion"))
        await store.bind(OTHER_CHANNEL)


async def subscribe(store: Store) -> None:
    await store.subscribe("graph", OTHER_CHANNEL)


async def unsubscribe(store: Store) -> None:
    await store.subscriptions.remove(Keyword.parse("reward model"), CHANNEL)


async def apply_config(store: Store) -> None:
    await store.subscriptions.apply_config({CHANNEL: [Keyword.parse("graph")], 13: [Keyword.parse("diffusion")]}, NOW)


async def record_window(store: Store) -> None:
    await store.read(paper("2611.00003", title="Diffusion as a reward model"))


async def bind(store: Store) -> None:
    await store.bind(CHANNEL, key="another key")


async def dispatcher(store: Store) -> None:
    post = await store.outbox.unsettled_post(OTHER_CHANNEL)
    assert post is not None
    await store.outbox.delivered(post, Delivered(5), NOW)


async def release(store: Store) -> None:
    post = await store.outbox.unsettled_post(OTHER_CHANNEL)
    assert post is not None
    await store.outbox.release(post, alone=True)


EVERY_WRITE = (subscribe, unsubscribe, apply_config, record_window, bind, dispatcher, release)


@pytest.mark.parametrize(
    ("operation", "when"),
    [
        *((operation, When.WAITING) for operation in EVERY_WRITE),
        *((operation, when) for operation in (record_window, bind) for when in (When.ANSWERED, When.AGAIN_AND_AGAIN)),
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
            given_up = await give_up(operation(store), at, when)
            assert not store.database._writer.in_transaction
            left.append(rows(path))
            await store.key_values.set("next", "works")
            assert await store.key_values.get("next") == "works"
        if not given_up:
            break
    complete = left.pop()
    assert complete != before
    assert left
    assert all(state in (before, complete) for state in left)
