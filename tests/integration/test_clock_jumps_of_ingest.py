"""Jumps of the machine's clock while arXiv is read: no paper is lost, none is late, and no interval shrinks."""

import asyncio
from datetime import timedelta

from bot.domain.poll_schedule import Poll, PollCompleted, PollFailed, PollThrottled
from bot.domain.queries import INITIAL_SYNC_PERIOD
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.clock import every_jump, jumps_ahead, settle
from tests.support.ingest import MORNING, Ingest, ingest_over, running
from tests.support.store import Store

POLL_INTERVAL_S = 600.0
# A poll may be repeated, and the plan is checked every five minutes.
LATEST_S = POLL_INTERVAL_S + 400.0
RETRY_AFTER_S = 120.0
MINUTE = timedelta(minutes=1)


async def poll_until_found(ingest: Ingest) -> None:
    """Runs the poller until it finds a new paper, which must not take longer than usual."""
    arxiv_id = ingest.add_paper("A reward model")
    started_s = ingest.clock.monotonic()
    async with running(ingest.poller.run()):
        await ingest.until(lambda: ingest.new_posts_notified > 0)
    assert ingest.clock.monotonic() - started_s <= LATEST_S
    await ingest.store.channels.correct_due_times(ingest.clock.now(), all_papers=False)
    assert await ingest.due() == [arxiv_id]


async def jump_for_a_poll(ingest: Ingest, jump: timedelta) -> None:
    """Polls once with a clock that is wrong for some seconds."""
    ingest.clock.jump(jump)
    await ingest.poll()
    ingest.clock.jump(-jump)


@every_jump
async def test_paper_after_a_jump_is_found_without_a_restart(store: Store, jump: timedelta) -> None:
    async with ingest_over(store, poll_interval_s=POLL_INTERVAL_S) as ingest:
        await ingest.watch("reward model")
        await ingest.poll()
        await jump_for_a_poll(ingest, jump)
        await poll_until_found(ingest)


@every_jump
async def test_paper_after_a_jump_is_found_after_a_restart(store: Store, jump: timedelta) -> None:
    async with ingest_over(store) as ingest:
        await ingest.watch("reward model")
        await jump_for_a_poll(ingest, jump)
    async with ingest_over(store, now=MORNING + MINUTE, poll_interval_s=POLL_INTERVAL_S) as ingest:
        await poll_until_found(ingest)


@every_jump
async def test_paper_during_a_jump_is_posted_at_once_and_once(store: Store, jump: timedelta) -> None:
    async with ingest_over(store, poll_interval_s=POLL_INTERVAL_S) as ingest:
        await ingest.watch("reward model")
        arxiv_id = ingest.add_paper("A reward model")
        await jump_for_a_poll(ingest, jump)
        for _ in range(2):
            await ingest.poll()
        await store.channels.correct_due_times(ingest.clock.now(), all_papers=False)
        await ingest.clock.advance(90)
        assert await ingest.due() == [arxiv_id]


@every_jump
async def test_backoff_that_began_during_a_jump_is_as_long_as_arxiv_asked(store: Store, jump: timedelta) -> None:
    async with ingest_over(store, poll_interval_s=POLL_INTERVAL_S) as ingest:
        await ingest.watch("reward model")
        ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, retry_after=f"{RETRY_AFTER_S:.0f}"))
        started_s = ingest.clock.monotonic()
        await jump_for_a_poll(ingest, jump)
        ingest.take_requests()
        await poll_until_found(ingest)
        first_s = ingest.take_requests()[0].started_at_s
        assert RETRY_AFTER_S <= first_s - started_s <= RETRY_AFTER_S + LATEST_S


@every_jump
async def test_jump_during_a_backoff_does_not_change_its_length(store: Store, jump: timedelta) -> None:
    async with ingest_over(store, poll_interval_s=POLL_INTERVAL_S) as ingest:
        await ingest.watch("reward model")
        ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, retry_after=f"{RETRY_AFTER_S:.0f}"))
        started_s = ingest.clock.monotonic()
        await ingest.poll()
        ingest.take_requests()
        ingest.clock.jump(jump)
        assert isinstance(await ingest.poll(), PollThrottled)
        await ingest.clock.advance(4)
        ingest.clock.jump(-jump)
        await poll_until_found(ingest)
        first_s = ingest.take_requests()[0].started_at_s
        assert RETRY_AFTER_S <= first_s - started_s <= RETRY_AFTER_S + LATEST_S


@jumps_ahead
async def test_backoff_that_was_stored_in_the_future_ends_with_a_restart(store: Store, jump: timedelta) -> None:
    async with ingest_over(store) as ingest:
        await ingest.watch("reward model")
        ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, retry_after=f"{RETRY_AFTER_S:.0f}"))
        await jump_for_a_poll(ingest, jump)
    async with ingest_over(store, now=MORNING + MINUTE, poll_interval_s=POLL_INTERVAL_S) as ingest:
        await poll_until_found(ingest)


@every_jump
async def test_jump_during_a_poll_moves_no_position_and_repeats_it(store: Store, jump: timedelta) -> None:
    async with ingest_over(store, poll_interval_s=POLL_INTERVAL_S) as ingest:
        await ingest.watch("reward model")
        before = [watched.synced_until for watched in await store.watched()]
        poll = asyncio.ensure_future(ingest.poll())
        await settle()
        ingest.clock.jump(jump)
        assert isinstance(await poll, PollFailed)
        assert [watched.synced_until for watched in await store.watched()] == before
        ingest.clock.jump(-jump)
        await poll_until_found(ingest)


@every_jump
async def test_wrong_clock_is_corrected_by_the_first_response(store: Store, jump: timedelta) -> None:
    async with ingest_over(store, poll_interval_s=POLL_INTERVAL_S, corrected=True) as ingest:
        old = ingest.add_paper("An old reward model", days_ago=5)
        ingest.clock.jump(jump)
        await ingest.watch("reward model")
        await ingest.poll()
        (watched,) = await store.watched()
        now = ingest.clock.server_now()
        assert watched.new_since is not None
        assert watched.synced_until is not None
        assert abs(watched.new_since - (now - INITIAL_SYNC_PERIOD)) <= MINUTE
        assert now - MINUTE <= watched.synced_until <= now
        new = ingest.add_paper("A new reward model", days_ago=0)
        await ingest.poll()
        entries = await store.due(now=ingest.clock.server_now())
        assert [entry.paper.arxiv_id.value for entry in entries] == [new]
        assert new != old


@every_jump
async def test_paper_is_found_while_the_clock_stays_wrong(store: Store, jump: timedelta) -> None:
    async with ingest_over(store, poll_interval_s=POLL_INTERVAL_S, corrected=True) as ingest:
        await ingest.watch("reward model")
        await ingest.poll()
        ingest.clock.jump(jump)
        ingest.add_paper("A reward model")
        started_s = ingest.clock.monotonic()
        async with running(ingest.poller.run()):
            await ingest.until(lambda: ingest.new_posts_notified > 0)
        assert ingest.clock.monotonic() - started_s <= LATEST_S
        polls = await store.polls.recent()
        assert all(poll.at <= ingest.clock.server_now() for poll in polls)


async def test_polls_in_the_future_are_deleted_by_the_next_poll(store: Store) -> None:
    later = Poll(MORNING + timedelta(days=2), PollCompleted(0, batch=True))
    await store.polls.add(later)
    now = Poll(MORNING, PollCompleted(1, batch=True))
    await store.polls.add(now)
    assert await store.polls.recent() == (now,)
