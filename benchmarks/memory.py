"""Measures the memory of the real bot over 200 polls that read, match and post papers.

Polls follow each other within a second instead of within hours. The growth is that of the second half: what the bot
keeps once, such as parsed keywords and compiled code, is there by then.
"""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import linear_regression
from typing import Final

from benchmarks.measured_bot import MeasuredBot, measured_bot
from benchmarks.results import Figure, Run
from sandbox.arxiv import Corpus, LocalArxiv
from tests.support.running import REQUEST_INTERVAL_S, RunningSandbox, running_sandbox

_RESIDENT_MAX_MB: Final = 150.0
# Of the second half; the allocator's arenas come and go in steps of one megabyte.
_GROWTH_MAX_MB_PER_100_POLLS: Final = 2.0
_POLL_INTERVAL_S: Final = 1
# Every poll reads the papers of the days before again: their number must stay about the same.
_EARLIER_DAYS, _EARLIER_PER_DAY, _PAPERS_PER_POLL = 8, 100, 1
_KEYWORDS: Final = ("model", "language model", "diffusion", "graph", "agents", "learning", "vision", "galaxy")
_CHANNELS: Final = ("papers", "vision", "general", "reading club", "admins")


def measure(run: Run) -> Sequence[Figure]:
    """Runs 200 polls, or 30 at the reduced size."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), run.size(30, 200)))


async def _measure(folder: Path, polls: int) -> list[Figure]:
    upcoming = polls * _PAPERS_PER_POLL
    now = datetime.now(UTC)
    corpus = Corpus.generated(now=now, days=_EARLIER_DAYS, per_day=_EARLIER_PER_DAY, upcoming=upcoming)
    arxiv = LocalArxiv(corpus, interval_s=REQUEST_INTERVAL_S)
    async with running_sandbox(folder, arxiv=arxiv) as sandbox:
        settings = {"DAILY_PAPERS_ARXIV__POLL_INTERVAL_S": str(_POLL_INTERVAL_S)}
        config = json.dumps([{"channel_id": sandbox.channel(name), "keywords": _KEYWORDS} for name in _CHANNELS])
        settings["DAILY_PAPERS_SUBSCRIPTIONS"] = config
        async with measured_bot(sandbox, folder, **settings) as bot:
            resident_mb = await _poll(sandbox, bot, polls)
            peak_mb = bot.peak_mb()
    half = resident_mb[len(resident_mb) // 2 :]
    growth, _ = linear_regression(range(len(half)), half)
    return [
        Figure("resident memory after the first poll", (resident_mb[0],), "MB", _RESIDENT_MAX_MB),
        Figure(f"resident memory during {polls} polls", tuple(half), "MB", _RESIDENT_MAX_MB),
        Figure(f"resident memory during {polls} polls, peak", (peak_mb,), "MB"),
        Figure("growth per 100 polls", (max(0.0, growth * 100),), "MB", _GROWTH_MAX_MB_PER_100_POLLS),
    ]


async def _poll(sandbox: RunningSandbox, bot: MeasuredBot, polls: int) -> list[float]:
    """Announces papers for each poll; returns the resident memory after each."""
    resident_mb: list[float] = []
    for _ in range(polls):
        sandbox.arxiv.announce(_PAPERS_PER_POLL, days_ago=(0.01, 0.5))
        await sandbox.wait_for_next_poll()
        resident_mb.append(bot.resident_mb())
    return resident_mb
