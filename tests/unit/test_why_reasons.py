"""What became of a paper in a channel, and why a paper that matches was not queued or not found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.channel_schedule import DailySchedule, Immediate
from bot.domain.channel_settings import ChannelSettings
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
from bot.domain.explanations.fate import (
    BeingSent,
    ChannelBlocked,
    Fate,
    FoundBeforeSubscription,
    FoundByInitialSync,
    InBacklog,
    JudgedByPreviousMatcher,
    LeftQueue,
    NeverQueued,
    NotAccepted,
    NotDue,
    Obstacle,
    Paused,
    Posted,
    RejectedByDiscord,
    SeenReason,
    SubmittedBefore,
    Waiting,
    WithdrawnBefore,
    fate_of,
    seen_reason,
)
from bot.domain.explanations.unseen import (
    OlderThanSync,
    OutsideWindows,
    PollPending,
    ReadByNextPoll,
    ReadWithinWeek,
    SyncPending,
    UnseenReason,
    unseen_reason,
)
from bot.domain.keyword import Keyword
from bot.domain.poll_schedule import expected_announcement
from tests.support.builders import paper

NOW = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)  # a Thursday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SENT = SentMessage(NOW - HOUR)
STORED = SentMessage(NOW - HOUR, NOW - HOUR, 77)
DAILY = DailySchedule(8, 30, "Europe/Berlin")
GRAPH = SubscriptionFacts(
    Keyword.parse("graph"), added_at=NOW - 20 * DAY, new_since=NOW - 50 * DAY, synced_until=NOW - HOUR
)


@pytest.mark.parametrize(
    ("facts", "fate"),
    [
        (ChannelFacts(1), NeverQueued()),
        (ChannelFacts(1, withheld=Withholding(NOW, "survey")), Withholding(NOW, "survey")),
        (ChannelFacts(1, found_in=STORED), Posted(STORED)),
        (ChannelFacts(1, entry=QueueEntry(EntryState.DELIVERED, NOW, STORED)), Posted(STORED)),
        (ChannelFacts(1, entry=QueueEntry(EntryState.DELIVERED, NOW)), Posted(SentMessage(NOW))),
        (
            ChannelFacts(1, entry=QueueEntry(EntryState.REJECTED, NOW, STORED, "too blue")),
            RejectedByDiscord("too blue", NOW - HOUR),
        ),
        (ChannelFacts(1, entry=QueueEntry(EntryState.REJECTED, NOW)), RejectedByDiscord("", None)),
        (ChannelFacts(1, entry=QueueEntry(EntryState.WITHDRAWN, NOW)), WithdrawnBefore()),
        (ChannelFacts(1, entry=QueueEntry(EntryState.WAITING, NOW, SENT)), BeingSent(NOW - HOUR)),
        (ChannelFacts(1, entry=QueueEntry(EntryState.WAITING, NOW)), Waiting(())),
    ],
)
def test_fate_follows_from_the_queue_and_the_message(facts: ChannelFacts, fate: Fate) -> None:
    assert fate_of(facts, NOW) == fate


@pytest.mark.parametrize(
    ("facts", "due_at", "obstacles"),
    [
        (ChannelFacts(1, settings=ChannelSettings(paused_since=NOW - DAY)), NOW, (Paused(NOW - DAY),)),
        (
            ChannelFacts(1, blocked_reason="Locked.", blocked_since=NOW - DAY, not_before=NOW + HOUR),
            NOW,
            (ChannelBlocked("Locked.", NOW - DAY),),
        ),
        (ChannelFacts(1, not_before=NOW + HOUR), NOW, (NotAccepted(NOW + HOUR),)),
        (ChannelFacts(1, not_before=NOW - HOUR), NOW, ()),
        (ChannelFacts(1, settings=ChannelSettings(schedule=DAILY)), NOW + HOUR, (NotDue(NOW + HOUR, DAILY),)),
        (ChannelFacts(1, settings=ChannelSettings(backlog_pending=True)), NOW, (InBacklog(),)),
        (
            ChannelFacts(1, settings=ChannelSettings(paused_since=NOW), not_before=NOW + DAY),
            NOW + HOUR,
            (Paused(NOW), NotAccepted(NOW + DAY), NotDue(NOW + HOUR, Immediate())),
        ),
    ],
)
def test_waiting_paper_has_every_obstacle(
    facts: ChannelFacts, due_at: datetime, obstacles: tuple[Obstacle, ...]
) -> None:
    entry = QueueEntry(EntryState.WAITING, due_at)
    assert fate_of(replace(facts, entry=entry), NOW) == Waiting(obstacles)


@pytest.mark.parametrize(
    ("subscription", "found", "reason"),
    [
        (GRAPH, FirstMatch(NOW - 21 * DAY, FoundBy.POLL), FoundBeforeSubscription(NOW - 21 * DAY, NOW - 20 * DAY)),
        (GRAPH, FirstMatch(NOW - DAY, FoundBy.INITIAL_SYNC), FoundByInitialSync(NOW - DAY)),
        (replace(GRAPH, new_since=NOW), FirstMatch(NOW, None), SubmittedBefore(NOW)),
        (replace(GRAPH, previous_matcher_until=NOW), FirstMatch(NOW, FoundBy.POLL), JudgedByPreviousMatcher(NOW)),
        (replace(GRAPH, previous_matcher_until=NOW - 9 * DAY), FirstMatch(NOW, FoundBy.POLL), LeftQueue()),
        (replace(GRAPH, new_since=None), FirstMatch(NOW, FoundBy.OLDER_WINDOW), LeftQueue()),
    ],
)
def test_paper_that_was_found_but_not_queued_has_a_reason(
    subscription: SubscriptionFacts, found: FirstMatch, reason: SeenReason
) -> None:
    assert seen_reason(subscription, found, paper(published=NOW - DAY)) == reason


@pytest.mark.parametrize(
    ("subscription", "age", "reason"),
    [
        (replace(GRAPH, synced_until=None), DAY, SyncPending()),
        (GRAPH, 60 * DAY, OlderThanSync(NOW - 50 * DAY)),
        # Submitted on Thursday morning in New York: announced on Friday at 01:00 UTC.
        (GRAPH, HOUR / 2, PollPending(datetime(2026, 11, 20, 1, 0, tzinfo=UTC), NOW - HOUR)),
        (GRAPH, 2 * HOUR, ReadByNextPoll(NOW - HOUR)),
        # Submitted on Wednesday morning: announced on Thursday at 01:00 UTC, after the last poll.
        (
            replace(GRAPH, synced_until=NOW - 12 * HOUR),
            22 * HOUR,
            PollPending(datetime(2026, 11, 19, 1, 0, tzinfo=UTC), NOW - 12 * HOUR),
        ),
        (GRAPH, 4 * DAY, ReadByNextPoll(NOW - HOUR)),
        (replace(GRAPH, new_since=None), 10 * DAY, ReadWithinWeek()),
        (GRAPH, 40 * DAY, OutsideWindows(NOW - 30 * DAY)),
    ],
)
def test_paper_that_no_poll_found_has_a_reason(
    subscription: SubscriptionFacts, age: timedelta, reason: UnseenReason
) -> None:
    assert unseen_reason(subscription, paper(published=NOW - age), NOW) == reason


@pytest.mark.parametrize(
    ("submitted", "announced"),
    [
        ("2026-11-18T18:59", "2026-11-19T01:00"),  # Wednesday before 14:00 in New York: that evening
        ("2026-11-18T19:01", "2026-11-20T01:00"),  # after it: Thursday evening
        ("2026-11-20T15:00", "2026-11-23T01:00"),  # Friday morning: Sunday evening
        ("2026-11-20T20:00", "2026-11-24T01:00"),  # Friday afternoon: Monday evening
        ("2026-11-22T12:00", "2026-11-24T01:00"),  # Sunday: Monday evening
    ],
)
def test_expected_announcement_follows_arxivs_calendar(submitted: str, announced: str) -> None:
    expected = datetime.fromisoformat(announced).replace(tzinfo=UTC)
    assert expected_announcement(datetime.fromisoformat(submitted).replace(tzinfo=UTC)) == expected
