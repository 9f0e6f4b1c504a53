"""Backoffs of the request gate: for all processes, over restarts and jumps of the clock, until they are cleared."""

import asyncio
import fcntl
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from bot.arxiv.gate import ARXIV_BACKOFF_MAX, Gate
from bot.runtime.errors import ArxivThrottled, ArxivUnavailable, StoreUnavailable
from tests.support.clock import FakeClock, every_jump, jumps_ahead, settle
from tests.support.gate import (
    INTERACTIVE,
    INTERVAL_S,
    POLL,
    close_gate,
    error_of,
    remove_file,
    sending,
    stored_backoff,
    write_lock_file,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "papers.sqlite3.gate"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_backoff_of_another_process_does_not_claim_that_arxiv_asked(path: Path, clock: FakeClock) -> None:
    unreachable = ArxivUnavailable("arXiv is unreachable (no connection)", clock.now() + timedelta(minutes=5))
    await close_gate(Gate(path, clock, INTERVAL_S), clock, unreachable)
    assert str(await error_of(Gate(path, clock, INTERVAL_S))) == "waiting, because an earlier request failed"


async def test_closed_gate_raises_at_once_with_end_and_reason(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    backoff = ArxivUnavailable("arXiv is unreachable (timed out)", clock.now() + timedelta(minutes=4))
    await close_gate(gate, clock, backoff)
    assert gate.closed_until() == backoff.not_before
    error = await error_of(gate)
    assert (type(error), str(error), error.not_before) == (ArxivUnavailable, str(backoff), backoff.not_before)


async def test_backoff_survives_a_restart_and_applies_to_other_processes(path: Path, clock: FakeClock) -> None:
    other = Gate(path, clock, INTERVAL_S)
    backoff = ArxivThrottled("arXiv asks us to wait", clock.now() + timedelta(minutes=4))
    await close_gate(Gate(path, clock, INTERVAL_S), clock, backoff)
    for gate in (other, Gate(path, clock, INTERVAL_S)):
        error = await error_of(gate)
        assert (type(error), error.not_before) == (ArxivThrottled, backoff.not_before)


async def test_waiting_request_fails_when_the_gate_closes(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    closing = asyncio.create_task(close_gate(gate, clock, ArxivThrottled("wait", clock.now() + timedelta(minutes=4))))
    await settle()
    async with sending(clock) as requests:
        waiting = requests.start("waiting", gate, POLL)
        await clock.advance(4.0)
        await closing
        assert isinstance(waiting.exception(), ArxivThrottled)
        assert requests.order == []


async def test_gate_opens_when_the_backoff_ends(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    await close_gate(gate, clock, ArxivThrottled("wait", clock.now() + timedelta(minutes=1)))
    await clock.advance(60)
    assert gate.closed_until() is None
    async with sending(clock) as requests:
        requests.start("next", gate)
        await clock.advance(0.2)
        assert requests.order == ["next"]


async def test_stored_backoff_is_kept_when_another_process_takes_over(path: Path, clock: FakeClock) -> None:
    ended = (clock.now() - timedelta(seconds=1)).isoformat()
    write_lock_file(path, json.dumps({"holder": "other", "not_before": ended}))
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
    write_lock_file(path, text)
    gate = Gate(path, clock, INTERVAL_S)
    assert gate.closed_until() is None
    async with sending(clock) as requests:
        requests.start("next", gate)
        await clock.advance(3.1)
        assert requests.order == ["next"]


async def test_stored_backoff_more_than_a_day_ahead_is_ignored(path: Path, clock: FakeClock) -> None:
    for ahead, is_honoured in ((timedelta(0), True), (timedelta(seconds=1), False)):
        end = clock.now() + ARXIV_BACKOFF_MAX + ahead
        write_lock_file(path, json.dumps({"holder": "other", "not_before": end.isoformat()}))
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
    await close_gate(gate, clock, backoff)
    remove_file(path)
    assert gate.closed_until() == backoff.not_before


# --- clearing a backoff ----------------------------------------------------------------------------


async def test_cleared_backoff_ends_in_every_process(path: Path, clock: FakeClock) -> None:
    gate, clearing = Gate(path, clock, INTERVAL_S), Gate(path, clock, INTERVAL_S, ignores_backoff=True)
    until = clock.now() + timedelta(hours=23)
    await close_gate(gate, clock, ArxivThrottled("arXiv asks us to wait", until))
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
    await close_gate(Gate(path, clock, INTERVAL_S), clock, ArxivThrottled("arXiv asks us to wait", until))
    clearing = Gate(path, clock, INTERVAL_S, ignores_backoff=True)
    await close_gate(clearing, clock, ArxivThrottled("arXiv asks us to wait", clock.now() + timedelta(minutes=1)))
    assert stored_backoff(path) == until.isoformat()


async def test_backoff_that_another_process_recorded_meanwhile_is_not_cleared(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    until = clock.now() + timedelta(hours=2)
    await close_gate(gate, clock, ArxivThrottled("arXiv asks us to wait", until))
    assert not await Gate(path, clock, INTERVAL_S).clear_backoff(until - timedelta(hours=1))
    assert stored_backoff(path) == until.isoformat()


async def test_clearing_waits_while_another_process_holds_the_lock(path: Path, clock: FakeClock) -> None:
    gate = Gate(path, clock, INTERVAL_S)
    until = clock.now() + timedelta(hours=2)
    await close_gate(gate, clock, ArxivThrottled("arXiv asks us to wait", until))
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
    await close_gate(gate, clock, ArxivUnavailable("arXiv is unreachable", clock.now() + timedelta(minutes=4)))
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
    await close_gate(Gate(path, clock, INTERVAL_S), clock, ArxivThrottled("wait", clock.now() + timedelta(minutes=4)))
    clock.jump(-jump)
    assert Gate(path, clock, INTERVAL_S).closed_until() is None


async def test_backoff_of_another_process_survives_its_takeover(path: Path, clock: FakeClock) -> None:
    end = clock.now() + timedelta(minutes=4)
    since = clock.now() + timedelta(days=2)
    write_lock_file(path, json.dumps({"holder": "other", "not_before": end.isoformat(), "since": since.isoformat()}))
    async with sending(clock) as requests:
        requests.start("next", Gate(path, clock, INTERVAL_S))  # its own clock is right, or behind by two days
        await clock.advance(3.1)
        assert requests.order == ["next"]
    assert stored_backoff(path) == end.isoformat()
