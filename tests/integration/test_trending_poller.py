"""The loop that keeps Hugging Face's lists, and what people are shown of them, over a real store."""

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
from tests.support.builders import listing, paper
from tests.support.clock import START, FakeClock, give_way
from tests.support.loops import DEADLINE_S
from tests.support.store import Store

TODAY = START.date()
DAYS = [TODAY - timedelta(days=ago) for ago in range(6)]
HOUR_S = 3600.0


async def so(condition: Callable[[], bool]) -> None:
    """Wait for what depends on the threads of the database alone."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await give_way()


@dataclass
class Answers:
    """Hugging Face, as far as these tests need it: what each day lists, or why nothing is answered."""

    days: dict[date, tuple[TrendingEntry, ...]] = field(default_factory=dict)
    failure: HuggingFaceError | None = None
    refused: frozenset[date] = frozenset()
    broken: frozenset[date] = frozenset()
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[date] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answering.set()

    async def day(self, day: date) -> tuple[TrendingEntry, ...]:
        self.asked.append(day)
        await self.answering.wait()
        if day in self.refused:
            raise TrendingDayUnavailable("Hugging Face has no list for that day")
        if day in self.broken:
            raise InvalidTrendingList("Hugging Face returned an empty list for a day that had papers")
        if self.failure is not None:
            raise self.failure
        return self.days.get(day, ())


@dataclass
class Bench:
    """What is tried, and what stands around it."""

    store: Store
    clock: FakeClock
    answers: Answers
    reader: TrendingFetcher
    keeper: TrendingPoller
    trending: TrendingService
    wakeup: Wakeup
    notified: list[bool]

    async def post_a_paper(self) -> None:
        """Somebody would see votes from now on."""
        await self.store.watch("diffusion")
        await self.store.read(paper(title="Diffusion"))
        await self.store.outbox.delivered(await self.store.bind(), Delivered(99), self.clock.now())

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Let the loop run."""
        loop = asyncio.create_task(self.keeper.run())
        try:
            await self.resting()
            yield
        finally:
            loop.cancel()
            await asyncio.wait([loop])

    async def resting(self) -> None:
        """Wait until the loop sleeps."""
        await so(lambda: self.clock.sleeping == 1)

    async def asked_after(self, delay_s: float) -> list[date]:
        """What was asked when so much time had passed."""
        self.answers.asked.clear()
        while delay_s > 0:
            step_s = min(delay_s, TRENDING_CHECK_INTERVAL_S)
            await self.clock.advance(step_s)
            await self.resting()
            delay_s -= step_s
        return self.answers.asked


@pytest.fixture
def bench(store: Store) -> Bench:
    clock, answers, notified = FakeClock(), Answers(), list[bool]()
    wakeup = Wakeup(clock)
    reader = TrendingFetcher(answers, store.trending_entries, clock, lambda: notified.append(True))
    keeper = TrendingPoller(reader, store.trending_entries, clock, wakeup)
    return Bench(
        store, clock, answers, reader, keeper, TrendingService(reader, store.trending_entries, clock), wakeup, notified
    )


async def test_nothing_is_asked_while_nobody_would_see_votes(bench: Bench) -> None:
    async with bench.keeping():
        assert await bench.asked_after(6 * HOUR_S) == []


async def test_five_days_are_read_at_first_and_three_every_three_hours(bench: Bench) -> None:
    bench.answers.days[TODAY] = (listing(day=TODAY, votes=41),)
    await bench.post_a_paper()
    async with bench.keeping():
        assert bench.answers.asked == DAYS[:5]
        assert (await bench.store.trending_entries.of_day(TODAY))[0].votes == 41
        assert len(bench.notified) == 5
        assert await bench.asked_after(3 * HOUR_S - TRENDING_CHECK_INTERVAL_S) == []
        assert await bench.asked_after(TRENDING_CHECK_INTERVAL_S) == DAYS[:3]
    async with bench.keeping():  # after a restart: what was read lately need not be read again
        assert await bench.asked_after(HOUR_S) == []


async def test_day_that_is_over_is_read_again_soon_after_its_end(bench: Bench) -> None:
    await bench.clock.advance(HOUR_S)  # so that the hours of reading are not midnight
    await bench.post_a_paper()
    async with bench.keeping():
        assert await bench.asked_after(10.5 * HOUR_S) == DAYS[:3] * 3
        # The day before is not read: it was over already.
        assert await bench.asked_after(HOUR_S) == [TODAY + timedelta(days=1), TODAY]
        assert await bench.store.trending_entries.fetched_at(TODAY) == START + timedelta(hours=12)


