"""The arXiv client against a real HTTP server: its requests, rejected responses, and backoff."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bot.arxiv.client import ARXIV_BACKOFF_FLOOR_S, ArxivClient
from bot.arxiv.gate import Gate, Priority
from bot.domain.feed import FeedPage
from bot.domain.keyword import Keyword
from bot.domain.queries import Query, initial_sync_window, keywords_query, latest_query, window_query
from bot.runtime import limits
from bot.runtime.errors import ArxivBackoff, ArxivThrottled, ArxivTooLarge, ArxivUnavailable, QueryRejected
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from sandbox.arxiv import LocalArxiv
from sandbox.arxiv.corpus import Corpus
from sandbox.arxiv.faults import ArxivFault, ArxivFaultKind
from tests.support.clock import FakeClock, NoJitter, settle
from tests.support.local_arxiv import serving
from tests.support.loopback import http, scripted

USER_AGENT = "daily-papers/0.1 (mailto:reader@example.org)"
FLOOR_S = ARXIV_BACKOFF_FLOOR_S
REWARD_MODEL = latest_query(Keyword.parse("reward model"))
FEED = b"""<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns="http://www.w3.org/2005/Atom">
  <title>arXiv Query</title>
  <opensearch:totalResults>0</opensearch:totalResults>
</feed>"""


@dataclass(frozen=True, slots=True)
class ArxivHarness:
    """A client, its clock and its gate."""

    client: ArxivClient
    clock: FakeClock
    gate: Gate

    async def fetch(self, query: Query = REWARD_MODEL, *, start: int = 0, size: int = 10) -> FeedPage:
        """Fetches one page; the clock moves while the gate delays the request, and not during the request."""
        fetching = asyncio.create_task(self.client.fetch(query, start=start, size=size, priority=Priority.POLL))
        try:
            while not fetching.done():
                await settle()
                if self.clock.sleeping:
                    await self.clock.advance(0.1)
                else:
                    await asyncio.wait([fetching], timeout=0.01)
        finally:
            fetching.cancel()
            await asyncio.wait([fetching])
        return fetching.result()

    async def failure(self, query: Query = REWARD_MODEL) -> ArxivBackoff:
        """Returns the error of a fetch that starts or hits a backoff."""
        with pytest.raises(ArxivBackoff) as raised:
            await self.fetch(query)
        return raised.value

    def wait_s(self, error: ArxivBackoff) -> float:
        """Returns how long the backoff lasts from now."""
        return (error.not_before - self.clock.now()).total_seconds()

    async def wait_out(self, error: ArxivBackoff) -> None:
        """Moves the clock to the end of the backoff."""
        await self.clock.advance(self.wait_s(error))


@asynccontextmanager
async def harness(url: str, path: Path, clock: FakeClock, *, timeout_s: float = 20.0) -> AsyncIterator[ArxivHarness]:
    gate = Gate(path / "gate", clock, limits.ARXIV_REQUEST_INTERVAL_S)
    async with open_session() as session:
        client = ArxivClient(session, gate, clock, url, USER_AGENT, NoJitter(), Metrics(), timeout_s=timeout_s)
        yield ArxivHarness(client, clock, gate)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def arxiv(clock: FakeClock) -> LocalArxiv:
    corpus = Corpus.generated(now=clock.now(), days=14, per_day=10, upcoming=0)
    return LocalArxiv(corpus, now=clock.now, monotonic=clock.monotonic)


@pytest.fixture
async def local(arxiv: LocalArxiv, tmp_path: Path, clock: FakeClock) -> AsyncIterator[ArxivHarness]:
    """A client of the sandbox's arXiv, which must never see a request too soon."""
    async with serving(arxiv) as url, harness(url, tmp_path, clock) as ready:
        yield ready
    assert arxiv.violations == []


# --- requests --------------------------------------------------------------------------------------


async def test_page_is_fetched_by_form_post_with_a_contact(local: ArxivHarness, arxiv: LocalArxiv) -> None:
    page = await local.fetch(start=2, size=5)
    (request,) = arxiv.requests
    assert len(page.papers) == 5
    assert page.total > 5
    assert request.method == "POST"
    assert (request.search_query, request.start, request.max_results) == (REWARD_MODEL.search, "2", "5")
    assert request.sort == "submittedDate descending"
    assert request.user_agent == USER_AGENT
    assert request.accept is not None
    assert "application/atom+xml" in request.accept


