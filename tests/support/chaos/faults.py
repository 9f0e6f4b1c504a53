"""What goes wrong: arXiv's misbehaviour, Discord's failures and upheavals in its world, drawn from a seed.

Sizes and a generator in; decks of misfortunes out. Every kind is in its deck once before any comes twice.
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

# The slowest answer of both sides: when so much time has passed nothing is on its way any more.
SLOWEST_S = 1.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything there is."""

    channels: int
    keywords: int
    announcements: int
    papers_each: int
    kills: int
    arxiv_faults: int
    discord_faults: int
    upheavals: int
    rare: int  # faults that make the bot wait for half a minute or longer
    forums: bool  # where absence is believed after a minute only
    # Between two requests to arXiv; its backoffs are to this as production's are to three seconds.
    interval_s: float

    @property
    def faults(self) -> int:
        """How often something goes wrong beside the kills, at least."""
        return self.arxiv_faults + self.discord_faults + self.upheavals


SHORT = Size(
    channels=4,
    keywords=12,
    announcements=3,
    papers_each=8,
    kills=5,
    arxiv_faults=4,
    discord_faults=5,
    upheavals=3,
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
    upheavals=40,
    rare=8,
    forums=True,
    interval_s=0.1,
)


# arXiv shows less than it has: believed within a first reading, so that the past would come as news later.
_LIES = frozenset({ArxivFaultKind.EMPTY, ArxivFaultKind.MISSING_IDS, ArxivFaultKind.BROKEN_ENTRIES})
# A refused query that has no keywords is asked again after as long a wait as anywhere, half a minute.
_LONG = (ArxivFaultKind.QUERY_REFUSED, ArxivFaultKind.URI_TOO_LONG)
_WITH_MORE = {
    ArxivFaultKind.HUGE: (ArxivFault(ArxivFaultKind.HUGE, size=20_000_000),),
    ArxivFaultKind.SLOW_FIRST_BYTE: (ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE, delay_s=SLOWEST_S),),
    ArxivFaultKind.RATE_LIMITED: (ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="3"),),
    # Only a GET can be too long, and the bot asks by GET only where POST is refused.
    ArxivFaultKind.URI_TOO_LONG: (
        ArxivFault(ArxivFaultKind.POST_REFUSED),
        ArxivFault(ArxivFaultKind.URI_TOO_LONG, max_target_length=10),
    ),
}

ArxivMisfortune = tuple[ArxivFault, ...]


def arxiv_deck(count: int, rare: int, draw: Random, *, honest: bool) -> list[ArxivMisfortune]:
    """Faults of arXiv's; `honest` ones are never taken for a whole answer."""
    kinds = [kind for kind in ArxivFaultKind if kind not in _LONG and not (honest and kind in _LIES)]
    dealt = _deck(kinds, count - rare // 4, draw) + _deck(_LONG, rare // 4, draw)
    draw.shuffle(dealt)
    return [_WITH_MORE.get(kind, (ArxivFault(kind),)) for kind in dealt]


@dataclass(frozen=True, slots=True)
class DiscordMisfortune:
    """A fault of one request to Discord."""

    method: str
    path: str
    kind: DiscordFault


_MESSAGES, _ME = r"^/channels/\d+/messages$", "^/users/@me$"
_COMMON = (
    *(DiscordMisfortune("POST", _MESSAGES, Status(status)) for status in (500, 502, 503, 504)),
    *(DiscordMisfortune("POST", _MESSAGES, StatusAfter(status)) for status in (500, 502, 503, 504)),
    *(DiscordMisfortune("POST", _MESSAGES, kind) for kind in (DropBefore(), DropAfter(), DropAfter(), Slow(SLOWEST_S))),
    DiscordMisfortune("POST", _MESSAGES, RateLimited(0.4)),
    DiscordMisfortune("POST", _MESSAGES, RateLimited(0.8, is_global=True)),
    *(DiscordMisfortune("GET", _MESSAGES, kind) for kind in (Status(500), Status(503), DropBefore(), RateLimited(0.3))),
    *(DiscordMisfortune("GET", _ME, kind) for kind in (Status(503), DropBefore())),
)
_RARE = (
    DiscordMisfortune("POST", _MESSAGES, RateLimited(31.0)),  # longer than discord.py waits
    DiscordMisfortune("POST", _MESSAGES, Status(429)),  # without Via: not Discord itself, but who stands before it
    DiscordMisfortune("POST", _MESSAGES, Status.api_error(403, 50013, "Missing Permissions")),
    DiscordMisfortune("POST", _MESSAGES, Status.api_error(403, 50001, "Missing Access")),
)


_BEGIN, _THREADS = r"^/channels/\d+/threads$", r"/threads/(active|archived/public)$"
_IN_FORUMS = (
    *(DiscordMisfortune("POST", _BEGIN, StatusAfter(status)) for status in (500, 502, 503, 504)),
    *(DiscordMisfortune("POST", _BEGIN, kind) for kind in (DropAfter(), DropAfter(), DropBefore(), Slow(SLOWEST_S))),
    DiscordMisfortune("POST", _BEGIN, Status(502)),
    DiscordMisfortune("POST", _BEGIN, RateLimited(0.4)),
    DiscordMisfortune("POST", _BEGIN, Status.api_error(403, 50013, "Missing Permissions")),
    *(DiscordMisfortune("GET", _THREADS, kind) for kind in (Status(503), DropBefore(), RateLimited(0.3))),
)


def forum_deck(draw: Random) -> list[DiscordMisfortune]:
    """Faults of the requests that only forums need, each once."""
    return _deck(_IN_FORUMS, len(_IN_FORUMS), draw)


def discord_deck(count: int, rare: int, draw: Random) -> list[DiscordMisfortune]:
    """Faults of Discord's requests, `rare` of them long."""
    deck = _deck(_COMMON, count - rare, draw) + _deck(_RARE, rare, draw)
    draw.shuffle(deck)
    return deck


class Upheaval(Enum):
    """What happens to the gateway or to the world, and is mended soon."""

    CONNECTION_LOST = auto()
    CLOSED_RESUMABLE = auto()
    CLOSED_FOR_GOOD = auto()
    ASKED_TO_RECONNECT = auto()
    SESSION_INVALID = auto()
    GATEWAY_OUTAGE = auto()
    MAY_NOT_SEND = auto()
    MAY_NOT_VIEW = auto()
    MAY_NOT_READ_HISTORY = auto()
    THREAD_LOCKED = auto()
    THROWN_OUT = auto()


def upheavals(count: int, draw: Random) -> list[Upheaval]:
    """What happens to the world, in order."""
    return _deck(tuple(Upheaval), count, draw)


def life_s(draw: Random) -> float:
    """How long the bot lives until it is killed: often too short for a whole round, sometimes too short to begin."""
    return draw.uniform(0.02, 0.6) if draw.random() < 0.3 else draw.uniform(0.6, 3.4)


def _deck(kinds: Sequence[_Kind], count: int, draw: Random) -> list[_Kind]:
    shuffled = draw.sample(kinds, len(kinds))
    deck = list(islice(cycle(shuffled), count))
    draw.shuffle(deck)
    return deck
