"""Checks that nothing is lost or duplicated by a hundred kills and two hundred faults over twenty announcements.

CHAOS_SEED in the environment is the seed of all random choices; without it a random seed is used and printed.
"""

import asyncio
import os
import random
import tempfile
from pathlib import Path

from rich.progress import Progress, TextColumn, TimeElapsedColumn

from tests.support.chaos import FULL, Result, Tally, run_chaos


def main() -> int:
    """Runs it and shows the progress; returns 0 if the result is correct."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10_000))
    print(f"seed {seed} (repeat with CHAOS_SEED={seed})")
    with tempfile.TemporaryDirectory() as folder:
        result = _run(seed, Path(folder))
    print(*result.lines(), sep="\n")
    return 0 if result.is_correct else 1


def _run(seed: int, folder: Path) -> Result:
    shown = "kills {task.fields[tally].kills}, faults {task.fields[tally].faults}, announcements "
    shown += "{task.fields[tally].announcements}, posts {task.fields[tally].found} of {task.fields[tally].expected}"
    with Progress(TextColumn(shown), TimeElapsedColumn(), transient=True) as progress:
        task = progress.add_task("chaos", total=None, tally=Tally())
        return asyncio.run(run_chaos(FULL, seed, folder, lambda tally: progress.update(task, tally=tally)))
