"""Each misbehaviour of arXiv that users have reported, during a poll: at the probe, while it reads, and afterwards.

No paper may be lost or new twice, no failure may look like a day without news, no request may be sent too soon (the
fixture checks that), and the description of the last poll must give the reason.
"""

import random
import re
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot.arxiv.client import ARXIV_SMALL_PAGE
from bot.arxiv.gate import Priority
from bot.domain.keyword import Keyword
from bot.domain.poll_schedule import BatchMissing, PollCompleted, PollKind, PollResult
from bot.domain.queries import Window
from bot.domain.window_scan import ARXIV_PAGE_SIZE
from bot.ingest.retrying import RetryingArxivClient
from bot.ingest.window_reader import LARGER_PAGES_AFTER, WindowReader
from bot.runtime.errors import ArxivBackoff
from bot.runtime.metrics import Metrics
from sandbox.arxiv import ArxivFault, ArxivFaultKind, SandboxPaper
from tests.support.ingest import FILLER, MORNING, Ingest, ingest_over
from tests.support.loopback import short_timeout
from tests.support.store import Store

PAPERS = 12
ALL_NEW = f"{PAPERS} new papers"
NOT_A_FEED = r"arXiv's response is not a complete feed{}, next try in \d+ s"
# Descriptions of a day without news, allowed only where they are true.
NO_NEWS = re.compile("no new papers|nothing announced|not announced yet|no announcement")


@dataclass(frozen=True, slots=True)
class Symptom:
    """A known misbehaviour, and the description of a poll that meets it."""

    fault: ArxivFault
    description: str

    @property
    def for_keyword_queries(self) -> ArxivFault:
        """The same fault for queries with keywords, not for the probe before them."""
        return replace(self.fault, containing="ti:")


FAILURES = {
    "429 without Retry-After": Symptom(
        ArxivFault(ArxivFaultKind.RATE_LIMITED), r"arXiv asks us to wait, next try in [3-9]\d s"
    ),
    "429 with Retry-After": Symptom(
        ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="600"), r"arXiv asks us to wait, next try in 10 min"
    ),
    "Rate exceeded with status 200": Symptom(
        ArxivFault(ArxivFaultKind.RATE_EXCEEDED_200), r"arXiv asks us to wait, next try in \d+ s"
    ),
    "503 with Retry-After": Symptom(
        ArxivFault(ArxivFaultKind.UNAVAILABLE, retry_after="180"), r"arXiv asks us to wait, next try in 3 min"
    ),
    "503 with Retry-After 0": Symptom(
        ArxivFault(ArxivFaultKind.UNAVAILABLE), r"arXiv asks us to wait, next try in [3-9]\d s"
    ),
    "406 without a body": Symptom(ArxivFault(ArxivFaultKind.NOT_ACCEPTABLE), NOT_A_FEED.format(r" \(status 406\)")),
    "0-byte body": Symptom(ArxivFault(ArxivFaultKind.ZERO_BYTES), NOT_A_FEED.format("")),
    "HTML body": Symptom(ArxivFault(ArxivFaultKind.HTML), NOT_A_FEED.format("")),
    "truncated body": Symptom(ArxivFault(ArxivFaultKind.TRUNCATED), NOT_A_FEED.format("")),
    "two documents concatenated": Symptom(ArxivFault(ArxivFaultKind.TWO_DOCUMENTS), NOT_A_FEED.format("")),
    "connection reset before the answer": Symptom(
        ArxivFault(ArxivFaultKind.RESET_BEFORE_ANSWER), r"arXiv is unreachable \(no connection\), next try in \d+ s"
    ),
    "connection reset in the answer": Symptom(
        ArxivFault(ArxivFaultKind.RESET_IN_ANSWER), r"arXiv is unreachable \(no connection\), next try in \d+ s"
    ),
    "slow first byte": Symptom(
        ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE), r"arXiv is unreachable \(timed out\), next try in \d+ s"
    ),
    "redirect": Symptom(
        ArxivFault(ArxivFaultKind.REDIRECTED),
        r"arXiv returned an unexpected response \(status 301\), next try in \d+ s",
    ),
}
HARMLESS = {
    "0 entries at the probe": ArxivFault(ArxivFaultKind.EMPTY),
    "page with fewer entries than it should have": ArxivFault(ArxivFaultKind.SHORT_PAGE, containing="ti:", keep=0.4),
    "entries shuffled between pages": ArxivFault(ArxivFaultKind.SHUFFLED, times=None),
    "406 with a well-formed feed": ArxivFault(ArxivFaultKind.NOT_ACCEPTABLE_WITH_FEED, times=None),
    "sorting ignored for days": ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=None),
    "POST rejected": ArxivFault(ArxivFaultKind.POST_REJECTED, times=None),
    "query rejected with 400": ArxivFault(ArxivFaultKind.QUERY_REJECTED, times=None, containing="ti:"),
}


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    """Ingest with one channel that watches `reward model`, without any older papers."""
    async with ingest_over(store) as ingest:
        await ingest.watch("reward model")
        ingest.take_requests()
        yield ingest


