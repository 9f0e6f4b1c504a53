"""Papers by id: stored ones without a request, the others from the local arXiv, and where they were posted."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping

import pytest

from bot.arxiv.scheduler import Caller
from bot.domain.outgoing import Delivered
from bot.domain.paper import ArxivId
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.runtime.errors import ArxivThrottled, IncompleteResults, LookupsExhausted
from bot.services.lookup_budget import LOOKUPS_PER_MINUTE, LookupBudget
from bot.services.paper_lookup import LOOKUP_PAPERS, MISSING_KEPT, FoundPapers, PaperLookupService
from bot.store.paper_posts import PaperPosts
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.builders import paper
from tests.support.ingest import Ingest, ingest_over
from tests.support.store import CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

ADA, BOB = Caller(1, 1), Caller(2, 2)
FIRST, SECOND, OLD, MISSING = (ArxivId(each) for each in ("2611.00101", "2611.00102", "math/0309136", "2611.99999"))


async def no_entries(_: Collection[ArxivId]) -> Mapping[ArxivId, TrendingEntry]:
    return NO_TRENDING_ENTRIES


def lookup_service(ingest: Ingest) -> PaperLookupService:
    return PaperLookupService(
        client=ingest.client,
        papers=ingest.store.papers,
        paper_posts=PaperPosts(ingest.store.database),
        find_trending_entries=no_entries,
        budget=LookupBudget(3.0),
        clock=ingest.clock,
    )


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    async with ingest_over(store) as ingest:
        for arxiv_id in (FIRST, SECOND, OLD):
            ingest.add_paper(f"A reward model {arxiv_id}", arxiv_id=arxiv_id.value)
        yield ingest


def titles(found: FoundPapers) -> list[str]:
    return [paper.title for paper in found.papers]


async def test_papers_are_fetched_by_their_ids_once_and_then_stored(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    found = await ingest.run(service.find([SECOND, OLD, SECOND, FIRST], ADA))
    assert titles(found) == [f"A reward model {each}" for each in (SECOND, OLD, FIRST)]
    (request,) = ingest.take_requests()
    assert request.id_list == "2611.00102,math/0309136,2611.00101"
    assert titles(await service.find([FIRST], BOB)) == titles(found)[2:]
    assert ingest.take_requests() == []


async def test_equal_lookups_at_the_same_time_are_one_request(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    tasks = [asyncio.create_task(service.find([FIRST], caller)) for caller in (ADA, BOB)]
    await ingest.until(lambda: all(task.done() for task in tasks))
    assert [titles(task.result()) for task in tasks] == [[f"A reward model {FIRST}"]] * 2
    assert len(ingest.take_requests()) == 1


async def test_id_that_arxiv_lacks_is_missing_and_not_requested_again_for_a_while(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    found = await ingest.run(service.find([MISSING], ADA))
    assert (found.papers, found.missing, found.problem) == ((), (MISSING,), None)
    # An empty result is confirmed after arXiv returned another paper.
    assert [request.id_list for request in ingest.take_requests()] == [MISSING.value, "", MISSING.value]
    assert (await service.find([MISSING], BOB)).missing == (MISSING,)
    assert ingest.take_requests() == []
    await ingest.clock.advance(MISSING_KEPT.total_seconds())
    ingest.add_paper("It exists now", arxiv_id=MISSING.value)
    assert titles(await ingest.run(service.find([MISSING], ADA))) == ["It exists now"]


async def test_missing_paper_among_others_needs_no_second_request(ingest: Ingest) -> None:
    found = await ingest.run(lookup_service(ingest).find([MISSING, FIRST], ADA))
    assert (titles(found), found.missing) == ([f"A reward model {FIRST}"], (MISSING,))
    assert len(ingest.take_requests()) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60"), ArxivThrottled),
        (ArxivFault(ArxivFaultKind.SHORT_PAGE, keep=0.0), IncompleteResults),
        (ArxivFault(ArxivFaultKind.EMPTY, times=2), IncompleteResults),
    ],
)
async def test_failure_is_reported_beside_the_stored_papers(
    ingest: Ingest, fault: ArxivFault, error: type[Exception]
) -> None:
    service = lookup_service(ingest)
    await ingest.run(service.find([FIRST], ADA))
    ingest.arxiv.faults.add(fault)
    found = await ingest.run(service.find([FIRST, SECOND], ADA))
    assert (titles(found), found.missing, found.unknown) == ([f"A reward model {FIRST}"], (), (SECOND,))
    assert isinstance(found.problem, error)


async def test_lookups_stay_within_the_budget(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    ids = [ArxivId(f"2611.{number:05}") for number in range(200, 200 + LOOKUPS_PER_MINUTE)]
    for arxiv_id in ids:
        ingest.add_paper("A paper", arxiv_id=arxiv_id.value)
    tasks = [asyncio.create_task(service.find([each], Caller(person, 7))) for person, each in enumerate(ids)]
    await ingest.until(lambda: all(task.done() for task in tasks))
    problems = [task.result().problem for task in tasks]
    assert [type(each) for each in problems if each is not None] == [LookupsExhausted] * 2
    assert len(ingest.take_requests()) == len(ids) - 2


async def test_more_papers_than_the_limit_are_left_out(ingest: Ingest) -> None:
    ids = [ArxivId(f"2611.{number:05}") for number in range(300, 301 + LOOKUP_PAPERS)]
    for arxiv_id in ids:
        ingest.add_paper("A paper", arxiv_id=arxiv_id.value)
    assert len((await ingest.run(lookup_service(ingest).find(ids, ADA))).papers) == LOOKUP_PAPERS


async def test_looked_up_paper_is_posted_once_when_a_poll_finds_it(ingest: Ingest) -> None:
    service = lookup_service(ingest)
    await ingest.watch("quokka")
    new = ArxivId(ingest.add_paper("A quokka", days_ago=0.01))
    await ingest.run(service.find([new], ADA))
    assert await ingest.due() == []
    await ingest.poll()
    await ingest.run(service.find([new], ADA))
    await ingest.poll()
    assert await ingest.due() == [new.value]


async def test_posts_of_a_paper_are_those_of_the_server(ingest: Ingest) -> None:
    store, service = ingest.store, lookup_service(ingest)
    for channel_id in (CHANNEL, OTHER_CHANNEL):
        await store.watch("graph", channel_id=channel_id)
    known = paper("2611.00500", title="A graph")
    await store.poll(known)
    assert await service.posts(GUILD, known.arxiv_id) == ()
    for channel_id, message_id in ((OTHER_CHANNEL, 71), (CHANNEL, 72)):
        post = await store.bind(channel_id, key=f"key-{channel_id}")
        await store.outbox.delivered(post, Delivered(message_id), NOW)
    posts = await service.posts(GUILD, known.arxiv_id)
    assert [(post.channel_id, post.message_id, post.thread_id) for post in posts] == [
        (OTHER_CHANNEL, 71, None),
        (CHANNEL, 72, None),
    ]
    assert await service.posts(GUILD + 1, known.arxiv_id) == ()
    assert await service.posts(GUILD, ArxivId("2611.00501")) == ()
