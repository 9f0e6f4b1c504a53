"""What posting in many channels costs: transactions, statements and reads of histories per message."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.clock import FakeClock
from tests.support.delivery import FakeDelivery, arxiv_ids, record_papers, running_dispatcher
from tests.support.store import Store

CHANNELS = range(100, 200)


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of all connections; one that writes several rows at once counts once for each row."""

    written: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    @property
    def transactions(self) -> int:
        return sum(statement.startswith("BEGIN") for statement in self.written)

    def add(self, _: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        is_read = statement.startswith(("SELECT", "WITH"))
        rows = len(parameters) if isinstance(parameters, list) else 1
        (self.read if is_read else self.written).extend([" ".join(statement.split())] * rows)


@contextmanager
def counted() -> Iterator[Statements]:
    """Yields the statements of this process until the block ends."""
    seen = Statements()
    sa.event.listen(sa.Engine, "before_cursor_execute", seen.add)
    yield seen
    sa.event.remove(sa.Engine, "before_cursor_execute", seen.add)


@pytest.fixture
async def statements(store: Store, delivery: FakeDelivery) -> AsyncIterator[Statements]:
    """What is executed from now on, while one new paper is due in each of many channels."""
    for channel_id in CHANNELS:
        await store.subscribe("graph", channel_id)
        delivery.newest_messages[channel_id] = 0
    await store.sync()
    await record_papers(store, 1, 2, 3)
    with counted() as seen:
        yield seen


@pytest.mark.slow
async def test_messages_of_many_channels_share_transactions(
    store: Store, delivery: FakeDelivery, clock: FakeClock, statements: Statements
) -> None:
    async with running_dispatcher(store, delivery, clock):
        assert all(delivery.messages(channel_id) == [arxiv_ids(1, 2, 3)] for channel_id in CHANNELS)
    reads_of_histories = len(delivery.checks)
    assert statements.transactions - reads_of_histories <= 0.5 * len(CHANNELS)


@pytest.mark.slow
async def test_messages_of_many_channels_share_statements(
    store: Store, delivery: FakeDelivery, clock: FakeClock, statements: Statements
) -> None:
    async with running_dispatcher(store, delivery, clock):
        pass
    # A message and its three papers are written; BEGIN, COMMIT and what is checked before are shared.
    assert len(statements.written) <= 11 * len(CHANNELS)
    assert len(statements.read) <= 4 * len(CHANNELS)


@pytest.mark.slow
async def test_due_channels_are_not_read_again_for_each_message(
    store: Store, delivery: FakeDelivery, clock: FakeClock, statements: Statements
) -> None:
    async with running_dispatcher(store, delivery, clock):
        pass
    due_reads = [statement for statement in statements.read if "min(outbox.due_at)" in statement]
    # Several at a time, however quickly the other threads answer.
    assert len(due_reads) <= 0.2 * len(CHANNELS)


@pytest.mark.slow
@pytest.mark.usefixtures("statements")
async def test_histories_are_not_read_for_each_message(store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
    async with running_dispatcher(store, delivery, clock):
        pass
    assert len(delivery.checks) <= 0.2 * len(CHANNELS)
    assert len(delivery.attempts) == len(CHANNELS)