def add_papers(ingest: Ingest) -> list[str]:
    """Adds papers of the last days, each of which should be new; returns their ids."""
    return [ingest.add_paper(f"A reward model, part {part}", days_ago=0.4 + part / 2) for part in range(PAPERS)]


async def description(ingest: Ingest) -> str:
    """Returns the description of the last poll."""
    return (await ingest.poller.last_poll())[1]


async def next_poll(ingest: Ingest) -> PollResult:
    """Moves the clock to the next poll, and polls."""
    upcoming = await ingest.poller.next_poll()
    await ingest.clock.advance((upcoming.at - ingest.clock.now()).total_seconds())
    return await ingest.poll(upcoming.kind)


async def poll_until_complete(ingest: Ingest) -> None:
    """Polls as the calendar says until a poll is complete."""
    while not isinstance(await next_poll(ingest), PollCompleted):
        pass


@pytest.mark.parametrize("symptom", FAILURES.values(), ids=list(FAILURES))
async def test_failed_poll_is_described_and_its_papers_are_read_later(ingest: Ingest, symptom: Symptom) -> None:
    arxiv_ids = add_papers(ingest)
    synced_until = [watched.synced_until for watched in await ingest.store.watched()]
    for fault in (symptom.fault, symptom.for_keyword_queries):
        ingest.arxiv.faults.add(fault)
        with short_timeout(ingest.client.http) if fault.kind is ArxivFaultKind.SLOW_FIRST_BYTE else nullcontext():
            assert not isinstance(await next_poll(ingest), PollCompleted | BatchMissing)
        assert re.fullmatch(symptom.description, await description(ingest))
        assert [watched.synced_until for watched in await ingest.store.watched()] == synced_until
        assert await ingest.due() == []
    await poll_until_complete(ingest)
    assert await description(ingest) == ALL_NEW
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


@pytest.mark.parametrize("row", ["429 with Retry-After", "truncated body"])
async def test_failure_after_the_poll_only_delays_the_older_window(ingest: Ingest, row: str) -> None:
    """The older window is read after the poll: only this window is left for the next poll."""
    arxiv_ids = add_papers(ingest)
    old = ingest.add_paper("A reward model that moderation held back", days_ago=13)
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, containing="ti:"), FAILURES[row].for_keyword_queries
    )
    assert await ingest.poll() == PollCompleted(PAPERS, batch=True)
    assert await description(ingest) == ALL_NEW
    while old not in await ingest.due():
        ingest.add_paper(FILLER, days_ago=0.1)
        await next_poll(ingest)
    assert sorted(await ingest.due()) == sorted([*arxiv_ids, old])


