"""Files next to the database, besides those of the store, are created so that only their owner can read them."""

from pathlib import Path

from bot.arxiv.gate import Gate, Priority
from tests.support.clock import FakeClock
from tests.support.ingest import running
from tests.support.modes import mode_of, umask

INTERVAL_S = 3.0


async def request(path: Path) -> None:
    """Goes through the gate, which waits an interval, because the file does not say when the last request was."""
    clock = FakeClock()
    gate = Gate(path, clock, INTERVAL_S)

    async def go_through() -> None:
        async with gate.request_slot(Priority.POLL):
            pass

    async with running(go_through()):
        await clock.advance(2 * INTERVAL_S)


async def test_file_of_the_request_gate_is_private(tmp_path: Path) -> None:
    path = tmp_path / "papers.sqlite3.gate"
    with umask(0):
        await request(path)
    assert mode_of(path) == 0o600


async def test_existing_file_of_the_request_gate_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "papers.sqlite3.gate"
    path.touch()
    path.chmod(0o640)
    await request(path)
    assert mode_of(path) == 0o640
