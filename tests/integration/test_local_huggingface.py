"""The sandbox's Hugging Face over HTTP: what it lists, page by page, and how it misbehaves."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from sandbox.huggingface import Fault, FaultKind, LocalHuggingFace, read_directory
from tests.support.local_huggingface import serving
from tests.support.recordings import HUGGING_FACE_DAYS

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday
TODAY = NOW.date()


class Visitor:
    """Somebody who asks for lists."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, f"{url}/daily_papers"

    async def ask(self, **parameters: str) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers."""
        async with self._session.get(self._url, params=parameters, allow_redirects=False) as response:
            return response.status, json.loads(await response.text()), dict(response.headers)

    async def listed(self, **parameters: str) -> list[dict[str, Any]]:
        """The entries of a page."""
        status, body, _ = await self.ask(**parameters)
        assert status == 200
        assert isinstance(body, list)
        return body

    async def status(self, **parameters: str) -> int:
        """The status alone, whatever the body is."""
        async with self._session.get(self._url, params=parameters, allow_redirects=False) as response:
            return response.status


@pytest.fixture
def hugging_face() -> LocalHuggingFace:
    arxiv = LocalArxiv(Corpus.generated(now=NOW, days=8, upcoming=0), now=lambda: NOW)
    return LocalHuggingFace(arxiv, now=lambda: NOW)


@pytest.fixture
async def visitor(hugging_face: LocalHuggingFace) -> AsyncIterator[Visitor]:
    async with serving(hugging_face) as url, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:
        yield Visitor(session, url)


async def test_working_days_list_papers_of_the_local_arxiv_and_weekends_none(visitor: Visitor) -> None:
    monday = TODAY - timedelta(days=2)
    entries = await visitor.listed(date=monday.isoformat(), limit="100")
    assert len(entries) > 10
    votes = [entry["paper"]["upvotes"] for entry in entries]
    assert votes == sorted(votes, reverse=True)
    assert entries == await visitor.listed(date=monday.isoformat(), limit="100")
    assert await visitor.listed(date=(monday - timedelta(days=1)).isoformat()) == []


async def test_days_of_120_are_read_by_pages_of_50_unless_more_are_asked_for(
    visitor: Visitor, hugging_face: LocalHuggingFace
) -> None:
    day = TODAY.isoformat()
    ids = {entry["paper"]["id"] for entry in hugging_face.days.make_up(TODAY, 120)}
    assert len(ids) == 120
    assert len(await visitor.listed(date=day)) == len(await visitor.listed()) == 50
    first, second = (
        await visitor.listed(date=day, limit="100", p="0"),
        await visitor.listed(date=day, limit="100", p="1"),
    )
    assert (len(first), len(second)) == (100, 20)
    assert {entry["paper"]["id"] for entry in first + second} == ids
    assert await visitor.listed(date=day, limit="100", p="2") == []


def test_what_is_often_missing_in_recorded_days_is_missing_as_often(hugging_face: LocalHuggingFace) -> None:
    papers = [entry["paper"] for ago in range(20) for entry in hugging_face.days.make_up(TODAY - timedelta(ago), 50)]
    for name, share in {"organization": 0.7, "githubRepo": 0.55, "ai_summary": 0.51, "projectPage": 0.46}.items():
        assert sum(name in paper for paper in papers) / len(papers) == pytest.approx(share, abs=0.06)


@pytest.mark.recordings
def test_entries_have_the_fields_that_were_recorded(hugging_face: LocalHuggingFace) -> None:
    recorded = [entry for entries in read_directory(HUGGING_FACE_DAYS).values() for entry in entries]
    made = hugging_face.days.make_up(TODAY, 120)
    for inside in (False, True):
        known = [entry["paper"] if inside else entry for entry in recorded]
        always, ever = set.intersection(*map(set, known)), set.union(*map(set, known))
        assert all(always <= set(entry["paper"] if inside else entry) <= ever for entry in made)


@pytest.mark.recordings
async def test_recorded_days_are_served_as_they_were(visitor: Visitor, hugging_face: LocalHuggingFace) -> None:
    for day, entries in read_directory(HUGGING_FACE_DAYS).items():
        hugging_face.days.set(day, entries)
        assert await visitor.listed(date=day.isoformat(), limit="100") == entries


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
async def test_what_cannot_be_asked_is_refused(visitor: Visitor, parameters: dict[str, str]) -> None:
    status, body, _ = await visitor.ask(**parameters)
    assert status == 400
    assert body["error"]


async def test_quota_is_told_and_ends(visitor: Visitor, hugging_face: LocalHuggingFace) -> None:
    hugging_face.days.set(TODAY, [])
    _, _, headers = await visitor.ask()
    assert headers["RateLimit"] == '"api";r=499;t=300'
    for _ in range(499):
        await visitor.listed()
    status, _, headers = await visitor.ask()
    assert status == 429
    assert headers["RateLimit"].startswith('"api";r=0;')


async def test_paper_is_listed_and_voted_for_when_a_test_says_so(
    visitor: Visitor, hugging_face: LocalHuggingFace
) -> None:
    hugging_face.days.set(TODAY, [])
    paper = SandboxPaper(title="Sheaves", arxiv_id="2611.00001", published=NOW)
    hugging_face.days.add(paper, TODAY, upvotes=41, githubRepo="https://github.com/a/b", githubStars=1200)
    hugging_face.days.vote("2611.00001", 42)
    (entry,) = await visitor.listed(date=TODAY.isoformat())
    assert entry["paper"]["upvotes"] == 42
    assert entry["paper"]["githubStars"] == 1200


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.RATE_LIMITED, 429),
        (FaultKind.UNAVAILABLE, 503),
        (FaultKind.SERVER_ERROR, 500),
        (FaultKind.REFUSED, 400),
        (FaultKind.REDIRECTED, 302),
        (FaultKind.HTML, 200),
        (FaultKind.ZERO_BYTES, 200),
        (FaultKind.TRUNCATED, 200),
        (FaultKind.DEEP_NESTING, 200),
        (FaultKind.HUGE, 200),
    ],
)
async def test_fault_is_met_once_and_then_all_is_well(
    visitor: Visitor, hugging_face: LocalHuggingFace, kind: FaultKind, status: int
) -> None:
    hugging_face.faults.add(Fault(kind, size=1000))
    assert await visitor.status() == status
    assert await visitor.listed()
    assert [request.fault for request in hugging_face.requests] == [kind, None]


async def test_server_can_ask_for_patience(visitor: Visitor, hugging_face: LocalHuggingFace) -> None:
    hugging_face.faults.add(Fault(FaultKind.RATE_LIMITED, retry_after="55"))
    _, _, headers = await visitor.ask()
    assert headers["Retry-After"] == "55"


async def test_connection_can_break(visitor: Visitor, hugging_face: LocalHuggingFace) -> None:
    hugging_face.faults.add(Fault(FaultKind.RESET, times=2))  # aiohttp sends a GET once more by itself
    with pytest.raises(aiohttp.ClientError):
        await visitor.status()


async def test_answer_can_stay_away(visitor: Visitor, hugging_face: LocalHuggingFace) -> None:
    hugging_face.faults.add(Fault(FaultKind.HANG, delay_s=0.05))
    assert await visitor.listed()


async def test_list_without_end_and_one_that_is_none(visitor: Visitor, hugging_face: LocalHuggingFace) -> None:
    hugging_face.days.make_up(TODAY, 3)
    hugging_face.faults.add(Fault(FaultKind.ENDLESS), Fault(FaultKind.NOT_A_LIST), Fault(FaultKind.WRONG_TYPES))
    assert len(await visitor.listed(p="7", limit="100")) == 100
    _, body, _ = await visitor.ask()
    assert list(body) == ["papers"]
    first, second, _ = await visitor.listed()
    assert isinstance(first["paper"]["upvotes"], str)
    assert isinstance(second["paper"]["upvotes"], int)


def test_directory_without_days_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no recorded days"):
        read_directory(tmp_path)


def test_day_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    arxiv = LocalArxiv(Corpus.generated(now=NOW, days=8, upcoming=0), now=lambda: NOW)
    day = date(2026, 11, 16)
    same, again, other = (LocalHuggingFace(arxiv, seed=seed).days.of(day) for seed in (1, 1, 2))
    assert same == again != other
