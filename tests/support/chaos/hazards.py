"""The kinds of hazards in a run; each can be left out, so that the cause of a failure can be found."""

from collections.abc import Mapping
from enum import StrEnum


class Hazard(StrEnum):
    """A kind of hazard; CHAOS_ONLY lists those of a run, separated by commas (default: all)."""

    KILLS = "kills"
    ARXIV = "arxiv"  # faults of requests to arXiv
    DISCORD = "discord"  # faults of requests to Discord
    GATEWAY = "gateway"  # disruptions of the gateway, of permissions and of the bot's membership
    CLOUDFLARE = "cloudflare"  # blocks of all requests to Discord
    CLOCK = "clock"  # jumps of the bot's wall clock
    FLOOD = "flood"  # connections to the bot's web port
    DATABASE = "database"  # on PostgreSQL: its server ends the connections, or stops and starts again
    HOSTILE = "hostile"  # people in a server of their own


def chosen_hazards(environment: Mapping[str, str]) -> frozenset[Hazard]:
    """Returns the hazards that CHAOS_ONLY lists, or all; raises ValueError for an unknown name."""
    names = [name.strip() for name in environment.get("CHAOS_ONLY", "").split(",")]
    return frozenset(Hazard(name) for name in names if name) or frozenset(Hazard)
