"""The request gate: one request at a time, an interval after each, by priority, also between processes."""

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
from bot.arxiv.scheduler import QUEUED_MAX, Caller, Waiters
from bot.runtime.errors import ArxivBackoff, ArxivBusy, ArxivThrottled, ArxivUnavailable, StoreUnavailable
from tests.support.clock import FakeClock, every_jump, jumps_ahead, settle

INTERVAL_S = 3.0
INTERACTIVE, POLL = Priority.INTERACTIVE, Priority.POLL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "papers.sqlite3.gate"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


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
    ) -> asyncio.Task[None]:
        self.tasks[name] = asyncio.create_task(self._request(name, gate, priority, request_s, waiters))
        return self.tasks[name]

    async def _request(
        self, name: str, gate: Gate, priority: Priority, request_s: float, waiters: Waiters | None
    ) -> None:
        async with gate.request_slot(priority, waiters):
            self.started_s[name] = self._clock.monotonic()
            await self._clock.sleep(request_s)
            self.ended_s[name] = self._clock.monotonic()

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


def store(path: Path, text: str | bytes) -> None:
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


async def test_process_waits_one_interval_before_its_first_request(path: Path, clock: FakeClock) -> None:
    async with sending(clock) as requests:
        requests.start("first", Gate(path, clock, INTERVAL_S))
        await clock.advance(2.9)
        assert requests.order == []
        await clock.advance(0.1)
        assert requests.order == ["first"]


