"""How large a run is: how long it takes, and the minimum of everything that happens in it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import ceil
from types import MappingProxyType
from typing import Self

from tests.support.chaos.hazards import Hazard
from tests.support.databases import IS_POSTGRESQL

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is; it goes on until its time is over and everything has happened as often as `minimum` says."""

    duration_s: float
    channels: int
    keywords: int
    announcements: int
    papers_each: int
    minimum: Mapping[Hazard, int]  # of hostile people: their actions
    rare: int  # faults that make the bot wait half a minute or longer
    people: int  # hostile ones
    connections: int  # of one flood
    # Between two requests to arXiv; backoffs are scaled like this interval to production's three seconds.
    interval_s: float

    def lasting(self, minutes: float) -> Self:
        """Returns a run of another length with as much per minute, except that a longer one has fewer papers.

        Each poll reads all papers of the run again: with many, the faults would let hardly any poll succeed.
        """
        factor = minutes * _MINUTE_S / self.duration_s
        minimum = {hazard: ceil(count * factor) for hazard, count in self.minimum.items()}
        return replace(
            self,
            duration_s=minutes * _MINUTE_S,
            announcements=ceil(self.announcements * factor),
            papers_each=ceil(self.papers_each / max(1.0, factor) ** 0.5),
            minimum=MappingProxyType(minimum),
        )

    def requiring(self, share: float) -> Self:
        """Returns a run that needs only a share of each minimum: in a short one, chance decides how many occur."""
        minimum = {hazard: ceil(count * share) for hazard, count in self.minimum.items()}
        return replace(self, minimum=MappingProxyType(minimum))

    def only(self, hazards: Collection[Hazard]) -> Self:
        """Returns a run without the other hazards."""
        minimum = {hazard: count for hazard, count in self.minimum.items() if hazard in hazards}
        return replace(self, minimum=MappingProxyType(minimum))

    def has(self, hazard: Hazard) -> bool:
        """Whether the run has this hazard."""
        return hazard in self.minimum


# Then, the bot posts what is left: three minutes altogether.
STANDARD = Size(
    duration_s=140.0,
    channels=50,
    keywords=200,
    announcements=14,
    papers_each=15,
    minimum=MappingProxyType(
        {
            Hazard.KILLS: 35,
            Hazard.ARXIV: 35,
            Hazard.DISCORD: 60,
            Hazard.GATEWAY: 18,
            Hazard.CLOUDFLARE: 4,
            Hazard.CLOCK: 8,
            Hazard.FLOOD: 6,
            Hazard.HOSTILE: 300,
            **({Hazard.DATABASE: 8} if IS_POSTGRESQL else {}),
        }
    ),
    rare=8,
    people=12,
    connections=1500,
    interval_s=0.1,
)
