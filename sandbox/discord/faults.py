"""Faults of Discord and of the network, on demand: which request they affect, how, and how often.

Each fault waits for matching requests; several that match the same requests apply in the order they were added. This
module never sends a response: `api.py` applies the faults.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sandbox.discord.cloudflare import CloudflareBlock
from sandbox.discord.primitives import Payload


@dataclass(frozen=True, slots=True)
class Status:
    """Responds with this status without handling the request; without a body, as a proxy would."""

    status: int
    body: Payload | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def api_error(cls, status: int, code: int, message: str) -> "Status":
        """Returns an error in Discord's format, such as 403 with code 50013."""
        return cls(status, {"message": message, "code": code})


@dataclass(frozen=True, slots=True)
class RateLimited:
    """Responds with 429 without handling the request."""

    retry_after_s: float
    is_global: bool = False


@dataclass(frozen=True, slots=True)
class DropBefore:
    """Drops the connection before handling the request."""


@dataclass(frozen=True, slots=True)
class DropAfter:
    """Handles the request, then drops the connection without a response."""


@dataclass(frozen=True, slots=True)
class Slow:
    """Waits for `delay_s`, then handles the request."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class StatusAfter:
    """Handles the request, but responds with this status."""

    status: int
    body: Payload | None = None


@dataclass(frozen=True, slots=True)
class ExtraHeaders:
    """Handles the request, and adds these headers to the response."""

    headers: Mapping[str, str]


DiscordFault: TypeAlias = (
    Status | RateLimited | DropBefore | DropAfter | Slow | StatusAfter | ExtraHeaders | CloudflareBlock
)


@dataclass(slots=True)
class _PlannedFault:
    method: str | None
    path: re.Pattern[str]
    kind: DiscordFault
    times: int
    skip: int


class DiscordFaults:
    """The faults that have uses left."""

    def __init__(self) -> None:
        self._planned: list[_PlannedFault] = []
        self._block: CloudflareBlock | None = None

    def add(self, method: str | None, path_pattern: str, kind: DiscordFault, times: int = 1, *, skip: int = 0) -> None:
        """Affects the next `times` requests whose path (after /api/v10) matches; the first `skip` matches pass."""
        self._planned.append(_PlannedFault(method, re.compile(path_pattern), kind, times, skip))

    def block(self, block: CloudflareBlock) -> None:
        """Blocks every matching request until `unblock`; the planned faults wait for the others."""
        self._block = block

    def unblock(self) -> None:
        """Ends the block."""
        self._block = None

    def clear(self) -> None:
        """Removes all faults, and ends a block."""
        self._planned.clear()
        self._block = None

    @property
    def pending(self) -> int:
        """The total number of uses left."""
        return sum(planned.times for planned in self._planned)

    def take(self, method: str, path: str) -> DiscordFault | None:
        """Returns the fault for this request, if any, and consumes one use of it."""
        if self._block is not None and re.search(self._block.path_pattern, path):
            return self._block
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
