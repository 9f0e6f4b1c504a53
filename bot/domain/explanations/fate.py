"""Decides what became of a paper in a channel: posted, waiting and for what, or never queued and why.

It reads no clock and no database: facts and the time are arguments.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from bot.domain.channel_schedule import ChannelSchedule
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
from bot.domain.paper import Paper


@dataclass(frozen=True, slots=True)
class Posted:
    """Discord stored the message with the paper."""

    message: SentMessage


@dataclass(frozen=True, slots=True)
class BeingSent:
    """The message with the paper was sent or is about to be; whether Discord stored it is unknown."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Paused:
    """An admin paused the channel."""

    since: datetime


@dataclass(frozen=True, slots=True)
class ChannelBlocked:
    """The bot cannot post in the channel."""

    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """Discord accepts no message in the channel until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class NotDue:
    """The channel's schedule posts the paper then."""

    due_at: datetime
    schedule: ChannelSchedule


@dataclass(frozen=True, slots=True)
class InBacklog:
    """The papers that were queued during a pause are being posted."""


Obstacle = Paused | ChannelBlocked | NotAccepted | NotDue | InBacklog


@dataclass(frozen=True, slots=True)
class Waiting:
    """The paper is queued; without obstacles, it is posted next."""

    obstacles: tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True)
class RejectedByDiscord:
    """Discord rejected the message with the paper, for this reason."""

    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class WithdrawnBefore:
    """The paper was withdrawn before it was posted."""


@dataclass(frozen=True, slots=True)
class NeverQueued:
    """The channel never had the paper in its queue, or no longer has it."""


Fate = Posted | BeingSent | Waiting | RejectedByDiscord | WithdrawnBefore | Withholding | NeverQueued


def fate_of(facts: ChannelFacts, now: datetime) -> Fate:
    """Returns what became of the paper in the channel."""
    if facts.found_in is not None:
        return Posted(facts.found_in)
    if facts.entry is None:
        return facts.withheld or NeverQueued()
    return _fate_of_entry(facts.entry, facts, now)


def _fate_of_entry(entry: QueueEntry, facts: ChannelFacts, now: datetime) -> Fate:
    message = entry.message
    match entry.state:
        case EntryState.DELIVERED:
            return Posted(message or SentMessage(entry.due_at))
        case EntryState.REJECTED:
            return RejectedByDiscord(entry.rejection_reason or "", None if message is None else message.settled_at)
        case EntryState.WITHDRAWN:
            return WithdrawnBefore()
        case EntryState.WAITING:
            if message is not None:
                return BeingSent(message.first_attempt)
            return Waiting(tuple(_obstacles(entry, facts, now)))
    assert_never(entry.state)


def _obstacles(entry: QueueEntry, facts: ChannelFacts, now: datetime) -> list[Obstacle]:
    found: list[Obstacle] = []
    if facts.settings.paused_since is not None:
        found.append(Paused(facts.settings.paused_since))
    if facts.blocked_reason is not None:
        found.append(ChannelBlocked(facts.blocked_reason, facts.blocked_since or now))
    elif facts.not_before is not None and facts.not_before > now:  # a blocked channel is checked again each minute
        found.append(NotAccepted(facts.not_before))
    if entry.due_at > now:
        found.append(NotDue(entry.due_at, facts.settings.schedule))
    elif facts.settings.backlog_pending:
        found.append(InBacklog())
    return found


# --- found, but never queued ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FoundByInitialSync:
    """An initial sync found it: what it finds counts as seen."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SubmittedBefore:
    """It was submitted before the time from which the keyword's papers are new."""

    new_since: datetime


@dataclass(frozen=True, slots=True)
class FoundBeforeSubscription:
    """It was found for another channel before this one subscribed."""

    found_at: datetime
    added_at: datetime


@dataclass(frozen=True, slots=True)
class JudgedByPreviousMatcher:
    """The matcher of an earlier release had not found it: what only the present one finds counts as seen."""

    until: datetime


@dataclass(frozen=True, slots=True)
class LeftQueue:
    """None of these: it was removed from the queue, for example because the keywords of the channel changed."""


SeenReason = FoundByInitialSync | SubmittedBefore | FoundBeforeSubscription | JudgedByPreviousMatcher | LeftQueue


def seen_reason(subscription: SubscriptionFacts, first_match: FirstMatch, paper: Paper) -> SeenReason:
    """Returns why a paper that was found for a subscription was not queued for it."""
    if first_match.at < subscription.added_at:
        return FoundBeforeSubscription(first_match.at, subscription.added_at)
    if first_match.found_by is FoundBy.INITIAL_SYNC:
        return FoundByInitialSync(first_match.at)
    if subscription.new_since is not None and paper.published <= subscription.new_since:
        return SubmittedBefore(subscription.new_since)
    until = subscription.previous_matcher_until
    if until is not None and paper.published <= until:
        return JudgedByPreviousMatcher(until)
    return LeftQueue()
