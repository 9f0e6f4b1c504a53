"""Lookups by several people against the local arXiv: equal ones share a request, all together have a budget."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.arxiv.scheduler import Caller
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId
from bot.domain.period import Period
from bot.domain.period_text import read_period
from bot.domain.poll_schedule import PollKind
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.runtime.errors import ArxivBusy, ArxivThrottled, LookupsExhausted
from bot.services.lookup import (
    LOOKUP_CANDIDATES,
    LOOKUP_RESULTS_MAX,
    LOOKUP_WAIT_S,
    STORE_FRESH,
    Latest,
    LookupService,
)
from bot.services.lookup_budget import LOOKUPS_PER_MINUTE, LOOKUPS_RESERVED
from bot.services.lookup_results import LookupOrder, LookupQuery
from bot.services.search import SearchService
from bot.store.search import SearchIndex
from sandbox.arxiv import ArxivFault, ArxivFaultKind, SandboxPaper
from tests.support.builders import paper, trending_entry
from tests.support.clock import settle
from tests.support.ingest import Ingest, ingest_over
from tests.support.store import Store

REWARD_MODEL = Keyword.parse("reward model")
ADA, BOB, CAROL = (Caller(user, user) for user in range(3))


def lookup_service(ingest: Ingest, entries: Mapping[ArxivId, TrendingEntry] = NO_TRENDING_ENTRIES) -> LookupService:
    async def find_entries(_: Collection[ArxivId]) -> Mapping[ArxivId, TrendingEntry]:
        return entries

    return LookupService(
        client=ingest.client,
        subscriptions=ingest.store.subscriptions,
        papers=ingest.store.papers,
        find_trending_entries=find_entries,
        find_stored=SearchService(SearchIndex(ingest.store.database), find_entries, ingest.clock).stored,
        poller=ingest.poller,
        clock=ingest.clock,
    )


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    async with ingest_over(store) as ingest:
        for _ in range(3):
            ingest.add_paper("A reward model")
        yield ingest


async def all_of(ingest: Ingest, tasks: Collection[asyncio.Task[Latest]]) -> list[Latest | BaseException]:
    """The results of lookups that run already."""
    await ingest.until(lambda: all(task.done() for task in tasks))
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_concurrent_lookups_of_a_keyword_make_one_request(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    spellings = ("reward model", "Reward Models", "reward-model")
    tasks = [
        asyncio.create_task(service.latest(Keyword.parse(spelling), papers, Caller(papers)))
        for papers, spelling in enumerate(spellings, 1)
    ]
    results = await all_of(ingest, tasks)
    assert [len(each.papers) for each in results if isinstance(each, Latest)] == [1, 2, 3]
    assert len(ingest.take_requests()) == 1


async def test_lookup_goes_on_when_the_person_who_started_it_gives_up(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    first, second = (asyncio.create_task(service.latest(REWARD_MODEL, 3, caller)) for caller in (ADA, BOB))
    await settle()
    first.cancel()
    await asyncio.wait([first])
    (result,) = await all_of(ingest, [second])
    assert isinstance(result, Latest)
    assert len(result.papers) == 3
    assert len(ingest.take_requests()) == 1


async def test_lookup_that_everyone_gave_up_leaves_the_queue(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    tasks = [asyncio.create_task(service.latest(REWARD_MODEL, 3, caller)) for caller in (ADA, BOB)]
    await ingest.until(lambda: ingest.clock.sleeping == 1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await ingest.clock.advance(10)
    assert ingest.take_requests() == []
    assert len((await ingest.run(service.latest(REWARD_MODEL, 3, CAROL))).papers) == 3


async def test_failure_of_a_shared_lookup_reaches_everyone_and_is_not_kept(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60"))
    tasks = [asyncio.create_task(service.latest(REWARD_MODEL, 3, caller)) for caller in (ADA, BOB, CAROL)]
    results = await all_of(ingest, tasks)
    assert [type(each) for each in results] == [ArxivThrottled] * 3
    assert len(ingest.take_requests()) == 1
    await ingest.clock.advance(60)
    assert len((await ingest.run(service.latest(REWARD_MODEL, 3, ADA))).papers) == 3


async def exhaust_budget(ingest: Ingest, service: LookupService) -> list[LookupsExhausted]:
    """Looks up as many keywords as a minute allows, from one server; returns the errors."""
    words = [f"word{n}" for n in range(LOOKUPS_PER_MINUTE)]
    ingest.add_paper(" ".join(words))
    lookups = [service.latest(Keyword.parse(word), 1, Caller(n, 7)) for n, word in enumerate(words)]
    results = await all_of(ingest, [asyncio.create_task(lookup) for lookup in lookups])
    return [each for each in results if isinstance(each, LookupsExhausted)]


async def test_exhausted_budget_is_reported_with_the_time_of_the_next_lookup(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    exhausted = await exhaust_budget(ingest, service)
    assert len(exhausted) == LOOKUPS_RESERVED
    # The last lookups of a minute are for people and servers that looked nothing up.
    assert len((await ingest.run(service.latest(REWARD_MODEL, 3, Caller(98, 98)))).papers) == 3
    with pytest.raises(LookupsExhausted):
        await ingest.run(service.latest(Keyword.parse("quokka"), 3, Caller(0, 97)))
    with pytest.raises(LookupsExhausted):
        await ingest.run(service.latest(Keyword.parse("quokka"), 3, Caller(99, 7)))
    await ingest.clock.advance((exhausted[0].not_before - ingest.clock.now()).total_seconds())
    await ingest.run(service.latest(Keyword.parse("quokka"), 3, Caller(99, 7)))


async def test_stored_papers_are_shown_without_a_request_while_a_poll_is_due(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    await ingest.watch("reward model")
    ingest.take_requests()
    assert (await ingest.poller.next_poll()).at <= ingest.clock.now()
    latest = await ingest.run(service.latest(REWARD_MODEL, 3, ADA))
    assert len(latest.papers) == 3
    assert ingest.take_requests() == []


async def test_lookup_asks_arxiv_while_a_poll_is_due_and_the_stored_papers_are_old(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    await ingest.watch("reward model")
    ingest.take_requests()
    await ingest.clock.advance(STORE_FRESH.total_seconds())
    ingest.add_paper("A newer reward model")
    latest = await ingest.run(service.latest(REWARD_MODEL, 3, ADA))
    assert latest.papers[0].title == "A newer reward model"
    assert len(ingest.take_requests()) == 1


async def test_poll_does_not_wait_for_lookups_of_watched_keywords(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    await ingest.watch("reward model")
    ingest.take_requests()
    poll = asyncio.create_task(ingest.poller.poll(PollKind.READ))
    await ingest.until(lambda: len(ingest.arxiv.requests) == 1)
    tasks = [asyncio.create_task(service.latest(REWARD_MODEL, 3, Caller(user))) for user in range(20)]
    assert len(await all_of(ingest, tasks)) == 20
    await ingest.until(poll.done)
    assert all("submittedDate" in query for query in ingest.take_queries())  # a lookup's query has no window


async def test_stored_papers_are_shown_when_the_budget_is_exhausted(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    await ingest.watch("reward model")
    await exhaust_budget(ingest, service)
    latest = await ingest.run(service.latest(REWARD_MODEL, 5, Caller(99, 7)))
    assert len(latest.papers) == 3
    assert latest.problem == "All lookups on arXiv for this minute are used up"


@pytest.mark.slow
async def test_lookup_leaves_the_queue_when_its_reply_can_no_longer_be_edited(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    other_process = os.open(ingest.store.path.with_name("papers.sqlite3.gate"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(other_process, fcntl.LOCK_EX)
    lookup = asyncio.create_task(service.latest(REWARD_MODEL, 3, ADA))
    await ingest.until(lookup.done)
    os.close(other_process)
    assert isinstance(lookup.exception(), ArxivBusy)
    assert ingest.clock.monotonic() == pytest.approx(LOOKUP_WAIT_S, abs=1)
    assert ingest.take_requests() == []


async def test_pruned_abstract_is_that_of_the_trending_list_or_links_arxiv(ingest: Ingest) -> None:
    pruned = paper(abstract="", comment="9 pages")
    await ingest.store.papers.add([pruned])
    for entries, expected in (
        ({}, "The abstract is not stored here: [read it on arXiv](https://arxiv.org/abs/2611.00001)."),
        ({pruned.arxiv_id: trending_entry(summary="We count graphs.")}, "We count graphs."),
    ):
        service = lookup_service(ingest, entries)
        card = await service.abstract(pruned.arxiv_id)
        assert card is not None
        assert card.description.split("\n")[1] == expected
        assert card.description.endswith("9 pages")


# --- pages, orders and periods -------------------------------------------------------------------


def titles(latest: Latest) -> list[str]:
    return [each.title for each in latest.papers]


async def add_models(ingest: Ingest, count: int) -> list[str]:
    """Adds papers about agents, one per hour, and returns their titles, newest first."""
    for hours in range(count):
        ingest.add_paper(f"Agent {hours}", days_ago=(hours + 1) / 24)
    return [f"Agent {hours}" for hours in range(count)]


async def test_pages_of_one_result_take_one_request(ingest: Ingest) -> None:
    newest_first = await add_models(ingest, 12)
    service, query = lookup_service(ingest), LookupQuery(Keyword.parse("agent"))
    pages = [await ingest.run(service.page(query, offset, 5, ADA)) for offset in (0, 5, 10, 5)]
    assert [titles(page) for page in pages] == [
        newest_first[:5],
        newest_first[5:10],
        newest_first[10:],
        newest_first[5:10],
    ]
    assert [page.has_older for page in pages] == [True, True, False, True]
    assert len(ingest.take_requests()) == 1


async def test_older_results_are_read_when_a_page_needs_them(ingest: Ingest) -> None:
    newest_first = await add_models(ingest, LOOKUP_CANDIDATES + 3)
    service, query = lookup_service(ingest), LookupQuery(Keyword.parse("agent"))
    last = await ingest.run(service.page(query, LOOKUP_CANDIDATES, 5, ADA))  # as after a restart
    assert titles(last) == newest_first[LOOKUP_CANDIDATES:]
    assert not last.has_older
    assert len(ingest.take_requests()) == 2
    before = await ingest.run(service.page(query, LOOKUP_CANDIDATES - 5, 5, ADA))
    assert titles(before) == newest_first[LOOKUP_CANDIDATES - 5 : LOOKUP_CANDIDATES]
    beyond = await ingest.run(service.page(query, LOOKUP_CANDIDATES + 3, 5, ADA))
    assert (beyond.papers, beyond.has_older) == ((), False)
    assert ingest.take_requests() == []


async def test_only_the_newest_results_of_arxiv_are_read(ingest: Ingest) -> None:
    await add_models(ingest, LOOKUP_RESULTS_MAX + 10)
    service, query = lookup_service(ingest), LookupQuery(Keyword.parse("agent"))
    page = await ingest.run(service.page(query, LOOKUP_RESULTS_MAX - 5, 10, ADA))
    assert (len(page.papers), page.has_older) == (5, False)
    assert len(ingest.take_requests()) == LOOKUP_RESULTS_MAX / LOOKUP_CANDIDATES


async def test_results_without_a_match_are_not_followed_by_more_requests(ingest: Ingest) -> None:
    for number in range(LOOKUP_CANDIDATES + 5):
        ingest.add_paper(f"Generate {number}")  # arXiv's stem of `general`
    latest = await ingest.run(lookup_service(ingest).page(LookupQuery(Keyword.parse("general")), 0, 5, ADA))
    assert (latest.papers, latest.rejected) == ((), LOOKUP_CANDIDATES)
    assert len(ingest.take_requests()) == 1


async def test_papers_are_ordered_by_their_last_version(ingest: Ingest) -> None:
    now = ingest.clock.now()
    for hours, updated in ((5, 1), (3, 3), (40, 2), (90, 80)):
        published, last = now - timedelta(hours=hours), now - timedelta(hours=updated)
        ingest.arxiv.add_paper(SandboxPaper(title=f"Agent {hours}", published=published, updated=last))
    service = lookup_service(ingest)
    query = LookupQuery(Keyword.parse("agent"), LookupOrder.UPDATED)
    assert titles(await ingest.run(service.page(query, 0, 5, ADA))) == ["Agent 5", "Agent 40", "Agent 3", "Agent 90"]
    recent = replace(query, period=read_period("since yesterday", now.date()))
    assert titles(await ingest.run(service.page(recent, 0, 5, ADA))) == ["Agent 5", "Agent 40", "Agent 3"]


async def test_period_is_part_of_the_query(ingest: Ingest) -> None:
    newest_first = await add_models(ingest, 72)
    day = ingest.clock.now().date() - timedelta(days=1)
    query = LookupQuery(Keyword.parse("agent"), period=Period(day, day))
    page = await ingest.run(lookup_service(ingest).page(query, 0, 10, ADA))
    assert titles(page) == [each for each in newest_first if each in titles(page)]
    assert {each.published.date() for each in page.papers} == {day}
    assert page.has_older
    assert [each for each in ingest.take_queries() if "submittedDate" in each]


async def test_period_that_was_read_for_a_watched_keyword_needs_no_request(ingest: Ingest) -> None:
    await ingest.watch("reward model")
    ingest.take_requests()
    today = ingest.clock.now().date()
    service = lookup_service(ingest)
    for order in LookupOrder:
        query = LookupQuery(REWARD_MODEL, order, read_period("last 20 days", today))
        page = await ingest.run(service.page(query, 0, 10, ADA))
        assert (len(page.papers), page.has_older) == (3, False)
    assert ingest.take_requests() == []
    long_ago = LookupQuery(REWARD_MODEL, period=read_period("last year", today))
    await ingest.run(service.page(long_ago, 0, 10, ADA))
    assert ingest.take_requests() != []


async def test_all_stored_papers_are_searched_while_arxiv_fails(ingest: Ingest) -> None:
    await ingest.watch("reward model")
    await ingest.poll()
    service, query = lookup_service(ingest), LookupQuery(Keyword.parse("model"))
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="3600"))
    page = await ingest.run(service.page(query, 0, 2, ADA))
    assert (len(page.papers), page.has_older) == (2, True)
    assert page.problem == "arXiv asks us to wait"
    assert page.as_of == (await ingest.poller.last_poll())[0]
    older = await ingest.run(service.page(query, 2, 2, ADA))
    assert (len(older.papers), older.has_older) == (1, False)
    with pytest.raises(ArxivThrottled):
        await ingest.run(service.page(LookupQuery(Keyword.parse("quokka")), 0, 2, ADA))
