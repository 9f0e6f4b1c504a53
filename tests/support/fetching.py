"""The real arXiv client in its own process, so that its memory can be measured.

Run as a program with a URL and a folder. For each line on standard input it fetches once, and prints one line of JSON:
the result, and the peak memory above the base. The first fetch should be an ordinary one: it sets the base.
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
    """Returns a value of the process's own status, in megabytes."""
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
    base = 0.0
    for number in itertools.count():
        if not await lines.readline():
            return
        _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
        # Each fetch has its own gate: it must not wait for the backoff of the one before.
        result = await _fetch(url, Gate(folder / f"gate {number}", SystemClock(), 0.0))
        above = _megabytes("VmHWM") - base
        base = base or _megabytes("VmRSS")
        print(json.dumps({"result": result, "above": above, "base": base}), flush=True)  # noqa: T201 - read by the test


def main() -> None:
    """Fetches once per line of input; prints each result and its peak memory."""
    asyncio.run(_fetch_for_each_line(sys.argv[1], Path(sys.argv[2])))


if __name__ == "__main__":
    main()