async def test_order_of_results_follows_the_query(local: ArxivHarness, arxiv: LocalArxiv) -> None:
    await local.fetch(Query(REWARD_MODEL.search, newest_first=False))
    assert arxiv.requests[0].sort == "submittedDate ascending"


async def test_window_and_keyword_queries_are_understood(local: ArxivHarness, arxiv: LocalArxiv) -> None:
    window = initial_sync_window(local.clock.now())
    keywords = [Keyword.parse("reward model"), Keyword.parse("diffusion model", "cs.LG"), Keyword.parse("Poincaré")]
    everything = await local.fetch(window_query(window), size=1)
    narrowed = await local.fetch(keywords_query(keywords, window), size=100)
    assert 0 < narrowed.total < everything.total
    assert all(window.start <= paper.published <= window.end for paper in narrowed.papers)


async def test_requests_are_three_seconds_apart(local: ArxivHarness, arxiv: LocalArxiv) -> None:
    await asyncio.gather(*(local.fetch(start=start) for start in range(3)))
    started_at_s = [request.started_at_s for request in arxiv.requests]
    assert len(started_at_s) == 3  # that none was too soon is checked by the fixture
    assert started_at_s[-1] - started_at_s[0] < 7


async def test_get_is_used_after_a_rejected_post(
    local: ArxivHarness, arxiv: LocalArxiv, caplog: pytest.LogCaptureFixture
) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.POST_REJECTED, times=None))
    with caplog.at_level(logging.WARNING):
        first, again = await local.fetch(), await local.fetch()
    assert first.total == again.total > 0
    assert [request.method for request in arxiv.requests] == ["POST", "GET", "GET"]
    assert [record.getMessage() for record in caplog.records] == ["arXiv rejected POST"]


@pytest.mark.parametrize("responses", [[b""], [http(405), b""]], ids=["POST", "GET"])
async def test_request_whose_connection_dropped_is_never_sent_twice(
    responses: list[bytes], tmp_path: Path, clock: FakeClock
) -> None:
    async with scripted(*responses, http(200, FEED), http(200, FEED)) as server:
        async with harness(server.url, tmp_path, clock) as ready:
            assert isinstance(await ready.failure(), ArxivUnavailable)
        assert len(server.requests) == len(responses)


async def test_get_has_the_same_parameters_as_the_form(tmp_path: Path, clock: FakeClock) -> None:
    async with scripted(http(501), http(200, FEED)) as server, harness(server.url, tmp_path, clock) as ready:
        await ready.fetch(size=7)
    posted, got = server.requests
    address = got.split(b" ")[1].partition(b"?")[2]
    assert parse_qs(address) == parse_qs(posted.partition(b"\r\n\r\n")[2])
    assert parse_qs(address.decode())["search_query"] == [REWARD_MODEL.search]


async def test_connection_is_closed_after_each_request(tmp_path: Path, clock: FakeClock) -> None:
    async with scripted(http(200, FEED), http(200, FEED)) as server, harness(server.url, tmp_path, clock) as ready:
        assert (await ready.fetch()).total == (await ready.fetch()).total == 0
    assert all(b"connection: close" in request.lower() for request in server.requests)


# --- responses -------------------------------------------------------------------------------------

REJECTED = {
    ArxivFaultKind.RATE_LIMITED: (ArxivThrottled, "arXiv asks us to wait"),
    ArxivFaultKind.RATE_EXCEEDED_200: (ArxivThrottled, "arXiv asks us to wait"),
    ArxivFaultKind.UNAVAILABLE: (ArxivThrottled, "arXiv asks us to wait"),
    ArxivFaultKind.SERVER_ERROR: (ArxivUnavailable, "arXiv returned an unexpected response (status 500)"),
    ArxivFaultKind.NOT_ACCEPTABLE: (ArxivUnavailable, "arXiv's response is not a complete feed (status 406)"),
    ArxivFaultKind.ZERO_BYTES: (ArxivUnavailable, "arXiv's response is not a complete feed"),
    ArxivFaultKind.HTML: (ArxivUnavailable, "arXiv's response is not a complete feed"),
    ArxivFaultKind.TRUNCATED: (ArxivUnavailable, "arXiv's response is not a complete feed"),
    ArxivFaultKind.TWO_DOCUMENTS: (ArxivUnavailable, "arXiv's response is not a complete feed"),
    ArxivFaultKind.ENTITY_EXPANSION: (ArxivUnavailable, "arXiv's response is not a complete feed"),
    ArxivFaultKind.HUGE: (ArxivTooLarge, "arXiv's response is too large"),
    ArxivFaultKind.RESET_BEFORE_ANSWER: (ArxivUnavailable, "arXiv is unreachable (no connection)"),
    ArxivFaultKind.RESET_IN_ANSWER: (ArxivUnavailable, "arXiv is unreachable (no connection)"),
    ArxivFaultKind.REDIRECTED: (ArxivUnavailable, "arXiv returned an unexpected response (status 301)"),
}


