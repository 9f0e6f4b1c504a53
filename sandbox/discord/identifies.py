"""The limits of the gateway on IDENTIFY: shards, how many sessions start at once, and how many per day.

Sources: events/gateway#sharding, events/gateway#session-start-limit-object. It closes nothing: `gateway.py` does.
"""

import time
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from sandbox.discord.primitives import Payload

# At most `max_concurrency` sessions start in this time: one per bucket, which is the shard's id modulo that number.
BUCKET_WINDOW_S: Final = 5.0
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class IdentifyLimits:
    """What GET /gateway/bot returns; use `IdentifyLimits.off()` in tests in which a bot restarts at once."""

    enabled: bool = True
    recommended_shards: int = 1
    max_concurrency: int = 1
    sessions_per_day: int = 1000
    guilds_per_shard_max: int = 2500

    @classmethod
    def off(cls) -> "IdentifyLimits":
        """Returns limits that are announced to the bot but not enforced."""
        return cls(enabled=False)


class IdentifyResult(Enum):
    """What the gateway does with an IDENTIFY."""

    ACCEPTED = "accepted"
    TOO_SOON = "too soon"  # answered with Invalid Session
    TOO_MANY = "too many"  # every session ends, and the token is reset


@dataclass(frozen=True, slots=True)
class Identify:
    """One IDENTIFY: when it arrived (monotonic), for which shard, and what became of it."""

    at_s: float
    shard_id: int
    shard_count: int
    result: IdentifyResult


@dataclass
class Identifies:
    """Every IDENTIFY of the bot, judged by the limits."""

    limits: IdentifyLimits = field(default_factory=IdentifyLimits)
    received: list[Identify] = field(default_factory=list)
    _day_began_s: float = field(default_factory=time.monotonic)
    _remaining: int = -1

    def __post_init__(self) -> None:
        self._remaining = self.limits.sessions_per_day

    @property
    def accepted(self) -> list[Identify]:
        """Those that started a session."""
        return [each for each in self.received if each.result is IdentifyResult.ACCEPTED]

    def use_up(self, *, reset_after_s: float) -> None:
        """Makes as if the sessions of the day had been started already, and the next day began in this time."""
        self._remaining = 0
        self._day_began_s = time.monotonic() - _DAY_S + reset_after_s

    def add(self, shard_id: int, shard_count: int) -> IdentifyResult:
        """Records an IDENTIFY and returns what becomes of it; each counts, also one that comes too soon."""
        self._begin_day()
        now_s, result = time.monotonic(), IdentifyResult.ACCEPTED
        if self.limits.enabled and self._remaining <= 0:
            result = IdentifyResult.TOO_MANY
        elif self.limits.enabled and self._is_too_soon(shard_id, now_s):
            result = IdentifyResult.TOO_SOON
        self._remaining = max(0, self._remaining - 1)
        self.received.append(Identify(now_s, shard_id, shard_count, result))
        return result

    def _is_too_soon(self, shard_id: int, now_s: float) -> bool:
        bucket = shard_id % self.limits.max_concurrency
        return any(
            each.shard_id % self.limits.max_concurrency == bucket and now_s - each.at_s < BUCKET_WINDOW_S
            for each in self.accepted[-1000:]
        )

    def _begin_day(self) -> None:
        if time.monotonic() - self._day_began_s >= _DAY_S:
            self._day_began_s, self._remaining = time.monotonic(), self.limits.sessions_per_day

    def payload(self) -> Payload:
        """Returns the session start limit of GET /gateway/bot."""
        self._begin_day()
        return {
            "total": self.limits.sessions_per_day,
            "remaining": self._remaining,
            "reset_after": round(1000 * max(0.0, self._day_began_s + _DAY_S - time.monotonic())),
            "max_concurrency": self.limits.max_concurrency,
        }
