"""The gate: one at a time, a pause after each, people first, and the same between processes."""

import asyncio
import fcntl
import itertools
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.arxiv.gate import ARXIV_BACKOFF_MAX, Gate, Priority
from bot.runtime.errors import ArxivBackoff, ArxivThrottled, ArxivUnavailable, StoreUnavailable
from tests.support.clock import FakeClock, settle

INTERVAL_S = 3.0
PERSON, PASS = Priority.INTERACTIVE, Priority.POLL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "papers.sqlite3.gate"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Visitors:
    """Those who want through the gate, and what happened there."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.began_s: dict[str, float] = {}
        self.ended_s: dict[str, float] = {}

    def send(self, name: str, gate: Gate, priority: Priority = PASS, *, request_s: float = 0.0) -> asyncio.Task[None]:
        self.tasks[name] = asyncio.create_task(self._visit(name, gate, priority, request_s))
        return self.tasks[name]

    async def _visit(self, name: str, gate: Gate, priority: Priority, request_s: float) -> None:
        async with gate.turn(priority):
            self.began_s[name] = self._clock.monotonic()
            await self._clock.sleep(request_s)
            self.ended_s[name] = self._clock.monotonic()

    @property
    def order(self) -> list[str]:
        return sorted(self.began_s, key=self.began_s.__getitem__)

    def smallest_pause_s(self) -> float:
        moments = sorted((self.began_s[name], self.ended_s[name]) for name in self.ended_s)
        return min(later[0] - earlier[1] for earlier, later in itertools.pairwise(moments))


@asynccontextmanager
async def visitors(clock: FakeClock) -> AsyncIterator[Visitors]:
    coming = Visitors(clock)
    try:
        yield coming
    finally:
        for task in coming.tasks.values():
            task.cancel()
        await asyncio.gather(*coming.tasks.values(), return_exceptions=True)


def store(path: Path, text: str | bytes) -> None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def stored_mark(path: Path) -> str | None:
    mark = json.loads(path.read_text())["not_before"]
    assert mark is None or isinstance(mark, str)
    return mark


def take_away(path: Path) -> None:
    path.unlink()


def lock_in_a_process_that_is_killed(path: Path) -> None:
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


async def test_process_waits_one_interval_before_its_first_request(path: Path, clock: FakeClock) -> None:
    async with visitors(clock) as coming:
        coming.send("first", Gate(path, clock, INTERVAL_S))
        await clock.advance(2.9)
        assert coming.order == []
        await clock.advance(0.1)
        assert coming.order == ["first"]


async def test_interval_counts_from_the_end_of_a_request_to_the_start_of_the_next(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with visitors(clock) as coming:
        for number in range(5):
            coming.send(f"{number}", gate, request_s=7.5)
        await clock.advance(60)
        assert coming.order == ["0", "1", "2", "3", "4"]
        assert coming.smallest_pause_s() >= INTERVAL_S
        assert coming.began_s["4"] == pytest.approx(3 + 4 * 10.5, abs=0.5)


async def test_people_go_before_a_pass_each_in_order_of_arrival(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with visitors(clock) as coming:
        coming.send("pass 1", gate, PASS)
        coming.send("pass 2", gate, PASS)
        coming.send("person 1", gate, PERSON)
        coming.send("person 2", gate, PERSON)
        await clock.advance(30)
        assert coming.order == ["person 1", "person 2", "pass 1", "pass 2"]


async def test_person_who_comes_during_the_pause_goes_before_the_pass_that_waits(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with visitors(clock) as coming:
        coming.send("page 1", gate, PASS)
        await clock.advance(3.0)
        coming.send("page 2", gate, PASS)
        await clock.advance(2.9)
        coming.send("person", gate, PERSON)
        await clock.advance(10)
        assert coming.order == ["page 1", "person", "page 2"]
        assert coming.smallest_pause_s() >= INTERVAL_S


async def test_one_who_gives_up_lets_the_others_through(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with visitors(clock) as coming:
        coming.send("patient", gate, PASS)
        impatient = coming.send("impatient", gate, PERSON)
        await clock.advance(2.0)
        impatient.cancel()
        await clock.advance(2.0)
        assert coming.order == ["patient"]


@pytest.mark.parametrize("cancelled_after_s", [0.0, 1.0, 2.95, 3.0, 3.5, 5.0])
async def test_cancellation_at_any_moment_leaves_the_gate_usable(
    path: Path, clock: FakeClock, cancelled_after_s: float
) -> None:
    gate, neighbour = Gate(path, clock, INTERVAL_S), Gate(path, clock, INTERVAL_S)
    async with visitors(clock) as coming:
        cancelled = coming.send("cancelled", gate, PERSON, request_s=1.0)
        await clock.advance(cancelled_after_s)
        cancelled.cancel()
        await settle()
        assert cancelled.done()
        coming.send("neighbour", neighbour)
        await clock.advance(4.0)
        assert "neighbour" in coming.ended_s
        coming.send("next", gate)
        await clock.advance(6.0)
        assert "next" in coming.ended_s


async def test_error_in_a_turn_ends_it_and_the_interval_holds(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)

    async def fail() -> None:
        async with gate.turn(PERSON):
            raise LookupError

    failing = asyncio.create_task(fail())
    await clock.advance(3.0)
    with pytest.raises(LookupError):
        await failing
    async with visitors(clock) as coming:
        coming.send("next", gate)
        await clock.advance(2.9)
        assert coming.order == []
        await clock.advance(0.2)
        assert coming.order == ["next"]


# --- between processes -----------------------------------------------------------------------------


async def test_two_processes_never_ask_at_once_nor_within_the_interval(path: Path, clock: FakeClock) -> None:
    gates = [Gate(path, clock, INTERVAL_S), Gate(path, clock, INTERVAL_S)]
    async with visitors(clock) as coming:
        for number in range(6):
            coming.send(f"{number}", gates[number % 2], request_s=1.7)
        await clock.advance(120)
        assert len(coming.ended_s) == 6
        assert coming.smallest_pause_s() >= INTERVAL_S


async def test_process_that_starts_right_after_anothers_request_waits_a_whole_interval(
    path: Path, clock: FakeClock
) -> None:
    async with visitors(clock) as coming:
        coming.send("before the restart", Gate(path, clock, INTERVAL_S))
        await clock.advance(3.1)
        coming.send("after the restart", Gate(path, clock, INTERVAL_S))
        await clock.advance(2.9)
        assert coming.order == ["before the restart"]
        await clock.advance(0.2)
        assert coming.smallest_pause_s() >= INTERVAL_S


async def test_gate_waits_while_another_process_holds_the_lock(path: Path, clock: FakeClock) -> None:
    holder = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    async with visitors(clock) as coming:
        coming.send("waiting", Gate(path, clock, INTERVAL_S))
        await clock.advance(60)
        assert coming.order == []
        os.close(holder)
        await clock.advance(3.2)
        assert coming.order == ["waiting"]


async def test_people_come_first_also_while_another_process_holds_the_lock(path: Path, clock: FakeClock) -> None:
    holder = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    gate = Gate(path, clock, INTERVAL_S)
    async with visitors(clock) as coming:
        coming.send("pass", gate, PASS)
        await clock.advance(5)
        os.close(holder)
        await clock.advance(1)
        coming.send("person", gate, PERSON)
        await clock.advance(10)
        assert coming.order == ["person", "pass"]


async def test_lock_is_not_kept_for_one_who_gave_up(path: Path, clock: FakeClock) -> None:
    async with visitors(clock) as coming:
        cancelled = coming.send("gives up", Gate(path, clock, INTERVAL_S))
        await clock.advance(1.0)
        cancelled.cancel()
        await settle()
    free = os.open(path, os.O_RDWR)
    fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(free)


async def test_lock_file_taken_away_meanwhile_is_made_anew(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with visitors(clock) as coming:
        coming.send("first", gate, request_s=1)
        await clock.advance(3.5)
        take_away(path)
        coming.send("second", gate)
        await clock.advance(10)
        assert coming.order == ["first", "second"]
        assert stored_mark(path) is None


async def test_killed_process_leaves_no_lock_behind(path: Path, clock: FakeClock) -> None:
    lock_in_a_process_that_is_killed(path)
    async with visitors(clock) as coming:
        coming.send("next", Gate(path, clock, INTERVAL_S))
        await clock.advance(3.1)
        assert coming.order == ["next"]


# --- backoff ---------------------------------------------------------------------------------------


async def shut(gate: Gate, clock: FakeClock, wait: ArxivBackoff) -> None:
    async def visit() -> None:
        async with gate.turn(PASS) as turn:
            turn.close_gate(wait)

    visiting = asyncio.create_task(visit())
    await clock.advance(6.0)
    await visiting


async def refusal(gate: Gate) -> ArxivBackoff:
    with pytest.raises(ArxivBackoff) as refused:
        async with gate.turn(PERSON):
            pass
    return refused.value


async def test_shut_gate_says_at_once_until_when_and_why(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    wait = ArxivUnavailable("arXiv is unreachable (timed out)", clock.now() + timedelta(minutes=4))
    await shut(gate, clock, wait)
    assert gate.not_before() == wait.not_before
    refused = await refusal(gate)
    assert (type(refused), str(refused), refused.not_before) == (ArxivUnavailable, str(wait), wait.not_before)


async def test_backoff_outlives_the_process_and_binds_the_others(path: Path, clock: FakeClock) -> None:
    neighbour = Gate(path, clock, INTERVAL_S)
    wait = ArxivThrottled("arXiv asks us to wait", clock.now() + timedelta(minutes=4))
    await shut(Gate(path, clock, INTERVAL_S), clock, wait)
    for gate in (neighbour, Gate(path, clock, INTERVAL_S)):
        refused = await refusal(gate)
        assert (type(refused), refused.not_before) == (ArxivThrottled, wait.not_before)


async def test_those_who_wait_are_told_when_the_gate_is_shut(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    shutting = asyncio.create_task(shut(gate, clock, ArxivThrottled("wait", clock.now() + timedelta(minutes=4))))
    await settle()
    async with visitors(clock) as coming:
        waiting = coming.send("waiting", gate, PASS)
        await clock.advance(4.0)
        await shutting
        assert isinstance(waiting.exception(), ArxivThrottled)
        assert coming.order == []


async def test_gate_opens_when_the_time_has_come(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    await shut(gate, clock, ArxivThrottled("wait", clock.now() + timedelta(minutes=1)))
    await clock.advance(60)
    assert gate.not_before() is None
    async with visitors(clock) as coming:
        coming.send("next", gate)
        await clock.advance(0.2)
        assert coming.order == ["next"]


async def test_mark_is_kept_when_another_process_takes_its_turn(path: Path, clock: FakeClock) -> None:
    mark = (clock.now() - timedelta(seconds=1)).isoformat()
    store(path, json.dumps({"holder": "somebody", "not_before": mark}))
    async with visitors(clock) as coming:
        coming.send("next", Gate(path, clock, INTERVAL_S))
        await clock.advance(3.1)
        assert coming.order == ["next"]
        assert stored_mark(path) == mark


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\x00\xff garbage",
        b"[1, 2]",
        b"{",
        b'{"holder": 5, "not_before": 17}',
        b'{"not_before": "tomorrow"}',
        b'{"not_before": "2026-11-18T12:30:00"}',
        b'{"not_before": "9999-12-31T23:59:59-12:00"}',
        b"[" * 200_000,
    ],
)
async def test_file_without_sense_stores_nothing(path: Path, clock: FakeClock, text: bytes) -> None:
    store(path, text)
    gate = Gate(path, clock, INTERVAL_S)
    assert gate.not_before() is None
    async with visitors(clock) as coming:
        coming.send("next", gate)
        await clock.advance(3.1)
        assert coming.order == ["next"]


async def test_mark_more_than_a_day_ahead_is_a_clock_gone_wrong(path: Path, clock: FakeClock) -> None:
    for ahead, believed in ((timedelta(0), True), (timedelta(seconds=1), False)):
        moment = clock.now() + ARXIV_BACKOFF_MAX + ahead
        store(path, json.dumps({"holder": "somebody", "not_before": moment.isoformat()}))
        assert (Gate(path, clock, INTERVAL_S).not_before() == moment) is believed


async def test_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, clock: FakeClock) -> None:
    for path in (tmp_path / "absent" / "gate", tmp_path):
        with pytest.raises(StoreUnavailable, match="cannot be written: "):
            async with Gate(path, clock, INTERVAL_S).turn(PERSON):
                pass


async def test_full_disk_lets_nobody_through_and_leaves_the_lock_free(clock: FakeClock) -> None:
    full = Path("/dev/full")
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="No space left"):
            async with Gate(full, clock, INTERVAL_S).turn(PERSON):
                pass


async def test_backoff_holds_in_memory_when_the_disk_is_full(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    wait = ArxivThrottled("arXiv asks us to wait", clock.now() + timedelta(minutes=4))
    await shut(gate, clock, wait)
    take_away(path)
    assert gate.not_before() == wait.not_before
