"""The progress and the result of a run, as text and as a verdict."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.chaos.floods import HealthChecks
from tests.support.chaos.hazards import Hazard
from tests.support.chaos.observer import Observed
from tests.support.posted_papers import Comparison

_ERRORS_SHOWN = 10
_ERROR = re.compile(r"\S+ (ERROR \S+ .{,60})")
# A channel that seems to lack a permission is tried again after a minute.
STANDSTILL_MAX_S = 240.0


@dataclass(frozen=True, slots=True)
class Tally:
    """The progress of a run."""

    elapsed_s: float
    counts: Mapping[Hazard, int]
    announcements: int
    expected: int
    found: int
    slowest_status_s: float
    longest_standstill_s: float  # papers waited, and none was posted

    def line(self) -> str:
        """Returns the counts as text."""
        events = ", ".join(f"{hazard} {count}" for hazard, count in sorted(self.counts.items()))
        return (
            f"{self.elapsed_s:.0f} s: {events}; {self.announcements} announcements, "
            f"posts {self.found} of {self.expected}; slowest /status {self.slowest_status_s:.2f} s, "
            f"longest standstill {self.longest_standstill_s:.0f} s"
        )


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run."""

    seed: int
    tally: Tally
    posts: Comparison
    hostile_duplicates: int
    observed: Observed
    health: HealthChecks
    exit_code: int
    early_requests: int
    invalid_requests: int
    database: str
    log_errors: Mapping[str, int]

    @property
    def failures(self) -> tuple[str, ...]:
        """What is wrong; invalid requests are reported only: a bot that is killed forgets how many it has made."""
        faults = {
            "posts are missing, duplicate or unexpected": not self.posts.is_exact,
            "a paper was posted twice in a hostile channel": self.hostile_duplicates > 0,
            "/status was not acknowledged within three seconds": not self.observed.is_prompt,
            "posting stood still": self.tally.longest_standstill_s > STANDSTILL_MAX_S,
            "/healthz was not answered outside floods": not self.health.are_answered,
            "arXiv got requests too early": self.early_requests > 0,
            "the database is damaged": self.database != "ok",
            "the shutdown was not clean": self.exit_code != 0,
        }
        return tuple(text for text, is_true in faults.items() if is_true)

    def lines(self) -> tuple[str, ...]:
        """Returns the result as text, the most important counts last."""
        return (
            f"seed {self.seed}, {self.tally.line()}",
            f"early requests to arXiv: {self.early_requests}; invalid requests to Discord: {self.invalid_requests}",
            f"database: {self.database}; exit code {self.exit_code}",
            *(f"{count} × {event}" for event, count in self.log_errors.items()),
            self.health.line(),
            self.observed.line(),
            *(f"/status {late}" for late in self.observed.late[:10]),
            f"posts expected: {self.posts.expected}",
            f"posts found:    {self.posts.found}",
            f"missing:        {len(self.posts.missing)}",
            f"duplicate:      {len(self.posts.duplicate)}; in hostile channels {self.hostile_duplicates}",
            f"unexpected:     {len(self.posts.unexpected)}",
            *(f"FAILED: {failure}" for failure in self.failures),
        )


def log_errors(log: Path) -> dict[str, int]:
    """Returns the beginnings of the most frequent errors in the bot's log, with their numbers."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        found = Counter(match[1] for line in lines if (match := _ERROR.match(line)))
    return dict(found.most_common(_ERRORS_SHOWN))
