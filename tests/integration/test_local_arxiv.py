"""The local arXiv over HTTP, without faults."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from tests.support.local_arxiv import QueryClient, query_client
from tests.support.recordings import ARXIV_ANSWERS

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
EVERYTHING = "submittedDate:[199101010000 TO 202701010000]"


def five_papers() -> LocalArxiv:
    arxiv = LocalArxiv(Corpus(), now=lambda: NOW)
    for day in range(1, 6):
        arxiv.add_paper(
            SandboxPaper(
                arxiv_id=f"2611.0000{day}",
                title=f"Reward model {day}",
                version=2,
                published=datetime(2026, 11, day, tzinfo=UTC),
                updated=datetime(2026, 11, 10 - day, tzinfo=UTC),
            )
        )
    return arxiv


@pytest.fixture
def arxiv() -> LocalArxiv:
    return five_papers()


@pytest.fixture
async def client(arxiv: LocalArxiv) -> AsyncIterator[QueryClient]:
    async with query_client(arxiv) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_get_and_form_post_return_the_same_results(client: QueryClient, method: str) -> None:
    feed = (await client.query(method, search_query='ti:"reward models" AND ti:3', max_results="5")).feed

    (entry,) = feed.entries
    assert entry.title == "Reward model 3"
    assert entry.id == "http://arxiv.org/abs/2611.00003v2"
    assert feed.feed.title == 'arXiv Query: search_query=ti:"reward models" AND ti:3&id_list=&start=0&max_results=5'
    assert feed.feed.opensearch_totalresults == "1"
    assert feed.feed.opensearch_itemsperpage == "5"


@pytest.mark.parametrize(
    ("sort_by", "order", "days"),
    [
        ("submittedDate", "descending", "54321"),
        ("submittedDate", "ascending", "12345"),
        ("lastUpdatedDate", "descending", "12345"),
    ],
)
async def test_results_are_sorted_as_requested(client: QueryClient, sort_by: str, order: str, days: str) -> None:
    ids = await client.ids(search_query=EVERYTHING, sortBy=sort_by, sortOrder=order)

    assert ids == [f"2611.0000{day}v2" for day in days]


async def test_relevance_ranks_papers_with_more_matching_terms_first(client: QueryClient) -> None:
    assert (await client.ids(search_query="ti:model OR ti:4"))[0] == "2611.00004v2"


async def test_pages_contain_every_paper_exactly_once(client: QueryClient) -> None:
    pages = [
        await client.ids(search_query=EVERYTHING, sortBy="submittedDate", start=start, max_results="2")
        for start in ("0", "2", "4", "6")
    ]

    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert len({arxiv_id for page in pages for arxiv_id in page}) == 5


async def test_id_list_returns_papers_in_its_order_including_old_versions(
    client: QueryClient, arxiv: LocalArxiv
) -> None:
    arxiv.revise("2611.00002", title="Revised")

    feed = (await client.query(id_list="2611.00004,2611.00002,2611.00002v2,2611.00002v9,2611.99999")).feed

    assert [(entry.id.rpartition("/")[2], entry.title) for entry in feed.entries] == [
        ("2611.00004v2", "Reward model 4"),
        ("2611.00002v3", "Revised"),
        ("2611.00002v2", "Reward model 2"),
    ]


async def test_id_list_and_query_are_combined_with_and(client: QueryClient) -> None:
    assert await client.ids(search_query="ti:3 OR ti:4", id_list="2611.00002,2611.00003") == ["2611.00003v2"]


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"search_query": "(ti:reward"}, "unbalanced parentheses"),
        ({"search_query": ""}, "either a search_query or id_list must be specified"),
        ({"id_list": "2611.00001,abc"}, "incorrect id format for abc"),
        ({"search_query": "ti:a", "max_results": "-1"}, "max_results must be non-negative"),
        ({"search_query": "ti:a", "max_results": "30001"}, "max_results must be at most 30000"),
        ({"search_query": "ti:a", "start": "x"}, "start must be an integer"),
        ({"search_query": "ti:a", "sortBy": "title"}, "sortBy must be in: relevance, lastUpdatedDate, submittedDate"),
        ({"search_query": "ti:a", "sortOrder": "up"}, "sortOrder must be in: ascending, descending"),
    ],
)
async def test_invalid_parameters_return_400_with_an_error_feed(
    client: QueryClient, parameters: dict[str, str], reason: str
) -> None:
    response = await client.query(**parameters)

    assert response.status == 400
    (entry,) = response.feed.entries
    assert entry.title == "Error"
    assert entry.summary.startswith(reason)
    assert entry.id.startswith("https://arxiv.org/api/errors#")


async def test_results_beyond_ten_thousand_return_an_error(client: QueryClient) -> None:
    assert (await client.query(search_query=EVERYTHING, start="9000", max_results="1000")).status == 200
    assert (await client.query(search_query=EVERYTHING, start="9000", max_results="1001")).status == 500


async def test_page_contains_at_most_two_thousand_papers() -> None:
    arxiv = LocalArxiv(Corpus(SandboxPaper(title="P") for _ in range(2_001)), now=lambda: NOW)
    arxiv.announce()
    async with query_client(arxiv) as client:
        body = (await client.query(search_query="ti:p", max_results="5000")).body

    assert body.count(b"<entry>") == 2_000
    assert b"<opensearch:totalResults>2001<" in body


async def test_request_without_accept_header_returns_406(client: QueryClient) -> None:
    target = "/arxiv/api/query?search_query=ti:reward"

    assert (await client.send_raw(target)).startswith(b"HTTP/1.1 406 ")
    assert (await client.send_raw(target, headers="Accept: */*\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_very_long_get_is_rejected_but_the_same_post_is_not(client: QueryClient) -> None:
    long_query = " OR ".join(["ti:reward"] * 615)
    target = f"/arxiv/api/query?search_query={long_query.replace(' ', '+')}"

    response = await client.send_raw(target, headers="Accept: */*\r\n")

    assert 8_000 < len(target) < 8_100
    assert response.startswith(b"HTTP/1.1 414 ")
    assert len(await client.ids(search_query=long_query)) == 5


async def test_announced_papers_become_visible_and_leave_the_queue(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.add_paper(SandboxPaper(title="Waits"), announced=False)
    assert arxiv.queued == 1
    assert await client.ids(search_query="ti:waits") == []

    (announced,) = arxiv.announce(5)

    assert arxiv.queued == 0
    assert await client.ids(search_query="ti:waits") == [announced.versioned_id]
    assert timedelta(days=1) <= NOW - announced.published <= timedelta(days=4, seconds=1)


async def test_revised_paper_has_a_new_version_and_its_original_date(client: QueryClient, arxiv: LocalArxiv) -> None:
    arxiv.revise("2611.00003", title="Better", abstract="New.", comment="v3")

    (entry,) = (await client.query(search_query="ti:better")).feed.entries

    assert entry.id.endswith("2611.00003v3")
    assert entry.published == "2026-11-03T00:00:00Z"
    assert entry.updated == "2026-11-18T11:59:00Z"
    assert (entry.summary, entry.arxiv_comment) == ("New.", "v3")


async def test_withdrawn_paper_has_a_new_version_with_a_withdrawal_comment(
    client: QueryClient, arxiv: LocalArxiv
) -> None:
    arxiv.withdraw("2611.00003")

    (entry,) = (await client.query(search_query="id:2611.00003")).feed.entries

    assert entry.id.endswith("2611.00003v3")
    assert entry.arxiv_comment == "This paper has been withdrawn"
    assert entry.title == "Reward model 3"


async def test_generated_papers_are_visible_from_the_start() -> None:
    arxiv = LocalArxiv(seed=5, now=lambda: NOW)
    async with query_client(arxiv) as client:
        feed = (await client.query(search_query='ti:"reward model" OR abs:"reward model"', max_results="3")).feed

    assert len(feed.entries) == 3
    assert int(feed.feed.opensearch_totalresults) > 50
    assert arxiv.queued == 2_000
    assert len(arxiv.papers) > 1_000


@pytest.mark.recordings
async def test_recorded_papers_become_visible_when_announced() -> None:
    arxiv = LocalArxiv(Corpus.from_directory(ARXIV_ANSWERS), now=lambda: NOW)
    assert arxiv.papers == ()

    assert len(arxiv.announce(40)) == 40
    arxiv.announce()

    assert len(arxiv.papers) == 290
    async with query_client(arxiv) as client:
        assert await client.ids(id_list="astro-ph/0601001") == ["astro-ph/0601001v1"]
