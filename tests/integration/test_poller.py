"""The poller against a local arXiv: what it requests, and which papers count as new."""

import logging
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.domain.poll_schedule import BatchMissing, NextPoll, PollCompleted, PollFailed, PollKind, PollThrottled
from bot.domain.queries import ARXIV_KEYWORDS_PER_QUERY
from bot.domain.window_scan import ARXIV_PAGE_SIZE
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.clock import settle
from tests.support.ingest import FILLER, MORNING, Ingest, ingest_over, running
from tests.support.store import CHANNEL, OTHER_CHANNEL, Store

DAY_S = 86_400.0
DIFFUSION = Keyword.parse("diffusion")
PROBE = PollKind.PROBE_THEN_READ_IF_BATCH


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    """Ingest with one channel that watches `reward model`, without any older papers."""
    async with ingest_over(store) as ingest:
        await ingest.watch("reward model")
        ingest.take_requests()
        yield ingest


def window(query: str) -> tuple[datetime, datetime]:
    """Returns the submission times that a query covers."""
    found = re.search(r"submittedDate:\[(\d{12}) TO (\d{12})\]", query)
    assert found is not None, query
    start, end = (datetime.strptime(f"{time}+0000", "%Y%m%d%H%M%z") for time in found.groups())
    return start, end


def take_keyword_queries(ingest: Ingest) -> list[str]:
    """Returns the queries with keywords since the last call; the others are probes."""
    return [query for query in ingest.take_queries() if "ti:" in query]


async def synced_until(ingest: Ingest) -> list[datetime | None]:
    return [watched.synced_until for watched in await ingest.store.watched()]


# The probe.


async def test_poll_starts_with_a_probe_for_one_result_without_keywords(ingest: Ingest) -> None:
    await ingest.poll()
    probe, *_ = ingest.take_requests()
    assert (probe.max_results, probe.sort) == ("1", "submittedDate descending")
    assert re.fullmatch(r"submittedDate:\[\d{12} TO \d{12}\]", probe.search_query)
    start, end = window(probe.search_query)
    assert start < ingest.clock.now() - timedelta(hours=12)
    assert end >= MORNING


@pytest.mark.slow
async def test_poll_takes_two_requests_for_keywords_that_arxiv_can_find(ingest: Ingest) -> None:
    await ingest.watch("σ8", "CO2", "k-means", "3D", "graph [cs.LG]", *(f"topic{chr(97 + n)}" for n in range(20)))
    await ingest.poll()  # the first poll of the day also reads an older window
    ingest.take_requests()
    arxiv_id = ingest.add_paper(r"A tension of $\sigma_8$")
    await ingest.poll()
    assert len(ingest.take_requests()) == 2
    assert await ingest.due() == [arxiv_id]


async def test_missing_batch_causes_a_second_probe_over_seven_days(ingest: Ingest) -> None:
    before = await synced_until(ingest)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    assert await ingest.poll(PROBE) == BatchMissing()
    probes = ingest.take_requests()
    assert [probe.max_results for probe in probes] == ["1", "1"]
    batch, week = (window(probe.search_query) for probe in probes)
    assert week[0] < batch[0]
    assert week[1] - week[0] >= timedelta(days=7)
    assert await synced_until(ingest) == before


async def test_batch_is_read_once_it_is_there(ingest: Ingest) -> None:
    arxiv_id = ingest.add_paper("A reward model")
    assert await ingest.poll(PROBE) == PollCompleted(1, batch=True)
    assert await ingest.due() == [arxiv_id]
    assert ingest.new_posts_notified == 1


async def test_new_version_of_a_posted_paper_requests_an_edit(ingest: Ingest) -> None:
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


async def test_window_is_read_on_a_day_without_batch(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=1))
    arxiv_id = ingest.add_paper("A reward model", days_ago=3)
    assert await ingest.poll() == PollCompleted(1, batch=False)
    assert await ingest.due() == [arxiv_id]


async def test_poll_fails_when_arxiv_returns_no_papers_at_all(ingest: Ingest) -> None:
    before = await synced_until(ingest)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
    result = await ingest.poll()
    assert isinstance(result, PollFailed)
    assert result.reason == "arXiv returns no papers at all"
    assert await synced_until(ingest) == before


async def test_no_results_are_trusted_between_probes_that_returned_papers(ingest: Ingest) -> None:
    assert await ingest.poll() == PollCompleted(0, batch=True)
    assert ingest.new_posts_notified == 0
    assert ["ti:" in query for query in ingest.take_queries()] == [False, True, False, True, False]


