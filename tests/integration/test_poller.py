"""The ingest half: each sentence of how we decide what is new, against a local arXiv."""

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
from tests.support.ingest import FILLER, MORNING, Ingest, ingest_over, running
from tests.support.store import CHANNEL, OTHER_CHANNEL, Store

DAY_S = 86_400.0
PROBE = PollKind.PROBE_THEN_READ_IF_BATCH


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    """The ingest half, its channel watching `reward model` with an empty past."""
    async with ingest_over(store) as ingest:
        await ingest.watch("reward model")
        ingest.take_requests()
        yield ingest


def window(query: str) -> tuple[datetime, datetime]:
    """The submission times that a query asks for."""
    found = re.search(r"submittedDate:\[(\d{12}) TO (\d{12})\]", query)
    assert found is not None, query
    start, end = (datetime.strptime(f"{moment}+0000", "%Y%m%d%H%M%z") for moment in found.groups())
    return start, end


def readings_of(ingest: Ingest) -> list[str]:
    """The queries for the keywords since the requests were asked for last; the rest are probes."""
    return [query for query in ingest.take_queries() if "ti:" in query]


async def key_values(ingest: Ingest) -> list[datetime | None]:
    return [watched.synced_until for watched in await ingest.store.watched()]


# The probe.


async def test_pass_starts_with_a_probe_for_one_result_without_keywords(ingest: Ingest) -> None:
    await ingest.poll()
    probe, *_ = ingest.take_requests()
    assert (probe.max_results, probe.sort) == ("1", "submittedDate descending")
    assert re.fullmatch(r"submittedDate:\[\d{12} TO \d{12}\]", probe.search_query)
    start, end = window(probe.search_query)
    assert start < ingest.clock.now() - timedelta(hours=12)
    assert end >= MORNING


async def test_probe_that_shows_no_batch_asks_only_whether_arxiv_shows_papers_at_all(ingest: Ingest) -> None:
    before = await key_values(ingest)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    assert await ingest.poll(PROBE) == BatchMissing()
    probes = ingest.take_requests()
    assert [probe.max_results for probe in probes] == ["1", "1"]
    batch, week = (window(probe.search_query) for probe in probes)
    assert week[0] < batch[0]
    assert week[1] - week[0] >= timedelta(days=7)
    assert await key_values(ingest) == before


async def test_batch_that_is_there_is_read(ingest: Ingest) -> None:
    arxiv_id = ingest.add_paper("A reward model")
    assert await ingest.poll(PROBE) == PollCompleted(1, batch=True)
    assert await ingest.due() == [arxiv_id]
    assert ingest.new_posts_notified == 1


async def test_posted_paper_that_came_as_a_new_version_lets_its_message_be_drawn_anew(ingest: Ingest) -> None:
    arxiv_id = ingest.add_paper("A reward model")
    await ingest.poll()
    assert ingest.edits_notified == 0
    now = ingest.clock.now()
    entries = await ingest.store.due(now=now)
    post = await ingest.store.outbox.bind(CHANNEL, entries, key="key", nonce="nonce", now=now)
    assert post is not None
    await ingest.store.outbox.delivered(post, Delivered(77), now)
    ingest.arxiv.revise(arxiv_id)
    await ingest.poll()
    assert ingest.edits_notified == 1


async def test_quiet_day_is_read_though_no_batch_is_there(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    arxiv_id = ingest.add_paper("A reward model", days_ago=3)
    assert await ingest.poll() == PollCompleted(1, batch=False)
    assert await ingest.due() == [arxiv_id]


async def test_arxiv_that_shows_no_papers_at_all_is_not_believed(ingest: Ingest) -> None:
    before = await key_values(ingest)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
    result = await ingest.poll()
    assert isinstance(result, PollFailed)
    assert result.reason == "arXiv returns no papers at all"
    assert await key_values(ingest) == before


async def test_nothing_new_is_believed_between_probes_that_showed_papers(ingest: Ingest) -> None:
    assert await ingest.poll() == PollCompleted(0, batch=True)
    assert ingest.new_posts_notified == 0
    assert ["ti:" in query for query in ingest.take_queries()] == [False, True, False, True, False]


async def test_arxiv_that_shows_nothing_any_more_after_the_probe_is_not_believed(ingest: Ingest) -> None:
    before = await key_values(ingest)
    arxiv_id = ingest.add_paper("A reward model")
    # The probe alone is answered.
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SORTING_IGNORED), ArxivFault(ArxivFaultKind.EMPTY, times=None))
    result = await ingest.poll()
    assert isinstance(result, PollFailed)
    assert result.reason == "arXiv returns no papers at all"
    assert await key_values(ingest) == before
    ingest.arxiv.faults.clear()
    await ingest.clock.advance(60)
    assert await ingest.poll() == PollCompleted(1, batch=True)
    assert await ingest.due() == [arxiv_id]


