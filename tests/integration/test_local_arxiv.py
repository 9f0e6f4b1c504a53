"""The local arXiv over HTTP, when all is well."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from tests.support.local_arxiv import Visitor, visiting
from tests.support.recordings import ARXIV_ANSWERS

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
async def visitor(arxiv: LocalArxiv) -> AsyncIterator[Visitor]:
    async with visiting(arxiv) as visitor:
        yield visitor


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_query_is_answered_by_get_and_by_form_post(visitor: Visitor, method: str) -> None:
    feed = (await visitor.ask(method, search_query='ti:"reward models" AND ti:3', max_results="5")).feed

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
async def test_results_come_in_the_order_asked_for(visitor: Visitor, sort_by: str, order: str, days: str) -> None:
    ids = await visitor.ids(search_query=EVERYTHING, sortBy=sort_by, sortOrder=order)

    assert ids == [f"2611.0000{day}v2" for day in days]


async def test_relevance_puts_papers_with_more_of_the_terms_first(visitor: Visitor) -> None:
    assert (await visitor.ids(search_query="ti:model OR ti:4"))[0] == "2611.00004v2"


async def test_pages_together_hold_every_paper_once(visitor: Visitor) -> None:
    pages = [
        await visitor.ids(search_query=EVERYTHING, sortBy="submittedDate", start=start, max_results="2")
        for start in ("0", "2", "4", "6")
    ]

    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert len({arxiv_id for page in pages for arxiv_id in page}) == 5


async def test_id_list_gives_papers_in_its_order_and_old_versions_too(visitor: Visitor, arxiv: LocalArxiv) -> None:
    arxiv.revise("2611.00002", title="Revised")

    feed = (await visitor.ask(id_list="2611.00004,2611.00002,2611.00002v2,2611.00002v9,2611.99999")).feed

    assert [(entry.id.rpartition("/")[2], entry.title) for entry in feed.entries] == [
        ("2611.00004v2", "Reward model 4"),
        ("2611.00002v3", "Revised"),
        ("2611.00002v2", "Reward model 2"),
    ]


async def test_id_list_and_query_together_narrow_each_other(visitor: Visitor) -> None:
    assert await visitor.ids(search_query="ti:3 OR ti:4", id_list="2611.00002,2611.00003") == ["2611.00003v2"]


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
async def test_what_arxiv_refuses_gets_400_and_its_error_feed(
    visitor: Visitor, parameters: dict[str, str], reason: str
) -> None:
    answer = await visitor.ask(**parameters)

    assert answer.status == 400
    (entry,) = answer.feed.entries
    assert entry.title == "Error"
    assert entry.summary.startswith(reason)
    assert entry.id.startswith("https://arxiv.org/api/errors#")


async def test_nothing_past_the_ten_thousandth_result_is_answered(visitor: Visitor) -> None:
    assert (await visitor.ask(search_query=EVERYTHING, start="9000", max_results="1000")).status == 200
    assert (await visitor.ask(search_query=EVERYTHING, start="9000", max_results="1001")).status == 500


async def test_page_holds_two_thousand_papers_at_most() -> None:
    arxiv = LocalArxiv(Corpus(SandboxPaper(title="P") for _ in range(2_001)), now=lambda: NOW)
    arxiv.announce()
    async with visiting(arxiv) as visitor:
        body = (await visitor.ask(search_query="ti:p", max_results="5000")).body

    assert body.count(b"<entry>") == 2_000
    assert b"<opensearch:totalResults>2001<" in body


async def test_request_without_accept_header_gets_406(visitor: Visitor) -> None:
    target = "/arxiv/api/query?search_query=ti:reward"

    assert (await visitor.send_raw(target)).startswith(b"HTTP/1.1 406 ")
    assert (await visitor.send_raw(target, headers="Accept: */*\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_very_long_get_is_refused_and_the_same_by_post_is_not(visitor: Visitor) -> None:
    long_query = " OR ".join(["ti:reward"] * 615)
    target = f"/arxiv/api/query?search_query={long_query.replace(' ', '+')}"

    answer = await visitor.send_raw(target, headers="Accept: */*\r\n")

    assert 8_000 < len(target) < 8_100
    assert answer.startswith(b"HTTP/1.1 414 ")
    assert len(await visitor.ids(search_query=long_query)) == 5


async def test_announced_papers_appear_and_are_counted_down(visitor: Visitor, arxiv: LocalArxiv) -> None:
    arxiv.add_paper(SandboxPaper(title="Waits"), announced=False)
    assert arxiv.waiting == 1
    assert await visitor.ids(search_query="ti:waits") == []

    (announced,) = arxiv.announce(5)

    assert arxiv.waiting == 0
    assert await visitor.ids(search_query="ti:waits") == [announced.versioned_id]
    assert timedelta(days=1) <= NOW - announced.published <= timedelta(days=4, seconds=1)


async def test_revised_paper_shows_its_new_version_and_keeps_its_first_date(
    visitor: Visitor, arxiv: LocalArxiv
) -> None:
    arxiv.revise("2611.00003", title="Better", abstract="New.", comment="v3")

    (entry,) = (await visitor.ask(search_query="ti:better")).feed.entries

    assert entry.id.endswith("2611.00003v3")
    assert entry.published == "2026-11-03T00:00:00Z"
    assert entry.updated == "2026-11-18T11:59:00Z"
    assert (entry.summary, entry.arxiv_comment) == ("New.", "v3")


async def test_withdrawn_paper_says_so_in_the_comment_of_a_new_version(visitor: Visitor, arxiv: LocalArxiv) -> None:
    arxiv.withdraw("2611.00003")

    (entry,) = (await visitor.ask(search_query="id:2611.00003")).feed.entries

    assert entry.id.endswith("2611.00003v3")
    assert entry.arxiv_comment == "This paper has been withdrawn"
    assert entry.title == "Reward model 3"


async def test_generated_papers_are_there_from_the_start() -> None:
    arxiv = LocalArxiv(seed=5, now=lambda: NOW)
    async with visiting(arxiv) as visitor:
        feed = (await visitor.ask(search_query='ti:"reward model" OR abs:"reward model"', max_results="3")).feed

    assert len(feed.entries) == 3
    assert int(feed.feed.opensearch_totalresults) > 50
    assert arxiv.waiting == 2_000
    assert len(arxiv.papers) > 1_000


@pytest.mark.recordings
async def test_recorded_papers_appear_when_they_are_announced() -> None:
    arxiv = LocalArxiv(Corpus.from_directory(ARXIV_ANSWERS), now=lambda: NOW)
    assert arxiv.papers == ()

    assert len(arxiv.announce(40)) == 40
    arxiv.announce()

    assert len(arxiv.papers) == 290
    async with visiting(arxiv) as visitor:
        assert await visitor.ids(id_list="astro-ph/0601001") == ["astro-ph/0601001v1"]
