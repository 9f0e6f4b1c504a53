"""The papers behind the local arXiv: those that are there at the start, and the queue of those to be announced.

In: a seed, or a directory of recorded Atom files. Out: papers with ids and dates. Which papers are shown, and how
they are searched, is not known here.
"""

import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.arxiv.generator import made_up
from sandbox.arxiv.papers import UNDATED, SandboxPaper
from sandbox.arxiv.recorded import read_directory

_EASTERN = ZoneInfo("America/New_York")
# What is submitted by 14:00 Eastern is announced at 20:00, Sunday to Thursday; Sunday's batch was closed on Friday
# (info.arxiv.org/help/availability.html).
_CUTOFF, _ANNOUNCEMENT = time(14), time(20)
_DAYS_SINCE_CUTOFF = {0: 0, 1: 0, 2: 0, 3: 0, 6: 2}  # by weekday of the announcement
_WEEKEND_SHARE = {5: 0.45, 6: 0.5}  # of a working day's submissions

# The number of the first paper before the last weeks, beyond all others. How many there are a day grows
# from a fifth of the last weeks' number to all of it: no chart leaps there.
_FIRST_EARLIER: Final = 1_000_000
_EARLIER_A_DAY: Final = 30
_EARLIEST_SHARE: Final = 0.2

# The README's own example; so many of the first drafts are put in a newcomer's order.
_TRIED_FIRST: Final = "reward model"
_WELCOME: Final = 24


