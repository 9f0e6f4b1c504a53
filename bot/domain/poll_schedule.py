"""Decides when to poll arXiv next, from the time and the previous polls, and describes the last poll.

arXiv announces at 20:00 US Eastern, Sunday to Thursday (info.arxiv.org/help/availability.html). Its holidays are not
known in advance; on a holiday, the batch does not appear. This module reads no clock and sends no request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, auto
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from bot.domain.text import plural
from bot.runtime import limits

# The first probe is half an hour after the announcement, then one every half hour until the batch is there.
PROBE_DELAY: Final = timedelta(minutes=30)
PROBE_EVERY: Final = timedelta(minutes=30)
# Batches appear gradually (recordings at 05:06-05:49 UTC), so there is a second poll.
SECOND_POLL_AFTER: Final = timedelta(hours=4)
NO_ANNOUNCEMENT_HOUR_UTC: Final = 14
# In all recordings, the API had the batch by 06:00 UTC (05:06-05:49); after that, it is late.
BATCH_USUAL_HOUR_UTC: Final = 6
# After a night without an announcement, the interval of probes for a late batch, until the next night.
LATE_PROBE_EVERY: Final = timedelta(hours=2)

# A poll may be recorded this far in the future: clocks are adjusted by seconds. A later one counts as unknown, because
# the clock was ahead when it was recorded.
POLL_AHEAD_MAX: Final = timedelta(seconds=60)
# The longest backoff that arXiv's client observes; a longer one is due to a clock that was ahead.
POLL_BACKOFF_MAX: Final = timedelta(hours=24)

_EASTERN: Final = ZoneInfo(limits.ARXIV_ZONE)
_DAY: Final = timedelta(days=1)
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6  # as date.weekday() counts


@dataclass(frozen=True, slots=True)
class PollCompleted:
    """The poll was complete; `batch` says whether the latest announcement's batch was there."""

    new_papers: int
    batch: bool


@dataclass(frozen=True, slots=True)
class BatchMissing:
    """The probe returned no paper of the latest announcement."""


@dataclass(frozen=True, slots=True)
class PollThrottled:
    """arXiv asks to wait until that time."""

    until: datetime


@dataclass(frozen=True, slots=True)
class PollFailed:
    """The poll failed; the next one may not start before `until`."""

    reason: str
    until: datetime


PollResult = PollCompleted | BatchMissing | PollThrottled | PollFailed


@dataclass(frozen=True, slots=True)
class Poll:
    """One poll of arXiv: when it started, and its result."""

    at: datetime
    result: PollResult


class PollKind(Enum):
    """What the next poll does."""

    PROBE_THEN_READ_IF_BATCH = auto()
    READ = auto()


@dataclass(frozen=True, slots=True)
class NextPoll:
    """The next poll; `at` is never in the past."""

    at: datetime
    kind: PollKind


def last_announcement(now: datetime) -> datetime:
    """Returns the time of the latest announcement in arXiv's calendar, in UTC."""
    day = _evening(now)
    while _has_no_announcement(day):
        day -= _DAY
    return _announced(day)


def last_evening(now: datetime) -> datetime:
    """Returns the latest 20:00 US Eastern, in UTC, with or without an announcement."""
    return _announced(_evening(now))


def next_announcement(now: datetime) -> datetime:
    """Returns the time of the first announcement after `now` in arXiv's calendar, in UTC."""
    day = _evening(now) + _DAY
    while _has_no_announcement(day):
        day += _DAY
    return _announced(day)


def expected_announcement(submitted: datetime) -> datetime:
    """Returns when arXiv announces a paper submitted then, by its calendar, unless moderation delays it."""
    announced = next_announcement(submitted)
    while batch_cutoff(next_announcement(announced)) < submitted:  # it was closed when the paper was submitted
        announced = next_announcement(announced)
    return announced


def batch_cutoff(now: datetime) -> datetime:
    """Returns where the latest batch begins: papers submitted after this time were in no earlier announcement."""
    day = _evening(_announcement_before(last_announcement(now)))
    if day.weekday() == _SUNDAY:  # Sunday's announcement closed on Friday
        day -= 2 * _DAY
    return _eastern(day, limits.SUBMISSION_CUTOFF_HOUR)


def past_polls(polls: Sequence[Poll], now: datetime) -> tuple[Poll, ...]:
    """Returns the polls in the order of their times, without those in the future."""
    return tuple(sorted((poll for poll in polls if poll.at <= now + POLL_AHEAD_MAX), key=lambda poll: poll.at))


def plan(now: datetime, polls: Sequence[Poll]) -> NextPoll:
    """Returns the next poll by arXiv's calendar; `polls` are oldest first, those of the last five days matter."""
    polls = past_polls(polls, now)
    earliest = max(now, _wait_until(polls, now))
    due = _due(earliest, polls)
    return NextPoll(max(due.at, earliest), due.kind)


def plan_fixed(now: datetime, polls: Sequence[Poll], interval_s: float) -> NextPoll:
    """Returns the next poll at a fixed interval after the last one, regardless of the calendar."""
    polls = past_polls(polls, now)
    due = polls[-1].at + timedelta(seconds=interval_s) if polls else now
    return NextPoll(max(due, now, _wait_until(polls, now)), PollKind.READ)


