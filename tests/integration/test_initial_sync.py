"""First readings: the past of new keywords, silently, together, and before a pass."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.domain.keyword import Keyword
from bot.domain.poll_schedule import PollCompleted, PollKind
from bot.domain.queries import ARXIV_KEYWORDS_PER_QUERY, INITIAL_SYNC_PERIOD
from bot.ingest.initial_sync import SyncStatus
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.clock import settle
from tests.support.ingest import MORNING, Ingest, ingest_over, running
from tests.support.store import CHANNEL, OTHER_CHANNEL, Store

REWARD_MODEL = Keyword.parse("reward model")


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    """The ingest half; nobody watches anything yet."""
    async with ingest_over(store) as ingest:
        yield ingest


def problem(ingest: Ingest) -> str | None:
    return ingest.initial_sync.problem


async def unread(ingest: Ingest) -> list[str]:
    return [watched.keyword.shown for watched in await ingest.store.watched() if watched.synced_until is None]


async def test_past_is_thirty_days_and_nothing_of_it_is_posted(ingest: Ingest) -> None:
    for days_ago in (1, 29, 31):
        ingest.add_paper("A reward model", days_ago=days_ago)
    await ingest.watch("reward model")
    assert await ingest.store.papers.count(REWARD_MODEL, MORNING - timedelta(days=99)) == 2
    assert await ingest.due() == []
    (watched,) = await ingest.store.watched()
    assert (watched.new_since, watched.synced_until) == (MORNING - INITIAL_SYNC_PERIOD, MORNING)


async def test_what_was_past_stays_past_and_what_comes_after_is_posted(ingest: Ingest) -> None:
    ingest.add_paper("A reward model", days_ago=2)
    await ingest.watch("reward model")
    new = ingest.add_paper("A reward model", days_ago=3)  # submitted before, shown after
    assert await ingest.poll() == PollCompleted(1, batch=True)
    assert await ingest.due() == [new]


async def test_nothing_found_is_asked_twice(ingest: Ingest) -> None:
    await ingest.watch("reward model")
    first, second = ingest.take_queries()
    assert first == second


async def test_nothing_found_by_mistake_is_found_the_second_time(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    await ingest.watch("reward model")
    assert await ingest.store.papers.count(REWARD_MODEL, MORNING - INITIAL_SYNC_PERIOD) == 1
    await ingest.poll()
    assert await ingest.due() == []


async def test_what_was_found_is_asked_for_once(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    await ingest.watch("reward model")
    assert len(ingest.take_queries()) == 1


async def test_keywords_that_wait_are_read_together(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    await ingest.watch("reward model", "diffusion", "graph")
    (query,) = ingest.take_queries()
    assert query.count("ti:") == 3
    assert await unread(ingest) == []


async def test_more_than_forty_keywords_are_read_in_groups(ingest: Ingest) -> None:
    ingest.add_paper("Idea 1 to 40")
    ingest.add_paper("Idea 40")
    await ingest.watch(*(f"idea {n}" for n in range(ARXIV_KEYWORDS_PER_QUERY + 1)))
    assert [query.count("ti:") for query in ingest.take_queries()] == [ARXIV_KEYWORDS_PER_QUERY, 1]
    assert await unread(ingest) == []


async def test_refused_query_is_read_as_the_window_without_keywords(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REFUSED, times=None, containing="ti:"))
    ingest.add_paper("A reward model")
    await ingest.watch("reward model")
    assert await ingest.store.papers.count(REWARD_MODEL, MORNING - INITIAL_SYNC_PERIOD) == 1


async def test_second_channel_is_answered_from_the_store(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    await ingest.watch("reward model")
    ingest.take_requests()
    await ingest.watch("reward model", channel_id=OTHER_CHANNEL)
    assert ingest.take_requests() == []


async def test_keyword_that_came_back_is_read_again_silently(ingest: Ingest) -> None:
    await ingest.watch("reward model")
    await ingest.store.subscriptions.remove(REWARD_MODEL, CHANNEL)
    ingest.add_paper("A reward model")
    await ingest.watch("reward model")
    await ingest.poll()
    assert await ingest.due() == []


async def test_pass_is_told_when_a_keyword_is_ready(ingest: Ingest) -> None:
    await ingest.watch("reward model")
    assert not await ingest.poller.is_idle()
    waiting = asyncio.create_task(ingest.poller_wakeup.wait(None))
    await settle()
    assert waiting.done()


async def test_person_goes_before_a_pass_between_its_pages(ingest: Ingest) -> None:
    ingest.add_paper("A reward model", days_ago=2)
    ingest.add_paper("Diffusion", days_ago=2)
    await ingest.watch("reward model")
    ingest.take_requests()
    # The pass has to ask again and again; meanwhile somebody subscribes.
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=3, containing='ti:"reward model"', keep=0.0))
    async with running(ingest.initial_sync.run()), asyncio.TaskGroup() as group:
        poll = group.create_task(ingest.poller.poll(PollKind.READ))
        await ingest.until(lambda: len(ingest.arxiv.requests) == 2)
        await ingest.store.subscribe("diffusion", OTHER_CHANNEL)
        ingest.initial_sync.notify()
        await settle()
        await ingest.until(poll.done)
    assert poll.result() == PollCompleted(0, batch=True)
    asked = ingest.take_queries()
    persons = next(number for number, query in enumerate(asked) if "diffusion" in query)
    assert persons in (2, 3)
    assert any("reward model" in query and "diffusion" not in query for query in asked[persons + 1 :])
    assert await ingest.due(OTHER_CHANNEL) == []


# An arXiv that does not answer.


async def test_reading_that_fails_is_made_up_when_arxiv_lets_us(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, retry_after="600"))
    await ingest.store.subscribe("reward model")
    async with running(ingest.initial_sync.run()):
        await ingest.until(lambda: problem(ingest) is not None)
        assert problem(ingest) == "arXiv asks us to wait"
        assert await ingest.initial_sync.pending_count() == 1
        assert len(ingest.take_requests()) == 1
        assert await ingest.initial_sync.wait([REWARD_MODEL], 5, keep_waiting=False) is SyncStatus.ARXIV_UNAVAILABLE
        assert await ingest.initial_sync.wait([REWARD_MODEL], 0, keep_waiting=True) is SyncStatus.QUEUED
        assert await ingest.run(ingest.initial_sync.wait([REWARD_MODEL], 20, keep_waiting=True)) is SyncStatus.SYNCED
    assert ingest.clock.now() >= MORNING + timedelta(seconds=600)
    assert problem(ingest) is None
    assert await ingest.initial_sync.pending_count() == 0
    assert await ingest.due() == []


async def test_slice_that_never_shows_all_is_tried_again_after_the_floor(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=None, containing="ti:", keep=0.0))
    await ingest.store.subscribe("reward model")
    async with running(ingest.initial_sync.run()):
        await ingest.until(lambda: problem(ingest) is not None)
        assert problem(ingest) == "arXiv counts 1 papers but returned 0"
        ingest.arxiv.faults.clear()
        assert await ingest.run(ingest.initial_sync.wait([REWARD_MODEL], 20, keep_waiting=True)) is SyncStatus.SYNCED


async def test_trouble_is_over_when_nobody_waits_any_more(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1))
    await ingest.watch("reward model")
    assert problem(ingest) is not None
    await ingest.store.subscriptions.remove(REWARD_MODEL, CHANNEL)
    await ingest.run(ingest.initial_sync.sync_pending())
    assert problem(ingest) is None


async def test_reading_that_broke_off_half_way_starts_over(ingest: Ingest) -> None:
    late, early = ingest.add_paper("A reward model", days_ago=1), ingest.add_paper("A reward model", days_ago=29)
    # Short until it is read in halves; the second half fails.
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SHORT_PAGE, times=4, containing="ti:", keep=0.0),
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=1),
        ArxivFault(ArxivFaultKind.RESET_BEFORE_ANSWER, times=1),
    )
    await ingest.watch("reward model")
    assert await unread(ingest) == ["reward model"]
    assert [paper.arxiv_id.value for paper in await ingest.store.papers.newest(REWARD_MODEL, 9)] == [early]
    await ingest.clock.advance(120)
    await ingest.watch()
    assert [paper.arxiv_id.value for paper in await ingest.store.papers.newest(REWARD_MODEL, 9)] == [late, early]
    assert await unread(ingest) == []
    assert await ingest.due() == []


async def test_keyword_that_is_read_already_is_not_waited_for(ingest: Ingest) -> None:
    await ingest.watch("reward model")
    assert await ingest.initial_sync.wait([REWARD_MODEL], 5, keep_waiting=False) is SyncStatus.SYNCED
    assert (
        await ingest.initial_sync.wait([Keyword.parse("nobody watches this")], 5, keep_waiting=False)
        is SyncStatus.SYNCED
    )


async def test_nothing_is_asked_when_nobody_began_to_watch(ingest: Ingest) -> None:
    async with running(ingest.initial_sync.run()):
        await settle()
        ingest.initial_sync.notify()
        await settle()
    assert ingest.take_requests() == []
