"""Injects faults into requests to arXiv and to Discord until the run is over."""

import re
import time
from itertools import cycle

from tests.support.chaos.faults import RequestFault, arxiv_faults, discord_faults, forum_faults
from tests.support.chaos.hazards import Hazard
from tests.support.chaos.stage import Stage

_PENDING_MAX = 5  # faults that wait for a matching request to Discord
# Each fault is followed by a backoff: with shorter pauses hardly a poll would succeed, and the initial sync needs many
# requests.
_PAUSE_S = 2.5
_PAUSE_BEFORE_SYNC_S = 4.0
_UNUSED_S = 15.0
_STALLED_S = 120.0
_KINDS = 60  # at least as many faults as there are kinds, so that each is used before any is used twice


async def inject_arxiv_faults(stage: Stage) -> None:
    """Injects one fault after the other into requests to arXiv."""
    faults, rng = stage.sandbox.arxiv.faults, stage.random_for("arXiv")
    before_sync = cycle(arxiv_faults(_KINDS, stage.size.rare, rng, complete=True))
    after_sync = cycle(arxiv_faults(_KINDS, stage.size.rare, rng, complete=False))
    while not stage.is_over:
        await stage.pause(rng.uniform(0.0, _PAUSE_S if stage.is_synced else _PAUSE_BEFORE_SYNC_S))
        combination = next(after_sync if stage.is_synced else before_sync)
        faults.add(*combination)
        # A bot that was killed in between does not send the GET that the second fault of a combination waits for.
        await stage.wait_until(lambda: not faults.pending, _UNUSED_S)
        stage.counts[Hazard.ARXIV] += len(combination) - len(faults.pending)
        faults.clear()


async def inject_discord_faults(stage: Stage) -> None:
    """Injects faults into requests to Discord, a few at a time."""
    faults, rng = stage.sandbox.discord.faults, stage.random_for("Discord")
    for planned, fault in enumerate(cycle(discord_faults(_KINDS, stage.size.rare, rng)), 1):
        faults.add(fault.method, fault.path, fault.kind)
        await stage.pause(rng.uniform(0.0, 1.0))
        await stage.wait_until(lambda: faults.pending <= _PENDING_MAX, _STALLED_S)
        stage.counts[Hazard.DISCORD] = max(0, planned - faults.pending)
        if stage.is_over:
            return


async def inject_forum_faults(stage: Stage) -> None:
    """Injects one fault after the other into requests that only forums need, which are rare."""
    faults, rng = stage.sandbox.discord.faults, stage.random_for("forums")
    for fault in cycle(forum_faults(rng)):
        faults.add(fault.method, fault.path, fault.kind)
        matches = _Matches(stage, fault)
        if not await stage.wait_until(matches.has_one, float("inf")):
            return


class _Matches:
    """Whether a request that a fault matches has arrived since the fault was injected."""

    def __init__(self, stage: Stage, fault: RequestFault) -> None:
        self._requests = stage.sandbox.discord.requests
        self._method, self._path = fault.method, re.compile(fault.path)
        self._checked_until_s = time.monotonic()

    def has_one(self) -> bool:
        """Looks at the requests since the last call only."""
        since_s, self._checked_until_s = self._checked_until_s, time.monotonic()
        for request in reversed(self._requests):
            if request.started_at_s < since_s:
                return False
            if request.method == self._method and self._path.search(request.path) is not None:
                return True
        return False
