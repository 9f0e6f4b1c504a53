"""Keeps one shard connected to the gateway: connects, resumes its session, starts a new one, and waits after failures.

A shard never waits for another one, except for its turn to start a session. discord.py's AutoShardedClient connects and
reconnects its shards one after the other, so that one that fails stops the others; it ignores `max_concurrency`, too.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

import aiohttp
import discord
from discord.client import Client
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from yarl import URL

from bot.discord_api.outcomes import describe_failure
from bot.discord_api.session_starts import SessionStarts
from bot.runtime.clock import Clock
from bot.runtime.retry import backoff_delay_s
from bot.runtime.shards import ShardReport
from bot.runtime.shutdown import ended_within

log = logging.getLogger(__name__)

# How long connecting may take, waiting for the turn to identify included.
CONNECT_TIMEOUT_S: Final = 60.0
RECONNECT_FLOOR_S: Final = 1.0
RECONNECT_CEILING_S: Final = 120.0
# A shard that was connected reconnects at once: Discord asks for that every few hours. After so many connections in a
# row that were shorter than this it waits.
STABLE_S: Final = 30.0
SHORT_CONNECTIONS_MAX: Final = 3
# How long closing a connection may take; a server that is down never answers.
SOCKET_CLOSE_S: Final = 0.5
# A shard whose attempts failed so often in a row is not waited for at the start, and starts a new session.
FAILURES_MAX: Final = 2

# Close codes (topics/opcodes-and-status-codes): after the first one the session cannot be resumed.
_CLOSED_NORMALLY: Final = 1000
_CLOSED_TO_RESUME: Final = 4000


class ShardConnection:
    """One shard of a client; `on_change` is called when it connects or loses its connection."""

    def __init__(
        self,
        client: Client,
        shard_id: int,
        starts: SessionStarts,
        clock: Clock,
        rng: Random,
        on_change: Callable[[], None],
    ) -> None:
        self.shard_id = shard_id
        self.socket: DiscordWebSocket | None = None  # set by the client's state as soon as it exists
        self.are_guilds_known = False  # in the current session
        self._client = client
        self._starts = starts
        self._clock = clock
        self._rng = rng
        self._on_change = on_change
        self._resumed_from: _SessionPosition | None = None
        self._has_session = False
        self._failures = 0  # attempts to connect, in a row
        self._short_connections = 0  # in a row
        self._connected_at_s: float | None = None
        self._reason: str | None = None
        self._retry_at: datetime | None = None

    @property
    def is_connected(self) -> bool:
        """Whether events arrive, and those of every server of the shard have arrived."""
        return self._has_session and self.are_guilds_known

    @property
    def is_failing(self) -> bool:
        """Whether several attempts to connect failed in a row."""
        return not self.is_connected and self._failures >= FAILURES_MAX

    def session_started(self) -> None:
        """The gateway has accepted an IDENTIFY; the servers follow."""
        self.are_guilds_known, self._has_session = False, True

    def session_resumed(self) -> None:
        """The gateway has sent the events that were missed."""
        self._has_session = True
        self._connected()

    def guilds_known(self) -> None:
        """The gateway has sent the servers of the shard."""
        self.are_guilds_known = True
        self._connected()

    def report(self, guilds: int) -> ShardReport:
        """Returns the state as of now."""
        if self.is_connected:
            latency_s = math.inf if self.socket is None else self.socket.latency
            return ShardReport(
                self.shard_id, is_connected=True, guilds=guilds, latency_s=latency_s if latency_s < math.inf else None
            )
        reason = self._reason or "it is connecting"
        return ShardReport(self.shard_id, is_connected=False, guilds=guilds, reason=reason, retry_at=self._retry_at)

    async def run(self, *, reconnect: bool) -> None:
        """Keeps the shard connected; raises discord.ConnectionClosed or LoginFailure if no attempt can succeed.

        Without `reconnect`, the first failure is raised.
        """
        while True:
            try:
                await self._connect()
                while self.socket is not None:
                    await self.socket.poll_event()
            except ReconnectWebSocket as request:
                await self._disconnected(_ended(request), resume=request.resume)
            except discord.LoginFailure:
                raise
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                if not reconnect or (isinstance(error, discord.ConnectionClosed) and error.code != _CLOSED_NORMALLY):
                    raise
                await self._disconnected(_failure(error), resume=self._failures < FAILURES_MAX)

    async def close(self, code: int = _CLOSED_NORMALLY) -> None:
        """Closes the connection."""
        socket, self.socket, self._has_session = self.socket, None, False
        if socket is not None:
            with suppress(OSError, aiohttp.ClientError):
                await ended_within(socket.close(code=code), SOCKET_CLOSE_S)

    async def _connect(self) -> None:
        position, self._retry_at = self._resumed_from, None
        async with AsyncExitStack() as stack:
            if position is None:
                await stack.enter_async_context(self._starts.starting(self.shard_id))
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await DiscordWebSocket.from_client(
                        self._client,
                        shard_id=self.shard_id,
                        resume=position is not None,
                        gateway=None if position is None else position.gateway,
                        session=None if position is None else position.session_id,
                        sequence=None if position is None else position.sequence,
                    )
            except TimeoutError:
                raise TimeoutError(f"no answer in {CONNECT_TIMEOUT_S:g} s") from None

    async def _disconnected(self, reason: str, *, resume: bool) -> None:
        """Reports why, and waits until the shard may connect again."""
        self._keep_session(resume=resume)
        await self.close(_CLOSED_TO_RESUME)
        self._reason, delay_s = reason, self._delay_s()
        self._retry_at = self._clock.now() + timedelta(seconds=delay_s)
        log.warning(
            "shard disconnected",
            extra={"shard": self.shard_id, "reason": reason, "retry_at": self._retry_at.isoformat()},
        )
        self._on_change()
        await self._clock.sleep(delay_s)

    def _keep_session(self, *, resume: bool) -> None:
        """Remembers where to resume the session, if it is still valid."""
        if not resume:
            self._resumed_from = None
        elif (socket := self.socket) is not None and socket.session_id is not None and socket.sequence is not None:
            self._resumed_from = _SessionPosition(socket.session_id, socket.sequence, socket.gateway)

    def _delay_s(self) -> float:
        """Returns how long to wait: not at all after a connection that worked, unless that has happened often."""
        connected_at_s, self._connected_at_s = self._connected_at_s, None
        if connected_at_s is None:
            self._failures += 1
            return self._backoff_s(self._failures)
        is_stable = self._clock.monotonic() - connected_at_s >= STABLE_S
        self._failures, self._short_connections = 0, 0 if is_stable else self._short_connections + 1
        too_many = self._short_connections - SHORT_CONNECTIONS_MAX
        return self._backoff_s(too_many) if too_many > 0 else 0.0

    def _backoff_s(self, failures: int) -> float:
        return backoff_delay_s(failures, RECONNECT_FLOOR_S, RECONNECT_CEILING_S, self._rng.random())

    def _connected(self) -> None:
        if self.is_connected:
            self._reason = self._retry_at = None
            self._connected_at_s = self._clock.monotonic()
            self._on_change()


@dataclass(frozen=True, slots=True)
class _SessionPosition:
    """Where to resume a session."""

    session_id: str
    sequence: int
    gateway: URL


def _ended(request: ReconnectWebSocket) -> str:
    return "the connection ended" if request.resume else "Discord ended the session"


def _failure(error: Exception) -> str:
    if isinstance(error, aiohttp.WSServerHandshakeError):  # its text contains the address
        return f"Discord's gateway does not answer (status {error.status})"
    return describe_failure(error)