def describe_poll(now: datetime, polls: Sequence[Poll], next_poll: NextPoll) -> str:
    """Describes the result of the last poll for users, with the time of the next one if it failed."""
    polls = past_polls(polls, now)
    if not polls:
        return "arXiv has not been checked yet"
    last = polls[-1]
    match last.result:
        case PollCompleted(new_papers=0, batch=batch):
            return _nothing_new(last.at, batch=batch)
        case PollCompleted(new_papers=count):
            return plural(count, "new paper")
        case BatchMissing():
            return _nothing_new(last.at, batch=False)
        case PollThrottled():
            return f"arXiv asks us to wait, next try {_relative(now, next_poll.at)}"
        case PollFailed(reason=reason):
            return f"{reason}, next try {_relative(now, next_poll.at)}"
        case _:
            assert_never(last.result)


def _due(now: datetime, polls: Sequence[Poll]) -> NextPoll:
    latest = last_announcement(now)
    reads = _reads(polls)
    if not reads or reads[-1] < _announcement_before(latest):
        return NextPoll(now, PollKind.READ)  # a whole night was missed: its papers are overdue
    tonight = [poll for poll in polls if poll.at >= latest]
    if not tonight and now >= latest + PROBE_DELAY + PROBE_EVERY:
        return NextPoll(now, PollKind.READ)  # the first probe was missed: the bot was not running
    following = next_announcement(now)
    candidates = [NextPoll(following + PROBE_DELAY, PollKind.PROBE_THEN_READ_IF_BATCH)]
    candidates += _polls_for_batch(now, latest, tonight) + _polls_without_announcement(
        latest, following, _reads(tonight)
    )
    return min(candidates, key=lambda candidate: candidate.at)


def _polls_for_batch(now: datetime, latest: datetime, tonight: Sequence[Poll]) -> list[NextPoll]:
    reads = _reads(tonight)
    with_batch = [poll.at for poll in tonight if isinstance(poll.result, PollCompleted) and poll.result.batch]
    if with_batch:
        second = with_batch[0] + SECOND_POLL_AFTER
        return [NextPoll(second, PollKind.READ)] if reads[-1] < second else []
    answered = [poll.at for poll in tonight if isinstance(poll.result, PollCompleted | BatchMissing)]
    probe_at = answered[-1] + PROBE_EVERY if answered else latest + PROBE_DELAY
    deadline = _holiday_assumed_at(latest)
    if max(probe_at, now) < deadline:
        return [NextPoll(probe_at, PollKind.PROBE_THEN_READ_IF_BATCH)]
    if not reads or reads[-1] < deadline:
        return [NextPoll(deadline, PollKind.READ)]
    late = answered[-1] + LATE_PROBE_EVERY
    return [NextPoll(late, PollKind.PROBE_THEN_READ_IF_BATCH)] if late < _announced(_evening(latest) + _DAY) else []


def _polls_without_announcement(latest: datetime, following: datetime, reads: Sequence[datetime]) -> list[NextPoll]:
    polls: list[NextPoll] = []
    day = _evening(latest) + _DAY
    while _announced(day) < following:
        moment = _announced(day) + PROBE_DELAY
        if not reads or reads[-1] < moment:
            polls.append(NextPoll(moment, PollKind.READ))
        day += _DAY
    return polls


def _reads(polls: Sequence[Poll]) -> list[datetime]:
    return [poll.at for poll in polls if isinstance(poll.result, PollCompleted)]


def _wait_until(polls: Sequence[Poll], now: datetime) -> datetime:
    last = polls[-1] if polls else None
    if last is None or not isinstance(last.result, PollThrottled | PollFailed):
        return now
    return min(last.result.until, last.at + POLL_BACKOFF_MAX)


def _nothing_new(at: datetime, *, batch: bool) -> str:
    evening = _evening(at)
    if _has_no_announcement(evening):  # Friday night is shown as Saturday
        return f"nothing announced: {evening + _DAY:%A}"
    if batch:
        return "no new papers"
    latest = last_announcement(at)
    if at >= _holiday_assumed_at(latest):
        return "no announcement: holiday or late"
    usual = latest.replace(hour=BATCH_USUAL_HOUR_UTC, minute=0)
    return "not announced yet" if at < usual else "not announced yet: late"


def _relative(now: datetime, moment: datetime) -> str:
    delay_s = max(0, round((moment - now).total_seconds()))
    if delay_s < 60:
        return f"in {delay_s} s"
    minutes = round(delay_s / 60)
    return f"in {minutes} min" if minutes < 120 else f"in {round(minutes / 60)} h"


def _evening(now: datetime) -> date:
    """Returns the Eastern date of the latest 20:00."""
    local = now.astimezone(_EASTERN)
    return local.date() if local.hour >= limits.ANNOUNCEMENT_HOUR else local.date() - _DAY


def _has_no_announcement(day: date) -> bool:
    return day.weekday() in (_FRIDAY, _SATURDAY)


def _announced(day: date) -> datetime:
    return _eastern(day, limits.ANNOUNCEMENT_HOUR)


def _announcement_before(announcement: datetime) -> datetime:
    return last_announcement(announcement - timedelta(seconds=1))


def _holiday_assumed_at(announcement: datetime) -> datetime:
    # 20:00 Eastern is 00:00 or 01:00 UTC, so this is on the same UTC day.
    return announcement.replace(hour=NO_ANNOUNCEMENT_HOUR_UTC, minute=0)


def _eastern(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=_EASTERN).astimezone(UTC)
