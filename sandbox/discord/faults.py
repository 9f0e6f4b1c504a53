"""Failures on demand: what Discord and the network between do wrong, at the request and as often as a test says.

Each fault waits for matching requests; several that match one request act one after the other, oldest first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sandbox.discord.primitives import Payload


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status instead of doing anything; without a body, as a proxy would."""

    status: int
    body: Payload | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def refusal(cls, status: int, code: int, message: str) -> "Status":
        """A refusal in Discord's own form, such as 403 with 50013."""
        return cls(status, {"message": message, "code": code})


@dataclass(frozen=True, slots=True)
class RateLimited:
    """Answer 429 instead of doing anything."""

    retry_after_s: float
    is_global: bool = False


@dataclass(frozen=True, slots=True)
class DropBefore:
    """Drop the connection before the request has any effect."""


@dataclass(frozen=True, slots=True)
class DropAfter:
    """Do what was asked, then drop the connection without an answer."""


@dataclass(frozen=True, slots=True)
class Slow:
    """Think for so long, then do what was asked."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class StatusAfter:
    """Do what was asked, then answer this status all the same."""

    status: int
    body: Payload | None = None


DiscordFault: TypeAlias = Status | RateLimited | DropBefore | DropAfter | Slow | StatusAfter


@dataclass(slots=True)
class _PlannedFault:
    method: str | None
    path: re.Pattern[str]
    kind: DiscordFault
    times: int
    skip: int


class DiscordFaults:
    """The failures that are still to come."""

    def __init__(self) -> None:
        self._planned: list[_PlannedFault] = []

    def add(self, method: str | None, path_pattern: str, kind: DiscordFault, times: int = 1, *, skip: int = 0) -> None:
        """Fail the next `times` requests whose path (after /api/v10) holds the pattern; `skip` pass before."""
        self._planned.append(_PlannedFault(method, re.compile(path_pattern), kind, times, skip))

    def clear(self) -> None:
        """Nothing fails any more."""
        self._planned.clear()

    @property
    def pending(self) -> int:
        """How many failures have not happened yet."""
        return sum(planned.times for planned in self._planned)

    def take(self, method: str, path: str) -> DiscordFault | None:
        """What happens to this request, if anything does."""
        for planned in self._planned:
            if planned.method in {None, method} and planned.path.search(path):
                if planned.skip > 0:
                    planned.skip -= 1
                    continue
                planned.times -= 1
                if planned.times <= 0:
                    self._planned.remove(planned)
                return planned.kind
        return None
