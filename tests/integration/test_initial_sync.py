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
from tests.support.ingest import MORNING, Reading, reading, running
from tests.support.store import CHANNEL, OTHER_CHANNEL, Store

REWARD_MODEL = Keyword.parse("reward model")


@pytest.fixture
async def upper(store: Store) -> AsyncIterator[Reading]:
    """The upper half; nobody watches anything yet."""
    async with reading(store) as upper:
        yield upper


def problem(upper: Reading) -> str | None:
    return upper.initial_sync.problem


async def unread(upper: Reading) -> list[str]:
    return [watched.keyword.shown for watched in await upper.store.watched() if watched.synced_until is None]


async def test_past_is_thirty_days_and_nothing_of_it_is_posted(upper: Reading) -> None:
    for days_ago in (1, 29, 31):
        upper.show("A reward model", days_ago=days_ago)
    await upper.watch("reward model")
    assert await upper.store.papers.count(REWARD_MODEL, MORNING - timedelta(days=99)) == 2
    assert await upper.due() == []
    (watched,) = await upper.store.watched()
    assert (watched.new_since, watched.synced_until) == (MORNING - INITIAL_SYNC_PERIOD, MORNING)


async def test_what_was_past_stays_past_and_what_comes_after_is_posted(upper: Reading) -> None:
    upper.show("A reward model", days_ago=2)
    await upper.watch("reward model")
    new = upper.show("A reward model", days_ago=3)  # submitted before, shown after
    assert await upper.poll() == PollCompleted(1, batch=True)
    assert await upper.due() == [new]


async def test_nothing_found_is_asked_twice(upper: Reading) -> None:
    await upper.watch("reward model")
    first, second = upper.queries()
    assert first == second


async def test_nothing_found_by_mistake_is_found_the_second_time(upper: Reading) -> None:
    upper.show("A reward model")
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    await upper.watch("reward model")
    assert await upper.store.papers.count(REWARD_MODEL, MORNING - INITIAL_SYNC_PERIOD) == 1
    await upper.poll()
    assert await upper.due() == []


async def test_what_was_found_is_asked_for_once(upper: Reading) -> None:
    upper.show("A reward model")
    await upper.watch("reward model")
    assert len(upper.queries()) == 1


async def test_keywords_that_wait_are_read_together(upper: Reading) -> None:
    upper.show("A reward model")
    await upper.watch("reward model", "diffusion", "graph")
    (query,) = upper.queries()
    assert query.count("ti:") == 3
    assert await unread(upper) == []


async def test_more_than_forty_keywords_are_read_in_groups(upper: Reading) -> None:
    upper.show("Idea 1 to 40")
    upper.show("Idea 40")
    await upper.watch(*(f"idea {n}" for n in range(ARXIV_KEYWORDS_PER_QUERY + 1)))
    assert [query.count("ti:") for query in upper.queries()] == [ARXIV_KEYWORDS_PER_QUERY, 1]
    assert await unread(upper) == []


async def test_refused_query_is_read_as_the_window_without_keywords(upper: Reading) -> None:
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REFUSED, times=None, containing="ti:"))
    upper.show("A reward model")
    await upper.watch("reward model")
    assert await upper.store.papers.count(REWARD_MODEL, MORNING - INITIAL_SYNC_PERIOD) == 1


async def test_second_channel_is_answered_from_the_store(upper: Reading) -> None:
    upper.show("A reward model")
    await upper.watch("reward model")
    upper.asked()
    await upper.watch("reward model", channel_id=OTHER_CHANNEL)
    assert upper.asked() == []


async def test_keyword_that_came_back_is_read_again_silently(upper: Reading) -> None:
    await upper.watch("reward model")
    await upper.store.subscriptions.remove(REWARD_MODEL, CHANNEL)
    upper.show("A reward model")
    await upper.watch("reward model")
    await upper.poll()
    assert await upper.due() == []


async def test_pass_is_told_when_a_keyword_is_ready(upper: Reading) -> None:
    await upper.watch("reward model")
    assert not await upper.poller.is_idle()
    waiting = asyncio.create_task(upper.pass_alarm.wait(None))
    await settle()
    assert waiting.done()


