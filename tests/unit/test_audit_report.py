"""An audit counts every paper once, by day, and names each difference with its reason."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from bot.domain.explanations.audit import (
    AuditOutcome,
    AuditReport,
    MatchingPaper,
    StoredPaper,
    audit_parts,
    audit_window,
    compare,
)
from bot.domain.explanations.facts import (
    ChannelFacts,
    EntryState,
    FirstMatch,
    FoundBy,
    QueueEntry,
    SentMessage,
    SubscriptionFacts,
    Withholding,
)
from bot.domain.explanations.fate import FoundByInitialSync, RejectedByDiscord
from bot.domain.explanations.unseen import PollPending, ReadByNextPoll
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId
from bot.domain.queries import Window
from tests.support.builders import paper

NOW = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = audit_window(7, NOW)
SENT = SentMessage(NOW, NOW, 77)
GRAPH = SubscriptionFacts(
    Keyword.parse("graph"), added_at=NOW - 20 * DAY, new_since=NOW - 50 * DAY, synced_until=NOW - timedelta(hours=1)
)
TREE = replace(GRAPH, keyword=Keyword.parse("tree"), synced_until=None)
FOUND = {1: FirstMatch(NOW - DAY, FoundBy.POLL)}
ENTRY = QueueEntry(EntryState.DELIVERED, NOW, SENT)


def report_of(
    stored: StoredPaper | None, *, keyword_ids: frozenset[int] = frozenset({1}), age: timedelta = 3 * DAY
) -> AuditReport:
    arxiv_id = ArxivId("2611.00001")
    matching = {arxiv_id: MatchingPaper(paper(published=NOW - age), keyword_ids)}
    return compare(WINDOW, matching, {} if stored is None else {arxiv_id: stored}, {1: GRAPH, 2: TREE}, ChannelFacts(1))


@pytest.mark.parametrize(
    ("stored", "outcome"),
    [
        (StoredPaper(NOW, FOUND, ENTRY), AuditOutcome.POSTED),
        (StoredPaper(NOW, FOUND, found_in=SENT), AuditOutcome.POSTED),
        (StoredPaper(NOW, FOUND, replace(ENTRY, state=EntryState.WAITING)), AuditOutcome.WAITING),
        (StoredPaper(NOW, FOUND, QueueEntry(EntryState.WAITING, NOW)), AuditOutcome.WAITING),
        (StoredPaper(NOW, FOUND, withheld=Withholding(NOW, None)), AuditOutcome.EXCLUDED),
        (StoredPaper(NOW, FOUND, QueueEntry(EntryState.WITHDRAWN, NOW)), AuditOutcome.WITHDRAWN),
    ],
)
def test_paper_that_was_dealt_with_is_counted_and_not_named(stored: StoredPaper, outcome: AuditOutcome) -> None:
    report = report_of(stored)
    assert report.totals == {outcome: 1}
    assert report.days[date(2026, 11, 16)] == {outcome: 1}
    assert report.differences == ()


@pytest.mark.parametrize(
    ("stored", "outcome", "reason"),
    [
        (None, AuditOutcome.MISSING, ReadByNextPoll(NOW - timedelta(hours=1))),
        (StoredPaper(NOW), AuditOutcome.MISSING, ReadByNextPoll(NOW - timedelta(hours=1))),
        (
            StoredPaper(NOW, {1: FirstMatch(NOW - DAY, FoundBy.INITIAL_SYNC)}),
            AuditOutcome.SEEN,
            FoundByInitialSync(NOW - DAY),
        ),
        (
            StoredPaper(NOW, FOUND, QueueEntry(EntryState.REJECTED, NOW, SENT, "too blue")),
            AuditOutcome.REJECTED,
            RejectedByDiscord("too blue", NOW),
        ),
    ],
)
def test_difference_is_named_with_its_reason(stored: StoredPaper | None, outcome: AuditOutcome, reason: object) -> None:
    (difference,) = report_of(stored).differences
    assert (difference.outcome, difference.reason, difference.title) == (outcome, reason, "A paper")


def test_paper_that_is_not_read_yet_is_pending_if_it_is_for_any_keyword() -> None:
    (difference,) = report_of(None, keyword_ids=frozenset({1, 2})).differences
    assert difference.outcome is AuditOutcome.PENDING
    (difference,) = report_of(None, age=timedelta(hours=0.5)).differences
    assert isinstance(difference.reason, PollPending)


def test_stored_paper_that_arxiv_does_not_return_is_named_after_missing_ones() -> None:
    missing, gone, unmatched = ArxivId("2611.00001"), ArxivId("2611.00002"), ArxivId("2611.00003")
    matching = {missing: MatchingPaper(paper(published=NOW - 2 * DAY), frozenset({1}))}
    stored = {gone: StoredPaper(NOW - DAY, FOUND), unmatched: StoredPaper(NOW - DAY, {}, ENTRY)}
    report = compare(WINDOW, matching, stored, {1: GRAPH}, ChannelFacts(1))
    assert [(each.arxiv_id, each.outcome) for each in report.differences] == [
        (missing, AuditOutcome.MISSING),
        (gone, AuditOutcome.NOT_AT_ARXIV),
    ]


def test_papers_outside_of_the_window_are_not_counted() -> None:
    report = report_of(None, age=8 * DAY)
    assert not report.totals
    assert len(report.days) == 7


def test_window_of_an_audit_begins_at_midnight() -> None:
    assert audit_window(1, NOW) == Window(NOW.replace(hour=0), NOW)
    assert audit_window(30, NOW).start == datetime(2026, 10, 21, tzinfo=UTC)
    midnight = NOW.replace(hour=0)
    assert audit_window(1, midnight) == Window(midnight - timedelta(minutes=1), midnight)


def test_parts_of_an_audit_cover_its_window_and_have_a_week_at_most() -> None:
    parts = audit_parts(audit_window(30, NOW))
    assert len(parts) == 5
    assert (parts[0].end, parts[-1].start) == (NOW, datetime(2026, 10, 21, tzinfo=UTC))
    assert all(later.start == earlier.end for later, earlier in pairwise(parts))
