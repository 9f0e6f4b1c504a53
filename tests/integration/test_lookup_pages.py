"""Pages of lookups against the local arXiv: their requests, orders and periods, and stored papers while arXiv fails."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.arxiv.scheduler import Caller
from bot.domain.keyword import Keyword
from bot.domain.period import Period
from bot.domain.period_text import read_period
from bot.runtime.errors import ArxivThrottled
from bot.services.lookup import LOOKUP_CANDIDATES, LOOKUP_RESULTS_MAX, Latest
from bot.services.lookup_results import LookupOrder, LookupQuery
from sandbox.arxiv import ArxivFault, ArxivFaultKind, SandboxPaper
from tests.support.ingest import Ingest, ingest_over
from tests.support.lookups import lookup_service
from tests.support.store import Store

REWARD_MODEL = Keyword.parse("reward model")
ADA = Caller(0, 0)


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    async with ingest_over(store) as ingest:
        for _ in range(3):
            ingest.add_paper("A reward model")
        yield ingest


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
