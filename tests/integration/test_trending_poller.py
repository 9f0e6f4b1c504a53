"""The trending poller and the trending service over a real store."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest

from bot.domain.outgoing import Delivered
from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.post import days_to_post
from bot.ingest.trending import TRENDING_CHECK_INTERVAL_S, TrendingFetcher, TrendingPoller
from bot.runtime.clock import Wakeup
from bot.runtime.errors import HuggingFaceBackoff, HuggingFaceError, InvalidTrendingList, TrendingDayUnavailable
from bot.services.trending import TRENDING_FRESH_FOR, TrendingService
from cogs.trending import TRENDING_PAGE_FRESH_FOR
from tests.support.builders import paper, trending_entry
from tests.support.clock import START, FakeClock, give_way, jumps_ahead
from tests.support.loops import DEADLINE_S
from tests.support.store import Store

TODAY = START.date()
DAYS = [TODAY - timedelta(days=ago) for ago in range(6)]
HOUR_S = 3600.0


async def until(condition: Callable[[], bool]) -> None:
    """Waits for work in the threads of the database; the clock does not move."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await give_way()


@dataclass
class ListSource:
    """Hugging Face as these tests need it: the list of each day, or the failure instead."""

    days: dict[date, tuple[TrendingEntry, ...]] = field(default_factory=dict)
    failure: HuggingFaceError | None = None
    unavailable: frozenset[date] = frozenset()
    invalid: frozenset[date] = frozenset()
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    requested: list[date] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answering.set()

    async def fetch_list(self, day: date) -> tuple[TrendingEntry, ...]:
        self.requested.append(day)
        await self.answering.wait()
        if day in self.unavailable:
            raise TrendingDayUnavailable("Hugging Face has no list for that day")
        if day in self.invalid:
            raise InvalidTrendingList("Hugging Face returned an empty list for a day that had papers")
        if self.failure is not None:
            raise self.failure
        return self.days.get(day, ())


@dataclass
class TrendingPollerHarness:
    """The poller and the service under test, and what they depend on."""

    store: Store
    clock: FakeClock
    source: ListSource
    fetcher: TrendingFetcher
    poller: TrendingPoller
    trending: TrendingService
    wakeup: Wakeup
    notified: list[bool]

    async def post_a_paper(self) -> None:
        """Posts a paper: votes are shown from now on."""
        await self.store.watch("diffusion")
        await self.store.poll(paper(title="Diffusion"))
        await self.store.outbox.delivered(await self.store.bind(), Delivered(99), self.clock.now())

    @asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        """Runs the loop until the block ends."""
        loop = asyncio.create_task(self.poller.run())
        try:
            await self.until_asleep()
            yield
        finally:
            loop.cancel()
            await asyncio.wait([loop])

    async def until_asleep(self) -> None:
        """Waits until the loop sleeps."""
        await until(lambda: self.clock.sleeping == 1)

    async def requested_after(self, delay_s: float) -> list[date]:
        """Lets time pass; returns the days that were requested meanwhile."""
        self.source.requested.clear()
        while delay_s > 0:
            step_s = min(delay_s, TRENDING_CHECK_INTERVAL_S)
            await self.clock.advance(step_s)
            await self.until_asleep()
            delay_s -= step_s
        return self.source.requested


@pytest.fixture
def harness(store: Store) -> TrendingPollerHarness:
    clock, source, notified = FakeClock(), ListSource(), list[bool]()
    wakeup = Wakeup(clock)
    fetcher = TrendingFetcher(source, store.trending_entries, clock, lambda: notified.append(True))
    poller = TrendingPoller(fetcher, store.trending_entries, clock, wakeup)
    return TrendingPollerHarness(
        store, clock, source, fetcher, poller, TrendingService(fetcher, store.trending_entries, clock), wakeup, notified
    )


async def test_nothing_is_requested_while_no_channel_shows_votes(harness: TrendingPollerHarness) -> None:
    async with harness.polling():
        assert await harness.requested_after(6 * HOUR_S) == []


async def test_five_days_are_fetched_at_first_and_three_every_three_hours(harness: TrendingPollerHarness) -> None:
    harness.source.days[TODAY] = (trending_entry(day=TODAY, votes=41),)
    await harness.post_a_paper()
    async with harness.polling():
        assert harness.source.requested == DAYS[:5]
        assert (await harness.store.trending_entries.of_day(TODAY))[0].votes == 41
        assert len(harness.notified) == 5
        assert await harness.requested_after(3 * HOUR_S - TRENDING_CHECK_INTERVAL_S) == []
        assert await harness.requested_after(TRENDING_CHECK_INTERVAL_S) == DAYS[:3]
    async with harness.polling():  # after a restart: recent lists are not fetched again
        assert await harness.requested_after(HOUR_S) == []


