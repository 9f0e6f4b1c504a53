"""The local arXiv over HTTP, when the connection fails or a form of request is refused."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from sandbox.arxiv import ArxivFault, ArxivFaultKind, Corpus, LocalArxiv, SandboxPaper
from tests.support.local_arxiv import ArxivAnswer, Visitor, serving, visiting
from tests.support.looping import DEADLINE_S
from tests.support.resting import until

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def arxiv() -> LocalArxiv:
    arxiv = LocalArxiv(Corpus(), now=lambda: NOW)
    arxiv.add_paper(SandboxPaper(arxiv_id="2611.00001", title="Model"))
    return arxiv


@pytest.fixture
async def visitor(arxiv: LocalArxiv) -> AsyncIterator[Visitor]:
    async with visiting(arxiv) as visitor:
        yield visitor


async def ask(visitor: Visitor, method: str = "POST", search_query: str = "ti:model") -> ArxivAnswer:
    """The same question over and over."""
    return await visitor.ask(method, search_query=search_query)


async def test_huge_body_is_streamed_until_the_reader_has_enough(arxiv: LocalArxiv) -> None:
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
    assert arxiv.requests[0].ended is not None


async def test_connection_reset_before_the_answer_leaves_nothing(visitor: Visitor, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.RESET_BEFORE_ANSWER))

    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(visitor)

    (request,) = arxiv.requests
    assert (request.status, request.fault) == (0, ArxivFaultKind.RESET_BEFORE_ANSWER)


async def test_get_whose_connection_drops_is_sent_again_by_aiohttp_and_recorded(
    visitor: Visitor, arxiv: LocalArxiv
) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.RESET_BEFORE_ANSWER))
    await ask(visitor, "GET")

    assert [request.status for request in arxiv.requests][-1] == 200
    assert len(arxiv.requests) == 2
    assert len(arxiv.violations) == 1


async def test_connection_reset_within_the_answer_leaves_half_a_body(visitor: Visitor, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.RESET_IN_ANSWER))

    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(visitor)


async def test_client_that_does_not_wait_for_a_slow_first_byte_ends_its_request(arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE))
    async with visiting(arxiv) as visitor:
        asking = asyncio.create_task(ask(visitor))
        await until(lambda: bool(arxiv.requests), DEADLINE_S)
        asking.cancel()
        await asyncio.wait([asking])
        await until(lambda: arxiv.requests[0].ended is not None, DEADLINE_S)

    (request,) = arxiv.requests
    assert request.status == 0


async def test_slow_first_byte_is_followed_by_the_good_answer(visitor: Visitor, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE, delay_s=0.02))

    assert (await ask(visitor)).ids == ["2611.00001v1"]


async def test_post_can_be_refused_while_get_works(visitor: Visitor, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.POST_REFUSED, times=None))

    assert (await ask(visitor, "POST")).status == 405
    assert (await ask(visitor, "GET")).status == 200
    assert (await ask(visitor, "POST")).status == 405
    arxiv.faults.clear()
    assert (await ask(visitor, "POST")).status == 200


async def test_long_get_can_be_refused_while_a_short_one_and_post_work(visitor: Visitor, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.URI_TOO_LONG, times=None, max_target_length=300))
    long_query = " OR ".join(["ti:model"] * 40)

    assert (await ask(visitor, "GET", long_query)).status == 414
    assert (await ask(visitor, "POST", long_query)).status == 200
    assert (await ask(visitor, "GET")).status == 200