async def test_list_that_was_asked_for_before_its_day_was_over_is_not_taken_for_its_end(bench: Bench) -> None:
    await bench.clock.advance(12 * HOUR_S - 1)
    bench.answers.answering.clear()
    reading = asyncio.create_task(bench.reader.read(TODAY))
    await so(lambda: bench.answers.asked == [TODAY])
    await bench.clock.advance(2)
    bench.answers.answering.set()
    await reading
    assert [day.is_finished for day in await bench.store.trending_posts.fetched_days()] == [False]


async def test_day_is_read_after_its_end_as_long_as_its_list_may_be_posted(bench: Bench) -> None:
    bench.answers.days[TODAY] = (listing(day=TODAY),)
    await bench.post_a_paper()
    async with bench.keeping():
        pass
    await bench.clock.advance(3.5 * 24 * HOUR_S)  # nobody was there at its end, nor for three days after
    over = [TODAY + timedelta(days=n) for n in (3, 2, 1)]
    async with bench.keeping():
        assert bench.answers.asked[5:] == [TODAY + timedelta(days=4), *over, TODAY]
        assert days_to_post(await bench.store.trending_posts.fetched_days(), bench.clock.now()) == (TODAY,)


async def test_lists_are_read_soon_once_somebody_needs_them(bench: Bench) -> None:
    async with bench.keeping():
        await bench.post_a_paper()
        assert await bench.asked_after(TRENDING_CHECK_INTERVAL_S) == DAYS[:5]


async def test_alarm_wakes_the_loop(bench: Bench) -> None:
    async with bench.keeping():
        await bench.post_a_paper()
        bench.wakeup.notify()
        await so(lambda: len(bench.answers.asked) == 5)


async def test_failure_is_told_and_tried_again_when_its_wait_is_over(bench: Bench) -> None:
    await bench.post_a_paper()
    bench.answers.failure = HuggingFaceBackoff("Hugging Face asks us to wait", START + timedelta(hours=1))
    async with bench.keeping():
        assert bench.keeper.problem is not None
        assert bench.keeper.problem.words == "Hugging Face asks us to wait"
        assert bench.keeper.problem.again_at == START + timedelta(hours=1)
        assert await bench.asked_after(HOUR_S - 1) == []
        bench.answers.failure = None
        assert await bench.asked_after(1) == DAYS[:5]
        assert bench.keeper.problem is None


async def test_failure_without_a_wait_is_tried_again_at_the_next_look(bench: Bench) -> None:
    await bench.post_a_paper()
    bench.answers.failure = InvalidTrendingList("odd")
    async with bench.keeping():
        assert await bench.asked_after(TRENDING_CHECK_INTERVAL_S) == DAYS[:5]


async def test_day_that_is_refused_keeps_no_other_from_being_read(bench: Bench) -> None:
    bench.answers.days[DAYS[1]] = (listing(day=DAYS[1]),)
    bench.answers.refused = frozenset({TODAY})
    await bench.post_a_paper()
    async with bench.keeping():
        assert bench.answers.asked == DAYS[:5]
        assert bench.keeper.problem is None
    found = await bench.trending.newest()
    assert (found.day, found.problem) == (DAYS[1], None)
    with pytest.raises(TrendingDayUnavailable):
        await bench.trending.of(TODAY)


async def test_day_that_cannot_be_read_keeps_no_other_from_being_read(bench: Bench) -> None:
    bench.answers.days[DAYS[1]] = (listing(day=DAYS[1]),)
    bench.answers.broken = frozenset({TODAY})
    await bench.post_a_paper()
    async with bench.keeping():
        assert len(await bench.store.trending_entries.of_day(DAYS[1])) == 1
        assert bench.keeper.problem is not None
        assert bench.keeper.problem.words == "Hugging Face returned an empty list for a day that had papers"
        assert await bench.asked_after(TRENDING_CHECK_INTERVAL_S) == [TODAY]