@pytest.mark.parametrize("kind", REJECTED)
async def test_invalid_response_closes_the_gate_for_a_while(
    local: ArxivHarness, arxiv: LocalArxiv, kind: ArxivFaultKind
) -> None:
    arxiv.faults.add(ArxivFault(kind))
    error = await local.failure()
    assert (type(error), str(error)) == REJECTED[kind]
    assert local.gate.closed_until() == error.not_before
    assert local.wait_s(error) == pytest.approx(FLOOR_S, abs=0.11)
    await local.wait_out(error)
    assert (await local.fetch()).papers


@pytest.mark.parametrize("kind", [ArxivFaultKind.WRONG_ENCODING, ArxivFaultKind.NUL_BYTES, ArxivFaultKind.DEEP_NESTING])
async def test_damaged_feed_is_read_completely_or_rejected(
    local: ArxivHarness, arxiv: LocalArxiv, kind: ArxivFaultKind
) -> None:
    whole = await local.fetch()
    arxiv.faults.add(ArxivFault(kind))
    (damaged,) = await asyncio.gather(local.fetch(), return_exceptions=True)
    assert isinstance(damaged, ArxivUnavailable) or damaged == whole


async def test_slow_response_times_out(arxiv: LocalArxiv, tmp_path: Path, clock: FakeClock) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE))
    async with serving(arxiv) as url, harness(url, tmp_path, clock, timeout_s=0.1) as ready:
        error = await ready.failure()
    assert (type(error), str(error)) == (ArxivUnavailable, "arXiv is unreachable (timed out)")


async def test_server_that_does_not_listen_is_unreachable(tmp_path: Path, clock: FakeClock) -> None:
    async with scripted() as server:
        url = server.url
    async with harness(url, tmp_path, clock) as ready:
        assert str(await ready.failure()) == "arXiv is unreachable (no connection)"


async def test_feed_with_status_406_is_used(local: ArxivHarness, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.NOT_ACCEPTABLE_WITH_FEED))
    assert (await local.fetch()).papers
    assert local.gate.closed_until() is None


async def test_rejected_query_raises_and_starts_no_backoff(local: ArxivHarness, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REJECTED))
    with pytest.raises(QueryRejected):
        await local.fetch()
    assert local.gate.closed_until() is None
    assert (await local.fetch()).papers


@pytest.mark.parametrize("body", [b"", b"<html>Bad Request</html>", FEED])
@pytest.mark.parametrize("status", [400, 413, 414])
async def test_status_that_rejects_the_query_does_so_with_any_body(
    status: int, body: bytes, tmp_path: Path, clock: FakeClock
) -> None:
    async with scripted(http(status, body)) as server, harness(server.url, tmp_path, clock) as ready:
        with pytest.raises(QueryRejected, match=f"status {status}"):
            await ready.fetch()
        assert ready.gate.closed_until() is None