async def test_poll_fails_when_arxiv_returns_no_papers_after_the_probe(ingest: Ingest) -> None:
    before = await synced_until(ingest)
    arxiv_id = ingest.add_paper("A reward model")
    # Only the probe is answered.
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SORTING_IGNORED), ArxivFault(ArxivFaultKind.EMPTY, times=None))
    result = await ingest.poll()
    assert isinstance(result, PollFailed)
    assert result.reason == "arXiv returns no papers at all"
    assert await synced_until(ingest) == before
    ingest.arxiv.faults.clear()
    await ingest.clock.advance(60)
    assert await ingest.poll() == PollCompleted(1, batch=True)
    assert await ingest.due() == [arxiv_id]


async def test_older_window_is_read_again_when_arxiv_returned_no_papers_at_all(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    # Only the probe and the keyword query are answered.
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=2), ArxivFault(ArxivFaultKind.EMPTY, times=2)
    )
    assert await ingest.poll() == PollCompleted(1, batch=True)
    await ingest.clock.advance(60)
    ingest.take_requests()
    await ingest.poll()
    assert len(take_keyword_queries(ingest)) == 2


# What a poll reads.


async def test_poll_reads_from_seven_days_before_the_last_complete_one(ingest: Ingest) -> None:
    await ingest.poll()
    (first_synced_until,) = await synced_until(ingest)
    assert first_synced_until is not None
    await ingest.clock.advance(DAY_S)
    ingest.add_paper(FILLER)
    ingest.take_requests()
    await ingest.poll()
    _, read, *_ = ingest.take_queries()
    start, end = window(read)
    assert start == (first_synced_until - timedelta(days=7)).replace(second=0, microsecond=0)
    assert end >= ingest.clock.now() - timedelta(minutes=1)


async def test_papers_of_a_long_outage_are_found(ingest: Ingest) -> None:
    await ingest.poll()
    await ingest.clock.advance(60 * DAY_S)
    arxiv_ids = [ingest.add_paper("A reward model", days_ago=days_ago) for days_ago in (59, 45, 20, 0.5)]
    assert await ingest.poll() == PollCompleted(4, batch=True)
    assert await ingest.due() == arxiv_ids


async def test_one_older_window_is_read_per_day(ingest: Ingest) -> None:
    await ingest.poll()
    read, older = take_keyword_queries(ingest)
    assert window(older)[1] <= window(read)[0] + timedelta(days=2)
    await ingest.clock.advance(3600)
    await ingest.poll()
    assert len(take_keyword_queries(ingest)) == 1
    await ingest.clock.advance(DAY_S)
    ingest.add_paper(FILLER)
    await ingest.poll()
    _, another = take_keyword_queries(ingest)
    assert window(another) != window(older)


@pytest.mark.slow
async def test_polls_of_one_week_cover_the_last_thirty_days(ingest: Ingest) -> None:
    for _ in range(7):
        ingest.add_paper(FILLER)
        await ingest.poll()
        await ingest.clock.advance(DAY_S)
    covered = [window(query) for query in ingest.take_queries() if "ti:" in query]
    for hours in range(24, 30 * 24, 6):
        moment = ingest.clock.now() - timedelta(hours=hours)
        assert any(start <= moment <= end for start, end in covered), moment


@pytest.mark.slow
async def test_paper_announced_thirteen_days_after_its_submission_is_found(ingest: Ingest) -> None:
    arxiv_id = ""
    for day in range(8):
        ingest.add_paper(FILLER)
        if day == 1:
            arxiv_id = ingest.add_paper("A reward model", days_ago=13)
        await ingest.poll()
        await ingest.clock.advance(DAY_S)
    assert await ingest.due() == [arxiv_id]


# Queries.


async def test_up_to_forty_keywords_share_one_query(ingest: Ingest) -> None:
    await ingest.watch(*(f"idea {n}" for n in range(ARXIV_KEYWORDS_PER_QUERY - 1)))
    ingest.take_requests()
    await ingest.poll()
    _, read, *_ = ingest.take_queries()
    assert read.count('ti:"idea"') == ARXIV_KEYWORDS_PER_QUERY - 1
    assert 'ti:"reward model"' in read


async def test_more_keywords_are_read_as_the_window_without_keywords(ingest: Ingest) -> None:
    await ingest.watch(*(f"idea {n}" for n in range(ARXIV_KEYWORDS_PER_QUERY)))
    arxiv_id, other_id = ingest.add_paper("A reward model"), ingest.add_paper("Idea 7 for you")
    ingest.take_requests()
    assert await ingest.poll() == PollCompleted(2, batch=True)
    _, read, *_ = ingest.take_queries()
    assert "ti:" not in read
    assert sorted(await ingest.due()) == sorted([arxiv_id, other_id])


async def test_rejected_query_is_read_as_the_window_without_keywords(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REJECTED, times=None, containing="ti:"))
    arxiv_id = ingest.add_paper("A reward model")
    assert await ingest.poll() == PollCompleted(1, batch=True)
    assert await ingest.due() == [arxiv_id]


