"""The request gate: one request at a time, an interval after each, by priority, also between processes."""

import asyncio
import fcntl
import os
from datetime import timedelta
from pathlib import Path

import pytest

from bot.arxiv.gate import Gate
from bot.arxiv.scheduler import QUEUED_MAX, Caller, Waiters
from bot.runtime.errors import ArxivBusy, ArxivThrottled
from tests.support.clock import FakeClock, settle
from tests.support.gate import (
    INTERACTIVE,
    INTERVAL_S,
    POLL,
    close_gate,
    exists,
    lock_in_killed_process,
    remove_file,
    sending,
    stored_backoff,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "papers.sqlite3.gate"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


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


async def test_interval_runs_while_a_response_is_parsed(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        requests.start("page 1", gate, request_s=1.0, parsing_s=2.5)
        requests.start("page 2", gate)
        await clock.advance(20)
        assert requests.started_s["page 2"] == requests.ended_s["page 1"] + INTERVAL_S


async def test_no_request_leaves_before_a_response_is_parsed(path: Path, clock: FakeClock) -> None:
    gate, other = Gate(path, clock, INTERVAL_S), Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        requests.start("page 1", gate, parsing_s=30.0)
        await clock.advance(3.0)
        requests.start("interactive", gate, INTERACTIVE)
        requests.start("other process", other, INTERACTIVE)
        await clock.advance(29.9)
        assert requests.order == ["page 1"]
        await clock.advance(INTERVAL_S + 1.0)
        assert requests.order[:2] == ["page 1", "interactive"]


async def test_waiting_requests_learn_of_a_response_that_was_not_a_feed(path: Path, clock: FakeClock) -> None:
    gate, other = Gate(path, clock, INTERVAL_S), Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        backoff = ArxivThrottled("not a feed", clock.now() + timedelta(seconds=60))
        requests.start("page 1", gate, parsing_s=5.0, backoff=backoff)
        await clock.advance(3.0)
        waiting = [requests.start("interactive", gate, INTERACTIVE), requests.start("other process", other)]
        await clock.advance(10.0)
        assert requests.order == ["page 1"]
        assert all(isinstance(task.exception(), ArxivThrottled) for task in waiting)


async def test_cancelled_parsing_frees_the_gate_after_the_interval(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    async with sending(clock) as requests:
        first = requests.start("page 1", gate, parsing_s=30.0)
        await clock.advance(3.0)
        requests.start("page 2", gate)
        await clock.advance(1.0)
        first.cancel()
        await clock.advance(10.0)
        assert requests.started_s["page 2"] == requests.ended_s["page 1"] + INTERVAL_S


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
    await close_gate(gate, clock, ArxivThrottled("arXiv asks us to wait", until))
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
