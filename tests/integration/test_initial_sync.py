"""Initial sync: the last 30 days of new keywords are read together, before a poll, and never posted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.domain.keyword import Keyword
from bot.domain.poll_schedule import PollCompleted, PollKind
from bot.domain.queries import ARXIV_KEYWORDS_PER_QUERY, INITIAL_SYNC_PERIOD
from bot.ingest.initial_sync import SYNC_TOGETHER_FROM, SyncStatus
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.clock import give_way, settle
from tests.support.ingest import MORNING, Ingest, ingest_over, running
from tests.support.store import ADA, CHANNEL, GUILD, OTHER_CHANNEL, Store

REWARD_MODEL = Keyword.parse("reward model")


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    """Ingest without any watched keyword."""
    async with ingest_over(store) as ingest:
        yield ingest


def problem(ingest: Ingest) -> str | None:
    return ingest.initial_sync.problem


async def pending(ingest: Ingest) -> list[str]:
    return [watched.keyword.shown for watched in await ingest.store.watched() if watched.synced_until is None]


async def test_last_thirty_days_are_stored_and_not_posted(ingest: Ingest) -> None:
    for days_ago in (1, 29, 31):
        ingest.add_paper("A reward model", days_ago=days_ago)
    await ingest.watch("reward model")
    assert await ingest.store.papers.count(REWARD_MODEL, MORNING - timedelta(days=99)) == 2
    assert await ingest.due() == []
    (watched,) = await ingest.store.watched()
    assert (watched.new_since, watched.synced_until) == (MORNING - INITIAL_SYNC_PERIOD, MORNING)


async def test_only_papers_announced_after_the_sync_are_posted(ingest: Ingest) -> None:
    ingest.add_paper("A reward model", days_ago=2)
    await ingest.watch("reward model")
    new = ingest.add_paper("A reward model", days_ago=3)  # submitted before the sync, announced after it
    assert await ingest.poll() == PollCompleted(1, batch=True)
    assert await ingest.due() == [new]


async def test_query_without_results_is_sent_twice(ingest: Ingest) -> None:
    await ingest.watch("reward model")
    first, second = ingest.take_queries()
    assert first == second


async def test_papers_missing_by_mistake_are_found_by_the_second_query(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    await ingest.watch("reward model")
    assert await ingest.store.papers.count(REWARD_MODEL, MORNING - INITIAL_SYNC_PERIOD) == 1
    await ingest.poll()
    assert await ingest.due() == []


async def test_query_with_results_is_sent_once(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    await ingest.watch("reward model")
    assert len(ingest.take_queries()) == 1


async def test_pending_keywords_are_synced_together(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    await ingest.watch("reward model", "diffusion", "graph")
    (query,) = ingest.take_queries()
    assert all(f'ti:"{phrase}"' in query for phrase in ("reward model", "diffusion", "graph"))
    assert await pending(ingest) == []


async def test_more_than_forty_keywords_are_synced_in_groups(ingest: Ingest) -> None:
    ingest.add_paper("Idea 1 to 40")
    ingest.add_paper("Idea 40")
    await ingest.watch(*(f"idea {n}" for n in range(ARXIV_KEYWORDS_PER_QUERY + 1)))
    assert [query.count('ti:"idea"') for query in ingest.take_queries()] == [ARXIV_KEYWORDS_PER_QUERY, 1]
    assert await pending(ingest) == []


async def subscribe_to_hundreds(ingest: Ingest) -> None:
    """Subscribes a channel to as many keywords as are synced by reading all papers."""
    keywords = [Keyword.parse(f"idea {n}") for n in range(SYNC_TOGETHER_FROM)]
    await ingest.store.subscriptions.add_all(keywords, CHANNEL, GUILD, added_by=ADA, now=MORNING)


async def test_hundreds_of_keywords_are_synced_by_reading_all_papers_once(ingest: Ingest) -> None:
    for days_ago in (1, 9, 16, 24, 29):
        ingest.add_paper("Idea 7", days_ago=days_ago)
    ingest.add_paper("Idea 7", days_ago=31)
    await subscribe_to_hundreds(ingest)
    await ingest.run(ingest.initial_sync.sync_pending())
    queries = ingest.take_queries()
    assert len(queries) == len(set(queries)) == 4
    assert all(query.startswith("submittedDate:") for query in queries)
    assert await ingest.store.papers.count(Keyword.parse("idea 7"), MORNING - timedelta(days=99)) == 5
    assert await ingest.due() == []
    assert {(watched.new_since, watched.synced_until) for watched in await ingest.store.watched()} == {
        (MORNING - INITIAL_SYNC_PERIOD, MORNING)
    }


async def test_few_keywords_do_not_wait_for_hundreds_whose_sync_has_begun(ingest: Ingest) -> None:
    for days_ago in (1, 9, 16, 24):
        ingest.add_paper("Diffusion", days_ago=days_ago)
    await subscribe_to_hundreds(ingest)
    sync = asyncio.create_task(ingest.initial_sync.sync_pending())
    await ingest.until(lambda: len(ingest.arxiv.requests) == 1)
    await ingest.store.subscribe("diffusion", OTHER_CHANNEL)
    diffusion = Keyword.parse("diffusion")
    wait = asyncio.create_task(ingest.initial_sync.wait([diffusion], 900.0, keep_waiting=False))
    await ingest.until(wait.done)
    assert len(await pending(ingest)) == SYNC_TOGETHER_FROM
    await ingest.until(sync.done)
    assert await pending(ingest) == []
    assert await ingest.store.papers.count(diffusion, MORNING - INITIAL_SYNC_PERIOD) == 4


async def test_rejected_query_is_read_as_the_window_without_keywords(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REJECTED, times=None, containing="ti:"))
    ingest.add_paper("A reward model")
    await ingest.watch("reward model")
    assert await ingest.store.papers.count(REWARD_MODEL, MORNING - INITIAL_SYNC_PERIOD) == 1


async def test_second_channel_of_a_synced_keyword_sends_no_request(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    await ingest.watch("reward model")
    ingest.take_requests()
    await ingest.watch("reward model", channel_id=OTHER_CHANNEL)
    assert ingest.take_requests() == []


async def test_keyword_subscribed_again_is_synced_again_without_posts(ingest: Ingest) -> None:
    await ingest.watch("reward model")
    await ingest.store.subscriptions.remove(REWARD_MODEL, CHANNEL)
    ingest.add_paper("A reward model")
    await ingest.watch("reward model")
    await ingest.poll()
    assert await ingest.due() == []


async def test_poller_is_notified_when_a_keyword_is_synced(ingest: Ingest) -> None:
    await ingest.watch("reward model")
    assert not await ingest.poller.is_idle()
    waiting = asyncio.create_task(ingest.poller_wakeup.wait(None))
    await settle()
    assert waiting.done()


async def test_initial_sync_goes_before_a_poll_between_its_pages(ingest: Ingest) -> None:
    ingest.add_paper("A reward model", days_ago=2)
    ingest.add_paper("Diffusion", days_ago=2)
    await ingest.watch("reward model")
    ingest.take_requests()
    # The poll has to repeat its query; meanwhile a channel subscribes.
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=3, containing='ti:"reward model"', keep=0.0))
    async with running(ingest.initial_sync.run()), asyncio.TaskGroup() as group:
        poll = group.create_task(ingest.poller.poll(PollKind.READ))
        await ingest.until(lambda: len(ingest.arxiv.requests) == 2)
        await ingest.store.subscribe("diffusion", OTHER_CHANNEL)
        ingest.initial_sync.notify()
        while not poll.done():
            for _ in range(20):  # threads read the database before the clock moves
                await give_way()
            await ingest.clock.advance(ingest.clock.next_in_s or 0.0)
    assert poll.result() == PollCompleted(0, batch=True)
    queries = ingest.take_queries()
    sync = next(number for number, query in enumerate(queries) if "diffusion" in query)
    assert sync >= 2
    assert any("reward model" in query and "diffusion" not in query for query in queries[sync + 1 :])
    assert await ingest.due(OTHER_CHANNEL) == []


# arXiv fails.


async def test_failed_sync_is_retried_after_the_backoff(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, retry_after="600"))
    await ingest.store.subscribe("reward model")
    async with running(ingest.initial_sync.run()):
        await ingest.until(lambda: problem(ingest) is not None)
        assert problem(ingest) == "arXiv asks us to wait"
        assert await pending(ingest) == [REWARD_MODEL.shown]
        assert len(ingest.take_requests()) == 1
        assert await ingest.initial_sync.wait([REWARD_MODEL], 5, keep_waiting=False) is SyncStatus.ARXIV_UNAVAILABLE
        assert await ingest.initial_sync.wait([REWARD_MODEL], 0, keep_waiting=True) is SyncStatus.QUEUED
        assert await ingest.run(ingest.initial_sync.wait([REWARD_MODEL], 20, keep_waiting=True)) is SyncStatus.SYNCED
    assert ingest.clock.now() >= MORNING + timedelta(seconds=600)
    assert problem(ingest) is None
    assert await pending(ingest) == []
    assert await ingest.due() == []


@pytest.mark.slow
async def test_incomplete_window_is_retried_after_the_backoff_floor(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=None, containing="ti:", keep=0.0))
    await ingest.store.subscribe("reward model")
    async with running(ingest.initial_sync.run()):
        await ingest.until(lambda: problem(ingest) is not None)
        assert problem(ingest) == "arXiv counts 1 papers but returned 0"
        ingest.arxiv.faults.clear()
        assert await ingest.run(ingest.initial_sync.wait([REWARD_MODEL], 20, keep_waiting=True)) is SyncStatus.SYNCED


async def test_problem_ends_when_no_keyword_is_pending(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1))
    await ingest.watch("reward model")
    assert problem(ingest) is not None
    await ingest.store.subscriptions.remove(REWARD_MODEL, CHANNEL)
    await ingest.run(ingest.initial_sync.sync_pending())
    assert problem(ingest) is None


async def test_interrupted_sync_starts_over(ingest: Ingest) -> None:
    late, early = ingest.add_paper("A reward model", days_ago=1), ingest.add_paper("A reward model", days_ago=29)
    # Short until the window is split; the second half fails.
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SHORT_PAGE, times=4, containing="ti:", keep=0.0),
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=1),
        ArxivFault(ArxivFaultKind.RESET_BEFORE_ANSWER, times=1),
    )
    await ingest.watch("reward model")
    assert await pending(ingest) == ["reward model"]
    assert [paper.arxiv_id.value for paper in await ingest.store.papers.newest(REWARD_MODEL, 9)] == [early]
    await ingest.clock.advance(120)
    await ingest.watch()
    assert [paper.arxiv_id.value for paper in await ingest.store.papers.newest(REWARD_MODEL, 9)] == [late, early]
    assert await pending(ingest) == []
    assert await ingest.due() == []


async def test_waiting_for_a_synced_or_unwatched_keyword_returns_at_once(ingest: Ingest) -> None:
    await ingest.watch("reward model")
    assert await ingest.initial_sync.wait([REWARD_MODEL], 5, keep_waiting=False) is SyncStatus.SYNCED
    assert await ingest.initial_sync.wait([Keyword.parse("not watched")], 5, keep_waiting=False) is SyncStatus.SYNCED


async def test_nothing_is_requested_without_pending_keywords(ingest: Ingest) -> None:
    async with running(ingest.initial_sync.run()):
        await settle()
        ingest.initial_sync.notify()
        await settle()
    assert ingest.take_requests() == []
