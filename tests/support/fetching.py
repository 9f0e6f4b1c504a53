"""The real client in a process of its own, so that what it holds in memory can be measured.

Run as a program: an address and a folder in; for every line on its standard input one fetch, and one line of JSON
out. The first fetch should be an ordinary one: what it leaves in memory is the level at rest.
"""

import asyncio
import itertools
import json
import random
import sys
from pathlib import Path
from typing import Final

from bot.arxiv.client import ArxivClient
from bot.arxiv.gate import Gate, Priority
from bot.domain.queries import Query
from bot.runtime.clock import SystemClock
from bot.runtime.errors import ArxivError
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics

_STATUS: Final = Path("/proc/self/status")
_CLEAR_REFS: Final = Path("/proc/self/clear_refs")
_RESET_PEAK: Final = "5"  # proc(5)


def _megabytes(name: str) -> float:
    """A line of the process's own status, in megabytes."""
    (line,) = (line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


async def _fetch(url: str, gate: Gate) -> str:
    async with open_session() as session:
        client = ArxivClient(session, gate, SystemClock(), url, "tests", random.Random(1), Metrics())
        try:
            page = await client.fetch(Query("ti:model"), start=0, size=500, priority=Priority.POLL)
        except ArxivError as error:
            return str(error)
        return f"{len(page.papers)} papers"


async def _fetch_for_each_line(url: str, folder: Path) -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    rest = 0.0
    for number in itertools.count():
        if not await lines.readline():
            return
        _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
        # Each with a gate of its own: nobody waits for the backoff of the one before.
        came = await _fetch(url, Gate(folder / f"gate {number}", SystemClock(), 0.0))
        above = _megabytes("VmHWM") - rest
        rest = rest or _megabytes("VmRSS")
        print(json.dumps({"came": came, "above": above, "rest": rest}), flush=True)  # noqa: T201 - what it is for


def main() -> None:
    """Fetch once a line, and say what came of it and how much memory it took above the level at rest."""
    asyncio.run(_fetch_for_each_line(sys.argv[1], Path(sys.argv[2])))


if __name__ == "__main__":
    main()
