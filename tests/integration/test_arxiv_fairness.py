"""Polls while people keep arXiv busy: lookups by six people, and a subscription to 700 keywords."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import pytest

from bot.arxiv.scheduler import POLL_EVERY, Caller, Priority, Waiters
from bot.domain.keyword import Keyword
from bot.domain.queries import latest_query
from bot.ingest.initial_sync import SyncStatus
from bot.runtime.errors import ArxivError
from tests.support.arxiv_load import ArxivLoad, arxiv_load
from tests.support.ingest import ingest_over, running
from tests.support.store import OTHER_CHANNEL, Store

POLL_INTERVAL_S: Final = 15.0
# What /latest allows one person: five per minute.
LOOKUP_EVERY_S: Final = 12.0
# A poll takes up to five requests, each in the third slot at the latest, and then pauses for up to five slots.
SLOTS_PER_POLL: Final = 5 * POLL_EVERY + 5


@asynccontextmanager
async def lookups(load: ArxivLoad, callers: Sequence[Caller]) -> AsyncIterator[None]:
    """Each caller looks up a keyword without papers every 12 s, which takes three requests."""
    tasks = [asyncio.create_task(_look_up_forever(load, caller)) for caller in callers]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _look_up_forever(load: ArxivLoad, caller: Caller) -> None:
    number = 0
    while True:
        number += 1
        next_at_s = load.clock.monotonic() + LOOKUP_EVERY_S
        with contextlib.suppress(ArxivError):
            await load.lookups.latest(Keyword.parse(f"quokka {caller.user_id} {number}"), 5, caller)
        await load.clock.sleep(next_at_s - load.clock.monotonic())


def finished_polls(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.getMessage() == "poll finished" for record in caplog.records)


@pytest.mark.slow
async def test_polls_go_on_while_six_people_look_papers_up(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "bot")
    async with arxiv_load(store, poll_interval_s=POLL_INTERVAL_S) as load:
        async with lookups(load, [Caller(user, 7) for user in range(6)]), running(load.poller.run()):
            await load.until_requested(60)
        assert finished_polls(caplog) >= 60 // SLOTS_PER_POLL


@pytest.mark.slow
async def test_polls_get_their_share_of_a_gate_that_people_never_leave(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bot")

    async def request_forever(load: ArxivLoad, caller: Caller) -> None:
        while True:
            waiters = Waiters({caller}, load.clock.monotonic() + 900)
            query = latest_query(Keyword.parse("reward model"))
            await load.client.fetch(query, start=0, size=1, priority=Priority.INTERACTIVE, waiters=waiters)

    async with arxiv_load(store, poll_interval_s=POLL_INTERVAL_S) as load, running(load.poller.run()):
        people = [asyncio.create_task(request_forever(load, Caller(user))) for user in range(6)]
        await load.until_requested(60)
        for person in people:
            person.cancel()
        await asyncio.wait(people)
        assert finished_polls(caplog) >= 60 // SLOTS_PER_POLL


@pytest.mark.slow
async def test_subscription_to_700_keywords_delays_neither_polls_nor_another_person(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bot")
    async with arxiv_load(store, poll_interval_s=POLL_INTERVAL_S) as load:
        many = [Keyword.parse(f"topic{n}") for n in range(700)]
        for keyword in many:
            await store.subscribe(keyword.shown)
        await store.subscribe("bandit", OTHER_CHANNEL)
        async with running(load.poller.run()), running(load.initial_sync.run()):
            one, all_of_them = (
                asyncio.create_task(load.initial_sync.wait(keywords, 900.0, keep_waiting=False))
                for keywords in ([Keyword.parse("bandit")], many)
            )
            assert await one is SyncStatus.SYNCED
            # Its group takes two requests, because arXiv returns nothing; those of polls go between them: two, or more
            # if the machine is busy, because the clock does not wait for it. In groups of 40, the 700 take 36.
            assert len(load.arxiv.requests) <= 2 + 8
            assert await all_of_them is SyncStatus.SYNCED
        assert finished_polls(caplog) >= len(load.arxiv.requests) // SLOTS_PER_POLL
        initial_syncs = [each for each in load.arxiv.requests if "topic" in each.search_query]
        assert initial_syncs == []  # all papers are read once for all keywords


@pytest.mark.slow
async def test_keywords_of_concurrent_commands_share_requests(store: Store) -> None:
    async with ingest_over(store) as ingest, running(ingest.initial_sync.run()):
        ingest.add_paper(" ".join(f"topic{n}" for n in range(30)))
        for n in range(30):
            await store.subscribe(f"topic{n}", channel_id=n % 3 + 1)
            ingest.initial_sync.notify()
        keywords = [watched.keyword for watched in await store.watched()]
        wait = asyncio.create_task(ingest.initial_sync.wait(keywords, 900.0, keep_waiting=False))
        await ingest.until(wait.done)
        assert len(ingest.take_requests()) == 1
