"""The local Hugging Face over HTTP: lists, paging, quota and faults."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from sandbox.huggingface import HuggingFaceFault, HuggingFaceFaultKind, LocalHuggingFace, read_directory
from tests.support.local_huggingface import serving
from tests.support.recordings import HUGGING_FACE_DAYS

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday
TODAY = NOW.date()


class ListClient:
    """Fetches lists over HTTP."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, f"{url}/daily_papers"

    async def get(self, **parameters: str) -> tuple[int, Any, dict[str, str]]:
        """Returns status, body and headers."""
        async with self._session.get(self._url, params=parameters, allow_redirects=False) as response:
            return response.status, json.loads(await response.text()), dict(response.headers)

    async def entries(self, **parameters: str) -> list[dict[str, Any]]:
        """Returns the entries of a page."""
        status, body, _ = await self.get(**parameters)
        assert status == 200
        assert isinstance(body, list)
        return body

    async def image(self, url: str) -> str:
        """Returns the source of an SVG image."""
        async with self._session.get(url) as response:
            assert (response.status, response.content_type) == (200, "image/svg+xml")
            return await response.text()

    async def status(self, **parameters: str) -> int:
        """Returns only the status, whatever the body."""
        async with self._session.get(self._url, params=parameters, allow_redirects=False) as response:
            return response.status


@pytest.fixture
def hugging_face() -> LocalHuggingFace:
    arxiv = LocalArxiv(Corpus.generated(now=NOW, days=8, upcoming=0), now=lambda: NOW)
    return LocalHuggingFace(arxiv, now=lambda: NOW)


@pytest.fixture
async def client(hugging_face: LocalHuggingFace) -> AsyncIterator[ListClient]:
    async with serving(hugging_face) as url, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:
        yield ListClient(session, url)


async def test_working_days_list_local_papers_and_weekends_list_none(client: ListClient) -> None:
    monday = TODAY - timedelta(days=2)
    entries = await client.entries(date=monday.isoformat(), limit="100")
    assert len(entries) > 10
    votes = [entry["paper"]["upvotes"] for entry in entries]
    assert votes == sorted(votes, reverse=True)
    assert entries == await client.entries(date=monday.isoformat(), limit="100")
    assert await client.entries(date=(monday - timedelta(days=1)).isoformat()) == []


async def test_pages_have_50_entries_by_default_and_up_to_100(
    client: ListClient, hugging_face: LocalHuggingFace
) -> None:
    day = TODAY.isoformat()
    ids = {entry["paper"]["id"] for entry in hugging_face.lists.generate(TODAY, 120)}
    assert len(ids) == 120
    assert len(await client.entries(date=day)) == len(await client.entries()) == 50
    first, second = (
        await client.entries(date=day, limit="100", p="0"),
        await client.entries(date=day, limit="100", p="1"),
    )
    assert (len(first), len(second)) == (100, 20)
    assert {entry["paper"]["id"] for entry in first + second} == ids
    assert await client.entries(date=day, limit="100", p="2") == []


def test_optional_fields_are_missing_as_often_as_recorded(hugging_face: LocalHuggingFace) -> None:
    papers = [entry["paper"] for ago in range(20) for entry in hugging_face.lists.generate(TODAY - timedelta(ago), 50)]
    for name, share in {"organization": 0.7, "githubRepo": 0.55, "ai_summary": 0.51, "projectPage": 0.46}.items():
        assert sum(name in paper for paper in papers) / len(papers) == pytest.approx(share, abs=0.06)


def test_ai_summary_does_not_repeat_the_beginning_of_the_abstract(hugging_face: LocalHuggingFace) -> None:
    papers = [entry["paper"] for entry in hugging_face.lists.generate(TODAY, 50)]
    summarised = [paper for paper in papers if "ai_summary" in paper]
    assert summarised
    assert not [paper["id"] for paper in summarised if paper["summary"].startswith(paper["ai_summary"][:-1])]


@pytest.mark.recordings
def test_entries_have_the_recorded_fields(hugging_face: LocalHuggingFace) -> None:
    recorded = [entry for entries in read_directory(HUGGING_FACE_DAYS).values() for entry in entries]
    made = hugging_face.lists.generate(TODAY, 120)
    for inside in (False, True):
        known = [entry["paper"] if inside else entry for entry in recorded]
        always, ever = set.intersection(*map(set, known)), set.union(*map(set, known))
        assert all(always <= set(entry["paper"] if inside else entry) <= ever for entry in made)


async def test_thumbnails_are_served_next_to_the_list(client: ListClient) -> None:
    entry = (await client.entries(date=(TODAY - timedelta(days=2)).isoformat()))[0]
    assert f">{entry['paper']['id']}</text>" in await client.image(entry["thumbnail"])


@pytest.mark.recordings
async def test_recorded_lists_are_served_unchanged(client: ListClient, hugging_face: LocalHuggingFace) -> None:
    for day, entries in read_directory(HUGGING_FACE_DAYS).items():
        hugging_face.lists.set(day, entries)
        assert await client.entries(date=day.isoformat(), limit="100") == entries


