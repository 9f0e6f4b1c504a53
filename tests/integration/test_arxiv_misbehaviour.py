"""Each misbehaviour that arXiv has shown to real users, met by a whole pass: at its probe, in its reading, and after.

Whatever it is, no paper is lost or new twice, no failure looks like a quiet day, nobody asks too soon (the fixture
looks), and the last look says in plain words how things stand.
"""

import random
import re
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot.domain.poll_schedule import BatchMissing, PollCompleted, PollKind, PollResult
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.ingest import FILLER, Ingest, ingest_over
from tests.support.store import Store
from tests.support.timeouts import short_timeout

PAPERS = 12
ALL_NEW = f"{PAPERS} new papers"
NO_FEED = r"arXiv's response is not a complete feed{}, next try in \d+ s"
# What may be said only where it is true.
QUIET = re.compile("no new papers|nothing announced|not announced yet|no announcement")


@dataclass(frozen=True, slots=True)
class Symptom:
    """A row of what is known of arXiv's misbehaviour, and what people are told while it lasts."""

    fault: ArxivFault
    words: str

    @property
    def for_the_keywords(self) -> ArxivFault:
        """The same for the reading of keywords, not for the probe before it."""
        return replace(self.fault, containing="ti:")


NO_ANSWER = {
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
    "406 without a body": Symptom(ArxivFault(ArxivFaultKind.NOT_ACCEPTABLE), NO_FEED.format(r" \(status 406\)")),
    "0-byte body": Symptom(ArxivFault(ArxivFaultKind.ZERO_BYTES), NO_FEED.format("")),
    "HTML body": Symptom(ArxivFault(ArxivFaultKind.HTML), NO_FEED.format("")),
    "truncated body": Symptom(ArxivFault(ArxivFaultKind.TRUNCATED), NO_FEED.format("")),
    "two documents concatenated": Symptom(ArxivFault(ArxivFaultKind.TWO_DOCUMENTS), NO_FEED.format("")),
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
SURVIVED = {
    "0 entries at the probe": ArxivFault(ArxivFaultKind.EMPTY),
    "page with fewer entries than it should have": ArxivFault(ArxivFaultKind.SHORT_PAGE, containing="ti:", keep=0.4),
    "entries shuffled between pages": ArxivFault(ArxivFaultKind.SHUFFLED, times=None),
    "406 with a well-formed feed": ArxivFault(ArxivFaultKind.NOT_ACCEPTABLE_WITH_FEED, times=None),
    "sorting ignored for days": ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=None),
    "POST refused": ArxivFault(ArxivFaultKind.POST_REFUSED, times=None),
    "query refused with 400": ArxivFault(ArxivFaultKind.QUERY_REFUSED, times=None, containing="ti:"),
}


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    """The ingest half, whose channel watches `reward model` with an empty past; and papers that arXiv shows since."""
    async with ingest_over(store) as ingest:
        await ingest.watch("reward model")
        ingest.take_requests()
        yield ingest


def show(ingest: Ingest) -> list[str]:
    """Papers over the last days, each of which should be new."""
    return [ingest.add_paper(f"A reward model, part {part}", days_ago=0.4 + part / 2) for part in range(PAPERS)]


async def words(ingest: Ingest) -> str:
    """What people are told of the last look."""
    return (await ingest.poller.last_poll())[1]


async def next_poll(ingest: Ingest) -> PollResult:
    """Let the time pass until the next look is due, and look."""
    following = await ingest.poller.next_poll()
    await ingest.clock.advance((following.at - ingest.clock.now()).total_seconds())
    return await ingest.poll(following.kind)


async def until_read(ingest: Ingest) -> None:
    """Look as the calendar says until arXiv was read."""
    while not isinstance(await next_poll(ingest), PollCompleted):
        pass


@pytest.mark.parametrize("symptom", NO_ANSWER.values(), ids=list(NO_ANSWER))
async def test_what_is_no_answer_is_said_in_words_and_made_up_for(ingest: Ingest, symptom: Symptom) -> None:
    arxiv_ids = show(ingest)
    key_values = [watched.synced_until for watched in await ingest.store.watched()]
    for fault in (symptom.fault, symptom.for_the_keywords):
        ingest.arxiv.faults.add(fault)
        with short_timeout(ingest.client.http) if fault.kind is ArxivFaultKind.SLOW_FIRST_BYTE else nullcontext():
            assert not isinstance(await next_poll(ingest), PollCompleted | BatchMissing)
        assert re.fullmatch(symptom.words, await words(ingest))
        assert [watched.synced_until for watched in await ingest.store.watched()] == key_values
        assert await ingest.due() == []
    await until_read(ingest)
    assert await words(ingest) == ALL_NEW
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


@pytest.mark.parametrize("row", ["429 with Retry-After", "truncated body"])
async def test_what_fails_after_the_pass_costs_nothing_but_time(ingest: Ingest, row: str) -> None:
    """The slice of the last 30 days comes after the pass: it alone is read at the next look."""
    arxiv_ids = show(ingest)
    old = ingest.add_paper("A reward model that moderation held back", days_ago=13)
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, containing="ti:"), NO_ANSWER[row].for_the_keywords
    )
    assert await ingest.poll() == PollCompleted(PAPERS, batch=True)
    assert await words(ingest) == ALL_NEW
    while old not in await ingest.due():
        ingest.add_paper(FILLER, days_ago=0.1)
        await next_poll(ingest)
    assert sorted(await ingest.due()) == sorted([*arxiv_ids, old])