async def test_list_is_fetched_again_soon_after_its_day_ends(harness: TrendingPollerHarness) -> None:
    await harness.clock.advance(HOUR_S)  # so that no fetch is due exactly at midnight
    await harness.post_a_paper()
    async with harness.polling():
        assert await harness.requested_after(10.5 * HOUR_S) == DAYS[:3] * 3
        # The day before is not fetched: it had ended before.
        assert await harness.requested_after(HOUR_S) == [TODAY + timedelta(days=1), TODAY]
        assert await harness.store.trending_entries.fetched_at(TODAY) == START + timedelta(hours=12)


async def test_list_requested_before_the_end_of_its_day_is_not_final(harness: TrendingPollerHarness) -> None:
    await harness.clock.advance(12 * HOUR_S - 1)
    harness.source.answering.clear()
    fetching = asyncio.create_task(harness.fetcher.fetch(TODAY))
    await until(lambda: harness.source.requested == [TODAY])
    await harness.clock.advance(2)
    harness.source.answering.set()
    await fetching
    assert [day.is_finished for day in await harness.store.trending_posts.fetched_days()] == [False]


@jumps_ahead
async def test_list_that_was_fetched_in_the_future_is_fetched_again(
    harness: TrendingPollerHarness, jump: timedelta
) -> None:
    await harness.post_a_paper()
    harness.clock.jump(jump)
    async with harness.polling():
        harness.clock.jump(-jump)
        assert TODAY in await harness.requested_after(3 * HOUR_S + TRENDING_CHECK_INTERVAL_S)


async def test_ended_day_is_fetched_as_long_as_its_list_may_be_posted(harness: TrendingPollerHarness) -> None:
    harness.source.days[TODAY] = (trending_entry(day=TODAY),)
    await harness.post_a_paper()
    async with harness.polling():
        pass
    await harness.clock.advance(3.5 * 24 * HOUR_S)  # the bot was off at its end and for three more days
    ended = [TODAY + timedelta(days=n) for n in (3, 2, 1)]
    async with harness.polling():
        assert harness.source.requested[5:] == [TODAY + timedelta(days=4), *ended, TODAY]
        assert days_to_post(await harness.store.trending_posts.fetched_days(), harness.clock.now()) == (TODAY,)


async def test_lists_are_fetched_at_the_next_check_once_a_channel_shows_votes(harness: TrendingPollerHarness) -> None:
    async with harness.polling():
        await harness.post_a_paper()
        assert await harness.requested_after(TRENDING_CHECK_INTERVAL_S) == DAYS[:5]


async def test_notification_wakes_the_loop(harness: TrendingPollerHarness) -> None:
    async with harness.polling():
        await harness.post_a_paper()
        harness.wakeup.notify()
        await until(lambda: len(harness.source.requested) == 5)


async def test_failure_is_reported_and_retried_when_its_backoff_ends(harness: TrendingPollerHarness) -> None:
    await harness.post_a_paper()
    harness.source.failure = HuggingFaceBackoff("Hugging Face asks us to wait", START + timedelta(hours=1))
    async with harness.polling():
        assert harness.poller.problem is not None
        assert harness.poller.problem.reason == "Hugging Face asks us to wait"
        assert harness.poller.problem.retry_at == START + timedelta(hours=1)
        assert await harness.requested_after(HOUR_S - 1) == []
        harness.source.failure = None
        assert await harness.requested_after(1) == DAYS[:5]
        assert harness.poller.problem is None


async def test_failure_without_a_backoff_is_retried_at_the_next_check(harness: TrendingPollerHarness) -> None:
    await harness.post_a_paper()
    harness.source.failure = InvalidTrendingList("odd")
    async with harness.polling():
        assert await harness.requested_after(TRENDING_CHECK_INTERVAL_S) == DAYS[:5]


async def test_unavailable_day_does_not_stop_other_days(harness: TrendingPollerHarness) -> None:
    harness.source.days[DAYS[1]] = (trending_entry(day=DAYS[1]),)
    harness.source.unavailable = frozenset({TODAY})
    await harness.post_a_paper()
    async with harness.polling():
        assert harness.source.requested == DAYS[:5]
        assert harness.poller.problem is None
    found = await harness.trending.newest()
    assert (found.day, found.problem) == (DAYS[1], None)
    with pytest.raises(TrendingDayUnavailable):
        await harness.trending.list_of(TODAY)


async def test_invalid_list_does_not_stop_other_days(harness: TrendingPollerHarness) -> None:
    harness.source.days[DAYS[1]] = (trending_entry(day=DAYS[1]),)
    harness.source.invalid = frozenset({TODAY})
    await harness.post_a_paper()
    async with harness.polling():
        assert len(await harness.store.trending_entries.of_day(DAYS[1])) == 1
        assert harness.poller.problem is not None
        assert harness.poller.problem.reason == "Hugging Face returned an empty list for a day that had papers"
        assert await harness.requested_after(TRENDING_CHECK_INTERVAL_S) == [TODAY]


