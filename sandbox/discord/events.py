"""Notification of changes: an event bus for the gateway, the page and tests, and a signal for tasks that wait.

Events have Discord's names and payloads. Those that start with SANDBOX_ exist only here, for the page, and are never
sent over the gateway.
"""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from sandbox.discord.primitives import Payload

# Called with the event's name and payload, and the ids of its guild and channel.
Listener: TypeAlias = Callable[[str, Payload, int | None, int | None], None]

EPHEMERAL_CREATE = "SANDBOX_EPHEMERAL_CREATE"
EPHEMERAL_UPDATE = "SANDBOX_EPHEMERAL_UPDATE"
EPHEMERAL_DELETE = "SANDBOX_EPHEMERAL_DELETE"
COMMANDS_UPDATE = "SANDBOX_COMMANDS_UPDATE"


class EventBus:
    """Delivers events to its listeners, in the order in which they subscribed."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` for every event from now on; returns a function that unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def emit(self, name: str, payload: Payload, *, guild_id: int | None = None, channel_id: int | None = None) -> None:
        """Calls every listener synchronously."""
        for listener in tuple(self._listeners):
            listener(name, payload, guild_id, channel_id)


class ChangeSignal:
    """Wakes waiting tasks after a change, so that they check their condition again without polling."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def notify(self) -> None:
        """Wakes all waiting tasks."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(self, predicate: Callable[[], bool], timeout_s: float) -> None:
        """Returns once the predicate is true; raises TimeoutError after `timeout_s` seconds."""
        async with asyncio.timeout(timeout_s):
            while not predicate():
                waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(waiter)
                await waiter