async def test_interval_runs_from_the_end_of_a_request_to_the_start_of_the_next(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        for number in range(5):
            requests.start(f"{number}", gate, request_s=7.5)
        await clock.advance(60)
        assert requests.order == ["0", "1", "2", "3", "4"]
        assert requests.smallest_pause_s() >= INTERVAL_S
        assert requests.started_s["4"] == pytest.approx(3 + 4 * 10.5, abs=0.5)


async def test_interactive_requests_go_before_a_poll_in_order_of_arrival(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        requests.start("poll 1", gate, POLL)
        requests.start("poll 2", gate, POLL)
        requests.start("interactive 1", gate, INTERACTIVE)
        requests.start("interactive 2", gate, INTERACTIVE)
        await clock.advance(30)
        assert requests.order == ["interactive 1", "interactive 2", "poll 1", "poll 2"]


async def test_interactive_request_during_the_interval_goes_before_a_waiting_poll(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        requests.start("page 1", gate, POLL)
        await clock.advance(3.0)
        requests.start("page 2", gate, POLL)
        await clock.advance(2.9)
        requests.start("interactive", gate, INTERACTIVE)
        await clock.advance(10)
        assert requests.order == ["page 1", "interactive", "page 2"]
        assert requests.smallest_pause_s() >= INTERVAL_S


async def test_poll_gets_every_third_slot_while_people_wait(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        for number in range(6):
            requests.start(f"person {number}", gate, INTERACTIVE, waiters=Waiters({Caller(number)}, 900.0))
        requests.start("poll 1", gate)
        requests.start("poll 2", gate)
        await clock.advance(2.0)
        assert gate.poll_wait_s() == 2.0
        await clock.advance(28)
        order = [name.split()[0] for name in requests.order]
        assert order == ["person", "person", "poll", "person", "person", "poll", "person", "person"]
        assert requests.smallest_pause_s() >= INTERVAL_S
        assert gate.poll_wait_s() == 0.0


async def test_request_leaves_the_queue_when_its_deadline_passes(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        requests.start("first", gate, INTERACTIVE, request_s=10)
        expired = requests.start("expired", gate, INTERACTIVE, waiters=Waiters({Caller(1)}, 13.5))
        requests.start("next", gate, POLL)
        await clock.advance(30)
        assert requests.order == ["first", "next"]
        assert isinstance(expired.exception(), ArxivBusy)


async def test_request_that_made_room_in_a_full_queue_fails(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        for number in range(QUEUED_MAX):
            requests.start(f"{number}", gate, INTERACTIVE, waiters=Waiters({Caller(number, 1)}, 900.0))
        await settle()
        rejected = requests.start("rejected", gate, INTERACTIVE, waiters=Waiters({Caller(99, 1)}, 900.0))
        requests.start("other server", gate, INTERACTIVE, waiters=Waiters({Caller(99, 2)}, 900.0))
        await clock.advance(7)
        assert isinstance(rejected.exception(), ArxivBusy)
        assert isinstance(requests.tasks[f"{QUEUED_MAX - 1}"].exception(), ArxivBusy)
        assert requests.order == ["0", "other server"]


async def test_cancelled_request_lets_the_next_one_through(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        requests.start("kept", gate, POLL)
        cancelled = requests.start("cancelled", gate, INTERACTIVE)
        await clock.advance(2.0)
        cancelled.cancel()
        await clock.advance(2.0)
        assert requests.order == ["kept"]


@pytest.mark.parametrize("cancelled_after_s", [0.0, 1.0, 2.95, 3.0, 3.5, 5.0])
async def test_cancellation_at_any_moment_leaves_the_gate_usable(
    path: Path, clock: FakeClock, cancelled_after_s: float
) -> None:
    gate, other = Gate(path, clock, INTERVAL_S), Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        cancelled = requests.start("cancelled", gate, INTERACTIVE, request_s=1.0)
        await clock.advance(cancelled_after_s)
        cancelled.cancel()
        await settle()
        assert cancelled.done()
        requests.start("other", other)
        await clock.advance(4.0)
        assert "other" in requests.ended_s
        requests.start("next", gate)
        await clock.advance(6.0)
        assert "next" in requests.ended_s


async def test_error_in_a_slot_ends_it_and_the_interval_holds(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)

    async def fail() -> None:
        async with gate.request_slot(INTERACTIVE):
            raise LookupError

    failing = asyncio.create_task(fail())
    await clock.advance(3.0)
    with pytest.raises(LookupError):
        await failing
    async with sending(clock) as requests:
        requests.start("next", gate)
        await clock.advance(2.9)
        assert requests.order == []
        await clock.advance(0.2)
        assert requests.order == ["next"]


# --- between processes -----------------------------------------------------------------------------


async def test_two_processes_never_send_concurrently_nor_within_the_interval(path: Path, clock: FakeClock) -> None:
    gates = [Gate(path, clock, INTERVAL_S), Gate(path, clock, INTERVAL_S)]
    async with sending(clock) as requests:
        for number in range(6):
            requests.start(f"{number}", gates[number % 2], request_s=1.7)
        await clock.advance(120)
        assert len(requests.ended_s) == 6
        assert requests.smallest_pause_s() >= INTERVAL_S


async def test_process_started_after_a_request_of_another_waits_a_whole_interval(path: Path, clock: FakeClock) -> None:
    async with sending(clock) as requests:
        requests.start("before the restart", Gate(path, clock, INTERVAL_S))
        await clock.advance(3.1)
        requests.start("after the restart", Gate(path, clock, INTERVAL_S))
        await clock.advance(2.9)
        assert requests.order == ["before the restart"]
        await clock.advance(0.2)
        assert requests.smallest_pause_s() >= INTERVAL_S


async def test_gate_waits_while_another_process_holds_the_lock(path: Path, clock: FakeClock) -> None:
    holder = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    async with sending(clock) as requests:
        requests.start("waiting", Gate(path, clock, INTERVAL_S))
        await clock.advance(60)
        assert requests.order == []
        os.close(holder)
        await clock.advance(3.2)
        assert requests.order == ["waiting"]


async def test_priority_holds_while_another_process_holds_the_lock(path: Path, clock: FakeClock) -> None:
    holder = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        requests.start("poll", gate, POLL)
        await clock.advance(5)
        os.close(holder)
        await clock.advance(1)
        requests.start("interactive", gate, INTERACTIVE)
        await clock.advance(10)
        assert requests.order == ["interactive", "poll"]


async def test_cancelled_request_does_not_keep_the_lock(path: Path, clock: FakeClock) -> None:
    async with sending(clock) as requests:
        cancelled = requests.start("cancelled", Gate(path, clock, INTERVAL_S))
        await clock.advance(1.0)
        cancelled.cancel()
        await settle()
    free = os.open(path, os.O_RDWR)
    fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(free)


async def test_removed_lock_file_is_created_again(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        requests.start("first", gate, request_s=1)
        await clock.advance(3.5)
        remove_file(path)
        requests.start("second", gate)
        await clock.advance(10)
        assert requests.order == ["first", "second"]
        assert stored_backoff(path) is None


async def test_file_is_removed_one_interval_after_the_last_request(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        requests.start("only", gate, request_s=1)
        await clock.advance(4.5)
        removal = asyncio.create_task(gate.remove_file())
        await clock.advance(2)
        assert exists(path)
        await clock.advance(1)
        await removal
        assert not exists(path)


async def test_file_that_another_process_used_last_is_kept(path: Path, clock: FakeClock) -> None:
    gate, other = Gate(path, clock, INTERVAL_S), Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        requests.start("first", gate)
        await clock.advance(4)
        requests.start("second", other)
        await clock.advance(10)
        assert requests.order == ["first", "second"]
        await gate.remove_file()
        assert exists(path)


async def test_file_that_another_process_has_locked_is_kept(path: Path, clock: FakeClock) -> None:
    gate, other = Gate(path, clock, INTERVAL_S), Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        requests.start("first", gate)
        await clock.advance(10)
        requests.start("second", other, request_s=20)
        await clock.advance(5)
        await gate.remove_file()
        assert exists(path)


async def test_file_with_a_backoff_is_kept(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    until = clock.now() + timedelta(minutes=5)
    await close(gate, clock, ArxivThrottled("arXiv asks us to wait", until))
    await gate.remove_file()
    assert stored_backoff(path) == until.isoformat()


async def test_gate_that_never_requested_removes_nothing(path: Path, clock: FakeClock) -> None:
    await Gate(path, clock, INTERVAL_S).remove_file()
    assert not exists(path)


async def test_killed_process_leaves_no_lock_behind(path: Path, clock: FakeClock) -> None:
    lock_in_killed_process(path)
    async with sending(clock) as requests:
        requests.start("next", Gate(path, clock, INTERVAL_S))
        await clock.advance(3.1)
        assert requests.order == ["next"]


# --- backoff ---------------------------------------------------------------------------------------


async def close(gate: Gate, clock: FakeClock, backoff: ArxivBackoff) -> None:
    async def request() -> None:
        async with gate.request_slot(POLL) as slot:
            slot.close_gate(backoff)

    requesting = asyncio.create_task(request())
    await clock.advance(6.0)
    await requesting


async def error_of(gate: Gate) -> ArxivBackoff:
    with pytest.raises(ArxivBackoff) as raised:
        async with gate.request_slot(INTERACTIVE):
            pass
    return raised.value


async def test_backoff_of_another_process_does_not_claim_that_arxiv_asked(path: Path, clock: FakeClock) -> None:
    unreachable = ArxivUnavailable("arXiv is unreachable (no connection)", clock.now() + timedelta(minutes=5))
    await close(Gate(path, clock, INTERVAL_S), clock, unreachable)
    assert str(await error_of(Gate(path, clock, INTERVAL_S))) == "waiting, because an earlier request failed"


async def test_closed_gate_raises_at_once_with_end_and_reason(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    backoff = ArxivUnavailable("arXiv is unreachable (timed out)", clock.now() + timedelta(minutes=4))
    await close(gate, clock, backoff)
    assert gate.closed_until() == backoff.not_before
    error = await error_of(gate)
    assert (type(error), str(error), error.not_before) == (ArxivUnavailable, str(backoff), backoff.not_before)


async def test_backoff_survives_a_restart_and_applies_to_other_processes(path: Path, clock: FakeClock) -> None:
    other = Gate(path, clock, INTERVAL_S)
    backoff = ArxivThrottled("arXiv asks us to wait", clock.now() + timedelta(minutes=4))
    await close(Gate(path, clock, INTERVAL_S), clock, backoff)
    for gate in (other, Gate(path, clock, INTERVAL_S)):
        error = await error_of(gate)
        assert (type(error), error.not_before) == (ArxivThrottled, backoff.not_before)


async def test_waiting_request_fails_when_the_gate_closes(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    closing = asyncio.create_task(close(gate, clock, ArxivThrottled("wait", clock.now() + timedelta(minutes=4))))
    await settle()
    async with sending(clock) as requests:
        waiting = requests.start("waiting", gate, POLL)
        await clock.advance(4.0)
        await closing
        assert isinstance(waiting.exception(), ArxivThrottled)
        assert requests.order == []


async def test_gate_opens_when_the_backoff_ends(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    await close(gate, clock, ArxivThrottled("wait", clock.now() + timedelta(minutes=1)))
    await clock.advance(60)
    assert gate.closed_until() is None
    async with sending(clock) as requests:
        requests.start("next", gate)
        await clock.advance(0.2)
        assert requests.order == ["next"]


async def test_stored_backoff_is_kept_when_another_process_takes_over(path: Path, clock: FakeClock) -> None:
    ended = (clock.now() - timedelta(seconds=1)).isoformat()
    store(path, json.dumps({"holder": "other", "not_before": ended}))
    async with sending(clock) as requests:
        requests.start("next", Gate(path, clock, INTERVAL_S))
        await clock.advance(3.1)
        assert requests.order == ["next"]
        assert stored_backoff(path) == ended


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
async def test_invalid_lock_file_means_no_backoff(path: Path, clock: FakeClock, text: bytes) -> None:
    store(path, text)
    gate = Gate(path, clock, INTERVAL_S)
    assert gate.closed_until() is None
    async with sending(clock) as requests:
        requests.start("next", gate)
        await clock.advance(3.1)
        assert requests.order == ["next"]


async def test_stored_backoff_more_than_a_day_ahead_is_ignored(path: Path, clock: FakeClock) -> None:
    for ahead, is_honoured in ((timedelta(0), True), (timedelta(seconds=1), False)):
        end = clock.now() + ARXIV_BACKOFF_MAX + ahead
        store(path, json.dumps({"holder": "other", "not_before": end.isoformat()}))
        assert (Gate(path, clock, INTERVAL_S).closed_until() == end) is is_honoured


async def test_unwritable_path_raises_store_unavailable(tmp_path: Path, clock: FakeClock) -> None:
    for path in (tmp_path / "absent" / "gate", tmp_path):
        with pytest.raises(StoreUnavailable, match="cannot be written: "):
            async with Gate(path, clock, INTERVAL_S).request_slot(INTERACTIVE):
                pass


async def test_full_disk_lets_no_request_through_and_releases_the_lock(clock: FakeClock) -> None:
    full = Path("/dev/full")
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="No space left"):
            async with Gate(full, clock, INTERVAL_S).request_slot(INTERACTIVE):
                pass


async def test_backoff_holds_in_memory_when_the_disk_is_full(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    backoff = ArxivThrottled("arXiv asks us to wait", clock.now() + timedelta(minutes=4))
    await close(gate, clock, backoff)
    remove_file(path)
    assert gate.closed_until() == backoff.not_before


# --- clearing a backoff ----------------------------------------------------------------------------


async def test_cleared_backoff_ends_in_every_process(path: Path, clock: FakeClock) -> None:
    gate, clearing = Gate(path, clock, INTERVAL_S), Gate(path, clock, INTERVAL_S, ignores_backoff=True)
    until = clock.now() + timedelta(hours=23)
    await close(gate, clock, ArxivThrottled("arXiv asks us to wait", until))
    async with sending(clock) as requests:
        requests.start("probe", clearing, INTERACTIVE)
        await clock.advance(4)
        assert requests.order == ["probe"]
        assert (await error_of(gate)).not_before == until
        assert await clearing.clear_backoff(until)
        assert stored_backoff(path) is None
        requests.start("next", gate, POLL)
        await clock.advance(6)
        assert requests.order == ["probe", "next"]
        assert requests.smallest_pause_s() >= INTERVAL_S


async def test_failed_request_during_a_backoff_never_shortens_it(path: Path, clock: FakeClock) -> None:
    until = clock.now() + timedelta(hours=23)
    await close(Gate(path, clock, INTERVAL_S), clock, ArxivThrottled("arXiv asks us to wait", until))
    clearing = Gate(path, clock, INTERVAL_S, ignores_backoff=True)
    await close(clearing, clock, ArxivThrottled("arXiv asks us to wait", clock.now() + timedelta(minutes=1)))
    assert stored_backoff(path) == until.isoformat()


async def test_backoff_that_another_process_recorded_meanwhile_is_not_cleared(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    until = clock.now() + timedelta(hours=2)
    await close(gate, clock, ArxivThrottled("arXiv asks us to wait", until))
    assert not await Gate(path, clock, INTERVAL_S).clear_backoff(until - timedelta(hours=1))
    assert stored_backoff(path) == until.isoformat()


async def test_clearing_waits_while_another_process_holds_the_lock(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    until = clock.now() + timedelta(hours=2)
    await close(gate, clock, ArxivThrottled("arXiv asks us to wait", until))
    holder = os.open(path, os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    clearing = asyncio.create_task(Gate(path, clock, INTERVAL_S).clear_backoff(until))
    await clock.advance(5)
    assert not clearing.done()
    os.close(holder)
    await clock.advance(0.2)
    assert await clearing


# Jumps of the wall clock.


@every_jump
async def test_backoff_of_this_process_keeps_its_length_when_the_clock_is_set(
    path: Path, clock: FakeClock, jump: timedelta
) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    await close(gate, clock, ArxivUnavailable("arXiv is unreachable", clock.now() + timedelta(minutes=4)))
    clock.jump(jump)
    await clock.advance(233)  # `close` has taken six seconds
    assert gate.closed_until() is not None
    with pytest.raises(ArxivUnavailable, match="arXiv is unreachable"):
        async with gate.request_slot(INTERACTIVE):
            pass
    await clock.advance(1)
    assert gate.closed_until() is None


@jumps_ahead
async def test_backoff_that_another_process_stored_in_the_future_is_over(
    path: Path, clock: FakeClock, jump: timedelta
) -> None:
    clock.jump(jump)
    await close(Gate(path, clock, INTERVAL_S), clock, ArxivThrottled("wait", clock.now() + timedelta(minutes=4)))
    clock.jump(-jump)
    assert Gate(path, clock, INTERVAL_S).closed_until() is None


async def test_backoff_of_another_process_survives_its_takeover(path: Path, clock: FakeClock) -> None:
    end = clock.now() + timedelta(minutes=4)
    since = clock.now() + timedelta(days=2)
    store(path, json.dumps({"holder": "other", "not_before": end.isoformat(), "since": since.isoformat()}))
    async with sending(clock) as requests:
        requests.start("next", Gate(path, clock, INTERVAL_S))  # its own clock is right, or behind by two days
        await clock.advance(3.1)
        assert requests.order == ["next"]
    assert stored_backoff(path) == end.isoformat()
