"""The upper half: each sentence of how we decide what is new, against a local arXiv."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.outgoing import Delivered
from bot.domain.poll_schedule import BatchMissing, NextPoll, PollCompleted, PollFailed, PollKind, PollThrottled
from bot.domain.queries import ARXIV_KEYWORDS_PER_QUERY
from bot.domain.window_scan import ARXIV_PAGE_SIZE
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.clock import settle
from tests.support.ingest import FILLER, MORNING, Reading, reading, running
from tests.support.store import CHANNEL, OTHER_CHANNEL, Store

DAY_S = 86_400.0
PROBE = PollKind.PROBE_THEN_READ_IF_BATCH


@pytest.fixture
async def upper(store: Store) -> AsyncIterator[Reading]:
    """The upper half, its channel watching `reward model` with an empty past."""
    async with reading(store) as upper:
        await upper.watch("reward model")
        upper.asked()
        yield upper


def window(query: str) -> tuple[datetime, datetime]:
    """The submission times that a query asks for."""
    found = re.search(r"submittedDate:\[(\d{12}) TO (\d{12})\]", query)
    assert found is not None, query
    start, end = (datetime.strptime(f"{moment}+0000", "%Y%m%d%H%M%z") for moment in found.groups())
    return start, end


def readings_of(upper: Reading) -> list[str]:
    """The queries for the keywords since the requests were asked for last; the rest are probes."""
    return [query for query in upper.queries() if "ti:" in query]


async def key_values(upper: Reading) -> list[datetime | None]:
    return [watched.synced_until for watched in await upper.store.watched()]


# The probe.


async def test_pass_starts_with_a_probe_for_one_result_without_keywords(upper: Reading) -> None:
    await upper.poll()
    probe, *_ = upper.asked()
    assert (probe.max_results, probe.sort) == ("1", "submittedDate descending")
    assert re.fullmatch(r"submittedDate:\[\d{12} TO \d{12}\]", probe.search_query)
    start, end = window(probe.search_query)
    assert start < upper.clock.now() - timedelta(hours=12)
    assert end >= MORNING


async def test_probe_that_shows_no_batch_asks_only_whether_arxiv_shows_papers_at_all(upper: Reading) -> None:
    before = await key_values(upper)
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    assert await upper.poll(PROBE) == BatchMissing()
    probes = upper.asked()
    assert [probe.max_results for probe in probes] == ["1", "1"]
    batch, week = (window(probe.search_query) for probe in probes)
    assert week[0] < batch[0]
    assert week[1] - week[0] >= timedelta(days=7)
    assert await key_values(upper) == before


async def test_batch_that_is_there_is_read(upper: Reading) -> None:
    arxiv_id = upper.show("A reward model")
    assert await upper.poll(PROBE) == PollCompleted(1, batch=True)
    assert await upper.due() == [arxiv_id]
    assert upper.new_posts_rung == 1


async def test_posted_paper_that_came_as_a_new_version_lets_its_message_be_drawn_anew(upper: Reading) -> None:
    arxiv_id = upper.show("A reward model")
    await upper.poll()
    assert upper.edits_rung == 0
    now = upper.clock.now()
    entries = await upper.store.due(now=now)
    post = await upper.store.outbox.bind(CHANNEL, entries, key="key", nonce="nonce", now=now)
    assert post is not None
    await upper.store.outbox.delivered(post, Delivered(77), now)
    upper.arxiv.revise(arxiv_id)
    await upper.poll()
    assert upper.edits_rung == 1


async def test_quiet_day_is_read_though_no_batch_is_there(upper: Reading) -> None:
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    arxiv_id = upper.show("A reward model", days_ago=3)
    assert await upper.poll() == PollCompleted(1, batch=False)
    assert await upper.due() == [arxiv_id]


async def test_arxiv_that_shows_no_papers_at_all_is_not_believed(upper: Reading) -> None:
    before = await key_values(upper)
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
    result = await upper.poll()
    assert isinstance(result, PollFailed)
    assert result.reason == "arXiv returns no papers at all"
    assert await key_values(upper) == before


async def test_nothing_new_is_believed_between_probes_that_showed_papers(upper: Reading) -> None:
    assert await upper.poll() == PollCompleted(0, batch=True)
    assert upper.new_posts_rung == 0
    assert ["ti:" in query for query in upper.queries()] == [False, True, False, True, False]


async def test_arxiv_that_shows_nothing_any_more_after_the_probe_is_not_believed(upper: Reading) -> None:
    before = await key_values(upper)
    arxiv_id = upper.show("A reward model")
    # The probe alone is answered.
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.SORTING_IGNORED), ArxivFault(ArxivFaultKind.EMPTY, times=None))
    result = await upper.poll()
    assert isinstance(result, PollFailed)
    assert result.reason == "arXiv returns no papers at all"
    assert await key_values(upper) == before
    upper.arxiv.faults.clear()
    await upper.clock.advance(60)
    assert await upper.poll() == PollCompleted(1, batch=True)
    assert await upper.due() == [arxiv_id]


async def test_older_slice_without_any_paper_is_read_again_when_arxiv_shows_none_at_all(upper: Reading) -> None:
    upper.show("A reward model")
    # The probe and the reading are answered.
    upper.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=2), ArxivFault(ArxivFaultKind.EMPTY, times=2)
    )
    assert await upper.poll() == PollCompleted(1, batch=True)
    await upper.clock.advance(60)
    upper.asked()
    await upper.poll()
    assert len(readings_of(upper)) == 2


# What a pass reads.


async def test_pass_reads_from_seven_days_before_the_last_complete_one(upper: Reading) -> None:
    await upper.poll()
    (first_mark,) = await key_values(upper)
    assert first_mark is not None
    await upper.clock.advance(DAY_S)
    upper.show(FILLER)
    upper.asked()
    await upper.poll()
    _, read, *_ = upper.queries()
    start, end = window(read)
    assert start == (first_mark - timedelta(days=7)).replace(second=0, microsecond=0)
    assert end >= upper.clock.now() - timedelta(minutes=1)


async def test_outage_of_any_length_is_caught_up(upper: Reading) -> None:
    await upper.poll()
    await upper.clock.advance(60 * DAY_S)
    arxiv_ids = [upper.show("A reward model", days_ago=days_ago) for days_ago in (59, 45, 20, 0.5)]
    assert await upper.poll() == PollCompleted(4, batch=True)
    assert await upper.due() == arxiv_ids


async def test_one_older_slice_is_read_a_day(upper: Reading) -> None:
    await upper.poll()
    read, older = readings_of(upper)
    assert window(older)[1] <= window(read)[0] + timedelta(days=2)
    await upper.clock.advance(3600)
    await upper.poll()
    assert len(readings_of(upper)) == 1
    await upper.clock.advance(DAY_S)
    upper.show(FILLER)
    await upper.poll()
    _, another = readings_of(upper)
    assert window(another) != window(older)


async def test_week_of_passes_reads_the_last_thirty_days(upper: Reading) -> None:
    for _ in range(7):
        upper.show(FILLER)
        await upper.poll()
        await upper.clock.advance(DAY_S)
    covered = [window(query) for query in upper.queries() if "ti:" in query]
    for hours in range(24, 30 * 24, 6):
        moment = upper.clock.now() - timedelta(hours=hours)
        assert any(start <= moment <= end for start, end in covered), moment


async def test_paper_announced_thirteen_days_after_its_submission_is_found(upper: Reading) -> None:
    arxiv_id = ""
    for day in range(8):
        upper.show(FILLER)
        if day == 1:
            arxiv_id = upper.show("A reward model", days_ago=13)
        await upper.poll()
        await upper.clock.advance(DAY_S)
    assert await upper.due() == [arxiv_id]


# How it is asked for.


async def test_up_to_forty_keywords_are_asked_for_together(upper: Reading) -> None:
    await upper.watch(*(f"idea {n}" for n in range(ARXIV_KEYWORDS_PER_QUERY - 1)))
    upper.asked()
    await upper.poll()
    _, read, *_ = upper.queries()
    assert read.count("ti:") == ARXIV_KEYWORDS_PER_QUERY
    assert 'ti:"reward model"' in read


async def test_more_keywords_are_read_as_the_window_without_keywords(upper: Reading) -> None:
    await upper.watch(*(f"idea {n}" for n in range(ARXIV_KEYWORDS_PER_QUERY)))
    arxiv_id, other_id = upper.show("A reward model"), upper.show("Idea 7 for you")
    upper.asked()
    assert await upper.poll() == PollCompleted(2, batch=True)
    _, read, *_ = upper.queries()
    assert "ti:" not in read
    assert sorted(await upper.due()) == sorted([arxiv_id, other_id])


async def test_refused_query_is_read_as_the_window_without_keywords(upper: Reading) -> None:
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REFUSED, times=None, containing="ti:"))
    arxiv_id = upper.show("A reward model")
    assert await upper.poll() == PollCompleted(1, batch=True)
    assert await upper.due() == [arxiv_id]


async def test_window_that_is_refused_too_is_a_failed_look(upper: Reading) -> None:
    before = await key_values(upper)
    upper.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=1), ArxivFault(ArxivFaultKind.QUERY_REFUSED, times=2)
    )
    assert isinstance(await upper.poll(), PollFailed)
    assert len([query for query in upper.queries() if "ti:" not in query]) == 2
    assert await key_values(upper) == before


async def test_probe_that_is_refused_is_a_failed_look(upper: Reading) -> None:
    before = await key_values(upper)
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REFUSED, times=1))
    assert isinstance(await upper.poll(), PollFailed)
    assert await key_values(upper) == before


async def test_keyword_in_many_channels_is_asked_for_once(upper: Reading) -> None:
    await upper.store.subscribe("reward model", OTHER_CHANNEL)
    arxiv_id = upper.show("A reward model")
    assert await upper.poll() == PollCompleted(1, batch=True)
    _, read, *_ = upper.queries()
    assert read.count("ti:") == 1
    assert await upper.due(CHANNEL) == await upper.due(OTHER_CHANNEL) == [arxiv_id]


# Complete or not.


async def test_short_page_is_read_on_and_loses_nothing(upper: Reading) -> None:
    arxiv_ids = [upper.show("A reward model", days_ago=1 + n / 100) for n in range(20)]
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=1, containing="ti:", keep=0.6))
    assert await upper.poll() == PollCompleted(20, batch=True)
    assert sorted(await upper.due()) == sorted(arxiv_ids)


async def test_pages_in_another_order_each_lose_nothing_and_repeat_nothing(upper: Reading) -> None:
    arxiv_ids = [upper.show("A reward model", days_ago=1 + n / 1000) for n in range(ARXIV_PAGE_SIZE + 20)]
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHUFFLED, times=None, containing="ti:"))
    assert await upper.poll() == PollCompleted(len(arxiv_ids), batch=True)
    assert sorted(await upper.due()) == sorted(arxiv_ids)


async def test_entries_that_cannot_be_read_are_rejected_and_the_rest_goes_on(
    upper: Reading, caplog: pytest.LogCaptureFixture
) -> None:
    arxiv_ids = [upper.show("A reward model", days_ago=1 + n / 10) for n in range(4)]
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.BROKEN_ENTRIES, times=None, containing="ti:"))
    assert await upper.poll() == PollCompleted(2, batch=True)
    assert set(await upper.due()) < set(arxiv_ids)
    assert caplog.messages.count("entry rejected") == 2


async def test_mark_stays_where_it_was_when_arxiv_stops_answering_between_slices(upper: Reading) -> None:
    """What was complete is written at once; what is read again later is not new twice."""
    before = await key_values(upper)
    early, late = upper.show("A reward model", days_ago=6), upper.show("A reward model", days_ago=1)
    # Short for ever, so that it is read in halves; then the second half fails.
    upper.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SHORT_PAGE, times=4, containing="ti:", keep=0.4),
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=1, containing="ti:"),
        ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, containing="ti:", retry_after="120"),
    )
    assert isinstance(await upper.poll(), PollThrottled)
    assert await upper.due() == [early]
    assert await key_values(upper) == before
    await upper.clock.advance(120)
    assert await upper.poll() == PollCompleted(1, batch=True)
    assert await upper.due() == [early, late]
    assert await key_values(upper) != before


async def test_slice_that_stays_short_however_narrow_is_a_failed_look(upper: Reading) -> None:
    for n in range(4):
        upper.show("A reward model", days_ago=2 + n / 10_000)
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=None, containing="ti:", keep=0.5))
    result = await upper.poll()
    assert isinstance(result, PollFailed)
    assert re.fullmatch("arXiv counts 4 papers but returned [123]", result.reason)


async def test_throttled_look_is_remembered_with_its_end_and_nothing_is_asked_before(upper: Reading) -> None:
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, retry_after="600"))
    result = await upper.poll()
    assert isinstance(result, PollThrottled)
    assert result.until >= upper.clock.now() + timedelta(seconds=600)
    upper.asked()
    assert isinstance(await upper.poll(), PollThrottled)
    assert upper.asked() == []
    at, words = await upper.poller.last_poll()
    assert at is not None
    assert words.startswith("arXiv asks us to wait, next try in 10 min")


async def test_failed_look_is_told_in_words(upper: Reading) -> None:
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.HTML, times=1))
    assert isinstance(await upper.poll(), PollFailed)
    _, words = await upper.poller.last_poll()
    assert words.startswith("arXiv's response is not a complete feed, next try in ")


async def test_look_counts_the_papers_that_were_new_to_somebody(upper: Reading) -> None:
    await upper.watch("diffusion", channel_id=OTHER_CHANNEL)
    for n in range(3):
        upper.show("Diffusion as a reward model", days_ago=1 + n / 10)
    assert await upper.poll() == PollCompleted(3, batch=True)
    assert await upper.poller.last_poll() == ((await upper.store.polls.recent())[-1].at, "3 new papers")
    assert await upper.poll() == PollCompleted(0, batch=True)


# Who takes part.


async def test_keyword_whose_past_is_unread_takes_no_part(upper: Reading) -> None:
    await upper.store.subscribe("diffusion")
    upper.show("Diffusion")
    upper.asked()
    assert await upper.poll() == PollCompleted(0, batch=True)
    assert all("diffusion" not in query for query in upper.queries())


async def test_nothing_is_read_when_nobody_watches(store: Store) -> None:
    async with reading(store) as upper:
        assert await upper.poller.is_idle()
        assert await upper.poll() == PollCompleted(0, batch=True)
        assert len(upper.asked()) == 1


async def test_loop_leaves_arxiv_alone_until_a_keyword_is_read_and_then_looks_at_once(store: Store) -> None:
    async with reading(store) as upper, running(upper.poller.run()):
        await settle()
        assert upper.asked() == []
        await upper.watch("reward model")
        await upper.until(lambda: len(upper.arxiv.requests) == 5)
        past, past_again, probe, read, _ = upper.queries()
        assert past == past_again
        assert "ti:" not in probe
        assert "ti:" in read
        assert upper.clock.now() - MORNING < timedelta(minutes=1)


async def test_loop_looks_again_when_the_calendar_says_so(upper: Reading) -> None:
    """Thursday's batch is announced at 01:00 UTC on Friday; probed half an hour later, and read when it is there."""
    await upper.poll()
    await upper.clock.advance(4.1 * 3600)
    await upper.poll()
    upper.asked()
    upper.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    announced = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    async with running(upper.poller.run()):
        await upper.until(lambda: bool(upper.arxiv.requests))
        assert announced + timedelta(minutes=30) <= upper.clock.now() < announced + timedelta(minutes=31)
        arxiv_id = upper.show("A reward model", days_ago=0.3)
        await upper.until(lambda: upper.new_posts_rung == 1)
        assert announced + timedelta(minutes=60) <= upper.clock.now() < announced + timedelta(minutes=61)
        assert await upper.due() == [arxiv_id]


async def test_loop_looks_at_a_fixed_interval_where_one_is_set(store: Store) -> None:
    async with reading(store, poll_interval_s=1000) as upper:
        await upper.watch("reward model")
        await upper.poll()
        (poll,) = await store.polls.recent()
        assert await upper.poller.next_poll() == NextPoll(poll.at + timedelta(seconds=1000), PollKind.READ)
        upper.asked()
        async with running(upper.poller.run()):
            await upper.until(lambda: bool(upper.arxiv.requests))
            assert upper.clock.now() - poll.at == timedelta(seconds=1000)