@pytest.mark.parametrize("fault", HARMLESS.values(), ids=list(HARMLESS))
async def test_harmless_fault_does_not_delay_papers(ingest: Ingest, fault: ArxivFault) -> None:
    arxiv_ids = add_papers(ingest)
    ingest.arxiv.faults.add(fault)
    assert isinstance(await ingest.poll(), PollCompleted)
    assert await description(ingest) == ALL_NEW
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


async def test_empty_responses_for_minutes_are_not_a_day_without_news(ingest: Ingest) -> None:
    arxiv_ids = add_papers(ingest)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
    for _ in range(5):
        await ingest.poll()
        assert re.fullmatch(r"arXiv returns no papers at all, next try in \d+ s", await description(ingest))
        await ingest.clock.advance(60)
    ingest.arxiv.faults.clear()
    await poll_until_complete(ingest)
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


async def test_missing_range_of_ids_is_read_once_arxiv_has_it_again(ingest: Ingest) -> None:
    arxiv_ids = add_papers(ingest)
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.MISSING_IDS, times=None, first_id=arxiv_ids[3], last_id=arxiv_ids[7])
    )
    await ingest.poll()
    assert await description(ingest) == "7 new papers"
    ingest.arxiv.faults.clear()
    await poll_until_complete(ingest)
    assert await description(ingest) == "5 new papers"
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


# How a day without news is described.


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-21T15:00", "nothing announced: Saturday"),
        ("2026-11-22T15:00", "nothing announced: Sunday"),
        ("2026-11-20T03:00", "not announced yet"),
        ("2026-11-20T09:00", "not announced yet: late"),
        ("2026-11-20T15:00", "no announcement: holiday or late"),
    ],
)
async def test_day_without_news_is_described_with_its_reason(store: Store, now: str, expected: str) -> None:
    """There is no batch on Friday, and none on the weekend."""
    time = datetime.fromisoformat(now).replace(tzinfo=UTC)
    async with ingest_over(store, now=time - timedelta(days=5)) as ingest:
        await ingest.watch("reward model")
        await ingest.poll()
        await ingest.clock.advance(5 * 86_400)
        result = await ingest.poll(PollKind.PROBE_THEN_READ_IF_BATCH)
        assert isinstance(result, BatchMissing)
        assert await description(ingest) == expected


# All faults, one after the other.


def all_faults() -> list[ArxivFault]:
    """Returns every fault once for any query and once for keyword queries, and some runs of empty responses."""
    rows = [*(symptom.fault for symptom in FAILURES.values()), *HARMLESS.values()]
    kinds = (ArxivFaultKind.POST_REJECTED, ArxivFaultKind.EMPTY)
    once = [replace(fault, times=1) for fault in rows if fault.kind not in kinds]
    empty = ArxivFault(ArxivFaultKind.EMPTY, times=6)
    return [empty, *once, empty, *(replace(fault, containing="ti:") for fault in once), empty]


async def poll_through(ingest: Ingest, faults: list[ArxivFault], rng: random.Random) -> None:
    """Polls until all faults have happened, while arXiv announces papers; checks that none is lost or new twice."""
    announced: list[str] = []
    descriptions: list[tuple[int, str]] = []
    ingest.arxiv.faults.add(*faults)
    while ingest.arxiv.faults.pending:
        ingest.add_paper(FILLER, days_ago=0.1)
        if rng.random() < 0.6:
            announced += [
                ingest.add_paper("A reward model", days_ago=rng.uniform(0.1, 5)) for _ in range(rng.randint(1, 4))
            ]
        before = len(await ingest.due())
        with short_timeout(ingest.client.http):  # an ordinary response that times out does not matter here
            result = await next_poll(ingest)
        due = await ingest.due()
        descriptions.append((len(announced) - before, await description(ingest)))
        if isinstance(result, PollCompleted):
            assert sorted(due) == sorted(announced)
            assert result.new_papers == len(due) - before
        else:
            assert len(set(due)) == len(due)
            assert set(due) <= set(announced)
    await poll_until_complete(ingest)
    assert sorted(await ingest.due()) == sorted(announced)
    assert not [text for unread, text in descriptions if unread and NO_NEWS.match(text)]
    poll_times = [poll.at for poll in await ingest.store.polls.recent()]
    assert all(later > earlier for earlier, later in pairwise(poll_times))