async def test_poll_fails_when_the_window_query_is_rejected_too(ingest: Ingest) -> None:
    before = await synced_until(ingest)
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=1), ArxivFault(ArxivFaultKind.QUERY_REJECTED, times=2)
    )
    assert isinstance(await ingest.poll(), PollFailed)
    assert len([query for query in ingest.take_queries() if "ti:" not in query]) == 2
    assert await synced_until(ingest) == before


async def test_poll_fails_when_the_probe_is_rejected(ingest: Ingest) -> None:
    before = await synced_until(ingest)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REJECTED, times=1))
    assert isinstance(await ingest.poll(), PollFailed)
    assert await synced_until(ingest) == before


async def test_keyword_of_many_channels_is_queried_once(ingest: Ingest) -> None:
    await ingest.store.subscribe("reward model", OTHER_CHANNEL)
    arxiv_id = ingest.add_paper("A reward model")
    assert await ingest.poll() == PollCompleted(1, batch=True)
    _, read, *_ = ingest.take_queries()
    assert read.count('ti:"reward model"') == 1
    assert await ingest.due(CHANNEL) == await ingest.due(OTHER_CHANNEL) == [arxiv_id]


# Incomplete results.


async def test_short_page_loses_no_paper(ingest: Ingest) -> None:
    arxiv_ids = [ingest.add_paper("A reward model", days_ago=1 + n / 100) for n in range(20)]
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=1, containing="ti:", keep=0.6))
    assert await ingest.poll() == PollCompleted(20, batch=True)
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


@pytest.mark.slow
async def test_shuffled_pages_lose_and_repeat_no_paper(ingest: Ingest) -> None:
    arxiv_ids = [ingest.add_paper("A reward model", days_ago=1 + n / 1000) for n in range(ARXIV_PAGE_SIZE + 20)]
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHUFFLED, times=None, containing="ti:"))
    assert await ingest.poll() == PollCompleted(len(arxiv_ids), batch=True)
    assert sorted(await ingest.due()) == sorted(arxiv_ids)


async def test_invalid_entries_are_rejected_and_the_others_are_read(
    ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    arxiv_ids = [ingest.add_paper("A reward model", days_ago=1 + n / 10) for n in range(4)]
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.BROKEN_ENTRIES, times=None, containing="ti:"))
    assert await ingest.poll() == PollCompleted(2, batch=True)
    assert set(await ingest.due()) < set(arxiv_ids)
    assert caplog.messages.count("entry rejected") == 2


async def test_poll_logs_its_result_and_the_cause_of_a_failure(
    ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ingest.add_paper("A reward model")
    await ingest.poll()
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
    failed = await ingest.poll()
    assert isinstance(failed, PollFailed)
    completed, last = (vars(record) for record in caplog.records if record.message == "poll finished")
    assert (completed["result"], completed["new_papers"], completed["batch"]) == ("completed", 1, True)
    assert (last["result"], last["reason"]) == ("failed", "arXiv returns no papers at all")
    assert last["retry_at"] == failed.until.isoformat()


async def test_interrupted_poll_keeps_complete_windows_and_is_repeated(ingest: Ingest) -> None:
    """A complete window is stored at once, and its papers are not new a second time."""
    before = await synced_until(ingest)
    early, late = ingest.add_paper("A reward model", days_ago=6), ingest.add_paper("A reward model", days_ago=1)
    # Always short, so that the window is split; then the second half fails.
    ingest.arxiv.faults.add(
        ArxivFault(ArxivFaultKind.SHORT_PAGE, times=4, containing="ti:", keep=0.4),
        ArxivFault(ArxivFaultKind.SORTING_IGNORED, times=1, containing="ti:"),
        ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, containing="ti:", retry_after="120"),
    )
    assert isinstance(await ingest.poll(), PollThrottled)
    assert await ingest.due() == [early]
    assert await synced_until(ingest) == before
    await ingest.clock.advance(120)
    assert await ingest.poll() == PollCompleted(1, batch=True)
    assert await ingest.due() == [early, late]
    assert await synced_until(ingest) != before


@pytest.mark.slow
async def test_poll_fails_when_the_narrowest_window_stays_short(ingest: Ingest) -> None:
    for n in range(4):
        ingest.add_paper("A reward model", days_ago=2 + n / 10_000)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, times=None, containing="ti:", keep=0.5))
    result = await ingest.poll()
    assert isinstance(result, PollFailed)
    assert re.fullmatch("arXiv counts 4 papers but returned [123]", result.reason)


