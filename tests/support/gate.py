"""Requests that go through the gate, and what other processes do to its file."""

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.arxiv.gate import Gate, Priority
from bot.arxiv.scheduler import Waiters
from bot.runtime.errors import ArxivBackoff
from tests.support.clock import FakeClock

INTERVAL_S = 3.0
INTERACTIVE, POLL = Priority.INTERACTIVE, Priority.POLL


class Requests:
    """Requests that go through the gate, and when each started and ended."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.started_s: dict[str, float] = {}
        self.ended_s: dict[str, float] = {}

    def start(
        self,
        name: str,
        gate: Gate,
        priority: Priority = POLL,
        *,
        request_s: float = 0.0,
        waiters: Waiters | None = None,
        parsing_s: float | None = None,
        backoff: ArxivBackoff | None = None,
    ) -> asyncio.Task[None]:
        """Starts a request whose response takes `parsing_s` to parse, and then closes the gate for a `backoff`."""
        coroutine = self._request(name, gate, priority, request_s, waiters, parsing_s, backoff)
        self.tasks[name] = asyncio.create_task(coroutine)
        return self.tasks[name]

    async def _request(
        self,
        name: str,
        gate: Gate,
        priority: Priority,
        request_s: float,
        waiters: Waiters | None,
        parsing_s: float | None,
        backoff: ArxivBackoff | None,
    ) -> None:
        async with gate.request_slot(priority, waiters) as slot:
            self.started_s[name] = self._clock.monotonic()
            await self._clock.sleep(request_s)
            self.ended_s[name] = self._clock.monotonic()
            if parsing_s is not None:
                slot.request_ended()
                await self._clock.sleep(parsing_s)
            if backoff is not None:
                slot.close_gate(backoff)

    @property
    def order(self) -> list[str]:
        return sorted(self.started_s, key=self.started_s.__getitem__)

    def smallest_pause_s(self) -> float:
        times = sorted((self.started_s[name], self.ended_s[name]) for name in self.ended_s)
        return min(later[0] - earlier[1] for earlier, later in itertools.pairwise(times))


@asynccontextmanager
async def sending(clock: FakeClock) -> AsyncIterator[Requests]:
    requests = Requests(clock)
    try:
        yield requests
    finally:
        for task in requests.tasks.values():
            task.cancel()
        await asyncio.gather(*requests.tasks.values(), return_exceptions=True)


def write_lock_file(path: Path, text: str | bytes) -> None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def stored_backoff(path: Path) -> str | None:
    not_before = json.loads(path.read_text())["not_before"]
    assert not_before is None or isinstance(not_before, str)
    return not_before


def exists(path: Path) -> bool:
    return path.exists()


def remove_file(path: Path) -> None:
    path.unlink()


def lock_in_killed_process(path: Path) -> None:
    program = (
        "import fcntl, os, sys, time\n"
        f"file = os.open({str(path)!r}, os.O_RDWR | os.O_CREAT)\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('locked', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        process.kill()


async def close_gate(gate: Gate, clock: FakeClock, backoff: ArxivBackoff) -> None:
    """Closes the gate in a request."""

    async def request() -> None:
        async with gate.request_slot(POLL) as slot:
            slot.close_gate(backoff)

    requesting = asyncio.create_task(request())
    await clock.advance(6.0)
    await requesting


async def error_of(gate: Gate) -> ArxivBackoff:
    """Returns the error that a request raises."""
    with pytest.raises(ArxivBackoff) as raised:
        async with gate.request_slot(INTERACTIVE):
            pass
    return raised.value