async def test_person_goes_before_a_pass_between_its_pages(upper: Reading) -> None:
    upper.show("A reward model", days_ago=2)
    upper.show("Diffusion", days_ago=2)
    await upper.watch("reward model")
    upper.asked()
    # The pass has to ask again and again; meanwhile somebody subscribes.
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=3, containing='ti:"reward model"', keep=0.0))
    async with running(upper.initial_sync.run()), asyncio.TaskGroup() as group:
        poll = group.create_task(upper.poller.poll(PollKind.READ))
        await upper.until(lambda: len(upper.arxiv.requests) == 2)
        await upper.store.subscribe("diffusion", OTHER_CHANNEL)
        upper.initial_sync.wake()
        await settle()
        await upper.until(poll.done)
    assert poll.result() == PollCompleted(0, batch=True)
    asked = upper.queries()
    persons = next(number for number, query in enumerate(asked) if "diffusion" in query)
    assert persons in (2, 3)
    assert any("reward model" in query and "diffusion" not in query for query in asked[persons + 1 :])
    assert await upper.due(OTHER_CHANNEL) == []


# An arXiv that does not answer.


async def test_reading_that_fails_is_made_up_when_arxiv_lets_us(upper: Reading) -> None:
    upper.show("A reward model")
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, retry_after="600"))
    await upper.store.subscribe("reward model")
    async with running(upper.initial_sync.run()):
        await upper.until(lambda: problem(upper) is not None)
        assert problem(upper) == "arXiv asks us to wait"
        assert await upper.initial_sync.count() == 1
        assert len(upper.asked()) == 1
        assert await upper.initial_sync.wait([REWARD_MODEL], 5, keep_waiting=False) is SyncStatus.ARXIV_UNAVAILABLE
        assert await upper.initial_sync.wait([REWARD_MODEL], 0, keep_waiting=True) is SyncStatus.QUEUED
        assert await upper.pumped(upper.initial_sync.wait([REWARD_MODEL], 20, keep_waiting=True)) is SyncStatus.SYNCED
    assert upper.clock.now() >= MORNING + timedelta(seconds=600)
    assert problem(upper) is None
    assert await upper.initial_sync.count() == 0
    assert await upper.due() == []


async def test_slice_that_never_shows_all_is_tried_again_after_the_floor(upper: Reading) -> None:
    upper.show("A reward model")
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=None, containing="ti:", keep=0.0))
    await upper.store.subscribe("reward model")
    async with running(upper.initial_sync.run()):
        await upper.until(lambda: problem(upper) is not None)
        assert problem(upper) == "arXiv counts 1 papers but returned 0"
        upper.arxiv.faults.clear()
        assert await upper.pumped(upper.initial_sync.wait([REWARD_MODEL], 20, keep_waiting=True)) is SyncStatus.SYNCED


async def test_trouble_is_over_when_nobody_waits_any_more(upper: Reading) -> None:
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1))
    await upper.watch("reward model")
    assert problem(upper) is not None
    await upper.store.subscriptions.remove(REWARD_MODEL, CHANNEL)
    await upper.pumped(upper.initial_sync._read_all())
    assert problem(upper) is None


async def test_reading_that_broke_off_half_way_starts_over(upper: Reading) -> None:
    late, early = upper.show("A reward model", days_ago=1), upper.show("A reward model", days_ago=29)
    # Short until it is read in halves; the second half fails.
    upper.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SHORT_PAGE, times=4, containing="ti:", keep=0.0),
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=1),
        ArxivFault(ArxivFaultKind.RESET_BEFORE_ANSWER, times=1),
    )
    await upper.watch("reward model")
    assert await unread(upper) == ["reward model"]
    assert [paper.arxiv_id.value for paper in await upper.store.papers.newest(REWARD_MODEL, 9)] == [early]
    await upper.clock.advance(120)
    await upper.watch()
    assert [paper.arxiv_id.value for paper in await upper.store.papers.newest(REWARD_MODEL, 9)] == [late, early]
    assert await unread(upper) == []
    assert await upper.due() == []


async def test_keyword_that_is_read_already_is_not_waited_for(upper: Reading) -> None:
    await upper.watch("reward model")
    assert await upper.initial_sync.wait([REWARD_MODEL], 5, keep_waiting=False) is SyncStatus.SYNCED
    assert (
        await upper.initial_sync.wait([Keyword.parse("nobody watches this")], 5, keep_waiting=False)
        is SyncStatus.SYNCED
    )


async def test_nothing_is_asked_when_nobody_began_to_watch(upper: Reading) -> None:
    async with running(upper.initial_sync.run()):
        await settle()
        upper.initial_sync.wake()
        await settle()
    assert upper.asked() == []
