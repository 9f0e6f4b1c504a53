"""Compares the papers that arXiv has for a channel's keywords with what became of them in the channel.

It reads no clock, no database and no network: what arXiv returned and what is stored are arguments.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

from bot.domain.explanations.facts import (
    ChannelFacts,
    FirstMatch,
    QueueEntry,
    SentMessage,
    SubscriptionFacts,
    Withholding,
)
from bot.domain.explanations.fate import (
    BeingSent,
    Fate,
    NeverQueued,
    Posted,
    RejectedByDiscord,
    SeenReason,
    Waiting,
    WithdrawnBefore,
    fate_of,
    seen_reason,
)
from bot.domain.explanations.unseen import PollPending, SyncPending, UnseenReason, unseen_reason
from bot.domain.paper import ArxivId, Paper
from bot.domain.queries import Window

AUDIT_DAYS_MAX: Final = 30

# A week has fewer papers than arXiv returns for one query (10,000), also without keywords.
_PART: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)


class AuditOutcome(StrEnum):
    """What became of a paper that matches; the values are the headings of the table."""

    POSTED = "posted"
    WAITING = "waiting"
    EXCLUDED = "excluded"
    WITHDRAWN = "withdrawn"
    PENDING = "pending"  # not read yet
    SEEN = "seen"  # found, but not new
    REJECTED = "rejected"
    MISSING = "missing"
    NOT_AT_ARXIV = "gone"  # stored, but not in arXiv's results


# The outcomes that a report names paper by paper, the most important first.
DIFFERENCES: Final = (
    AuditOutcome.MISSING,
    AuditOutcome.REJECTED,
    AuditOutcome.NOT_AT_ARXIV,
    AuditOutcome.PENDING,
    AuditOutcome.SEEN,
)


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """What the channel has of a paper, and when it was found for which of the keywords (by id)."""

    published: datetime
    matches: Mapping[int, FirstMatch] = field(default_factory=dict)
    entry: QueueEntry | None = None
    found_in: SentMessage | None = None
    withheld: Withholding | None = None


@dataclass(frozen=True, slots=True)
class MatchingPaper:
    """A paper that arXiv returned, without its abstract and authors, and the keywords that it matches (by id)."""

    paper: Paper
    keyword_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Difference:
    """A paper that is at arXiv and was not posted, or the reverse; `title` is as arXiv has it."""

    arxiv_id: ArxivId
    title: str
    day: date
    outcome: AuditOutcome
    reason: SeenReason | UnseenReason | RejectedByDiscord | None = None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The result: how many papers of each day had which outcome, newest day first, and the differences."""

    days: Mapping[date, Mapping[AuditOutcome, int]]
    differences: tuple[Difference, ...]

    @property
    def totals(self) -> Mapping[AuditOutcome, int]:
        """How many papers had which outcome."""
        totals: Counter[AuditOutcome] = Counter()
        for counts in self.days.values():
            totals.update(counts)
        return totals


def audit_window(days: int, now: datetime) -> Window:
    """Returns the last days, of which today is one, in UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(min(midnight - (days - 1) * _DAY, now - timedelta(minutes=1)), now)


def audit_parts(window: Window) -> tuple[Window, ...]:
    """Returns the window in parts that are read one after the other, the newest first."""
    parts: list[Window] = []
    end = window.end
    while end > window.start:
        start = max(window.start, end - _PART)
        parts.append(Window(start, end))
        end = start
    return tuple(parts)


def compare(
    window: Window,
    matching: Mapping[ArxivId, MatchingPaper],
    stored: Mapping[ArxivId, StoredPaper],
    subscriptions: Mapping[int, SubscriptionFacts],
    channel: ChannelFacts,
) -> AuditReport:
    """Compares what arXiv returned for a window with what is stored; the end of the window is the present."""
    audit = _Audit(window, matching, stored, subscriptions, channel)
    days: dict[date, Counter[AuditOutcome]] = {day: Counter() for day in _days(window)}
    differences: list[Difference] = []
    for each in audit.outcomes():
        days.setdefault(each.day, Counter())[each.outcome] += 1
        if each.outcome in DIFFERENCES:
            differences.append(each)
    differences.sort(key=lambda each: each.arxiv_id, reverse=True)
    differences.sort(key=lambda each: (DIFFERENCES.index(each.outcome), -each.day.toordinal()))
    return AuditReport(days, tuple(differences))


def _days(window: Window) -> Iterator[date]:
    day = window.end.date()
    while day >= window.start.date():
        yield day
        day -= _DAY


class _Audit:
    """The outcome of each paper."""

    def __init__(
        self,
        window: Window,
        matching: Mapping[ArxivId, MatchingPaper],
        stored: Mapping[ArxivId, StoredPaper],
        subscriptions: Mapping[int, SubscriptionFacts],
        channel: ChannelFacts,
    ) -> None:
        self._window = window
        self._matching = matching
        self._stored = stored
        self._subscriptions = subscriptions
        self._channel = channel

    def outcomes(self) -> Iterator[Difference]:
        """Yields every paper that arXiv or the database has in the window."""
        for arxiv_id, found in self._matching.items():
            if self._window.start <= found.paper.published <= self._window.end:
                outcome, reason = self._outcome(found, self._stored.get(arxiv_id))
                yield Difference(arxiv_id, found.paper.title, found.paper.published.date(), outcome, reason)
        for arxiv_id, stored in self._stored.items():
            if arxiv_id not in self._matching and stored.matches:
                yield Difference(arxiv_id, "", stored.published.date(), AuditOutcome.NOT_AT_ARXIV)

    def _outcome(
        self, found: MatchingPaper, stored: StoredPaper | None
    ) -> tuple[AuditOutcome, SeenReason | UnseenReason | RejectedByDiscord | None]:
        fate: Fate = NeverQueued()
        if stored is not None:
            facts = replace(self._channel, entry=stored.entry, found_in=stored.found_in, withheld=stored.withheld)
            fate = fate_of(facts, self._window.end)
        match fate:
            case Posted():
                return AuditOutcome.POSTED, None
            case BeingSent() | Waiting():
                return AuditOutcome.WAITING, None
            case Withholding():
                return AuditOutcome.EXCLUDED, None
            case WithdrawnBefore():
                return AuditOutcome.WITHDRAWN, None
            case RejectedByDiscord():
                return AuditOutcome.REJECTED, fate
            case NeverQueued():
                return self._never_queued(found, {} if stored is None else stored.matches)
            case _:
                assert_never(fate)

    def _never_queued(
        self, found: MatchingPaper, matches: Mapping[int, FirstMatch]
    ) -> tuple[AuditOutcome, SeenReason | UnseenReason]:
        seen = next((keyword_id for keyword_id in matches if keyword_id in self._subscriptions), None)
        if seen is not None:
            return AuditOutcome.SEEN, seen_reason(self._subscriptions[seen], matches[seen], found.paper)
        reasons = [
            unseen_reason(self._subscriptions[each], found.paper, self._window.end)
            for each in sorted(found.keyword_ids)
        ]
        pending = next((each for each in reasons if isinstance(each, PollPending | SyncPending)), None)
        return (AuditOutcome.MISSING, reasons[0]) if pending is None else (AuditOutcome.PENDING, pending)