async def test_get_that_is_too_long_is_a_rejected_query(local: ArxivHarness, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(
        ArxivFault(ArxivFaultKind.POST_REJECTED),
        ArxivFault(ArxivFaultKind.URI_TOO_LONG, times=None, max_target_length=40),
    )
    with pytest.raises(QueryRejected):
        await local.fetch()


# --- bodies ----------------------------------------------------------------------------------------


async def test_compressed_feed_is_read(tmp_path: Path, clock: FakeClock) -> None:
    answer = http(200, gzip.compress(FEED) + b"after the end" * 5000, content_encoding="gzip")
    async with scripted(answer) as server, harness(server.url, tmp_path, clock) as ready:
        assert (await ready.fetch()).total == 0
    assert b"accept-encoding: gzip\r\n" in server.requests[0].lower()


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (
            http(200, gzip.compress(b" " * 200_000_000, compresslevel=1), content_encoding="gzip"),
            "arXiv's response is too large",
        ),
        (http(200, gzip.compress(FEED)[:-20], content_encoding="gzip"), "arXiv's response is not a complete feed"),
        (http(200, FEED, content_encoding="gzip"), "arXiv's response is corrupt"),
        (http(200, FEED, content_encoding="br"), "arXiv's response has an unsupported encoding"),
        (http(200, FEED)[:-10], "arXiv is unreachable (no connection)"),
        (b"HTTP/9.9 what\r\n\r\n", "arXiv is unreachable (no connection)"),
    ],
    ids=["bomb", "cut gzip", "not gzip", "unsupported encoding", "cut body", "no HTTP"],
)
async def test_unreadable_body_is_rejected(response: bytes, reason: str, tmp_path: Path, clock: FakeClock) -> None:
    async with scripted(response) as server, harness(server.url, tmp_path, clock) as ready:
        assert str(await ready.failure()) == reason


# --- backoff ---------------------------------------------------------------------------------------


async def test_backoff_doubles_with_each_failure_and_resets_after_a_response(
    local: ArxivHarness, arxiv: LocalArxiv
) -> None:
    delays: list[float] = []
    for failing in (3, 1):
        arxiv.faults.add(ArxivFault(ArxivFaultKind.UNAVAILABLE, times=failing))
        for _ in range(failing):
            error = await local.failure()
            delays.append(local.wait_s(error))
            await local.wait_out(error)
        await local.fetch()
    assert delays == pytest.approx([FLOOR_S, 2 * FLOOR_S, 4 * FLOOR_S, FLOOR_S], abs=0.11)


@pytest.mark.parametrize(
    ("retry_after", "delay_s"),
    [("120", 120.0), ("0", FLOOR_S), ("soon", FLOOR_S), ("7200", 7200.0), ("999999999", 24 * 3600.0)],
)
async def test_retry_after_is_honoured_but_the_floor_holds(
    local: ArxivHarness, arxiv: LocalArxiv, retry_after: str, delay_s: float
) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after=retry_after))
    assert local.wait_s(await local.failure()) == pytest.approx(delay_s, abs=0.11)
    assert local.gate.closed_until() is not None


async def test_backoff_repeats_the_error_without_a_request(local: ArxivHarness, arxiv: LocalArxiv) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SERVER_ERROR))
    first = await local.failure()
    again = await local.failure()
    assert (type(again), str(again), again.not_before) == (type(first), str(first), first.not_before)
    assert len(arxiv.requests) == 1


async def test_backoff_applies_to_another_client(
    local: ArxivHarness, arxiv: LocalArxiv, tmp_path: Path, clock: FakeClock
) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED))
    error = await local.failure()
    async with harness("http://127.0.0.1:9/never-requested", tmp_path, clock) as other:
        assert (await other.failure()).not_before == error.not_before


async def test_backoff_is_logged_once_with_its_end(
    local: ArxivHarness, arxiv: LocalArxiv, caplog: pytest.LogCaptureFixture
) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SERVER_ERROR))
    with caplog.at_level(logging.WARNING, "bot.arxiv.client"):
        error = await local.failure()
        await local.failure()
    (record,) = caplog.records
    assert record.getMessage() == "arXiv backoff"
    assert record.__dict__["retry_at"] == error.not_before.isoformat()


async def test_cancelled_fetch_leaves_the_gate_free_and_the_interval_holds(
    local: ArxivHarness, arxiv: LocalArxiv
) -> None:
    arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE))
    fetching = asyncio.create_task(local.fetch())
    while not arxiv.requests:
        await asyncio.wait([fetching], timeout=0.01)
    fetching.cancel()
    while arxiv.requests[0].ended_at_s is None:  # the server has noticed
        await asyncio.wait([asyncio.create_task(settle())])
    await asyncio.wait([fetching])
    assert (await local.fetch()).papers