@pytest.mark.parametrize(
    "parameters",
    [
        {"date": "yesterday"},
        {"date": "2026-13-01"},
        {"date": "2026-11-19"},  # tomorrow
        {"limit": "101"},
        {"limit": "0"},
        {"p": "-1"},
        {"week": "2026-W47"},
    ],
)
async def test_invalid_parameters_are_rejected(client: ListClient, parameters: dict[str, str]) -> None:
    status, body, _ = await client.get(**parameters)
    assert status == 400
    assert body["error"]


async def test_quota_is_in_the_headers_and_enforced(client: ListClient, hugging_face: LocalHuggingFace) -> None:
    hugging_face.lists.set(TODAY, [])
    _, _, headers = await client.get()
    assert headers["RateLimit"] == '"api";r=499;t=300'
    for _ in range(499):
        await client.entries()
    status, _, headers = await client.get()
    assert status == 429
    assert headers["RateLimit"].startswith('"api";r=0;')


async def test_tests_can_add_papers_and_set_votes(client: ListClient, hugging_face: LocalHuggingFace) -> None:
    hugging_face.lists.set(TODAY, [])
    paper = SandboxPaper(title="Sheaves", arxiv_id="2611.00001", published=NOW)
    hugging_face.lists.add(paper, TODAY, upvotes=41, githubRepo="https://github.com/a/b", githubStars=1200)
    hugging_face.lists.set_votes("2611.00001", 42)
    (entry,) = await client.entries(date=TODAY.isoformat())
    assert entry["paper"]["upvotes"] == 42
    assert entry["paper"]["githubStars"] == 1200


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (HuggingFaceFaultKind.RATE_LIMITED, 429),
        (HuggingFaceFaultKind.UNAVAILABLE, 503),
        (HuggingFaceFaultKind.SERVER_ERROR, 500),
        (HuggingFaceFaultKind.REJECTED, 400),
        (HuggingFaceFaultKind.REDIRECTED, 302),
        (HuggingFaceFaultKind.HTML, 200),
        (HuggingFaceFaultKind.ZERO_BYTES, 200),
        (HuggingFaceFaultKind.TRUNCATED, 200),
        (HuggingFaceFaultKind.DEEP_NESTING, 200),
        (HuggingFaceFaultKind.HUGE, 200),
    ],
)
async def test_fault_affects_one_request(
    client: ListClient, hugging_face: LocalHuggingFace, kind: HuggingFaceFaultKind, status: int
) -> None:
    hugging_face.faults.add(HuggingFaceFault(kind, size=1000))
    assert await client.status() == status
    assert await client.entries()
    assert [request.fault for request in hugging_face.requests] == [kind, None]


async def test_rate_limit_fault_can_set_retry_after(client: ListClient, hugging_face: LocalHuggingFace) -> None:
    hugging_face.faults.add(HuggingFaceFault(HuggingFaceFaultKind.RATE_LIMITED, retry_after="55"))
    _, _, headers = await client.get()
    assert headers["Retry-After"] == "55"


async def test_connection_can_be_reset(client: ListClient, hugging_face: LocalHuggingFace) -> None:
    hugging_face.faults.add(HuggingFaceFault(HuggingFaceFaultKind.RESET, times=2))  # aiohttp retries a GET once
    with pytest.raises(aiohttp.ClientError):
        await client.status()


async def test_response_can_be_delayed(client: ListClient, hugging_face: LocalHuggingFace) -> None:
    hugging_face.faults.add(HuggingFaceFault(HuggingFaceFaultKind.HANG, delay_s=0.05))
    assert await client.entries()


async def test_list_can_be_endless_or_malformed(client: ListClient, hugging_face: LocalHuggingFace) -> None:
    hugging_face.lists.generate(TODAY, 3)
    hugging_face.faults.add(
        HuggingFaceFault(HuggingFaceFaultKind.ENDLESS),
        HuggingFaceFault(HuggingFaceFaultKind.NOT_A_LIST),
        HuggingFaceFault(HuggingFaceFaultKind.WRONG_TYPES),
    )
    assert len(await client.entries(p="7", limit="100")) == 100
    _, body, _ = await client.get()
    assert list(body) == ["papers"]
    first, second, _ = await client.entries()
    assert isinstance(first["paper"]["upvotes"], str)
    assert isinstance(second["paper"]["upvotes"], int)


def test_directory_without_recorded_lists_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no recorded days"):
        read_directory(tmp_path)


def test_lists_depend_only_on_the_seed() -> None:
    arxiv = LocalArxiv(Corpus.generated(now=NOW, days=8, upcoming=0), now=lambda: NOW)
    day = date(2026, 11, 16)
    same, again, other = (LocalHuggingFace(arxiv, seed=seed).lists.entries(day) for seed in (1, 1, 2))
    assert same == again != other