async def test_older_slice_without_any_paper_is_read_again_when_arxiv_shows_none_at_all(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    # The probe and the reading are answered.
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=2), ArxivFault(ArxivFaultKind.EMPTY, times=2)
    )
    assert await ingest.poll() == PollCompleted(1, batch=True)
    await ingest.clock.advance(60)
    ingest.take_requests()
    await ingest.poll()
    assert len(readings_of(ingest)) == 2


# What a pass reads.


async def test_pass_reads_from_seven_days_before_the_last_complete_one(ingest: Ingest) -> None:
    await ingest.poll()
    (first_mark,) = await key_values(ingest)
    assert first_mark is not None
    await ingest.clock.advance(DAY_S)
    ingest.add_paper(FILLER)
    ingest.take_requests()
    await ingest.poll()
    _, read, *_ = ingest.take_queries()
    start, end = window(read)
    assert start == (first_mark - timedelta(days=7)).replace(second=0, microsecond=0)
    assert end >= ingest.clock.now() - timedelta(minutes=1)


async def test_outage_of_any_length_is_caught_up(ingest: Ingest) -> None:
    await ingest.poll()
    await ingest.clock.advance(60 * DAY_S)
    arxiv_ids = [ingest.add_paper("A reward model", days_ago=days_ago) for days_ago in (59, 45, 20, 0.5)]
    assert await ingest.poll() == PollCompleted(4, batch=True)
    assert await ingest.due() == arxiv_ids


async def test_one_older_slice_is_read_a_day(ingest: Ingest) -> None:
    await ingest.poll()
    read, older = readings_of(ingest)
    assert window(older)[1] <= window(read)[0] + timedelta(days=2)
    await ingest.clock.advance(3600)
    await ingest.poll()
    assert len(readings_of(ingest)) == 1
    await ingest.clock.advance(DAY_S)
    ingest.add_paper(FILLER)
    await ingest.poll()
    _, another = readings_of(ingest)
    assert window(another) != window(older)


async def test_week_of_passes_reads_the_last_thirty_days(ingest: Ingest) -> None:
    for _ in range(7):
        ingest.add_paper(FILLER)
        await ingest.poll()
        await ingest.clock.advance(DAY_S)
    covered = [window(query) for query in ingest.take_queries() if "ti:" in query]
    for hours in range(24, 30 * 24, 6):
        moment = ingest.clock.now() - timedelta(hours=hours)
        assert any(start <= moment <= end for start, end in covered), moment


async def test_paper_announced_thirteen_days_after_its_submission_is_found(ingest: Ingest) -> None:
    arxiv_id = ""
    for day in range(8):
        ingest.add_paper(FILLER)
        if day == 1:
            arxiv_id = ingest.add_paper("A reward model", days_ago=13)
        await ingest.poll()
        await ingest.clock.advance(DAY_S)
    assert await ingest.due() == [arxiv_id]


# How it is asked for.


async def test_up_to_forty_keywords_are_asked_for_together(ingest: Ingest) -> None:
    await ingest.watch(*(f"idea {n}" for n in range(ARXIV_KEYWORDS_PER_QUERY - 1)))
    ingest.take_requests()
    await ingest.poll()
    _, read, *_ = ingest.take_queries()
    assert read.count("ti:") == ARXIV_KEYWORDS_PER_QUERY
    assert 'ti:"reward model"' in read