async def test_throttled_poll_is_stored_and_sends_nothing_before_its_end(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, times=1, retry_after="600"))
    result = await ingest.poll()
    assert isinstance(result, PollThrottled)
    assert result.until >= ingest.clock.now() + timedelta(seconds=600)
    ingest.take_requests()
    assert isinstance(await ingest.poll(), PollThrottled)
    assert ingest.take_requests() == []
    at, text = await ingest.poller.last_poll()
    assert at is not None
    assert text.startswith("arXiv asks us to wait, next try in 10 min")


async def test_failed_poll_is_described_with_its_reason(ingest: Ingest) -> None:
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.HTML, times=1))
    assert isinstance(await ingest.poll(), PollFailed)
    _, text = await ingest.poller.last_poll()
    assert text.startswith("arXiv's response is not a complete feed, next try in ")


async def test_poll_counts_the_papers_that_are_new_in_any_channel(ingest: Ingest) -> None:
    await ingest.watch("diffusion", channel_id=OTHER_CHANNEL)
    for n in range(3):
        ingest.add_paper("Diffusion as a reward model", days_ago=1 + n / 10)
    assert await ingest.poll() == PollCompleted(3, batch=True)
    assert await ingest.poller.last_poll() == ((await ingest.store.polls.recent())[-1].at, "3 new papers")
    assert await ingest.poll() == PollCompleted(0, batch=True)


# Watched keywords, and the loop.


async def test_keyword_without_initial_sync_is_not_polled(ingest: Ingest) -> None:
    await ingest.store.subscribe("diffusion")
    ingest.add_paper("Diffusion")
    ingest.take_requests()
    assert await ingest.poll() == PollCompleted(0, batch=True)
    assert all("diffusion" not in query for query in ingest.take_queries())


async def test_only_the_probe_is_sent_without_watched_keywords(store: Store) -> None:
    async with ingest_over(store) as ingest:
        assert await ingest.poller.is_idle()
        assert await ingest.poll() == PollCompleted(0, batch=True)
        assert len(ingest.take_requests()) == 1


async def test_loop_polls_at_once_when_the_first_keyword_is_synced(store: Store) -> None:
    async with ingest_over(store) as ingest, running(ingest.poller.run()):
        await settle()
        assert ingest.take_requests() == []
        await ingest.watch("reward model")
        await ingest.until(lambda: len(ingest.arxiv.requests) == 5)
        sync, sync_again, probe, read, _ = ingest.take_queries()
        assert sync == sync_again
        assert "ti:" not in probe
        assert "ti:" in read
        assert ingest.clock.now() - MORNING < timedelta(minutes=1)


async def test_loop_polls_when_the_announcement_calendar_says_so(ingest: Ingest) -> None:
    """Thursday's batch is announced at 01:00 UTC on Friday, probed half an hour later, and read once it is there."""
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


async def test_loop_polls_at_the_configured_interval(store: Store) -> None:
    async with ingest_over(store, poll_interval_s=1000) as ingest:
        await ingest.watch("reward model")
        await ingest.poll()
        (poll,) = await store.polls.recent()
        assert await ingest.poller.next_poll() == NextPoll(poll.at + timedelta(seconds=1000), PollKind.READ)
        ingest.take_requests()
        async with running(ingest.poller.run()):
            await ingest.until(lambda: bool(ingest.arxiv.requests))
            assert ingest.clock.now() - poll.at == timedelta(seconds=1000)


async def test_unchanged_papers_are_read_once_and_count_as_papers(ingest: Ingest) -> None:
    ingest.add_paper("A reward model")
    assert await ingest.poll() == PollCompleted(1, batch=True)
    ingest.take_requests()
    assert await ingest.poll() == PollCompleted(0, batch=True)
    assert len(ingest.take_requests()) == 2  # the probe and the window: "no new papers" needs no second probe
    assert len(await ingest.due()) == 1


async def test_new_version_of_a_read_paper_is_matched_again(ingest: Ingest) -> None:
    arxiv_id = ingest.add_paper("A reward")
    filler = ingest.add_paper("A reward model")
    assert await ingest.poll() == PollCompleted(1, batch=True)
    ingest.arxiv.revise(arxiv_id, title="Another reward model")
    assert await ingest.poll() == PollCompleted(1, batch=True)
    assert sorted(await ingest.due()) == sorted([arxiv_id, filler])


async def test_paper_that_an_initial_sync_missed_is_found_although_polls_read_it(ingest: Ingest) -> None:
    arxiv_id = ingest.add_paper("Diffusion with a reward model")
    await ingest.poll()
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=2))
    await ingest.watch("diffusion", channel_id=OTHER_CHANNEL)
    assert await ingest.store.papers.count(DIFFUSION, MORNING - timedelta(days=30)) == 0
    await ingest.poll()
    assert await ingest.store.papers.count(DIFFUSION, MORNING - timedelta(days=30)) == 1
    assert await ingest.due(OTHER_CHANNEL) == [arxiv_id]
