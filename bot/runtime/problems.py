"""Problems of the whole bot that `/status` and `/healthz` show while they last, such as a block by Cloudflare.

Whoever detects a problem reports it, logs it, and resolves it, or lets it expire; nothing here is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem that everyone may read about: it names no channel, server or keyword.

    `text` is a sentence without a full stop. `fails_health`: whether `/healthz` returns 503 while it lasts. From
    `expires_at` on it is no longer shown, whether or not it is resolved.
    """

    text: str
    retry_at: datetime | None = None
    fails_health: bool = True
    expires_at: datetime | None = None

    def is_shown(self, now: datetime) -> bool:
        """Whether the problem has not expired."""
        return self.expires_at is None or now < self.expires_at


# The name of the problem that all requests to Discord wait.
DISCORD_BACKOFF: Final = "discord"
NO_PROBLEMS: Final[Mapping[str, Problem]] = MappingProxyType({})


class ReportedProblems:
    """The current problems by name; the name is the check's in `/healthz`."""

    def __init__(self) -> None:
        self._problems: dict[str, Problem] = {}

    @property
    def current(self) -> Mapping[str, Problem]:
        """A live view of the problems that are not resolved, oldest first."""
        return MappingProxyType(self._problems)

    def report(self, name: str, problem: Problem) -> bool:
        """Reports a problem, or updates it; returns whether it is new, and should be logged."""
        is_new = name not in self._problems
        self._problems[name] = problem
        return is_new

    def resolve(self, name: str) -> bool:
        """Ends a problem; returns whether it was reported, and its end should be logged."""
        return self._problems.pop(name, None) is not None
