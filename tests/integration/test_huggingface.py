"""The Hugging Face client against the local server: its requests, rejected responses, and backoff."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from bot.domain.trending.entry import TrendingEntry
from bot.huggingface.client import (
    HUGGING_FACE_BACKOFF_FLOOR_S,
    HUGGING_FACE_WAIT_MAX_S,
    TRENDING_BODY_MAX_BYTES,
    TRENDING_PAGES_MAX,
    TRENDING_READS_MAX,
    HuggingFaceClient,
)
from bot.runtime import limits
from bot.runtime.errors import HuggingFaceBackoff, TrendingDayUnavailable
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from sandbox.arxiv import Corpus, LocalArxiv
from sandbox.huggingface import HuggingFaceFault, HuggingFaceFaultKind, LocalHuggingFace, read_directory
from tests.support.clock import START, FakeClock, NoJitter, every_jump
from tests.support.local_huggingface import serving
from tests.support.loopback import http, scripted, short_timeout
from tests.support.recordings import HUGGING_FACE_DAYS

TODAY = START.date()
USER_AGENT = "DailyPapers/1 (mailto:reader@example.org)"
FLOOR_S = HUGGING_FACE_BACKOFF_FLOOR_S


@dataclass(frozen=True, slots=True)
class HuggingFaceHarness:
    """A client, its clock, and the local server that it queries."""

    client: HuggingFaceClient
    clock: FakeClock
    local: LocalHuggingFace
    metrics: Metrics

    async def failure(self) -> HuggingFaceBackoff:
        """Returns the error of a fetch that starts or hits a backoff."""
        with pytest.raises(HuggingFaceBackoff) as raised:
            await self.client.fetch_list(TODAY)
        return raised.value

    def wait_s(self, error: HuggingFaceBackoff) -> float:
        """Returns how long the backoff lasts from now."""
        return (error.not_before - self.clock.now()).total_seconds()


@pytest.fixture
async def harness() -> AsyncIterator[HuggingFaceHarness]:
    clock, metrics = FakeClock(), Metrics()
    local = LocalHuggingFace(LocalArxiv(Corpus()), now=clock.server_now)
    local.lists.generate(TODAY, 3)
    async with serving(local) as url, open_session() as session:
        client = HuggingFaceClient(session, clock, url, USER_AGENT, NoJitter(), metrics)
        yield HuggingFaceHarness(client, clock, local, metrics)


def ids(entries: tuple[TrendingEntry, ...]) -> set[str]:
    return {entry.arxiv_id.value for entry in entries}


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (49, 1), (50, 2), (99, 2), (120, 2), (200, 3)])
async def test_list_is_read_to_its_last_page(harness: HuggingFaceHarness, count: int, pages: int) -> None:
    entries = harness.local.lists.generate(TODAY, count)
    assert ids(await harness.client.fetch_list(TODAY)) == {entry["paper"]["id"] for entry in entries}
    assert [(request.p, request.limit) for request in harness.local.requests] == [(str(n), "100") for n in range(pages)]
    assert {request.user_agent for request in harness.local.requests} == {USER_AGENT}


@pytest.mark.parametrize("count", [50, 99, 120, 150])
async def test_list_is_read_to_its_last_page_when_pages_are_shorter_than_requested(
    harness: HuggingFaceHarness, count: int
) -> None:
    harness.local.faults.add(HuggingFaceFault(HuggingFaceFaultKind.SHORT_PAGES, times=None))
    harness.local.lists.generate(TODAY, count)
    assert len(await harness.client.fetch_list(TODAY)) == count


async def test_thumbnails_of_the_lists_own_server_are_kept(harness: HuggingFaceHarness) -> None:
    harness.local.lists.set(TODAY, [entry | {"thumbnail": "https://evil.example/x.png"} if number else entry
                                    for number, entry in enumerate(harness.local.lists.entries(TODAY))])  # fmt: skip
    kept = [entry.thumbnail_url for entry in await harness.client.fetch_list(TODAY)]
    assert sum(url is None for url in kept) == 2
    assert [url for url in kept if url is not None and url.startswith("http://127.0.0.1:")]


@pytest.mark.recordings
async def test_recorded_lists_are_read_completely(harness: HuggingFaceHarness) -> None:
    for day, entries in read_directory(HUGGING_FACE_DAYS).items():
        harness.local.lists.set(day, entries)
        assert ids(await harness.client.fetch_list(day)) == {entry["paper"]["id"] for entry in entries}


async def test_paper_that_votes_move_between_pages_is_not_missed() -> None:
    calls = itertools.count(1)

    def now() -> datetime:
        if next(calls) == 2:  # between the first page and the second
            local.lists.set_votes(moved, 5000)
        return START

    local = LocalHuggingFace(LocalArxiv(Corpus()), now=now)
    all_ids = [entry["paper"]["id"] for entry in local.lists.generate(TODAY, 120)]
    for number, arxiv_id in enumerate(all_ids):
        local.lists.set_votes(arxiv_id, 1000 - number)
    moved = all_ids[110]  # the last paper of the first page takes its place on the second one
    async with serving(local) as url, open_session() as session:
        client = HuggingFaceClient(session, FakeClock(), url, USER_AGENT, NoJitter(), Metrics())
        assert ids(await client.fetch_list(TODAY)) == set(all_ids)
    assert [request.p for request in local.requests] == ["0", "1", "0", "1"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (HuggingFaceFaultKind.RATE_LIMITED, "Hugging Face asks us to wait"),
        (HuggingFaceFaultKind.UNAVAILABLE, "Hugging Face asks us to wait"),
        (HuggingFaceFaultKind.SERVER_ERROR, "Hugging Face returned an unexpected response (status 500)"),
        (HuggingFaceFaultKind.REDIRECTED, "Hugging Face returned an unexpected response (status 302)"),
        (HuggingFaceFaultKind.HANG, "Hugging Face is unreachable (timed out)"),
        (HuggingFaceFaultKind.RESET, "Hugging Face is unreachable (no connection)"),
        (HuggingFaceFaultKind.HTML, "Hugging Face's response cannot be read"),
        (HuggingFaceFaultKind.ZERO_BYTES, "Hugging Face's response cannot be read"),
        (HuggingFaceFaultKind.TRUNCATED, "Hugging Face's response cannot be read"),
        (HuggingFaceFaultKind.DEEP_NESTING, "Hugging Face's response cannot be read"),
        (HuggingFaceFaultKind.NOT_A_LIST, "Hugging Face's response is not a list of papers"),
        (HuggingFaceFaultKind.HUGE, "Hugging Face's response is too large"),
    ],
)
async def test_fault_starts_a_backoff_with_its_reason_and_without_requests(
    harness: HuggingFaceHarness, kind: HuggingFaceFaultKind, reason: str
) -> None:
    harness.local.faults.add(HuggingFaceFault(kind, times=None, size=TRENDING_BODY_MAX_BYTES + 1))
    with short_timeout(harness.client.http) if kind is HuggingFaceFaultKind.HANG else nullcontext():
        failed = await harness.failure()
    assert str(failed) == reason
    assert harness.wait_s(failed) == FLOOR_S
    harness.local.faults.clear()
    requests = len(harness.local.requests)
    again = await harness.failure()
    assert (str(again), again.not_before) == (reason, failed.not_before)
    assert len(harness.local.requests) == requests
    await harness.clock.advance(FLOOR_S)
    assert len(await harness.client.fetch_list(TODAY)) == 3


async def test_entries_of_wrong_types_are_skipped(harness: HuggingFaceHarness) -> None:
    harness.local.faults.add(HuggingFaceFault(HuggingFaceFaultKind.WRONG_TYPES))
    assert len(await harness.client.fetch_list(TODAY)) == 2


async def test_list_that_repeats_its_page_ends(harness: HuggingFaceHarness) -> None:
    harness.local.faults.add(HuggingFaceFault(HuggingFaceFaultKind.ENDLESS, times=None))
    assert len(await harness.client.fetch_list(TODAY)) == 3
    assert len(harness.local.requests) <= 2 * TRENDING_READS_MAX


@pytest.mark.slow
async def test_list_that_always_has_another_page_is_cut_off(harness: HuggingFaceHarness) -> None:
    size = TRENDING_PAGES_MAX * limits.TRENDING_PAGE_SIZE
    (model, *_) = harness.local.lists.generate(TODAY, 1)
    numbered = [model | {"paper": model["paper"] | {"id": f"2611.{n:05d}"}} for n in range(size + 100)]
    harness.local.lists.set(TODAY, numbered)
    assert len(await harness.client.fetch_list(TODAY)) == size
    assert len(harness.local.requests) == TRENDING_PAGES_MAX


async def test_backoff_doubles_with_each_failure_and_resets_after_a_response(harness: HuggingFaceHarness) -> None:
    harness.local.faults.add(HuggingFaceFault(HuggingFaceFaultKind.SERVER_ERROR, times=3))
    for wait_s in (FLOOR_S, 2 * FLOOR_S, 4 * FLOOR_S):
        assert harness.wait_s(await harness.failure()) == wait_s
        await harness.clock.advance(wait_s)
    await harness.client.fetch_list(TODAY)
    harness.local.faults.add(HuggingFaceFault(HuggingFaceFaultKind.SERVER_ERROR))
    assert harness.wait_s(await harness.failure()) == FLOOR_S


@pytest.mark.parametrize(
    ("retry_after", "wait_s"),
    [("0", FLOOR_S), ("90", 90.0), ("soon", FLOOR_S), ("99999999", HUGGING_FACE_WAIT_MAX_S)],
)
async def test_retry_after_is_honoured_between_floor_and_maximum(
    harness: HuggingFaceHarness, retry_after: str, wait_s: float
) -> None:
    harness.local.faults.add(HuggingFaceFault(HuggingFaceFaultKind.UNAVAILABLE, retry_after=retry_after))
    assert harness.wait_s(await harness.failure()) == wait_s


@every_jump
async def test_jump_during_a_backoff_does_not_change_its_length(harness: HuggingFaceHarness, jump: timedelta) -> None:
    harness.local.faults.add(HuggingFaceFault(HuggingFaceFaultKind.SERVER_ERROR))
    wait_s = harness.wait_s(await harness.failure())
    harness.clock.jump(jump)
    assert harness.wait_s(await harness.failure()) == pytest.approx(wait_s)
    await harness.clock.advance(wait_s)
    assert len(await harness.client.fetch_list(TODAY)) == 3


async def test_used_up_quota_is_honoured_with_and_without_an_error_status() -> None:
    clock = FakeClock()
    used_up = http(200, b"[]", RateLimit='"api";r=0;t=120')
    throttled = http(429, b"{}", RateLimit='"api";r=0;t=200')
    async with scripted(used_up, throttled) as server, open_session() as session:
        client = HuggingFaceClient(session, clock, server.url, USER_AGENT, NoJitter(), Metrics())
        assert await client.fetch_list(TODAY) == ()
        for wait_s in (120, 200):
            with pytest.raises(HuggingFaceBackoff, match="asks us to wait") as failed:
                await client.fetch_list(TODAY)
            assert failed.value.not_before == clock.now() + timedelta(seconds=wait_s)
            await clock.advance(120)
        assert len(server.requests) == 2


async def test_response_with_an_unsupported_encoding_is_rejected() -> None:
    async with scripted(http(200, b"[]", Content_Encoding="br")) as server, open_session() as session:
        client = HuggingFaceClient(session, FakeClock(), server.url, USER_AGENT, NoJitter(), Metrics())
        with pytest.raises(HuggingFaceBackoff):
            await client.fetch_list(TODAY)


async def test_request_whose_connection_dropped_is_never_sent_twice() -> None:
    async with scripted(b"", http(200, b"[]")) as server, open_session() as session:
        client = HuggingFaceClient(session, FakeClock(), server.url, USER_AGENT, NoJitter(), Metrics())
        with pytest.raises(HuggingFaceBackoff, match="no connection"):
            await client.fetch_list(TODAY)
        assert len(server.requests) == 1


async def test_unavailable_day_starts_no_backoff(harness: HuggingFaceHarness) -> None:
    harness.local.faults.add(HuggingFaceFault(HuggingFaceFaultKind.REJECTED))
    with pytest.raises(TrendingDayUnavailable, match="Hugging Face has no list for that day"):
        await harness.client.fetch_list(TODAY)
    assert len(await harness.client.fetch_list(TODAY)) == 3


async def test_only_one_request_is_sent_at_a_time(harness: HuggingFaceHarness) -> None:
    days = [TODAY - timedelta(days=ago) for ago in range(5)]
    await asyncio.gather(*(harness.client.fetch_list(day) for day in days))
    assert len(harness.local.requests) == 5
    assert not any(request.in_flight for request in harness.local.requests)


async def test_requests_are_counted_by_result(harness: HuggingFaceHarness) -> None:
    await harness.client.fetch_list(TODAY)
    harness.local.faults.add(
        HuggingFaceFault(HuggingFaceFaultKind.REJECTED), HuggingFaceFault(HuggingFaceFaultKind.HTML)
    )
    with pytest.raises(TrendingDayUnavailable):
        await harness.client.fetch_list(TODAY)
    await harness.failure()
    metrics = harness.metrics.text().decode()
    for result in ("Answered", "DayRefused", "Waited"):
        assert f'daily_papers_huggingface_requests_total{{result="{result}"}} 1.0' in metrics
