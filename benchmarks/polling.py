"""Measures a poll over 5, 40 and 4,000 broad keywords: requests, entries, CPU time and memory.

The local arXiv has as many papers as arXiv returned for such polls, and a process of its own. Each poll runs in a fresh
process, as the first one after a start; its CPU time is the process's and its children's. The memory is the highest
resident size of the process itself. It needs Linux.
"""

import asyncio
import gc
import multiprocessing
import random
import resource
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from bot.arxiv.client import ArxivClient
from bot.arxiv.gate import Gate
from bot.domain.poll_schedule import PollCompleted, PollKind
from bot.runtime.clock import SystemClock
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from sandbox.arxiv import Corpus, LocalArxiv
from tests.support.broad_polls import KEYWORDS, REQUESTS_MAX, broad_papers, subscribe_to_broad_keywords
from tests.support.ingest import IngestLoops
from tests.support.local_arxiv import serving
from tests.support.store import opened

# Half of what the first release needed for as many entries (3, 9 and 16 s), and its share of 150 MB.
_CPU_MAX_S: Final = {5: 1.5, 40: 4.5, 4_000: 8.0}
_MEMORY_MAX_MB: Final = 150.0
# Short, because the time between requests is not measured.
_INTERVAL_S: Final = 0.2
_STATUS: Final = Path("/proc/self/status")
_CLEAR_REFS: Final = Path("/proc/self/clear_refs")
_RESET_PEAK: Final = "5"  # proc(5)


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a poll cost: CPU seconds of the process and of its children, and the resident size before and at most."""

    cpu_s: float
    children_cpu_s: float
    memory_before_mb: float
    memory_mb: float


def main() -> int:
    """Polls once per size and prints a table; returns 1 when a target was missed."""
    print(f"{'keywords':>8} {'requests':>12} {'entries':>8} {'CPU, s (own + children)':>26} {'memory, MB':>18}")
    is_missed = False
    for keywords in KEYWORDS:
        cost, requests = _measure(keywords)
        cpu_s = cost.cpu_s + cost.children_cpu_s
        is_missed |= (
            len(requests) > REQUESTS_MAX[keywords] or cpu_s > _CPU_MAX_S[keywords] or cost.memory_mb > _MEMORY_MAX_MB
        )
        print(
            f"{keywords:>8,} {len(requests):>5} (≤ {REQUESTS_MAX[keywords]:>2}) {sum(requests):>8,}"
            f" {cost.cpu_s:>5.1f} + {cost.children_cpu_s:>4.1f} (≤ {_CPU_MAX_S[keywords]:>3})    "
            f" {cost.memory_before_mb:>5.0f} → {cost.memory_mb:>4.0f} (≤ {_MEMORY_MAX_MB:.0f})",
            flush=True,
        )
    return int(is_missed)


def _measure(keywords: int) -> tuple[_Cost, list[int]]:
    """Returns what a poll cost, and how many entries each request returned."""
    spawn = multiprocessing.get_context("spawn")
    with _arxiv() as (url, connection), ProcessPoolExecutor(1, mp_context=spawn) as pool:
        cost = pool.submit(_poll, keywords, url).result()
        connection.send(None)
        return cost, connection.recv()


@contextmanager
def _arxiv() -> Iterator[tuple[str, Connection]]:
    """Serves the local arXiv; it answers a message with the entries of each request, and ends."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs,))
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.terminate()
        process.join()


def _serve(connection: Connection) -> None:
    asyncio.run(_serve_until_asked(connection))


async def _serve_until_asked(connection: Connection) -> None:
    arxiv = LocalArxiv(Corpus(), interval_s=_INTERVAL_S)
    for paper in broad_papers(datetime.now(UTC)):
        arxiv.add_paper(paper)
    async with serving(arxiv) as url:
        connection.send(url)
        await asyncio.to_thread(connection.recv)
        connection.send([request.entries for request in arxiv.requests])


def _poll(keywords: int, url: str) -> _Cost:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_poll_once(keywords, url, Path(folder)))


async def _poll_once(keywords: int, url: str, folder: Path) -> _Cost:
    clock = SystemClock()
    gate = Gate(folder / "gate", clock, _INTERVAL_S)
    async with opened(folder / "papers.sqlite3") as store, open_session() as session:
        client = ArxivClient(session, gate, clock, url, "benchmark", random.Random(1), Metrics())
        loops = IngestLoops(store, clock, client, None)
        await subscribe_to_broad_keywords(store, keywords, clock.now())
        gc.collect()
        _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
        before, memory_before_mb = _usage(), _peak_mb()
        result = await loops.poller.poll(PollKind.READ)
        after = _usage()
    if not isinstance(result, PollCompleted):
        sys.exit(f"the poll did not complete: {result}")
    return _Cost(after[0] - before[0], after[1] - before[1], memory_before_mb, _peak_mb())


def _usage() -> tuple[float, float]:
    """Returns the CPU seconds of this process and of its children."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime


def _peak_mb() -> float:
    """Returns the highest resident size of this process since the peak was reset, in megabytes."""
    (line,) = (line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
