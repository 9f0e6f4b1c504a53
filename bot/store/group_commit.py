"""Group commit: small writes of concurrent tasks share one transaction; reads of concurrent tasks share statements.

A caller continues only after the commit, so that its write is durable. A write that fails fails only its caller.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeAlias, TypeVar

from bot.runtime.clock import Clock
from bot.runtime.errors import StoreUnavailable
from bot.store.connection import Connection
from bot.store.database import Database

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

# The shortest time between the starts of two groups: items that arrive in between share the next one.
GROUP_INTERVAL_S: Final = 0.1
# The most items in one group; it keeps the transaction short, and the lists of values in its statements.
GROUP_MAX: Final = 100


class Grouped(Generic[ItemT, ResultT]):
    """Runs one function for the items of all tasks that wait; it returns the results in the order of the items.

    A group begins at once if none began within the last `GROUP_INTERVAL_S`; without a clock, at once in any case.
    """

    def __init__(
        self, run_group: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT]]], clock: Clock | None = None
    ) -> None:
        self._run_group = run_group
        self._clock = clock
        self._pending: list[tuple[ItemT, asyncio.Future[ResultT]]] = []
        self._runner: asyncio.Task[None] | None = None
        self._next_s = 0.0

    async def submit(self, item: ItemT) -> ResultT:
        """Returns the item's result. An item is dropped if its caller is cancelled before its group begins."""
        result: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._pending.append((item, result))
        if self._runner is None or self._runner.done():
            # A task of its own: a caller that is cancelled takes no other one's item with it.
            self._runner = asyncio.create_task(self._run())
        return await result

    async def _run(self) -> None:
        while self._pending:
            await self._wait_for_interval()
            group = [(item, result) for item, result in self._pending if not result.done()]
            self._pending = group[GROUP_MAX:]
            if group:
                await self._serve(group[:GROUP_MAX])

    async def _wait_for_interval(self) -> None:
        if self._clock is None:
            return
        now_s = self._clock.monotonic()
        if now_s < self._next_s:
            await self._clock.sleep(self._next_s - now_s)
        self._next_s = self._clock.monotonic() + GROUP_INTERVAL_S

    async def _serve(self, group: Sequence[tuple[ItemT, asyncio.Future[ResultT]]]) -> None:
        (outcome,) = await asyncio.gather(self._run_group([item for item, _ in group]), return_exceptions=True)
        if not isinstance(outcome, BaseException):
            for (_, result), value in zip(group, outcome, strict=True):
                if not result.done():
                    result.set_result(value)
        elif len(group) == 1 or isinstance(outcome, StoreUnavailable):
            for _, result in group:
                if not result.done():
                    result.set_exception(outcome)
        else:  # nothing of the group was done: only the item that is the cause may fail
            for each in group:
                await self._serve([each])


# Writes several items within the caller's transaction; returns their results.
WriteAll: TypeAlias = Callable[[Connection, Sequence[ItemT]], Awaitable[Sequence[ResultT]]]
# Writes of several kinds wait in one list: `GroupCommit.write` relates the types of an item and its result.
_Write: TypeAlias = tuple[WriteAll[Any, Any], Any]


class GroupCommit:
    """Writes of any kind, in shared transactions: the items of one kind are passed to one call."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._writes: Grouped[_Write, Any] = Grouped(self._commit, clock)

    async def write(self, write_all: WriteAll[ItemT, ResultT], item: ItemT) -> ResultT:
        """Writes an item, and returns its result after the commit. Raises what `write_all` or the commit raises."""
        result: ResultT = await self._writes.submit((write_all, item))
        return result

    async def _commit(self, writes: Sequence[_Write]) -> Sequence[object]:
        kinds: dict[WriteAll[Any, Any], list[int]] = {}
        for position, (write_all, _) in enumerate(writes):
            kinds.setdefault(write_all, []).append(position)
        results: dict[int, object] = {}
        async with self._database.transaction() as connection:
            for write_all, positions in kinds.items():
                written = await write_all(connection, [writes[position][1] for position in positions])
                results.update(zip(positions, written, strict=True))
        return [results[position] for position in range(len(writes))]