async def test_more_keywords_are_read_as_the_window_without_keywords(ingest: Ingest) -> None:
    await ingest.watch(*(f"idea {n}" for n in range(ARXIV_KEYWORDS_PER_QUERY)))
    arxiv_id, other_id = ingest.add_paper("A reward model"), ingest.add_paper("Idea 7 for you")
    ingest.take_requests()
    assert await ingest.poll() == PollCompleted(2, batch=True)
    _, read, *_ = ingest.take_queries()
    assert "ti:" not in read
    assert sorted(await ingest.due()) == sorted([arxiv_id, other_id])


async def test_refused_query_is_read_as_the_window_without_keywords(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REFUSED, times=None, containing="ti:"))
    arxiv_id = ingest.add_paper("A reward model")
    assert await ingest.poll() == PollCompleted(1, batch=True)
    assert await ingest.due() == [arxiv_id]


async def test_window_that_is_refused_too_is_a_failed_look(ingest: Ingest) -> None:
    before = await key_values(ingest)
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=1), ArxivFault(ArxivFaultKind.QUERY_REFUSED, times=2)
    )
    assert isinstance(await ingest.poll(), PollFailed)
    assert len([query for query in ingest.take_queries() if "ti:" not in query]) == 2
    assert await key_values(ingest) == before


async def test_probe_that_is_refused_is_a_failed_look(ingest: Ingest) -> None:
    before = await key_values(ingest)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REFUSED, times=1))
    assert isinstance(await ingest.poll(), PollFailed)
    assert await key_values(ingest) == before


async def test_keyword_in_many_channels_is_asked_for_once(ingest: Ingest) -> None:
    await ingest.store.subscribe("reward model", OTHER_CHANNEL)
    arxiv_id = ingest.add_paper("A reward model")
    assert await ingest.poll() == PollCompleted(1, batch=True)
    _, read, *_ = ingest.take_queries()
    assert read.count("ti:") == 1
    assert await ingest.due(CHANNEL) == await ingest.due(OTHER_CHANNEL) == [arxiv_id]


# Complete or not.


async def test_short_page_is_read_on_and_loses_nothing(ingest: Ingest) -> None:
    arxiv_ids = [ingest.add_paper("A reward model", days_ago=1 + n / 100) for n in range(20)]
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=1, containing="ti:", keep=0.6))
    assert await ingest.poll() == PollCompleted(20, batch=True)
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


async def test_pages_in_another_order_each_lose_nothing_and_repeat_nothing(ingest: Ingest) -> None:
    arxiv_ids = [ingest.add_paper("A reward model", days_ago=1 + n / 1000) for n in range(ARXIV_PAGE_SIZE + 20)]
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHUFFLED, times=None, containing="ti:"))
    assert await ingest.poll() == PollCompleted(len(arxiv_ids), batch=True)
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


async def test_entries_that_cannot_be_read_are_rejected_and_the_rest_goes_on(
    ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    arxiv_ids = [ingest.add_paper("A reward model", days_ago=1 + n / 10) for n in range(4)]
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.BROKEN_ENTRIES, times=None, containing="ti:"))
    assert await ingest.poll() == PollCompleted(2, batch=True)
    assert set(await ingest.due()) < set(arxiv_ids)
    assert caplog.messages.count("entry rejected") == 2


async def test_mark_stays_where_it_was_when_arxiv_stops_answering_between_slices(ingest: Ingest) -> None:
    """What was complete is written at once; what is read again later is not new twice."""
    before = await key_values(ingest)
    early, late = ingest.add_paper("A reward model", days_ago=6), ingest.add_paper("A reward model", days_ago=1)
    # Short for ever, so that it is read in halves; then the second half fails.
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SHORT_PAGE, times=4, containing="ti:", keep=0.4),
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=1, containing="ti:"),
        ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, containing="ti:", retry_after="120"),
    )
    assert isinstance(await ingest.poll(), PollThrottled)
    assert await ingest.due() == [early]
    assert await key_values(ingest) == before
    await ingest.clock.advance(120)
    assert await ingest.poll() == PollCompleted(1, batch=True)
    assert await ingest.due() == [early, late]
    assert await key_values(ingest) != before


async def test_slice_that_stays_short_however_narrow_is_a_failed_look(ingest: Ingest) -> None:
    for n in range(4):
        ingest.add_paper("A reward model", days_ago=2 + n / 10_000)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=None, containing="ti:", keep=0.5))
    result = await ingest.poll()
    assert isinstance(result, PollFailed)
    assert re.fullmatch("arXiv counts 4 papers but returned [123]", result.reason)


