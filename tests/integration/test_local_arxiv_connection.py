"""The local arXiv over HTTP, with failing connections and rejected request methods."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from sandbox.arxiv import ArxivFault, ArxivFaultKind, Corpus, LocalArxiv, SandboxPaper
from tests.support.local_arxiv import ArxivReply, QueryClient, query_client, serving
from tests.support.loops import DEADLINE_S
from tests.support.quiescence import wait_until

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def arxiv() -> LocalArxiv:
    arxiv = LocalArxiv(Corpus(), now=lambda: NOW)
    arxiv.add_paper(SandboxPaper(arxiv_id="2611.00001", title="Model"))
    return arxiv


@pytest.fixture
async def client(arxiv: LocalArxiv) -> AsyncIterator[QueryClient]:
    async with query_client(arxiv) as client:
        yield client


async def send_query(client: QueryClient, method: str = "POST", search_query: str = "ti:model") -> ArxivReply:
    """Sends the same query each time."""
    return await client.query(method, search_query=search_query)


async def test_huge_body_is_streamed_until_the_client_disconnects(arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.HUGE), ArxivFault(ArxivFaultKind.HUGE, size=300_000))
    async with serving(arxiv) as url, aiohttp.ClientSession() as session:
        async with session.get(url, params={"search_query": "ti:model"}) as response:
            assert response.status == 200
            await response.content.readexactly(1_000_000)
            response.close()
        async with session.get(url, params={"search_query": "ti:model"}) as response:
            small = await response.read()

    assert small.endswith(b"</feed>\n")
    assert 200_000 < len(small) < 400_000
    assert arxiv.requests[0].ended_at_s is not None


async def test_connection_reset_before_the_response_sends_nothing(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.RESET_BEFORE_ANSWER))

    with pytest.raises(aiohttp.ClientConnectionError):
        await send_query(client)

    (request,) = arxiv.requests
    assert (request.status, request.fault) == (0, ArxivFaultKind.RESET_BEFORE_ANSWER)


async def test_get_that_aiohttp_retries_after_a_reset_is_recorded_twice(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.RESET_BEFORE_ANSWER))
    await send_query(client, "GET")

    assert [request.status for request in arxiv.requests][-1] == 200
    assert len(arxiv.requests) == 2
    assert len(arxiv.violations) == 1


async def test_connection_reset_during_the_response_sends_half_the_body(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.RESET_IN_ANSWER))

    with pytest.raises(aiohttp.ClientPayloadError):
        await send_query(client)


async def test_request_ends_when_the_client_times_out(arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE))
    async with query_client(arxiv) as client:
        query = asyncio.create_task(send_query(client))
        await wait_until(lambda: bool(arxiv.requests), DEADLINE_S)
        query.cancel()
        await asyncio.wait([query])
        await wait_until(lambda: arxiv.requests[0].ended_at_s is not None, DEADLINE_S)

    (request,) = arxiv.requests
    assert request.status == 0


async def test_slow_first_byte_is_followed_by_the_valid_response(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE, delay_s=0.02))

    assert (await send_query(client)).ids == ["2611.00001v1"]


async def test_post_can_be_rejected_while_get_works(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.POST_REJECTED, times=None))

    assert (await send_query(client, "POST")).status == 405
    assert (await send_query(client, "GET")).status == 200
    assert (await send_query(client, "POST")).status == 405
    arxiv.faults.clear()
    assert (await send_query(client, "POST")).status == 200


async def test_long_get_can_be_rejected_while_short_get_and_post_work(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.URI_TOO_LONG, times=None, max_target_length=300))
    long_query = " OR ".join(["ti:model"] * 40)

    assert (await send_query(client, "GET", long_query)).status == 414
    assert (await send_query(client, "POST", long_query)).status == 200
    assert (await send_query(client, "GET")).status == 200
