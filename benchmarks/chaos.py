"""Kills the bot and disrupts everything that it depends on; no paper may be lost or posted twice.

An uninvolved server's /status must be acknowledged within three seconds throughout. Environment variables:

    SOAK_MINUTES  how long the bot is disrupted (default: those of the test in test-slow)
    CHAOS_SEED    fixes the choices; without it the seed is random and printed
    CHAOS_ONLY    the kinds of hazard, separated by commas (tests/support/chaos/hazards.py); default: all
    TEST_DATABASE postgresql: with a PostgreSQL server, which stops repeatedly unless it is DAILY_PAPERS_TEST_POSTGRES
"""

import asyncio
import os
import random
import tempfile
import time
from pathlib import Path

from tests.support.chaos import STANDARD, Size, Tally, chosen_hazards, run_chaos
from tests.support.databases import IS_POSTGRESQL

_PROGRESS_EVERY_S = 5.0


class _Progress:
    """Prints a line every few seconds."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def __call__(self, tally: Tally) -> None:
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _PROGRESS_EVERY_S
            print(tally.line(), flush=True)


def _size() -> Size:
    size = STANDARD.only(chosen_hazards(os.environ))
    minutes = os.environ.get("SOAK_MINUTES")
    return size.lasting(float(minutes)) if minutes else size


def main() -> int:
    """Runs the bot with a progress display; returns 0 if nothing failed."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10_000))
    print(f"{'PostgreSQL' if IS_POSTGRESQL else 'SQLite'}, seed {seed} (repeat with CHAOS_SEED={seed})", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(run_chaos(_size(), seed, Path(folder), _Progress()))
    print(*result.lines(), sep="\n")
    return 1 if result.failures else 0