async def test_throttled_look_is_remembered_with_its_end_and_nothing_is_asked_before(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, retry_after="600"))
    result = await ingest.poll()
    assert isinstance(result, PollThrottled)
    assert result.until >= ingest.clock.now() + timedelta(seconds=600)
    ingest.take_requests()
    assert isinstance(await ingest.poll(), PollThrottled)
    assert ingest.take_requests() == []
    at, words = await ingest.poller.last_poll()
    assert at is not None
    assert words.startswith("arXiv asks us to wait, next try in 10 min")


async def test_failed_look_is_told_in_words(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.HTML, times=1))
    assert isinstance(await ingest.poll(), PollFailed)
    _, words = await ingest.poller.last_poll()
    assert words.startswith("arXiv's response is not a complete feed, next try in ")


async def test_look_counts_the_papers_that_were_new_to_somebody(ingest: Ingest) -> None:
    await ingest.watch("diffusion", channel_id=OTHER_CHANNEL)
    for n in range(3):
        ingest.add_paper("Diffusion as a reward model", days_ago=1 + n / 10)
    assert await ingest.poll() == PollCompleted(3, batch=True)
    assert await ingest.poller.last_poll() == ((await ingest.store.polls.recent())[-1].at, "3 new papers")
    assert await ingest.poll() == PollCompleted(0, batch=True)


# Who takes part.


async def test_keyword_whose_past_is_unread_takes_no_part(ingest: Ingest) -> None:
    await ingest.store.subscribe("diffusion")
    ingest.add_paper("Diffusion")
    ingest.take_requests()
    assert await ingest.poll() == PollCompleted(0, batch=True)
    assert all("diffusion" not in query for query in ingest.take_queries())


async def test_nothing_is_read_when_nobody_watches(store: Store) -> None:
    async with ingest_over(store) as ingest:
        assert await ingest.poller.is_idle()
        assert await ingest.poll() == PollCompleted(0, batch=True)
        assert len(ingest.take_requests()) == 1


async def test_loop_leaves_arxiv_alone_until_a_keyword_is_read_and_then_looks_at_once(store: Store) -> None:
    async with ingest_over(store) as ingest, running(ingest.poller.run()):
        await settle()
        assert ingest.take_requests() == []
        await ingest.watch("reward model")
        await ingest.until(lambda: len(ingest.arxiv.requests) == 5)
        past, past_again, probe, read, _ = ingest.take_queries()
        assert past == past_again
        assert "ti:" not in probe
        assert "ti:" in read
        assert ingest.clock.now() - MORNING < timedelta(minutes=1)


async def test_loop_looks_again_when_the_calendar_says_so(ingest: Ingest) -> None:
    """Thursday's batch is announced at 01:00 UTC on Friday; probed half an hour later, and read when it is there."""
    await ingest.poll()
    await ingest.clock.advance(4.1 * 3600)
    await ingest.poll()
    ingest.take_requests()
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    announced = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    async with running(ingest.poller.run()):
        await ingest.until(lambda: bool(ingest.arxiv.requests))
        assert announced + timedelta(minutes=30) <= ingest.clock.now() < announced + timedelta(minutes=31)
        arxiv_id = ingest.add_paper("A reward model", days_ago=0.3)
        await ingest.until(lambda: ingest.new_posts_notified == 1)
        assert announced + timedelta(minutes=60) <= ingest.clock.now() < announced + timedelta(minutes=61)
        assert await ingest.due() == [arxiv_id]


async def test_loop_looks_at_a_fixed_interval_where_one_is_set(store: Store) -> None:
    async with ingest_over(store, poll_interval_s=1000) as ingest:
        await ingest.watch("reward model")
        await ingest.poll()
        (poll,) = await store.polls.recent()
        assert await ingest.poller.next_poll() == NextPoll(poll.at + timedelta(seconds=1000), PollKind.READ)
        ingest.take_requests()
        async with running(ingest.poller.run()):
            await ingest.until(lambda: bool(ingest.arxiv.requests))
            assert ingest.clock.now() - poll.at == timedelta(seconds=1000)
