"""Sends live updates to every open page over WebSockets, limited to what its user can see.

Sends frames of the form {"t": name, "d": payload}: message events with their payload, and every other change as
STATE, which tells the page to fetch the state again. It never waits for a slow page: it closes the connection, and
the page reconnects.
"""

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from aiohttp import WSCloseCode, web

from sandbox.discord import LocalDiscord
from sandbox.discord.primitives import Payload
from sandbox.page_data import PageData

STATE: Final = "STATE"
_QUEUED_MAX: Final = 5_000
_MESSAGE_EVENTS: Final = {
    "MESSAGE_CREATE": "MESSAGE_CREATE",
    "MESSAGE_UPDATE": "MESSAGE_UPDATE",
    "MESSAGE_DELETE": "MESSAGE_DELETE",
    "SANDBOX_EPHEMERAL_CREATE": "MESSAGE_CREATE",
    "SANDBOX_EPHEMERAL_UPDATE": "MESSAGE_UPDATE",
    "SANDBOX_EPHEMERAL_DELETE": "MESSAGE_DELETE",
}


@dataclass(eq=False)
class _Viewer:
    user_id: int
    socket: web.WebSocketResponse
    frames: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(_QUEUED_MAX))
    overflowed: bool = False

    def enqueue(self, frame: str) -> None:
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.overflowed = True


class LiveUpdates:
    """The WebSocket connections of all open pages."""

    def __init__(self, discord: LocalDiscord, page_data: PageData) -> None:
        self._discord = discord
        self._page_data = page_data
        self._viewers: set[_Viewer] = set()
        discord.world.subscribe(self._on_event)

    async def serve(self, request: web.Request, user_id: int) -> web.WebSocketResponse:
        """Sends updates to one page until it disconnects."""
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        viewer = _Viewer(user_id, socket)
        self._viewers.add(viewer)
        writer = asyncio.create_task(self._write(viewer))
        try:
            async for _ in socket:  # pages send nothing; this waits for the connection to close
                pass
        finally:
            self._viewers.discard(viewer)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        return socket

    def state_changed(self) -> None:
        """Tells every page to fetch the state again."""
        for viewer in self._viewers:
            viewer.enqueue(json.dumps({"t": STATE}))

    async def watch_bot(self, app: web.Application) -> AsyncIterator[None]:  # noqa: ARG002  aiohttp's signature
        """Notifies the pages when the bot connects or disconnects, while the application runs."""
        watching = asyncio.create_task(self._watch_bot())
        yield
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    async def close(self, app: web.Application) -> None:  # noqa: ARG002  aiohttp's signature
        """Closes the connection to every page; open pages reconnect."""
        for viewer in tuple(self._viewers):
            await viewer.socket.close(code=WSCloseCode.GOING_AWAY)

    async def _watch_bot(self) -> None:
        while True:
            self.state_changed()
            await self._wait_until(ready=not self._discord.bot_is_ready)

    async def _wait_until(self, *, ready: bool) -> None:
        await self._discord.changes.wait_until(lambda: self._discord.bot_is_ready is ready, math.inf)

    async def _write(self, viewer: _Viewer) -> None:
        while not viewer.overflowed:
            try:
                await viewer.socket.send_str(await viewer.frames.get())
            except ConnectionError:
                return
        await viewer.socket.close(code=WSCloseCode.TRY_AGAIN_LATER)

    def _on_event(self, name: str, payload: Payload, _guild_id: int | None, channel_id: int | None) -> None:
        if name not in _MESSAGE_EVENTS:
            self.state_changed()
            return
        message = payload if name.endswith("DELETE") else self._page_data.message(payload)
        frame = json.dumps({"t": _MESSAGE_EVENTS[name], "d": message})
        for viewer in self._viewers:
            if self._page_data.can_see(viewer.user_id, channel_id, payload):
                viewer.enqueue(frame)