@pytest.mark.slow
async def test_all_faults_in_sequence_lose_no_paper(ingest: Ingest) -> None:
    await poll_through(ingest, all_faults(), random.Random(1))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
async def test_all_faults_in_any_order_lose_no_paper(ingest: Ingest, seed: int) -> None:
    rng = random.Random(seed)
    faults = all_faults() * 2
    rng.shuffle(faults)
    await poll_through(ingest, faults, rng)


def page_sizes(ingest: Ingest) -> list[int]:
    """Returns the sizes of the pages that were requested since the last call, without probes."""
    return [int(request.max_results) for request in ingest.take_requests() if request.max_results != "1"]


async def test_large_page_that_failed_is_read_in_smaller_ones_for_a_while(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SERVER_ERROR, times=1, containing="ti:"))
    add_papers(ingest)
    await next_poll(ingest)
    assert page_sizes(ingest) == [ARXIV_PAGE_SIZE]
    await poll_until_complete(ingest)
    assert await description(ingest) == ALL_NEW
    assert set(page_sizes(ingest)) == {ARXIV_SMALL_PAGE}
    for _ in range(LARGER_PAGES_AFTER):
        await ingest.poll()
    assert page_sizes(ingest)[-1] == ARXIV_PAGE_SIZE


async def test_small_page_that_failed_is_not_read_in_smaller_ones(ingest: Ingest) -> None:
    add_papers(ingest)
    for _ in range(3):
        ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SERVER_ERROR, times=1, containing="ti:"))
        await next_poll(ingest)
    await poll_until_complete(ingest)
    assert min(page_sizes(ingest)) == ARXIV_SMALL_PAGE


async def test_throttled_page_is_requested_again_in_its_size(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, containing="ti:"))
    await next_poll(ingest)
    await poll_until_complete(ingest)
    assert set(page_sizes(ingest)) == {ARXIV_PAGE_SIZE}


@pytest.mark.slow
async def test_pages_that_are_too_large_are_read_in_smaller_ones(ingest: Ingest) -> None:
    text = "A reward model. " + "A long sentence about nothing. " * 40_000
    for part in range(PAPERS):
        ingest.arxiv.add_paper(
            SandboxPaper(title=f"Part {part}", abstract=text, published=ingest.clock.now() - timedelta(days=1))
        )
    await next_poll(ingest)
    assert re.fullmatch(r"arXiv's response is too large, next try in \d+ s", await description(ingest))
    await poll_until_complete(ingest)
    assert await description(ingest) == ALL_NEW
    ingest.take_requests()
    await ingest.poll()
    sizes = {int(request.max_results) for request in ingest.take_requests()}
    assert len(sizes) == 2
    assert max(sizes) < ARXIV_PAGE_SIZE / 4


@pytest.mark.slow
async def test_backfill_requests_a_smaller_page_after_one_that_was_too_large(store: Store) -> None:
    async with ingest_over(store) as ingest:
        text = "A reward model. " + "A long sentence about nothing. " * 40_000
        for part in range(PAPERS):
            ingest.arxiv.add_paper(
                SandboxPaper(title=f"Part {part}", abstract=text, published=MORNING - timedelta(days=1))
            )
        waits: list[ArxivBackoff] = []
        client = RetryingArxivClient(
            ingest.client, ingest.clock, on_page=lambda _page, _start: None, on_wait=waits.append
        )
        reader, window = WindowReader(client, Metrics()), Window(MORNING - timedelta(days=2), MORNING)
        keywords = [Keyword.parse("reward model")]

        async def read() -> int:
            parts = reader.read(keywords, window, Priority.BACKGROUND, trust_zero=True)
            return sum([len(part.papers) async for part in parts])

        assert await ingest.run(read()) == PAPERS
        assert len(waits) == 4
