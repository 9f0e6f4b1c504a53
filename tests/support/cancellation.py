"""Cancels an operation at one of its awaits, so that a test can try each await in turn."""

import asyncio
from collections.abc import Coroutine, Generator
from enum import Enum, auto


class When(Enum):
    """The moment of an await at which the caller is cancelled."""

    WAITING = auto()  # before the awaited result exists
    ANSWERED = auto()  # when the result exists, but the operation has not resumed
    REPEATEDLY = auto()  # before the result exists, at this await and at every later one


async def cancel_at(operation: Coroutine[object, None, object], at: int, when: When) -> bool:
    """Runs an operation and cancels it at its `at`-th await, from 1; returns False if it ended before."""
    interrupted = _Interrupted(operation, at, when)
    task = asyncio.create_task(_await(interrupted))
    await asyncio.wait([task])
    reached = interrupted.awaits >= at
    assert task.cancelled() == reached, "the cancellation was swallowed"
    if not reached:
        task.result()
    return reached


async def _await(interrupted: "_Interrupted") -> None:
    await interrupted


class _Interrupted:
    """An awaitable that counts the awaits of a coroutine and cancels its task at one of them."""

    def __init__(self, operation: Coroutine[object, None, object], at: int, when: When) -> None:
        self._operation = operation
        self._at = at
        self._when = when
        self.awaits = 0

    def __await__(self) -> Generator[object, None, None]:
        thrown: BaseException | None = None
        while True:
            try:
                awaited = self._operation.send(None) if thrown is None else self._operation.throw(thrown)
            except StopIteration:
                return
            self._count(awaited)
            thrown = None
            try:
                yield awaited
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - passed on to the operation
                thrown = error

    def _count(self, awaited: object) -> None:
        self.awaits += 1
        later = self._when is When.REPEATEDLY and self.awaits > self._at
        task = asyncio.current_task()
        assert task is not None
        if self.awaits != self._at and not later:
            return
        if self._when is When.ANSWERED and isinstance(awaited, asyncio.Future):
            awaited.add_done_callback(lambda _: task.cancel())
        else:
            task.cancel()
