"""Whatever goes wrong in quick succession while arXiv announces papers loses, duplicates and delays nothing.

`make soak` does the same for half an hour and shows the progress.
"""

import os
import random
from pathlib import Path

import pytest

from tests.support.chaos import STANDARD, Tally, run_chaos
from tests.support.databases import IS_POSTGRESQL

# A short run is enough for what only PostgreSQL has: its connections end, and its server stops. On a slow machine, less
# happens in the same time.
SIZE = STANDARD.lasting(1.5).requiring(0.4) if IS_POSTGRESQL else STANDARD.requiring(0.6)
# In CI the seed is fixed, so that a failure is caused by a change of the code.
CI_SEED = 2026


def quiet(_tally: Tally) -> None:
    """Shows no progress."""


@pytest.mark.slow
@pytest.mark.timeout(500)
async def test_papers_are_posted_once_and_commands_answered_despite_all_hazards(tmp_path: Path) -> None:
    default = CI_SEED if os.environ.get("CI") else random.SystemRandom().randrange(10_000)
    seed = int(os.environ.get("CHAOS_SEED") or default)
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown when it fails
    result = await run_chaos(SIZE, seed, tmp_path, quiet)
    assert not result.failures, "\n".join(result.lines())
    assert result.posts.expected > 100
    assert result.tally.announcements >= SIZE.announcements
    for hazard, least in SIZE.minimum.items():
        assert result.tally.counts[hazard] >= least, hazard