class Corpus:
    """Papers `shown` from the start, and a queue of `waiting` ones; `Corpus()` has neither."""

    def __init__(self, upcoming: Iterable[SandboxPaper] = (), *, seed: int = 2026) -> None:
        drafts = tuple(upcoming)
        self.shown: tuple[SandboxPaper, ...] = ()
        self._drafts: Iterator[SandboxPaper] = iter(drafts)
        self._drafts_left = len(drafts)
        self._appointed: deque[SandboxPaper] = deque()  # come first, and keep the dates that they were given
        self._taken = {paper.arxiv_id for paper in drafts}
        self._number_in: dict[str, int] = {}
        self._draw = random.Random(f"{seed}/dates")

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
        """Made-up papers: `days` of announced ones, some `per_day` on a working day, and `upcoming` to come.

        Of the `earlier_days` before these there are the more the later: for charts and for backfills.
        """
        corpus = cls(seed=seed)
        earlier = sorted(corpus._earlier(last_cutoff(now) - timedelta(days=days), earlier_days))
        dates = sorted(corpus._submissions(now, days, per_day))
        recent = tuple(corpus._dated(made_up(seed, n), date, now) for n, date in enumerate(dates))
        # After these, so that the last weeks are the same without them.
        corpus.shown = (
            *(corpus._dated(made_up(seed, _FIRST_EARLIER + n), date, now) for n, date in enumerate(earlier)),
            *recent,
        )
        drafts = (made_up(seed, n) for n in range(len(dates), len(dates) + upcoming))
        corpus._drafts = chain(_welcoming(list(islice(drafts, _WELCOME))), drafts)
        corpus._drafts_left = upcoming
        return corpus

    @classmethod
    def from_directory(cls, directory: Path) -> "Corpus":
        """Recorded papers: none is shown at the start, all wait; ids and text are theirs, dates are given anew."""
        return cls(read_directory(directory))

    @property
    def waiting(self) -> int:
        """How many papers have not been announced yet."""
        return len(self._appointed) + self._drafts_left

    def appoint(self, paper: SandboxPaper) -> None:
        """Let this paper be the next to be announced; a date that it has is kept."""
        self._appointed.appendleft(paper)
        self._taken.add(paper.arxiv_id)

    def take(self, count: int, now: datetime, days_ago: tuple[float, float]) -> list[SandboxPaper]:
        """The next papers of the queue, at most `count`, submitted between `days_ago` days before `now`."""
        appointed = [self._appointed.popleft() for _ in range(min(count, len(self._appointed)))]
        drafts = list(islice(self._drafts, count - len(appointed)))
        self._drafts_left -= len(drafts)
        complete = [self.complete(paper, now, days_ago) for paper in appointed]
        dates = sorted(self._some_time(now, days_ago) for _ in drafts)  # ids grow with the dates
        return complete + [self._dated(draft, date, now) for draft, date in zip(drafts, dates, strict=True)]

    def complete(self, paper: SandboxPaper, now: datetime, days_ago: tuple[float, float] = (1.5, 1.5)) -> SandboxPaper:
        """The paper with an id and a date, where it has none yet."""
        if paper.published == UNDATED:
            return self._dated(paper, self._some_time(now, days_ago), now)
        arxiv_id = paper.arxiv_id or self._new_id(paper.published)
        self._taken.add(arxiv_id)
        return replace(paper, arxiv_id=arxiv_id)

    def _dated(self, draft: SandboxPaper, published: datetime, now: datetime) -> SandboxPaper:
        updated = published
        if draft.version > 1:  # later versions came between the first one and now
            updated += timedelta(seconds=int((now - published).total_seconds() * self._draw.uniform(0.1, 0.9)))
        arxiv_id = draft.arxiv_id or self._new_id(published)
        return replace(draft, arxiv_id=arxiv_id, published=published, updated=updated)

    def _some_time(self, now: datetime, days_ago: tuple[float, float]) -> datetime:
        return (now - timedelta(days=self._draw.uniform(*days_ago))).replace(microsecond=0)

    def _new_id(self, published: datetime) -> str:
        """The next free id of the month; arXiv's numbers have gaps for papers that we do not hold."""
        month = f"{published:%y%m}"
        while True:
            number = self._number_in.get(month, 0) + self._draw.randint(3, 25)
            self._number_in[month] = number
            arxiv_id = f"{month}.{number:05d}"
            if arxiv_id not in self._taken:
                self._taken.add(arxiv_id)
                return arxiv_id

    def _earlier(self, end: datetime, days: int) -> Iterator[datetime]:
        draw = random.Random("earlier")
        for ago in range(days):
            for _ in range(round(_EARLIER_A_DAY * (1 - (1 - _EARLIEST_SHARE) * ago / days))):
                yield (end - timedelta(days=ago + draw.random())).replace(microsecond=0)

    def _submissions(self, now: datetime, days: int, per_day: int) -> Iterator[datetime]:
        """When the older papers were submitted: fewer at weekends, none after the last announcement's cutoff."""
        cutoff = last_cutoff(now)
        for ago in range(days):
            day = cutoff - timedelta(days=ago)
            share = _WEEKEND_SHARE.get(day.weekday(), 1.0) * self._draw.uniform(0.85, 1.15)
            for _ in range(round(per_day * share)):
                yield (day - timedelta(days=self._draw.random())).replace(microsecond=0)


def last_cutoff(now: datetime) -> datetime:
    """The last submission time that an announcement before `now` has covered."""
    day = now.astimezone(_EASTERN).date()
    while True:
        announced = datetime.combine(day, _ANNOUNCEMENT, _EASTERN)
        since = _DAYS_SINCE_CUTOFF.get(day.weekday())
        if since is not None and announced <= now:
            return datetime.combine(day - timedelta(days=since), _CUTOFF, _EASTERN).astimezone(UTC)
        day -= timedelta(days=1)


def _welcoming(drafts: list[SandboxPaper]) -> Iterator[SandboxPaper]:
    """The same drafts, one in three about what newcomers try first: of three announced papers one should be posted."""
    liked = deque(draft for draft in drafts if _TRIED_FIRST in f"{draft.title} {draft.abstract}".casefold())
    others = deque(draft for draft in drafts if draft not in liked)
    for turn in range(len(drafts)):
        yield (liked if liked and (turn % 3 == 0 or not others) else others).popleft()
