"""Kills the bot 100 times amid 200 faults and 20 announcements; no paper may be lost or posted twice.

The environment variable CHAOS_SEED fixes the sequence of events; without it the seed is random and printed.
"""

import asyncio
import os
import random
import tempfile
from pathlib import Path

from rich.progress import Progress, TextColumn, TimeElapsedColumn

from tests.support.chaos import FULL, Result, Tally, run_chaos


def main() -> int:
    """Runs the bot with a progress display; returns 0 when no paper is missing or posted twice."""
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10_000))
    print(f"seed {seed} (repeat with CHAOS_SEED={seed})")
    with tempfile.TemporaryDirectory() as folder:
        result = _run(seed, Path(folder))
    print(*result.lines(), sep="\n")
    return 0 if result.is_correct else 1


def _run(seed: int, folder: Path) -> Result:
    columns = "kills {task.fields[tally].kills}, faults {task.fields[tally].faults}, announcements "
    columns += "{task.fields[tally].announcements}, posts {task.fields[tally].found} of {task.fields[tally].expected}"
    with Progress(TextColumn(columns), TimeElapsedColumn(), transient=True) as progress:
        task = progress.add_task("chaos", total=None, tally=Tally())
        return asyncio.run(run_chaos(FULL, seed, folder, lambda tally: progress.update(task, tally=tally)))
