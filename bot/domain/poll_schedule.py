"""When to look at arXiv next, and what the last look means in words.

In come the time and the looks so far; out goes the next look. arXiv announces at 20:00 US Eastern, Sunday to
Thursday (info.arxiv.org/help/availability.html); its holidays are not known beforehand, and show as a batch that
stays away. It reads no clock and asks nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, auto
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from bot.domain.text import plural
from bot.runtime import limits

# The first probe half an hour after the announcement, then every half hour until the batch is there.
PROBE_DELAY: Final = timedelta(minutes=30)
PROBE_EVERY: Final = timedelta(minutes=30)
# Batches fill gradually (recordings at 05:06-05:49 UTC): read once more.
SECOND_READING_AFTER: Final = timedelta(hours=4)
NO_ANNOUNCEMENT_HOUR_UTC: Final = 14
# The API held every recorded batch by 06:00 UTC (05:06-05:49); later than that is late.
BATCH_USUAL_HOUR_UTC: Final = 6
# After a night without an announcement, a late batch is looked for so often until the next night.
LATE_PROBE_EVERY: Final = timedelta(hours=2)

_EASTERN: Final = ZoneInfo(limits.ARXIV_ZONE)
_DAY: Final = timedelta(days=1)
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6  # as date.weekday() counts


@dataclass(frozen=True, slots=True)
class PollCompleted:
    """A pass was complete: so many papers were new, and the latest announcement's batch was there or not."""

    new_papers: int
    batch: bool


@dataclass(frozen=True, slots=True)
class BatchMissing:
    """A probe was answered, and showed no paper of the latest announcement."""


@dataclass(frozen=True, slots=True)
class PollThrottled:
    """arXiv asks us to wait until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class PollFailed:
    """The look failed; `words` say how, and no other may be made before `until`."""

    reason: str
    until: datetime


PollResult = PollCompleted | BatchMissing | PollThrottled | PollFailed


@dataclass(frozen=True, slots=True)
class Poll:
    """One look at arXiv: when, and what came of it."""

    at: datetime
    result: PollResult


class PollKind(Enum):
    """How the next look is made."""

    PROBE_THEN_READ_IF_BATCH = auto()
    READ = auto()


@dataclass(frozen=True, slots=True)
class NextPoll:
    """The next look, never in the past."""

    at: datetime
    kind: PollKind


def last_announcement(now: datetime) -> datetime:
    """The latest moment at which arXiv's calendar has an announcement, in UTC."""
    day = _evening(now)
    while _is_quiet(day):
        day -= _DAY
    return _announced(day)


def last_evening(now: datetime) -> datetime:
    """The latest 20:00 US Eastern, in UTC, whether or not arXiv announces then."""
    return _announced(_evening(now))


def next_announcement(now: datetime) -> datetime:
    """The first moment after `now` at which arXiv's calendar has an announcement, in UTC."""
    day = _evening(now) + _DAY
    while _is_quiet(day):
        day += _DAY
    return _announced(day)


def batch_cutoff(now: datetime) -> datetime:
    """Where the latest batch begins: what was submitted after this was in no earlier announcement."""
    day = _evening(_announcement_before(last_announcement(now)))
    if day.weekday() == _SUNDAY:  # Sunday's announcement closed on Friday
        day -= 2 * _DAY
    return _eastern(day, limits.SUBMISSION_CUTOFF_HOUR)


def plan(now: datetime, polls: Sequence[Poll]) -> NextPoll:
    """The next look by arXiv's calendar, after `looks` (oldest first; those of the last five days matter)."""
    earliest = max(now, _wait_until(polls, now))
    due = _due(earliest, polls)
    return NextPoll(max(due.at, earliest), due.kind)


def plan_fixed(now: datetime, polls: Sequence[Poll], interval_s: float) -> NextPoll:
    """The next look at a fixed interval from the last, whatever the calendar says."""
    due = polls[-1].at + timedelta(seconds=interval_s) if polls else now
    return NextPoll(max(due, now, _wait_until(polls, now)), PollKind.READ)


def describe_poll(now: datetime, polls: Sequence[Poll], following: NextPoll) -> str:
    """The last look's result in words for people, and the next try when it failed."""
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
            return f"arXiv asks us to wait, next try {_from_now(now, following.at)}"
        case PollFailed(reason=reason):
            return f"{reason}, next try {_from_now(now, following.at)}"
        case _:
            assert_never(last.result)


