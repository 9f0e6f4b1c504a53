"""Measures a poll over 5, 40 and 4,000 broad keywords: requests, entries, CPU time and memory.

The local arXiv has as many papers as arXiv returned for such polls, and a process of its own. Each poll is measured in
a fresh process: as the first one after a start, which parses every entry, and as a later one, which parses those that
are new since the last one, a tenth. The CPU time is that of the process and of its children, and the memory the highest
resident size of the process itself. It needs Linux.
"""

import asyncio
import gc
import multiprocessing
import random
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from benchmarks.results import Figure, Run
from bot.arxiv.client import ArxivClient
from bot.arxiv.gate import Gate
from bot.domain.poll_schedule import PollCompleted, PollKind
from bot.ingest.poller import Poller
from bot.runtime.clock import SystemClock
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from sandbox.arxiv import Corpus, LocalArxiv
from tests.support.broad_polls import KEYWORDS, REQUESTS_MAX, broad_papers, subscribe_to_broad_keywords
from tests.support.ingest import IngestLoops
from tests.support.local_arxiv import serving
from tests.support.store import Store, opened

# Half of what the first release needed for as many entries on two cores: 3, 9 and 16 s. A first poll has no target.
_CPU_MAX_S: Final = {5: 1.5, 40: 4.5, 4_000: 8.0}
_MEMORY_MAX_MB: Final = 150.0
# Short, because the time between requests is not measured.
_INTERVAL_S: Final = 0.2
# Of this many papers, one is announced between two polls.
_NEW_EVERY: Final = 10
# The poller's note that it read the older papers today: without it, it reads them in each poll.
_OLDER_WINDOW_DAY: Final = "older slice read on"
_STATUS: Final = Path("/proc/self/status")
_CLEAR_REFS: Final = Path("/proc/self/clear_refs")
_RESET_PEAK: Final = "5"  # proc(5)
_SPAWN: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class _Cost:
    """The entries of each request, the CPU seconds of the process and its children, its size before and at most."""

    entries: tuple[int, ...]
    cpu_s: float
    children_cpu_s: float
    memory_before_mb: float
    memory_mb: float

    def figures(self, keywords: int, *, is_first: bool) -> list[Figure]:
        """The figures with their targets."""
        name = f"{'first poll after a start' if is_first else 'later poll'}, {keywords:,} keywords"
        cpu_s = self.cpu_s + self.children_cpu_s
        return [
            Figure(f"{name}: requests", (len(self.entries),), "requests", REQUESTS_MAX[keywords]),
            Figure(f"{name}: entries", (sum(self.entries),), "entries"),
            Figure(
                f"{name}: CPU time, children included", (cpu_s,), "CPU s", None if is_first else _CPU_MAX_S[keywords]
            ),
            Figure(f"{name}: highest memory", (self.memory_mb,), "MB", _MEMORY_MAX_MB),
        ]


def measure(run: Run) -> Sequence[Figure]:
    """Polls twice per size; at the reduced size without the largest."""
    figures: list[Figure] = []
    for keywords in KEYWORDS[: run.size(2, len(KEYWORDS))]:
        for is_first in (True, False):
            figures += _measure(keywords, is_first=is_first).figures(keywords, is_first=is_first)
    return figures


def _measure(keywords: int, *, is_first: bool) -> _Cost:
    """Returns what a poll cost."""
    to_arxiv, from_poll = _SPAWN.Pipe()
    result, target = _SPAWN.Pipe(duplex=False)
    with _running(_serve, from_poll), _running(_poll, keywords, is_first, to_arxiv, target):
        target.close()  # so that a process that failed is noticed
        cost = result.recv()
    if not isinstance(cost, _Cost):
        raise TypeError(cost)
    return cost


@contextmanager
def _running(target: Callable[..., None], *arguments: object) -> Iterator[None]:
    """Runs a function in a process of its own until the block ends."""
    process = _SPAWN.Process(target=target, args=arguments)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _serve(connection: Connection) -> None:
    asyncio.run(_serve_arxiv(connection))


async def _serve_arxiv(connection: Connection) -> None:
    """Serves the local arXiv and sends its address; a message announces the new papers, the next asks for entries."""
    arxiv = LocalArxiv(Corpus(), interval_s=_INTERVAL_S)
    papers = tuple(broad_papers(datetime.now(UTC)))
    for number, paper in enumerate(papers):
        if number % _NEW_EVERY:
            arxiv.add_paper(paper)
    async with serving(arxiv) as url:
        connection.send(url)
        await asyncio.to_thread(connection.recv)
        for paper in papers[::_NEW_EVERY]:
            arxiv.add_paper(paper)
        arxiv.requests.clear()
        connection.send(None)
        await asyncio.to_thread(connection.recv)
        connection.send(tuple(request.entries for request in arxiv.requests))
        await asyncio.to_thread(connection.recv)


def _poll(keywords: int, is_first: bool, arxiv: Connection, target: Connection) -> None:
    with tempfile.TemporaryDirectory() as folder:
        target.send(asyncio.run(_cost_of_poll(keywords, arxiv, Path(folder), is_first=is_first)))


async def _cost_of_poll(keywords: int, arxiv: Connection, folder: Path, *, is_first: bool) -> _Cost:
    clock, url = SystemClock(), arxiv.recv()
    async with opened(folder / "papers.sqlite3") as store, open_session() as session:
        client = ArxivClient(
            session, Gate(folder / "gate", clock, _INTERVAL_S), clock, url, "benchmark", random.Random(1), Metrics()
        )
        poller = IngestLoops(store, clock, client, None).poller
        await subscribe_to_broad_keywords(store, keywords, clock.now())
        if not is_first:
            await _poll_everything(poller, store)
        arxiv.send(None)
        arxiv.recv()
        gc.collect()
        _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
        before, memory_before_mb = _usage(), _peak_mb()
        await _poll_everything(poller, store)
        after = _usage()
    arxiv.send(None)
    return _Cost(arxiv.recv(), after[0] - before[0], after[1] - before[1], memory_before_mb, _peak_mb())


async def _poll_everything(poller: Poller, store: Store) -> None:
    await store.key_values.set(_OLDER_WINDOW_DAY, "")
    result = await poller.poll(PollKind.READ)
    if not isinstance(result, PollCompleted):
        sys.exit(f"the poll did not complete: {result}")


def _usage() -> tuple[float, float]:
    """Returns the CPU seconds of this process and of its children."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime


def _peak_mb() -> float:
    """Returns the highest resident size of this process since the peak was reset, in megabytes."""
    (line,) = (line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
