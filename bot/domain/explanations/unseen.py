"""Decides why no poll has found a paper that satisfies a keyword.

It reads no clock and no database: facts and the time are arguments.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.explanations.facts import SubscriptionFacts
from bot.domain.paper import Paper
from bot.domain.poll_schedule import expected_announcement
from bot.domain.queries import POLL_OVERLAP, initial_sync_window


@dataclass(frozen=True, slots=True)
class SyncPending:
    """The initial sync of the keyword is not complete."""


@dataclass(frozen=True, slots=True)
class OlderThanSync:
    """It was submitted before the 30 days that the initial sync read."""

    read_since: datetime


@dataclass(frozen=True, slots=True)
class PollPending:
    """It is newer than the last complete poll, or arXiv was to announce it since then."""

    announced_at: datetime
    last_poll: datetime


@dataclass(frozen=True, slots=True)
class ReadByNextPoll:
    """It is missing, and the next poll reads its day again."""

    last_poll: datetime


@dataclass(frozen=True, slots=True)
class ReadWithinWeek:
    """It is missing, and the windows of older papers include its day once per week."""


@dataclass(frozen=True, slots=True)
class OutsideWindows:
    """It is missing, and no poll reads its day any more."""

    read_since: datetime


UnseenReason = SyncPending | OlderThanSync | PollPending | ReadByNextPoll | ReadWithinWeek | OutsideWindows


def unseen_reason(subscription: SubscriptionFacts, paper: Paper, now: datetime) -> UnseenReason:
    """Returns why a paper that satisfies the subscription's keyword was not found for it."""
    last_poll = subscription.synced_until
    if last_poll is None:
        return SyncPending()
    if subscription.new_since is not None and paper.published <= subscription.new_since:
        return OlderThanSync(subscription.new_since)
    announced_at = expected_announcement(paper.published)
    # arXiv has the paper: if its announcement is expected later, it is unknown when it appeared.
    if paper.published > last_poll or last_poll < announced_at <= now:
        return PollPending(announced_at, last_poll)
    if paper.published > last_poll - POLL_OVERLAP:
        return ReadByNextPoll(last_poll)
    read_since = initial_sync_window(now).start
    return ReadWithinWeek() if paper.published > read_since else OutsideWindows(read_since)
