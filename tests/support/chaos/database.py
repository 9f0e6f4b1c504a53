"""Takes the database server away from the bot: its connections end, or the server stops at once and starts again."""

import asyncio
import os
from collections.abc import Iterator
from itertools import cycle, repeat

from tests.support.chaos.hazards import Hazard
from tests.support.chaos.stage import Stage
from tests.support.databases import private_server, terminate_connections

# A bot also needs time to start and to poll: with shorter pauses, it would post hardly anything.
_PAUSE_S = (3.0, 14.0)
_STOPPED_S = (0.2, 4.0)


async def disrupt_database(stage: Stage) -> None:
    """Ends the connections and stops the server alternately until the run is over; then the server runs."""
    rng = stage.random_for("database")
    for stops in _stops():
        await stage.pause(rng.uniform(*_PAUSE_S))
        if stage.is_over:
            return
        with stage.without_database():
            if stops:
                await _restart_server(stage, rng.uniform(*_STOPPED_S))
            else:
                await asyncio.to_thread(terminate_connections, stage.sandbox.database)
        stage.counts[Hazard.DATABASE] += 1


def _stops() -> Iterator[bool]:
    """Yields whether the server is stopped, without end; one that others use is never stopped."""
    return repeat(False) if "DAILY_PAPERS_TEST_POSTGRES" in os.environ else cycle((False, True))


async def _restart_server(stage: Stage, stopped_s: float) -> None:
    server = private_server()
    await asyncio.to_thread(server.stop, at_once=True)
    try:
        await stage.pause(stopped_s)
    finally:
        await asyncio.to_thread(server.start)
