"""What goes wrong in a run: faults of arXiv and Discord, and disruptions, chosen at random from a seed.

Every kind of fault is used once before any is used twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import cycle, islice
from random import Random
from typing import TypeVar

from sandbox.arxiv import ArxivFault, ArxivFaultKind
from sandbox.discord import DiscordFault, DropAfter, DropBefore, RateLimited, Slow, Status, StatusAfter

_Kind = TypeVar("_Kind")

# The slowest answer of either server: after this time no request is under way.
SLOWEST_S = 1.0


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is."""

    channels: int
    keywords: int
    announcements: int
    papers_each: int
    kills: int
    arxiv_faults: int
    discord_faults: int
    disruptions: int
    rare: int  # faults that make the bot wait half a minute or longer
    forums: bool  # where a missing post is sent again after a minute only
    # Between two requests to arXiv; backoffs are scaled like this interval to production's three seconds.
    interval_s: float

    @property
    def faults(self) -> int:
        """The minimum number of faults and disruptions, kills excluded."""
        return self.arxiv_faults + self.discord_faults + self.disruptions


SHORT = Size(
    channels=4,
    keywords=12,
    announcements=3,
    papers_each=8,
    kills=5,
    arxiv_faults=4,
    discord_faults=5,
    disruptions=3,
    rare=0,
    forums=False,
    interval_s=0.02,
)
FULL = Size(
    channels=50,
    keywords=200,
    announcements=20,
    papers_each=15,
    kills=100,
    arxiv_faults=100,
    discord_faults=70,
    disruptions=40,
    rare=8,
    forums=True,
    interval_s=0.1,
)


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
    return rng.uniform(0.02, 0.6) if rng.random() < 0.3 else rng.uniform(0.6, 3.4)


def _choose(kinds: Sequence[_Kind], count: int, rng: Random) -> list[_Kind]:
    shuffled = rng.sample(kinds, len(kinds))
    chosen = list(islice(cycle(shuffled), count))
    rng.shuffle(chosen)
    return chosen