@pytest.mark.parametrize("fault", SURVIVED.values(), ids=list(SURVIVED))
async def test_what_can_be_read_all_the_same_is_read_at_once(ingest: Ingest, fault: ArxivFault) -> None:
    arxiv_ids = show(ingest)
    ingest.arxiv.faults.add(fault)
    assert isinstance(await ingest.poll(), PollCompleted)
    assert await words(ingest) == ALL_NEW
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


async def test_0_entries_for_minutes_are_no_quiet_day(ingest: Ingest) -> None:
    arxiv_ids = show(ingest)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
    for _ in range(5):
        await ingest.poll()
        assert re.fullmatch(r"arXiv returns no papers at all, next try in \d+ s", await words(ingest))
        await ingest.clock.advance(60)
    ingest.arxiv.faults.clear()
    await until_read(ingest)
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


async def test_range_of_ids_that_is_missing_is_read_when_it_was_filled_in(ingest: Ingest) -> None:
    arxiv_ids = show(ingest)
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.MISSING_IDS, times=None, first_id=arxiv_ids[3], last_id=arxiv_ids[7])
    )
    await ingest.poll()
    assert await words(ingest) == "7 new papers"
    ingest.arxiv.faults.clear()
    await until_read(ingest)
    assert await words(ingest) == "5 new papers"
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


# What a quiet day is called.


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-11-21T15:00", "nothing announced: Saturday"),
        ("2026-11-22T15:00", "nothing announced: Sunday"),
        ("2026-11-20T03:00", "not announced yet"),
        ("2026-11-20T09:00", "not announced yet: late"),
        ("2026-11-20T15:00", "no announcement: holiday or late"),
    ],
)
async def test_quiet_day_says_why_it_is_quiet(store: Store, now: str, said: str) -> None:
    """Friday's batch stays away, or the weekend is quiet as it always is."""
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    async with ingest_over(store, now=moment - timedelta(days=5)) as ingest:
        await ingest.watch("reward model")
        await ingest.poll()
        await ingest.clock.advance(5 * 86_400)
        result = await ingest.poll(PollKind.PROBE_THEN_READ_IF_BATCH)
        assert isinstance(result, BatchMissing)
        assert await words(ingest) == said


# All of it, one after the other.


def all_faults() -> list[ArxivFault]:
    """Every row once wherever it hits, and once in a reading of keywords; 0 entries for some requests in a row."""
    rows = [*(symptom.fault for symptom in NO_ANSWER.values()), *SURVIVED.values()]
    kinds = (ArxivFaultKind.POST_REFUSED, ArxivFaultKind.EMPTY)
    once = [replace(fault, times=1) for fault in rows if fault.kind not in kinds]
    nothing = ArxivFault(ArxivFaultKind.EMPTY, times=6)
    return [nothing, *once, nothing, *(replace(fault, containing="ti:") for fault in once), nothing]


async def live_through(ingest: Ingest, faults: list[ArxivFault], rng: random.Random) -> None:
    """arXiv announces papers from time to time and misbehaves all the while; nothing is lost, nothing new twice."""
    shown: list[str] = []
    told: list[tuple[int, str]] = []
    ingest.arxiv.faults.add(*faults)
    while ingest.arxiv.faults.pending:
        ingest.add_paper(FILLER, days_ago=0.1)
        if rng.random() < 0.6:
            shown += [
                ingest.add_paper("A reward model", days_ago=rng.uniform(0.1, 5)) for _ in range(rng.randint(1, 4))
            ]
        before = len(await ingest.due())
        with short_timeout(ingest.client.http):  # that an ordinary answer is given up makes no difference here
            result = await next_poll(ingest)
        due = await ingest.due()
        told.append((len(shown) - before, await words(ingest)))
        if isinstance(result, PollCompleted):
            assert sorted(due) == sorted(shown)
            assert result.new_papers == len(due) - before
        else:
            assert len(set(due)) == len(due)
            assert set(due) <= set(shown)
    await until_read(ingest)
    assert sorted(await ingest.due()) == sorted(shown)
    assert not [(hidden, said) for hidden, said in told if hidden and QUIET.match(said)]
    looked = [poll.at for poll in await ingest.store.polls.recent()]
    assert all(later > earlier for earlier, later in pairwise(looked))


async def test_all_of_it_in_sequence_loses_nothing_and_calls_nothing_quiet(ingest: Ingest) -> None:
    await live_through(ingest, all_faults(), random.Random(1))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
async def test_all_of_it_in_any_order_loses_nothing_and_calls_nothing_quiet(ingest: Ingest, seed: int) -> None:
    rng = random.Random(seed)
    faults = all_faults() * 2
    rng.shuffle(faults)
    await live_through(ingest, faults, rng)
