"""What goes wrong in a run: faults, disruptions, blocks and clock jumps, chosen at random from a seed.

Every kind of fault is used once before any is used twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import cycle, islice
from random import Random
from typing import TypeVar

from sandbox.arxiv import ArxivFault, ArxivFaultKind
from sandbox.discord import CloudflareBlock, DiscordFault, DropAfter, DropBefore, RateLimited, Slow, Status, StatusAfter

_Kind = TypeVar("_Kind")

# The slowest answer of either server: after this time no request is under way.
SLOWEST_S = 1.0


# arXiv returns fewer papers than it has: an initial sync believes it, and the rest would be new later.
_INCOMPLETE = frozenset({ArxivFaultKind.EMPTY, ArxivFaultKind.MISSING_IDS, ArxivFaultKind.BROKEN_ENTRIES})
# A rejected query without keywords is repeated after the longest backoff, half a minute.
_RARE_ARXIV_KINDS = (ArxivFaultKind.QUERY_REJECTED, ArxivFaultKind.URI_TOO_LONG)
_PARAMETERS = {
    ArxivFaultKind.HUGE: (ArxivFault(ArxivFaultKind.HUGE, size=20_000_000),),
    ArxivFaultKind.SLOW_FIRST_BYTE: (ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE, delay_s=SLOWEST_S),),
    ArxivFaultKind.RATE_LIMITED: (ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="3"),),
    # Only a GET can be too long, and the bot uses GET only if POST is rejected.
    ArxivFaultKind.URI_TOO_LONG: (
        ArxivFault(ArxivFaultKind.POST_REJECTED),
        ArxivFault(ArxivFaultKind.URI_TOO_LONG, max_target_length=10),
    ),
}

FaultCombination = tuple[ArxivFault, ...]


def arxiv_faults(count: int, rare: int, rng: Random, *, complete: bool) -> list[FaultCombination]:
    """Returns faults of arXiv; with `complete`, none that an initial sync mistakes for a complete answer."""
    kinds = [
        kind for kind in ArxivFaultKind if kind not in _RARE_ARXIV_KINDS and not (complete and kind in _INCOMPLETE)
    ]
    chosen = _choose(kinds, count - rare // 4, rng) + _choose(_RARE_ARXIV_KINDS, rare // 4, rng)
    rng.shuffle(chosen)
    return [_PARAMETERS.get(kind, (ArxivFault(kind),)) for kind in chosen]


@dataclass(frozen=True, slots=True)
class RequestFault:
    """A fault of one request to Discord."""

    method: str
    path: str
    kind: DiscordFault


_MESSAGES, _ME = r"^/channels/\d+/messages$", "^/users/@me$"
_COMMON = (
    *(RequestFault("POST", _MESSAGES, Status(status)) for status in (500, 502, 503, 504)),
    *(RequestFault("POST", _MESSAGES, StatusAfter(status)) for status in (500, 502, 503, 504)),
    *(RequestFault("POST", _MESSAGES, kind) for kind in (DropBefore(), DropAfter(), DropAfter(), Slow(SLOWEST_S))),
    RequestFault("POST", _MESSAGES, RateLimited(0.4)),
    RequestFault("POST", _MESSAGES, RateLimited(0.8, is_global=True)),
    *(RequestFault("GET", _MESSAGES, kind) for kind in (Status(500), Status(503), DropBefore(), RateLimited(0.3))),
    *(RequestFault("GET", _ME, kind) for kind in (Status(503), DropBefore())),
)
_RARE = (
    RequestFault("POST", _MESSAGES, RateLimited(31.0)),  # longer than discord.py waits
    RequestFault("POST", _MESSAGES, Status(429)),  # without Via: from a proxy in front of Discord
    RequestFault("POST", _MESSAGES, Status.api_error(403, 50013, "Missing Permissions")),
    RequestFault("POST", _MESSAGES, Status.api_error(403, 50001, "Missing Access")),
)


_CREATE, _THREADS = r"^/channels/\d+/threads$", r"/threads/(active|archived/public)$"
_IN_FORUMS = (
    *(RequestFault("POST", _CREATE, StatusAfter(status)) for status in (500, 502, 503, 504)),
    *(RequestFault("POST", _CREATE, kind) for kind in (DropAfter(), DropAfter(), DropBefore(), Slow(SLOWEST_S))),
    RequestFault("POST", _CREATE, Status(502)),
    RequestFault("POST", _CREATE, RateLimited(0.4)),
    RequestFault("POST", _CREATE, Status.api_error(403, 50013, "Missing Permissions")),
    *(RequestFault("GET", _THREADS, kind) for kind in (Status(503), DropBefore(), RateLimited(0.3))),
)


def forum_faults(rng: Random) -> list[RequestFault]:
    """Returns faults of the requests that only forums need, each once."""
    return _choose(_IN_FORUMS, len(_IN_FORUMS), rng)


def discord_faults(count: int, rare: int, rng: Random) -> list[RequestFault]:
    """Returns faults of requests to Discord, `rare` of them with a long delay."""
    chosen = _choose(_COMMON, count - rare, rng) + _choose(_RARE, rare, rng)
    rng.shuffle(chosen)
    return chosen


_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86_400.0
_JUMPS_S = tuple(sign * jump_s for sign in (1, -1) for jump_s in (1.5 * _MINUTE_S, _HOUR_S, 2 * _DAY_S))
_BLOCKS = (
    CloudflareBlock(403, retry_after="1"),
    CloudflareBlock(403),
    CloudflareBlock(429, retry_after="2"),
    CloudflareBlock(429),
)


class Disruption(Enum):
    """A disruption of the gateway, of permissions or of the bot's membership, undone soon."""

    CONNECTION_LOST = auto()
    CLOSED_RESUMABLE = auto()
    CLOSED_UNRESUMABLE = auto()
    RECONNECT_REQUESTED = auto()
    SESSION_INVALID = auto()
    GATEWAY_OUTAGE = auto()
    SEND_DENIED = auto()
    VIEW_DENIED = auto()
    HISTORY_DENIED = auto()
    THREAD_LOCKED = auto()
    REMOVED_FROM_SERVER = auto()


def disruptions(count: int, rng: Random) -> list[Disruption]:
    """Returns the disruptions of a run, in order."""
    return _choose(tuple(Disruption), count, rng)


def uptime_s(rng: Random) -> float:
    """Returns how long the bot runs until it is killed: often too short for a poll, sometimes for the start."""
    chance = rng.random()
    if chance < 0.25:
        return rng.uniform(0.02, 0.6)
    return rng.uniform(0.6, 3.4) if chance < 0.8 else rng.uniform(5.0, 15.0)


def clock_jumps(rng: Random) -> Iterator[float]:
    """Yields jumps of a clock in seconds, forward and backward, without end."""
    while True:
        yield from rng.sample(_JUMPS_S, len(_JUMPS_S))


def cloudflare_blocks(rng: Random) -> Iterator[CloudflareBlock]:
    """Yields blocks of all requests to Discord, without end."""
    while True:
        yield from rng.sample(_BLOCKS, len(_BLOCKS))


def _choose(kinds: Sequence[_Kind], count: int, rng: Random) -> list[_Kind]:
    shuffled = rng.sample(kinds, len(kinds))
    chosen = list(islice(cycle(shuffled), count))
    rng.shuffle(chosen)
    return chosen
