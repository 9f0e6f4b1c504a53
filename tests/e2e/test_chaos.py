"""Kills, faults and disruptions at random times while arXiv announces papers lose and duplicate nothing.

`python -m benchmarks chaos` runs the full size and shows the progress.
"""

import os
import random
from pathlib import Path

import pytest

from tests.support.chaos import FULL, SHORT, Size, Tally, run_chaos

# In CI the seed is fixed, so that a failure is caused by a change of the code.
CI_SEED = 2026


def quiet(_tally: Tally) -> None:
    """Shows no progress."""


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.parametrize("size", [pytest.param(SHORT, id="short"), pytest.param(FULL, id="full")])
async def test_every_paper_is_posted_once_despite_kills_and_faults(tmp_path: Path, size: Size) -> None:
    default = CI_SEED if os.environ.get("CI") else random.SystemRandom().randrange(10_000)
    seed = int(os.environ.get("CHAOS_SEED") or default)
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown when it fails
    result = await run_chaos(size, seed, tmp_path, quiet)
    assert result.is_correct, "\n".join(result.lines())
    assert result.posts.expected > 10
    assert result.tally.kills >= size.kills
    assert result.tally.faults >= size.faults
    assert result.tally.announcements >= size.announcements