async def test_suddenly_empty_list_is_rejected(harness: TrendingPollerHarness) -> None:
    harness.source.days[TODAY] = (trending_entry(day=TODAY),)
    await harness.fetcher.fetch(TODAY)
    harness.source.days.clear()
    with pytest.raises(InvalidTrendingList, match="empty list for a day that had papers"):
        await harness.fetcher.fetch(TODAY)
    assert len(await harness.store.trending_entries.of_day(TODAY)) == 1


async def test_fresh_list_comes_from_the_store_and_an_older_one_is_fetched_again(
    harness: TrendingPollerHarness,
) -> None:
    harness.source.days[TODAY] = (trending_entry(day=TODAY, votes=1), trending_entry("2611.00002", day=TODAY, votes=9))
    first = await harness.trending.list_of(TODAY)
    assert [paper.votes for paper in first.papers] == [9, 1]
    assert (first.fetched_at, first.problem) == (START, None)
    assert await harness.trending.list_of(TODAY) == first
    assert harness.source.requested == [TODAY]
    await harness.clock.advance(TRENDING_FRESH_FOR.total_seconds())
    assert await harness.trending.list_of(TODAY, fresh_for=TRENDING_PAGE_FRESH_FOR) == first
    assert (await harness.trending.list_of(TODAY)).fetched_at == harness.clock.now()
    assert harness.source.requested == [TODAY, TODAY]


async def test_old_day_is_fetched_only_once(harness: TrendingPollerHarness) -> None:
    old = date(2026, 8, 21)
    harness.source.days[old] = (trending_entry(day=old),)
    await harness.trending.list_of(old)
    await harness.clock.advance(30 * 24 * HOUR_S)
    assert len((await harness.trending.list_of(old)).papers) == 1
    assert harness.source.requested == [old]


async def test_concurrent_calls_for_a_day_share_one_request(harness: TrendingPollerHarness) -> None:
    first, second = await asyncio.gather(harness.trending.list_of(TODAY), harness.trending.list_of(TODAY))
    assert first == second
    assert harness.source.requested == [TODAY]


async def test_stored_day_is_returned_while_another_day_is_fetched(harness: TrendingPollerHarness) -> None:
    await harness.trending.list_of(TODAY)
    harness.source.answering.clear()
    waiting = asyncio.create_task(harness.trending.list_of(DAYS[1]))
    await until(lambda: harness.source.requested == [TODAY, DAYS[1]])
    async with asyncio.timeout(DEADLINE_S):
        assert (await harness.trending.list_of(TODAY)).papers == ()
    assert not waiting.done()
    harness.source.answering.set()
    await waiting


async def test_stored_list_is_returned_with_the_reason_when_hugging_face_fails(harness: TrendingPollerHarness) -> None:
    harness.source.days[TODAY] = (trending_entry(day=TODAY),)
    await harness.trending.list_of(TODAY)
    await harness.clock.advance(HOUR_S)
    harness.source.failure = InvalidTrendingList("Hugging Face is unreachable")
    found = await harness.trending.list_of(TODAY)
    assert (len(found.papers), found.fetched_at, found.problem) == (1, START, "Hugging Face is unreachable")
    with pytest.raises(HuggingFaceError):
        await harness.trending.list_of(DAYS[1])


async def test_newest_day_with_papers_is_found_over_a_weekend(harness: TrendingPollerHarness) -> None:
    harness.source.days[DAYS[4]] = (trending_entry(day=DAYS[4]),)
    assert (await harness.trending.newest()).day == DAYS[4]
    harness.source.days[DAYS[1]] = (trending_entry("2611.00002", day=DAYS[1]),)
    await harness.clock.advance(HOUR_S)
    assert (await harness.trending.newest()).day == DAYS[1]


async def test_newest_list_is_todays_empty_one_when_no_day_has_papers(harness: TrendingPollerHarness) -> None:
    harness.source.days[DAYS[5]] = (trending_entry(day=DAYS[5]),)
    found = await harness.trending.newest()
    assert (found.day, found.papers, found.problem) == (TODAY, (), None)
    assert harness.source.requested == DAYS[:5]


async def test_older_day_is_returned_with_the_reason_when_today_fails(harness: TrendingPollerHarness) -> None:
    harness.source.days[DAYS[1]] = (trending_entry(day=DAYS[1]),)
    await harness.trending.list_of(DAYS[1])
    harness.source.failure = InvalidTrendingList("Hugging Face is unreachable")
    found = await harness.trending.newest()
    assert (found.day, found.problem) == (DAYS[1], "Hugging Face is unreachable")


async def test_failure_is_raised_when_no_day_is_known(harness: TrendingPollerHarness) -> None:
    harness.source.failure = InvalidTrendingList("Hugging Face is unreachable")
    with pytest.raises(InvalidTrendingList, match="unreachable"):
        await harness.trending.newest()
