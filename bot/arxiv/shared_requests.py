"""Equal requests at the same time become one: every caller gets its result or its error.

The request belongs to all who wait for it: it is cancelled only when none of them waits any more. It stores no results.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.arxiv.scheduler import Caller, Waiters

_Result = TypeVar("_Result")


@dataclass(slots=True, eq=False)
class _SharedRequest(Generic[_Result]):
    task: asyncio.Task[_Result]
    waiters: Waiters
    waiting: int = 0


class SharedRequests(Generic[_Result]):
    """The requests in progress, by key."""

    def __init__(self) -> None:
        self._requests: dict[str, _SharedRequest[_Result]] = {}

    async def get(
        self, key: str, caller: Caller, deadline_s: float, send: Callable[[Waiters], Coroutine[object, object, _Result]]
    ) -> _Result:
        """Returns the result of the request for `key` that is in progress, or else of `send`.

        The caller waits until `deadline_s` (monotonic). `send` gets everyone who waits, also those who join later.
        """
        request = self._requests.get(key)
        if request is None:
            waiters = Waiters({caller}, deadline_s)
            request = self._requests[key] = _SharedRequest(asyncio.create_task(send(waiters)), waiters)
        else:
            request.waiters.join(caller, deadline_s)
        request.waiting += 1
        try:
            return await asyncio.shield(request.task)
        finally:
            request.waiting -= 1
            await self._end(key, request)

    async def _end(self, key: str, request: _SharedRequest[_Result]) -> None:
        """Removes a request that is done or has no waiters, and waits until it has been cancelled."""
        if request.waiting and not request.task.done():
            return
        if self._requests.get(key) is request:
            del self._requests[key]
        if not request.task.done():
            request.task.cancel()
            await asyncio.wait([request.task])
