"""Kills, faults and upheavals at random instants while arXiv announces papers: nothing is lost, nothing is double.

`python -m benchmarks chaos` runs the long one with its progress shown.
"""

import os
import random
from pathlib import Path

import pytest

from tests.support.chaos import FULL, SHORT, Size, Tally, run_chaos

# Where CI is set the same is drawn each time: what is red there is so because of what changed.
SEED_OF_CI = 2026


def quiet(_tally: Tally) -> None:
    """Nobody watches."""


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.parametrize("size", [pytest.param(SHORT, id="short"), pytest.param(FULL, id="full")])
async def test_every_paper_is_posted_once_despite_kills_and_faults(tmp_path: Path, size: Size) -> None:
    rendered = SEED_OF_CI if os.environ.get("CI") else random.SystemRandom().randrange(10_000)
    seed = int(os.environ.get("CHAOS_SEED") or rendered)
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown when it fails
    result = await run_chaos(size, seed, tmp_path, quiet)
    assert result.is_well, "\n".join(result.lines())
    assert result.balance.expected > 10
    assert result.tally.kills >= size.kills
    assert result.tally.faults >= size.faults
    assert result.tally.announcements >= size.announcements
