"""The papers of the local arXiv: those visible at the start, and the queue of papers to be announced.

Assigns ids and dates to generated or recorded papers. It never decides which papers are visible, and never searches.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.arxiv.generator import generate_paper
from sandbox.arxiv.papers import UNDATED, SandboxPaper
from sandbox.arxiv.recorded import read_directory

_EASTERN = ZoneInfo("America/New_York")
# Papers submitted by 14:00 Eastern are announced at 20:00, Sunday to Thursday. The cutoff for Sunday is on Friday
# (info.arxiv.org/help/availability.html).
_CUTOFF, _ANNOUNCEMENT = time(14), time(20)
_DAYS_SINCE_CUTOFF = {0: 0, 1: 0, 2: 0, 3: 0, 6: 2}  # by weekday of the announcement
_WEEKEND_SHARE = {5: 0.45, 6: 0.5}  # relative to a working day

# Earlier papers have numbers from here, beyond all others. Their daily count grows from a fifth of the recent count to
# all of it, so that charts have no step where the recent weeks begin.
_FIRST_EARLIER_NUMBER: Final = 1_000_000
_EARLIER_PER_DAY: Final = 30
_EARLIEST_SHARE: Final = 0.2

# The example of the README, and the number of drafts at the front of the queue that are reordered for it.
_EXAMPLE_KEYWORD: Final = "reward model"
_INTERLEAVED_DRAFTS: Final = 24
# Drafts among which `bring_forward` looks: enough for a keyword that one paper in a hundred matches.
_SEARCHED_DRAFTS: Final = 400


class Corpus:
    """The papers visible from the start (`initial`), and a queue of unannounced ones; `Corpus()` is empty."""

    def __init__(self, upcoming: Iterable[SandboxPaper] = (), *, seed: int = 2026) -> None:
        drafts = tuple(upcoming)
        self.initial: tuple[SandboxPaper, ...] = ()
        self._drafts: Iterator[SandboxPaper] = iter(drafts)
        self._draft_count = len(drafts)
        self._queued_next: deque[SandboxPaper] = deque()  # announced before the drafts, with their own dates
        self._used_ids = {paper.arxiv_id for paper in drafts}
        self._last_number: dict[str, int] = {}
        self._rng = random.Random(f"{seed}/dates")

    @classmethod
    def generated(
        cls,
        *,
        now: datetime,
        seed: int = 2026,
        days: int = 35,
        per_day: int = 40,
        upcoming: int = 2000,
        earlier_days: int = 0,
    ) -> "Corpus":
        """Generates papers: `days` of announced ones, about `per_day` per working day, and `upcoming` unannounced ones.

        The `earlier_days` before these, for charts and backfills, have fewer papers the earlier they are.
        """
        corpus = cls(seed=seed)
        earlier = sorted(corpus._earlier_dates(last_cutoff(now) - timedelta(days=days), earlier_days))
        dates = sorted(corpus._submission_dates(now, days, per_day))
        recent = tuple(corpus._dated(generate_paper(seed, n), date, now) for n, date in enumerate(dates))
        # Generated after the recent papers, which are therefore the same without earlier ones.
        corpus.initial = (
            *(
                corpus._dated(generate_paper(seed, _FIRST_EARLIER_NUMBER + n), date, now)
                for n, date in enumerate(earlier)
            ),
            *recent,
        )
        drafts = (generate_paper(seed, n) for n in range(len(dates), len(dates) + upcoming))
        corpus._drafts = chain(_interleave_examples(list(islice(drafts, _INTERLEAVED_DRAFTS))), drafts)
        corpus._draft_count = upcoming
        return corpus

    @classmethod
    def from_directory(cls, directory: Path) -> "Corpus":
        """Reads recorded papers, all of them unannounced; they keep their ids and text, and get new dates."""
        return cls(read_directory(directory))

    @property
    def queued(self) -> int:
        """How many papers have not been announced yet."""
        return len(self._queued_next) + self._draft_count

    def queue_next(self, paper: SandboxPaper) -> None:
        """Makes this paper the next to be announced; a date that it has is kept."""
        self._queued_next.appendleft(paper)
        self._used_ids.add(paper.arxiv_id)

    def bring_forward(self, count: int, search: Callable[[Sequence[SandboxPaper]], Iterable[set[int]]]) -> None:
        """Makes sure that the next `count` drafts include a result of each search that has one.

        `search` returns the positions of the results of each search.
        """
        drafts = list(islice(self._drafts, max(count, _SEARCHED_DRAFTS)))
        later = {min(found) for found in search(drafts) if found and min(found) >= count}
        first = [drafts[number] for number in sorted(later)]
        others = (draft for number, draft in enumerate(drafts) if number not in later)
        self._drafts = chain(first, others, self._drafts)

    def take(self, count: int, now: datetime, days_ago: tuple[float, float]) -> list[SandboxPaper]:
        """Takes up to `count` papers from the queue, submitted between `days_ago` days before `now`."""
        appointed = [self._queued_next.popleft() for _ in range(min(count, len(self._queued_next)))]
        drafts = list(islice(self._drafts, count - len(appointed)))
        self._draft_count -= len(drafts)
        complete = [self.complete(paper, now, days_ago) for paper in appointed]
        dates = sorted(self._random_time(now, days_ago) for _ in drafts)  # ids increase with the dates
        return complete + [self._dated(draft, date, now) for draft, date in zip(drafts, dates, strict=True)]

    def complete(self, paper: SandboxPaper, now: datetime, days_ago: tuple[float, float] = (1.5, 1.5)) -> SandboxPaper:
        """Adds an id and a date to the paper where they are missing."""
        if paper.published == UNDATED:
            return self._dated(paper, self._random_time(now, days_ago), now)
        arxiv_id = paper.arxiv_id or self._new_id(paper.published)
        self._used_ids.add(arxiv_id)
        return replace(paper, arxiv_id=arxiv_id)

    def _dated(self, draft: SandboxPaper, published: datetime, now: datetime) -> SandboxPaper:
        updated = published
        if draft.version > 1:  # later versions are dated between the first one and now
            updated += timedelta(seconds=int((now - published).total_seconds() * self._rng.uniform(0.1, 0.9)))
        arxiv_id = draft.arxiv_id or self._new_id(published)
        return replace(draft, arxiv_id=arxiv_id, published=published, updated=updated)

    def _random_time(self, now: datetime, days_ago: tuple[float, float]) -> datetime:
        return (now - timedelta(days=self._rng.uniform(*days_ago))).replace(microsecond=0)

    def _new_id(self, published: datetime) -> str:
        """Returns the next free id of the month; as for any subset of arXiv's papers, the numbers have gaps."""
        month = f"{published:%y%m}"
        while True:
            number = self._last_number.get(month, 0) + self._rng.randint(3, 25)
            self._last_number[month] = number
            arxiv_id = f"{month}.{number:05d}"
            if arxiv_id not in self._used_ids:
                self._used_ids.add(arxiv_id)
                return arxiv_id

    def _earlier_dates(self, end: datetime, days: int) -> Iterator[datetime]:
        rng = random.Random("earlier")
        for ago in range(days):
            for _ in range(round(_EARLIER_PER_DAY * (1 - (1 - _EARLIEST_SHARE) * ago / days))):
                yield (end - timedelta(days=ago + rng.random())).replace(microsecond=0)

    def _submission_dates(self, now: datetime, days: int, per_day: int) -> Iterator[datetime]:
        """Yields the submission dates of announced papers: fewer at weekends, none after the last cutoff."""
        cutoff = last_cutoff(now)
        for ago in range(days):
            day = cutoff - timedelta(days=ago)
            share = _WEEKEND_SHARE.get(day.weekday(), 1.0) * self._rng.uniform(0.85, 1.15)
            for _ in range(round(per_day * share)):
                yield (day - timedelta(days=self._rng.random())).replace(microsecond=0)


def last_cutoff(now: datetime) -> datetime:
    """Returns the submission cutoff of the last announcement before `now`."""
    day = now.astimezone(_EASTERN).date()
    while True:
        announced = datetime.combine(day, _ANNOUNCEMENT, _EASTERN)
        since = _DAYS_SINCE_CUTOFF.get(day.weekday())
        if since is not None and announced <= now:
            return datetime.combine(day - timedelta(days=since), _CUTOFF, _EASTERN).astimezone(UTC)
        day -= timedelta(days=1)


def _interleave_examples(drafts: list[SandboxPaper]) -> Iterator[SandboxPaper]:
    """Reorders the drafts so that one in three matches the example keyword, and so is posted for a new user."""
    matching = deque(draft for draft in drafts if _EXAMPLE_KEYWORD in f"{draft.title} {draft.abstract}".casefold())
    others = deque(draft for draft in drafts if draft not in matching)
    for turn in range(len(drafts)):
        yield (matching if matching and (turn % 3 == 0 or not others) else others).popleft()
