"""Waiting for something to become true, without asking again and again."""

import asyncio
from collections.abc import Callable


class Changes:
    """Whoever changes something notifies; whoever waits looks again."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def notify(self) -> None:
        """Something may be different now."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, predicate: Callable[[], bool], timeout_s: float) -> None:
        """Return once the predicate holds; TimeoutError when it does not within `timeout_s` seconds."""
        async with asyncio.timeout(timeout_s):
            while not predicate():
                waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(waiter)
                await waiter
