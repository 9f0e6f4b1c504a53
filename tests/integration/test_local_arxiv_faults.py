"""The local arXiv over HTTP, with every fault that arXiv has shown."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from sandbox.arxiv import ArxivFault, ArxivFaultKind, Corpus, LocalArxiv, SandboxPaper
from tests.support.local_arxiv import ArxivReply, QueryClient, query_client

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
TOTAL = "{http://a9.com/-/spec/opensearch/1.1/}totalResults"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def arxiv() -> LocalArxiv:
    arxiv = LocalArxiv(Corpus(), now=lambda: NOW)
    for day in range(1, 13):
        arxiv.add_paper(
            SandboxPaper(
                arxiv_id=f"2611.{day:05d}", title=f"Model {day}", published=datetime(2026, 11, day, tzinfo=UTC)
            )
        )
    return arxiv


@pytest.fixture
async def client(arxiv: LocalArxiv) -> AsyncIterator[QueryClient]:
    async with query_client(arxiv) as client:
        yield client


NEWEST_FIRST = [f"2611.{day:05d}v1" for day in range(12, 0, -1)]


async def send_query(client: QueryClient, method: str = "POST", search_query: str = "ti:model") -> ArxivReply:
    """Sends the same query each time."""
    return await client.query(method, search_query=search_query, max_results="12", sortBy="submittedDate")


async def test_empty_feed_reports_zero_results(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY))

    response = await send_query(client)

    assert (response.status, response.total, response.ids) == (200, 0, [])
    assert (await send_query(client)).total == 12


async def test_short_page_has_fewer_entries_than_its_total(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, keep=0.25))

    response = await send_query(client)

    assert (response.total, response.ids) == (12, NEWEST_FIRST[:3])


async def test_shuffled_results_differ_between_requests(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SHUFFLED, times=2))

    first, second = await send_query(client), await send_query(client)

    assert first.ids != second.ids
    assert sorted(first.ids) == sorted(second.ids) == sorted(NEWEST_FIRST)


async def test_ignored_sort_order_is_stable_but_wrong(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=2))

    first, second = await send_query(client), await send_query(client)

    assert first.ids == second.ids
    assert first.ids not in (NEWEST_FIRST, NEWEST_FIRST[::-1])


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        (
            ArxivFault(ArxivFaultKind.MISSING_IDS, first_id="2611.00003", last_id="2611.00011"),
            NEWEST_FIRST[:1] + NEWEST_FIRST[-2:],
        ),
        (ArxivFault(ArxivFaultKind.MISSING_IDS, first_id="2611.00002"), NEWEST_FIRST[-1:]),
        (ArxivFault(ArxivFaultKind.MISSING_IDS), NEWEST_FIRST[:3] + NEWEST_FIRST[-4:]),
    ],
)
async def test_missing_id_range_is_excluded_from_the_total(
    client: QueryClient, arxiv: LocalArxiv, fault: ArxivFault, left: list[str]
) -> None:
    arxiv.faults.add(fault)

    response = await send_query(client)

    assert (response.ids, response.total) == (left, len(left))


async def test_broken_entries_lack_a_title_or_an_id(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.BROKEN_ENTRIES))

    entries = list(ET.fromstring((await send_query(client)).body).iter(f"{ATOM}entry"))  # noqa: S314 - the sandbox's own

    assert [entry.find(f"{ATOM}title") is None for entry in entries[:3]] == [True, False, False]
    assert [entry.find(f"{ATOM}id") is None for entry in entries[:3]] == [False, True, False]
    assert len(entries) == 12


@pytest.mark.parametrize(
    ("fault", "status", "body", "retry_after"),
    [
        (ArxivFault(ArxivFaultKind.RATE_LIMITED), 429, b"Rate exceeded.", None),
        (ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="120"), 429, b"Rate exceeded.", "120"),
        (ArxivFault(ArxivFaultKind.RATE_EXCEEDED_200), 200, b"Rate exceeded.", None),
        (ArxivFault(ArxivFaultKind.UNAVAILABLE), 503, b"first byte timeout", "0"),
        (ArxivFault(ArxivFaultKind.UNAVAILABLE, retry_after="30"), 503, b"first byte timeout", "30"),
        (ArxivFault(ArxivFaultKind.SERVER_ERROR), 500, b"Internal Server Error", None),
        (ArxivFault(ArxivFaultKind.NOT_ACCEPTABLE), 406, b"", None),
        (ArxivFault(ArxivFaultKind.ZERO_BYTES), 200, b"", None),
        (ArxivFault(ArxivFaultKind.REDIRECTED), 301, b"", None),
    ],
    ids=lambda value: value.kind.value if isinstance(value, ArxivFault) else "",
)
async def test_error_response_matches_what_arxiv_has_sent(
    client: QueryClient, arxiv: LocalArxiv, fault: ArxivFault, status: int, body: bytes, retry_after: str | None
) -> None:
    arxiv.faults.add(fault)

    response = await send_query(client)

    assert (response.status, response.body, response.retry_after) == (status, body, retry_after)
    assert arxiv.requests[-1].status == status
    assert arxiv.requests[-1].fault is fault.kind


async def test_406_can_contain_a_valid_feed(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.NOT_ACCEPTABLE_WITH_FEED))

    response = await send_query(client)

    assert (response.status, response.ids) == (406, NEWEST_FIRST)


@pytest.mark.parametrize(
    "kind",
    [
        ArxivFaultKind.HTML,
        ArxivFaultKind.TRUNCATED,
        ArxivFaultKind.TWO_DOCUMENTS,
        ArxivFaultKind.WRONG_ENCODING,
        ArxivFaultKind.NUL_BYTES,
        ArxivFaultKind.RATE_EXCEEDED_200,
        ArxivFaultKind.ZERO_BYTES,
    ],
)
async def test_body_that_is_not_a_complete_feed_has_status_200(
    client: QueryClient, arxiv: LocalArxiv, kind: ArxivFaultKind
) -> None:
    valid = (await send_query(client)).body
    arxiv.faults.add(ArxivFault(kind))

    response = await send_query(client)

    assert response.status == 200
    assert response.body != valid
    if kind is ArxivFaultKind.HTML:
        assert b"<html>" in response.body
    else:
        with pytest.raises(ET.ParseError):
            ET.fromstring(response.body)  # noqa: S314 - the sandbox's own response


async def test_empty_feed_can_be_truncated(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.TRUNCATED))

    with pytest.raises(ET.ParseError):
        ET.fromstring((await send_query(client, search_query="ti:nothing")).body)  # noqa: S314 - the sandbox's own response


async def test_entity_expansion_and_deep_nesting_have_small_bodies(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.ENTITY_EXPANSION), ArxivFault(ArxivFaultKind.DEEP_NESTING))

    laughs, nested = await send_query(client), await send_query(client)

    assert laughs.body.count(b"<!ENTITY") == 10
    assert laughs.body.count(b"&l8;") == 10
    assert len(laughs.body) < 2_000
    assert nested.body.count(b"<a>") == nested.body.count(b"</a>") == 100_000


async def test_query_with_certain_words_can_be_rejected_while_others_work(
    client: QueryClient, arxiv: LocalArxiv
) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REJECTED, times=None, containing="ti:"))

    rejected = await send_query(client, search_query="ti:model")

    assert rejected.status == 400
    assert b"<title>Error</title>" in rejected.body
    assert (await send_query(client, search_query="submittedDate:[20261101 TO 20261130]")).status == 200


async def test_faults_apply_in_order_each_for_its_number_of_requests(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=2), ArxivFault(ArxivFaultKind.UNAVAILABLE))
    arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY))

    assert [(await send_query(client)).status for _ in range(3)] == [429, 429, 503]
    assert [fault.kind for fault in arxiv.faults.pending] == [ArxivFaultKind.EMPTY]
    assert [(await send_query(client)).total for _ in range(2)] == [0, 12]
    assert arxiv.faults.pending == ()


@pytest.mark.parametrize("kind", list(ArxivFaultKind))
async def test_every_fault_changes_the_response(arxiv: LocalArxiv, kind: ArxivFaultKind) -> None:
    arxiv.faults.add(ArxivFault(kind, size=100_000, delay_s=0.01, max_target_length=10))
    method = "GET" if kind is ArxivFaultKind.URI_TOO_LONG else "POST"
    async with query_client(arxiv) as client:
        try:
            spoiled = (await send_query(client, method)).body
        except aiohttp.ClientError:
            spoiled = b"reset"
        valid = await send_query(client, method)

    assert valid.ids == NEWEST_FIRST
    assert [request.fault for request in arxiv.requests] == [kind, None]
    unchanged = {ArxivFaultKind.SLOW_FIRST_BYTE, ArxivFaultKind.NOT_ACCEPTABLE_WITH_FEED}
    assert (spoiled == valid.body) is (kind in unchanged)
