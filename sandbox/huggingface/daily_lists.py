"""The list of daily papers for each date: a repeatable selection of the local arXiv's papers, or what a test sets.

It never serves HTTP.
"""

import json
import random
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from sandbox.arxiv import SandboxPaper
from sandbox.arxiv.generator import generate_paper
from sandbox.huggingface.entries import Entry, make_entry, votes

# The share of the local arXiv's papers that are listed. They are listed within days, and never at weekends
# (huggingface/huggingface_hub, issue 2745).
_LISTED_SHARE: Final = 0.6
_DAYS_UNTIL_LISTED: Final = (1, 3)
_SATURDAY: Final = 5


class DailyLists:
    """The lists of all days, by date."""

    def __init__(self, papers: Callable[[], Iterable[SandboxPaper]], seed: int) -> None:
        self._papers = papers
        self._seed = seed
        self._set: dict[date, list[Entry]] = {}
        self._votes: dict[str, int] = {}

    def set(self, day: date, entries: Iterable[Entry]) -> None:
        """Sets a day's list."""
        self._set[day] = list(entries)

    def generate(self, day: date, count: int) -> list[Entry]:
        """Sets a day's list to `count` generated papers that are not on the local arXiv."""
        entries = [self._make_entry(_generate_paper(self._seed, day, number), day) for number in range(count)]
        self.set(day, entries)
        return entries

    def add(self, paper: SandboxPaper, day: date, **overrides: object) -> None:
        """Adds a paper to a day's list; `overrides` such as `upvotes=41` replace fields, and None removes one."""
        entries = self._set.setdefault(day, self.entries(day))
        entries.append(make_entry(paper, day, self._rng(paper, day), **overrides))

    def set_votes(self, arxiv_id: str, count: int) -> None:
        """Sets a paper's votes on every list."""
        self._votes[arxiv_id] = count

    def entries(self, day: date) -> list[Entry]:
        """Returns a day's entries, most votes first."""
        entries = self._set.get(day)
        if entries is None:
            entries = [self._make_entry(paper, day) for paper in self._papers() if self._listed_on(paper) == day]
        return sorted(map(self._with_votes, entries), key=votes, reverse=True)

    def _listed_on(self, paper: SandboxPaper) -> date | None:
        rng = random.Random(f"{self._seed}/{paper.arxiv_id}/listed")
        if rng.random() >= _LISTED_SHARE:
            return None
        day = paper.published.date() + timedelta(days=rng.randint(*_DAYS_UNTIL_LISTED))
        return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= _SATURDAY else 0)

    def _make_entry(self, paper: SandboxPaper, day: date) -> Entry:
        return make_entry(paper, day, self._rng(paper, day))

    def _rng(self, paper: SandboxPaper, day: date) -> random.Random:
        return random.Random(f"{self._seed}/{paper.arxiv_id}/{day}")

    def _with_votes(self, entry: Entry) -> Entry:
        inner = entry.get("paper")
        if not isinstance(inner, dict) or inner.get("id") not in self._votes:
            return entry
        return entry | {"paper": inner | {"upvotes": self._votes[inner["id"]]}}


def read_directory(directory: Path) -> dict[date, list[Entry]]:
    """Reads recorded lists (`2026-08-21.json`) by date; raises ValueError if there are none."""
    days = {
        date.fromisoformat(path.stem): json.loads(path.read_text(encoding="utf-8")) for path in directory.glob("*.json")
    }
    if not days:
        raise ValueError(f"no recorded days in {directory}")
    return days


def _generate_paper(seed: int, day: date, number: int) -> SandboxPaper:
    draft = generate_paper(seed, day.toordinal() * 1000 + number)
    published = datetime.combine(day - timedelta(days=2), time(12), UTC)
    return SandboxPaper(
        title=draft.title,
        abstract=draft.abstract,
        authors=draft.authors,
        arxiv_id=f"{published:%y%m}.{90_000 - published.day * 200 + number:05d}",
        published=published,
    )
