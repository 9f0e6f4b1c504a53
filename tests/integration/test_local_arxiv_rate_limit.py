"""The local arXiv's record of requests and of rate limit violations."""

import asyncio
from datetime import UTC, datetime

import pytest

from sandbox.arxiv import ArxivFault, ArxivFaultKind, Corpus, LocalArxiv
from tests.support.clock import give_way
from tests.support.local_arxiv import query_client

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


class ManualClock:
    """A clock that advances only when a test says so."""

    def __init__(self) -> None:
        self.elapsed_s = 100.0

    def __call__(self) -> float:
        return self.elapsed_s


async def test_every_request_is_recorded_with_its_parameters() -> None:
    arxiv = LocalArxiv(Corpus(), now=lambda: NOW)
    async with query_client(arxiv) as client:
        await client.query(
            search_query="ti:reward", start="1", max_results="2", sortBy="submittedDate", sortOrder="ascending"
        )

    (request,) = arxiv.requests
    assert (request.method, request.search_query, request.start, request.max_results) == ("POST", "ti:reward", "1", "2")
    assert (request.sort, request.id_list) == ("submittedDate ascending", "")
    assert request.accept == "*/*"
    assert request.user_agent is not None
    assert "aiohttp" in request.user_agent
    assert request.status == 200
    assert request.ended_at_s is not None
    assert request.ended_at_s >= request.started_at_s


async def test_request_within_three_seconds_is_a_rate_limit_violation() -> None:
    clock = ManualClock()
    arxiv = LocalArxiv(Corpus(), now=lambda: NOW, monotonic=clock)
    async with query_client(arxiv) as client:
        for pause_s in (0.0, 3.0, 2.9, 60.0):
            clock.elapsed_s += pause_s
            await client.query(search_query="ti:a")

    (violation,) = arxiv.violations
    assert violation.request is arxiv.requests[2]
    assert violation.gap_s == pytest.approx(2.9)


async def test_concurrent_request_is_a_rate_limit_violation() -> None:
    arxiv = LocalArxiv(Corpus(), now=lambda: NOW, interval_s=0)
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE))
    async with query_client(arxiv) as client:
        slow = asyncio.create_task(client.query(search_query="ti:slow"))
        while not arxiv.requests:
            await give_way()
        await client.query(search_query="ti:other")
        slow.cancel()

    (violation,) = arxiv.violations
    assert violation.gap_s == 0
    assert violation.request.search_query == "ti:other"