async def test_list_that_is_empty_all_at_once_is_not_believed(bench: Bench) -> None:
    bench.answers.days[TODAY] = (listing(day=TODAY),)
    await bench.reader.read(TODAY)
    bench.answers.days.clear()
    with pytest.raises(InvalidTrendingList, match="empty list for a day that had papers"):
        await bench.reader.read(TODAY)
    assert len(await bench.store.trending_entries.of_day(TODAY)) == 1


async def test_day_is_answered_from_the_store_while_it_is_fresh_and_read_anew_then(bench: Bench) -> None:
    bench.answers.days[TODAY] = (listing(day=TODAY, votes=1), listing("2611.00002", day=TODAY, votes=9))
    first = await bench.trending.of(TODAY)
    assert [paper.votes for paper in first.papers] == [9, 1]
    assert (first.read_at, first.problem) == (START, None)
    assert await bench.trending.of(TODAY) == first
    assert bench.answers.asked == [TODAY]
    await bench.clock.advance(TRENDING_FRESH_FOR.total_seconds())
    assert await bench.trending.of(TODAY, fresh_for=TRENDING_PAGE_FRESH_FOR) == first
    assert (await bench.trending.of(TODAY)).read_at == bench.clock.now()
    assert bench.answers.asked == [TODAY, TODAY]


async def test_old_day_is_read_once_for_good(bench: Bench) -> None:
    old = date(2026, 8, 21)
    bench.answers.days[old] = (listing(day=old),)
    await bench.trending.of(old)
    await bench.clock.advance(30 * 24 * HOUR_S)
    assert len((await bench.trending.of(old)).papers) == 1
    assert bench.answers.asked == [old]


async def test_two_who_ask_at_once_ask_hugging_face_once(bench: Bench) -> None:
    first, second = await asyncio.gather(bench.trending.of(TODAY), bench.trending.of(TODAY))
    assert first == second
    assert bench.answers.asked == [TODAY]


async def test_day_that_is_known_waits_for_no_other_that_is_asked_for(bench: Bench) -> None:
    await bench.trending.of(TODAY)
    bench.answers.answering.clear()
    waiting = asyncio.create_task(bench.trending.of(DAYS[1]))
    await so(lambda: bench.answers.asked == [TODAY, DAYS[1]])
    async with asyncio.timeout(DEADLINE_S):
        assert (await bench.trending.of(TODAY)).papers == ()
    assert not waiting.done()
    bench.answers.answering.set()
    await waiting


async def test_with_hugging_face_down_the_store_answers_and_says_so(bench: Bench) -> None:
    bench.answers.days[TODAY] = (listing(day=TODAY),)
    await bench.trending.of(TODAY)
    await bench.clock.advance(HOUR_S)
    bench.answers.failure = InvalidTrendingList("Hugging Face is unreachable")
    found = await bench.trending.of(TODAY)
    assert (len(found.papers), found.read_at, found.problem) == (1, START, "Hugging Face is unreachable")
    with pytest.raises(HuggingFaceError):
        await bench.trending.of(DAYS[1])


async def test_newest_day_with_papers_is_found_over_weekends(bench: Bench) -> None:
    bench.answers.days[DAYS[4]] = (listing(day=DAYS[4]),)
    assert (await bench.trending.newest()).day == DAYS[4]
    bench.answers.days[DAYS[1]] = (listing("2611.00002", day=DAYS[1]),)
    await bench.clock.advance(HOUR_S)
    assert (await bench.trending.newest()).day == DAYS[1]


async def test_with_no_papers_for_days_the_newest_day_is_today_and_empty(bench: Bench) -> None:
    bench.answers.days[DAYS[5]] = (listing(day=DAYS[5]),)
    found = await bench.trending.newest()
    assert (found.day, found.papers, found.problem) == (TODAY, (), None)
    assert bench.answers.asked == DAYS[:5]


async def test_with_today_unknown_an_older_day_is_shown_with_the_reason(bench: Bench) -> None:
    bench.answers.days[DAYS[1]] = (listing(day=DAYS[1]),)
    await bench.trending.of(DAYS[1])
    bench.answers.failure = InvalidTrendingList("Hugging Face is unreachable")
    found = await bench.trending.newest()
    assert (found.day, found.problem) == (DAYS[1], "Hugging Face is unreachable")


async def test_with_nothing_known_at_all_the_failure_is_told(bench: Bench) -> None:
    bench.answers.failure = InvalidTrendingList("Hugging Face is unreachable")
    with pytest.raises(InvalidTrendingList, match="unreachable"):
        await bench.trending.newest()