def _due(now: datetime, polls: Sequence[Poll]) -> NextPoll:
    latest = last_announcement(now)
    reads = _reads(polls)
    if not reads or reads[-1] < _announcement_before(latest):
        return NextPoll(now, PollKind.READ)  # a whole night was missed: what it brought has waited long enough
    tonight = [poll for poll in polls if poll.at >= latest]
    if not tonight and now >= latest + PROBE_DELAY + PROBE_EVERY:
        return NextPoll(now, PollKind.READ)  # the first probe was missed: the program was not running
    following = next_announcement(now)
    candidates = [NextPoll(following + PROBE_DELAY, PollKind.PROBE_THEN_READ_IF_BATCH)]
    candidates += _for_batch(now, latest, tonight) + _for_quiet_nights(latest, following, _reads(tonight))
    return min(candidates, key=lambda candidate: candidate.at)


def _for_batch(now: datetime, latest: datetime, tonight: Sequence[Poll]) -> list[NextPoll]:
    reads = _reads(tonight)
    with_batch = [poll.at for poll in tonight if isinstance(poll.result, PollCompleted) and poll.result.batch]
    if with_batch:  # batches fill gradually: once more
        again = with_batch[0] + SECOND_READING_AFTER
        return [NextPoll(again, PollKind.READ)] if reads[-1] < again else []
    answered = [poll.at for poll in tonight if isinstance(poll.result, PollCompleted | BatchMissing)]
    probe_at = answered[-1] + PROBE_EVERY if answered else latest + PROBE_DELAY
    given_up = _given_up(latest)
    if max(probe_at, now) < given_up:
        return [NextPoll(probe_at, PollKind.PROBE_THEN_READ_IF_BATCH)]
    if not reads or reads[-1] < given_up:
        return [NextPoll(given_up, PollKind.READ)]
    late = answered[-1] + LATE_PROBE_EVERY
    return [NextPoll(late, PollKind.PROBE_THEN_READ_IF_BATCH)] if late < _announced(_evening(latest) + _DAY) else []


def _for_quiet_nights(latest: datetime, following: datetime, reads: Sequence[datetime]) -> list[NextPoll]:
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
    result = polls[-1].result if polls else None
    return result.until if isinstance(result, PollThrottled | PollFailed) else now


def _nothing_new(at: datetime, *, batch: bool) -> str:
    evening = _evening(at)
    if _is_quiet(evening):  # the night's name is Friday's, but its day is Saturday
        return f"nothing announced: {evening + _DAY:%A}"
    if batch:
        return "no new papers"
    latest = last_announcement(at)
    if at >= _given_up(latest):
        return "no announcement: holiday or late"
    usual = latest.replace(hour=BATCH_USUAL_HOUR_UTC, minute=0)
    return "not announced yet" if at < usual else "not announced yet: late"


def _from_now(now: datetime, moment: datetime) -> str:
    delay_s = max(0, round((moment - now).total_seconds()))
    if delay_s < 60:
        return f"in {delay_s} s"
    minutes = round(delay_s / 60)
    return f"in {minutes} min" if minutes < 120 else f"in {round(minutes / 60)} h"


def _evening(now: datetime) -> date:
    """The Eastern day whose 20:00 was the last."""
    local = now.astimezone(_EASTERN)
    return local.date() if local.hour >= limits.ANNOUNCEMENT_HOUR else local.date() - _DAY


def _is_quiet(day: date) -> bool:
    return day.weekday() in (_FRIDAY, _SATURDAY)


def _announced(day: date) -> datetime:
    return _eastern(day, limits.ANNOUNCEMENT_HOUR)


def _announcement_before(announcement: datetime) -> datetime:
    return last_announcement(announcement - timedelta(seconds=1))


def _given_up(announcement: datetime) -> datetime:
    # 20:00 Eastern is 00:00 or 01:00 UTC of the day whose 14:00 is meant.
    return announcement.replace(hour=NO_ANNOUNCEMENT_HOUR_UTC, minute=0)


def _eastern(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=_EASTERN).astimezone(UTC)
