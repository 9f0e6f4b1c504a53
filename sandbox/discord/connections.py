"""One WebSocket connection of a bot to the gateway: its frames, and how it ends.

It never knows what a frame means: `gateway.py` does.
"""

import asyncio
import time
from enum import IntEnum
from typing import Final

from aiohttp import web

from sandbox.discord.sessions import SendQueue, Session

GATEWAY_PATH: Final = "/gateway"
_SENDS_PER_MINUTE: Final = 120


class CloseCode(IntEnum):
    """Close codes of the gateway (topics/opcodes-and-status-codes)."""

    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    RATE_LIMITED = 4008
    INVALID_SHARD = 4010
    SHARDING_REQUIRED = 4011
    DISALLOWED_INTENTS = 4014


class CloseConnection(Exception):
    """The gateway must close the connection with this code."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


class GatewayConnection:
    """One WebSocket connection and its session."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.send_queue: SendQueue = asyncio.Queue()
        self.session: Session | None = None
        self.resume_url = f"ws://{request.host}{GATEWAY_PATH}"
        self.closed_by_server = False
        self._request = request
        self._frame_times: list[float] = []

    def count_frame(self) -> None:
        """Enforces the rate limit of received frames: 120 per 60 s."""
        now_s = time.monotonic()
        self._frame_times = [*(moment for moment in self._frame_times if now_s - moment < 60), now_s]
        if len(self._frame_times) > _SENDS_PER_MINUTE:
            raise CloseConnection(CloseCode.RATE_LIMITED)

    async def write(self) -> None:
        """Sends the frames in the send queue, in order, until its end."""
        while (text := await self.send_queue.get()) is not None:
            if self.socket.closed:
                return
            await self.socket.send_str(text)

    async def close(self, code: int) -> None:
        """Closes the connection from the server's side."""
        self.closed_by_server = True
        await self.socket.close(code=code)

    def drop(self) -> None:
        """Drops the connection without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()
