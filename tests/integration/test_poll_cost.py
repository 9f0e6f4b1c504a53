"""How many requests a poll over broad keywords sends; the targets do not depend on the machine."""

import pytest

from bot.domain.poll_schedule import PollCompleted
from bot.domain.window_scan import ARXIV_PAGE_SIZE
from tests.support.broad_polls import (
    REQUESTS_MAX,
    broad_papers,
    subscribe_to_broad_keywords,
)
from tests.support.ingest import Ingest, ingest_over
from tests.support.store import Store

_SCALE = 100
_SLOW_SCALE = 10
SMALL_PAGE = 130  # entries: a page with more is parsed in a child process
# As many as need all papers of both windows, but fewer to subscribe to.
_MANY = 100


async def read(ingest: Ingest, keywords: int, *, scale: int) -> list[int]:
    """Returns how many entries each request of a poll returned."""
    for paper in broad_papers(ingest.clock.now(), scale=scale):
        ingest.arxiv.add_paper(paper)
    await subscribe_to_broad_keywords(ingest.store, keywords, ingest.clock.now())
    assert isinstance(await ingest.poll(), PollCompleted)
    return [request.entries for request in ingest.take_requests()]


@pytest.mark.parametrize(("keywords", "requests_max"), [(5, 3), (40, 5), (_MANY, 7)])
async def test_poll_of_a_hundredth_of_the_papers_sends_as_few_requests(
    store: Store, keywords: int, requests_max: int
) -> None:
    async with ingest_over(store, page_size=ARXIV_PAGE_SIZE // _SCALE) as ingest:
        assert len(await read(ingest, keywords, scale=_SCALE)) <= requests_max


@pytest.mark.slow
async def test_poll_of_large_pages_is_parsed_in_child_processes(store: Store) -> None:
    async with ingest_over(store, page_size=ARXIV_PAGE_SIZE // _SLOW_SCALE) as ingest:
        entries = await read(ingest, 40, scale=_SLOW_SCALE)
        assert len(entries) <= REQUESTS_MAX[40]
        assert sum(entries) > 4 * SMALL_PAGE
