"""Lookups by several people against the local arXiv: equal ones share a request, all together have a budget."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Collection

import pytest

from bot.arxiv.scheduler import Caller
from bot.domain.keyword import Keyword
from bot.domain.poll_schedule import PollKind
from bot.runtime.errors import ArxivBusy, ArxivThrottled, LookupsExhausted
from bot.services.lookup import LOOKUP_WAIT_S, STORE_FRESH, Latest, LookupService
from bot.services.lookup_budget import LOOKUPS_PER_MINUTE, LOOKUPS_RESERVED
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.builders import paper, trending_entry
from tests.support.clock import settle
from tests.support.ingest import Ingest, ingest_over
from tests.support.lookups import lookup_service
from tests.support.store import Store

REWARD_MODEL = Keyword.parse("reward model")
ADA, BOB, CAROL = (Caller(user, user) for user in range(3))


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
